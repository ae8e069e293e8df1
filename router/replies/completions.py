"""Text completions, and the chunks of their streams."""

from __future__ import annotations

from pydantic import Field

from .base import CompletionUsage, Model, Routed
from .free import Free


class TextChoice(Model):
    """One answer, or its next piece."""

    index: int = 0
    text: str = ""
    finish_reason: str | None = None
    logprobs: Free | None = None


class TextCompletion(Routed):
    """A text completion."""

    id: str = ""
    object: str = "text_completion"
    created: int = 0
    model: str = ""
    choices: list[TextChoice]
    usage: CompletionUsage | None = None


class TextCompletionChunk(Model):
    """One event of the stream of a text completion."""

    id: str = ""
    object: str = "text_completion"
    created: int = 0
    model: str = ""
    choices: list[TextChoice] = Field(default_factory=list)
    usage: CompletionUsage | None = None
