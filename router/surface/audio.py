"""Speech, transcription, translation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from router.question import Question, streams
from router.uploads import upload

from .door import Door

if TYPE_CHECKING:
    from router.replies import Binary, Transcription
    from router.streams import AsyncStream, Stream


class Audio(Door):
    """`speech`, `transcription`, `translation` and their twins."""

    def speech(
        self, model: str, input: str, voice: str | None = None, *, stream: bool | None = None, **params: Any
    ) -> Binary | Stream:
        """A text, spoken.

        Args:
            model: as in `completion`.
            input: the text.
            voice: `alloy`, `echo`, …; the service asks for one.
            stream: return an iterator of the audio's bytes as they come (of events with `stream_format="sse"`).
            params: as in `completion` (`response_format`, `speed`, `instructions`, …).

        Returns:
            `Binary`: `.content`, `.stream_to_file(path)`, `.iter_bytes()`, `.routing`.

        Raises:
            APIError, RouterClosed: as in `completion`.
        """
        return cast("Binary | Stream", self._ask(_speech(model, input, voice, stream, params)))

    async def aspeech(
        self, model: str, input: str, voice: str | None = None, *, stream: bool | None = None, **params: Any
    ) -> Binary | AsyncStream:
        """A text, spoken, awaiting.  Parameters, replies and errors are those of `speech`."""
        return cast("Binary | AsyncStream", await self._aask(_speech(model, input, voice, stream, params)))

    def transcription(
        self, model: str, file: Any, *, stream: bool | None = None, **params: Any
    ) -> Transcription | Stream:
        """What is said in a recording.

        Args:
            model: as in `completion`.
            file: bytes, a path object, a binary file, or a tuple (name, content).
            stream: return an iterator of events (`transcript.text.delta`, `transcript.text.done`).
            params: as in `completion` (`language`, `prompt`, `response_format`, `temperature`,
                `timestamp_granularities`, …).  `response_format` may be `json`, `verbose_json`, `text`, `srt`, `vtt`.

        Returns:
            `Transcription`: `.text` in every format.

        Raises:
            BadRequestError: the file cannot be read, and nothing was sent.
            APIError, RouterClosed: as in `completion`.
        """
        return cast("Transcription | Stream", self._ask(_heard("transcriptions", model, file, params, stream)))

    async def atranscription(
        self, model: str, file: Any, *, stream: bool | None = None, **params: Any
    ) -> Transcription | AsyncStream:
        """What is said, awaiting.  Parameters, replies and errors are those of `transcription`."""
        asked = _heard("transcriptions", model, file, params, stream)
        return cast("Transcription | AsyncStream", await self._aask(asked))

    def translation(self, model: str, file: Any, **params: Any) -> Transcription:
        """What is said in a recording, in English.

        Args:
            model: as in `completion`.
            file: as in `transcription`.
            params: as in `completion` (`prompt`, `response_format`, `temperature`).

        Raises:
            APIError, RouterClosed: as in `transcription`.
        """
        return cast("Transcription", self._ask(_heard("translations", model, file, params)))

    async def atranslation(self, model: str, file: Any, **params: Any) -> Transcription:
        """What is said, in English, awaiting.  Parameters, replies and errors are those of `translation`."""
        return cast("Transcription", await self._aask(_heard("translations", model, file, params)))


def _speech(model: str, input: str, voice: str | None, stream: bool | None, params: dict[str, Any]) -> Question:
    return Question("audio.speech", model, {"input": input, "voice": voice}, params, streams(stream))


def _heard(operation: str, model: str, file: Any, params: dict[str, Any], stream: bool | None = None) -> Question:
    return Question(f"audio.{operation}", model, {}, params, streams(stream), uploads=(upload("file", file),))
