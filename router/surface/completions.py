"""Text completions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from router.question import Question, streams

from .door import Door

if TYPE_CHECKING:
    from router.replies import TextCompletion
    from router.streams import AsyncStream, Stream


class Completions(Door):
    """`text_completion` and `atext_completion`."""

    def text_completion(
        self, model: str, prompt: Any, *, stream: bool | None = None, **params: Any
    ) -> TextCompletion | Stream:
        """Completion of a text.

        Args:
            model: as in `completion`.
            prompt: str, list of str, list of int (tokens), or list of lists of int.
            stream: return an iterator of chunks instead of the whole reply.
            params: as in `completion` (`max_tokens`, `suffix`, `echo`, `best_of`, …).

        Returns:
            `TextCompletion`, or `Stream` with `stream=True`; both have `.routing`.

        Raises:
            APIError, RouterClosed: as in `completion`.
        """
        return cast("TextCompletion | Stream", self._ask(_question(model, prompt, stream, params)))

    async def atext_completion(
        self, model: str, prompt: Any, *, stream: bool | None = None, **params: Any
    ) -> TextCompletion | AsyncStream:
        """Completion of a text, awaiting.  Parameters, replies and errors are those of `text_completion`."""
        return cast("TextCompletion | AsyncStream", await self._aask(_question(model, prompt, stream, params)))


def _question(model: str, prompt: Any, stream: bool | None, params: dict[str, Any]) -> Question:
    return Question("completions", model, {"prompt": prompt}, params, streams(stream))
