"""What do the events of a chat stream mean?

A judge that is shown one event after another: has content begun (from here on the call cannot be moved), is
the answer finished, did an error come inside the 200, or did the stream just stop?  Pure: it reads no socket
and no clock.  Sources: azure.md §4.6 (errors inside a 200) and §5.2 (the frames of a stream).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from router.values import Failure, Kind, Usage

from .failures import failure_in
from .payload import decode, is_nonsense, usage_from

DONE = "[DONE]"

_CONTENT = ("content", "tool_calls", "function_call", "refusal", "audio", "reasoning_content")
"""Keys of a delta that carry something of the answer; a role alone does not."""


def choices_of(body: Mapping[str, Any]) -> int:
    """How many choices a request asks for: `n` for each of its prompts."""
    n, prompt = body.get("n"), body.get("prompt")
    prompts = len(prompt) if isinstance(prompt, list) and prompt and isinstance(prompt[0], (str, list)) else 1
    return prompts * (n if isinstance(n, int) and n > 1 else 1)


class ChunkReader:
    """Judges the events of one stream of `chat.completions` or `completions`.

    Attributes:
        begun: something of the answer has come, if only one character.
        finished: as many choices as were asked for have a `finish_reason`, and all that were seen.
        done: `[DONE]` has come.
        usage: from the last chunk, if the service was asked for it; None otherwise.
        model: as the chunks name it; None before the first that does.
        service_tier: as the chunk says that names the model.
        output: the items of a response, once it is whole; what tools were used is priced by them.
        usage_is_nonsense: a usage was stated that cannot be true.
        characters: of content, tool arguments and refusals, over all choices: what to settle by without
            usage.
    """

    __slots__ = (
        "_choices",
        "_closed",
        "_open",
        "_parts",
        "_secrets",
        "begun",
        "characters",
        "done",
        "finished",
        "model",
        "output",
        "service_tier",
        "usage",
        "usage_is_nonsense",
    )

    def __init__(self, secrets: Sequence[str] = (), choices: int = 1) -> None:
        """`secrets`: strings that must not appear in a failure, such as the key that was sent.  `choices`: as many were
        asked for."""
        self.begun = False
        self.finished = False
        self.done = False
        self.usage: Usage | None = None
        self.usage_is_nonsense = False
        self.model: str | None = None
        self.service_tier: str | None = None
        self.output: Sequence[Any] = ()
        self.characters = 0
        self._parts: list[str] = []
        self._open: set[int] = set()
        self._closed: set[int] = set()
        self._secrets = secrets
        self._choices = choices

    @property
    def text(self) -> str:
        """The content of the first choice so far."""
        return "".join(self._parts)

    def read(self, data: str) -> dict[str, Any] | Failure | None:
        """Judge one event.

        Args:
            data: as `events.Decoder` gives it.

        Returns:
            The chunk; None when the stream is done; a failure if it is broken, with `partial` and `usage` of
            what had come.  Its kind is the one that the error's code tells (THROTTLED, CONTENT_POLICY, …),
            else STREAM.
        """
        if data.startswith(DONE):
            return self._read_done()
        try:
            chunk = from_json(data)
        except ValueError:
            try:
                chunk = decode(data)
            except ValueError:
                return self._broken("the stream sent an event that is no valid JSON")
        if not isinstance(chunk, dict):
            return self._broken("the stream sent an event that is no JSON object")
        if "error" in chunk or chunk.get("type") == "error":
            failure = failure_in(chunk, Kind.STREAM, self._secrets)
            if failure is not None:
                return self._with_partial(failure)
        if self.model is None and isinstance(chunk.get("model"), str):
            self.model = chunk["model"] or None  # Azure's first frame names none
            tier = chunk.get("service_tier")
            self.service_tier = tier if isinstance(tier, str) else None
        if chunk.get("usage") is not None:
            self.usage = usage_from(chunk["usage"])
            self.usage_is_nonsense = is_nonsense(chunk["usage"])
        choices = chunk.get("choices")
        if choices:
            if not isinstance(choices, list):
                return self._broken("the stream sent a chunk whose 'choices' are no list")
            for choice in choices:
                if not isinstance(choice, dict):
                    return self._broken("the stream sent a choice that is no object")
                self._read_choice(choice)
        return chunk

    def end(self) -> Failure | None:
        """Judge the end of the bytes: a failure unless the answer was finished."""
        if self.done or self.finished:
            return None
        return self._broken("the stream ended without a finish_reason and without [DONE]")

    def _read_done(self) -> Failure | None:
        self.done = True
        if self.begun or self.finished:
            return None
        return self._broken("the stream was done before anything of an answer had come")

    def _read_choice(self, choice: dict[str, Any]) -> None:
        index = choice.get("index", 0)
        key = index if isinstance(index, int) else 0
        first = index == 0
        delta = choice.get("delta")
        if isinstance(delta, dict):
            content = delta.get("content")
            if content and isinstance(content, str):
                self._take(content, first)
            if len(delta) > 1 or not isinstance(content, str):  # most hold a piece of text and nothing else
                for name in _CONTENT:
                    if name in delta and delta[name] and (name != "content" or not isinstance(content, str)):
                        self.begun = True
                        self.characters += _length(delta[name])
        else:
            text = choice.get("text")  # `completions`
            if isinstance(text, str) and text:
                self._take(text, first)
        # An annotation of the asynchronous filter may come after the finish; it opens nothing again.
        if choice.get("finish_reason") is not None:
            self._closed.add(key)
            self._open.discard(key)
            self.finished = not self._open and len(self._closed) >= self._choices
        elif key not in self._open and key not in self._closed:
            self._open.add(key)
            self.finished = False

    def _take(self, text: str, first: bool) -> None:
        self.begun = True
        self.characters += len(text)
        if first:
            self._parts.append(text)

    def _broken(self, message: str) -> Failure:
        return self._with_partial(Failure(Kind.STREAM, message))

    def _with_partial(self, failure: Failure) -> Failure:
        failure.partial = self.text
        failure.usage = self.usage
        return failure


def _length(value: Any) -> int:
    """Characters of text anywhere in a delta: tool names and arguments, a refusal, an audio's transcript."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(_length(item) for item in value)
    if isinstance(value, dict):
        return sum(_length(item) for key, item in value.items() if key not in ("id", "type", "data"))
    return 0
