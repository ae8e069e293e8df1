"""Embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from router.question import Question

from .door import Door

if TYPE_CHECKING:
    from router.replies import EmbeddingResponse


class Embeddings(Door):
    """`embedding` and `aembedding`."""

    def embedding(self, model: str, input: Any, **params: Any) -> EmbeddingResponse:
        """Embeddings of a text, a list of texts, or tokens.

        Args:
            model: as in `completion`.
            input: str, list of str, list of int (tokens), or list of lists of int; at most 2,048 of them.
            params: as in `completion`; `dimensions` (of the `-3` models), `encoding_format` (`float`, or `base64` for
                little-endian float32), `user`.

        Returns:
            `EmbeddingResponse` with `.data` and `.routing`.

        Raises:
            APIError, RouterClosed: as in `completion`.
        """
        return cast("EmbeddingResponse", self._ask(Question("embeddings", model, {"input": input}, params)))

    async def aembedding(self, model: str, input: Any, **params: Any) -> EmbeddingResponse:
        """Embeddings, awaiting.  Parameters, replies and errors are those of `embedding`."""
        return cast("EmbeddingResponse", await self._aask(Question("embeddings", model, {"input": input}, params)))
