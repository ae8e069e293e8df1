"""Embeddings."""

from __future__ import annotations

from typing import Any

from .base import CompletionUsage, Model, Routed


class Embedding(Model):
    """One vector: floats, or base64 if that was asked for."""

    object: str = "embedding"
    index: int = 0
    embedding: Any = None


class EmbeddingResponse(Routed):
    """The vectors of one request."""

    object: str = "list"
    model: str = ""
    data: list[Embedding]
    usage: CompletionUsage | None = None
