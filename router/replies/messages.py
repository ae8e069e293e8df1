"""Messages of Claude's, and the events of their streams, in Anthropic's shape."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .base import Model, Routed


def _sometimes() -> Any:
    return Field(default=None, exclude_if=lambda value: value is None)


class MessageUsage(Model):
    """Tokens as billed.  What the cache read and wrote counts apart from `input_tokens`."""

    input_tokens: int | None = None
    output_tokens: int = 0
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None


class ContentBlock(Model):
    """A piece of an answer; `type` says which of the fields it has (`text`, `tool_use`, `thinking`, …)."""

    type: str = ""


class AnthropicMessage(Routed):
    """One answer of Claude's."""

    id: str = ""
    type: str = "message"
    role: str = "assistant"
    model: str = ""
    content: list[ContentBlock]
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: MessageUsage | None = None


class TokenCount(Routed):
    """How many tokens a prompt of Claude's has."""

    input_tokens: int = 0


class MessageEvent(Model):
    """One event of a stream, as it came; `type` says which of the fields it has.

    `message_start` has `message`; `content_block_start` has `content_block`; `content_block_delta` and
    `message_delta` have `delta`, and the last one `usage`.  What an event does not have is not dumped.
    """

    type: str = ""
    message: Model | None = _sometimes()
    content_block: Model | None = _sometimes()
    delta: Model | None = _sometimes()
    usage: Model | None = _sometimes()
