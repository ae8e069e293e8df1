"""Responses, and what the service says about them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .base import Model, Routed


class Response(Routed):
    """A response: `output` is a list of items, `output_text` the text of all of them."""

    id: str = ""
    object: str = "response"
    created_at: float = 0
    status: str | None = None
    model: str = ""
    output: list[Any] = Field(default_factory=list[Any])
    error: Any = None
    incomplete_details: Any = None
    previous_response_id: str | None = None
    usage: Any = None

    @property
    def output_text(self) -> str:
        """The text of every message in `output`, joined; "" where there is none."""
        items = [item for item in self.output if isinstance(item, dict) and item.get("type") == "message"]
        parts = [part for item in items for part in item.get("content") or () if isinstance(part, dict)]
        return "".join(part.get("text") or "" for part in parts if part.get("type") == "output_text")


class Deleted(Routed):
    """The service's word that something is gone."""

    id: str = ""
    object: str = ""
    deleted: bool = False


class Page(Routed):
    """One page of a list."""

    object: str = "list"
    data: list[Any] = Field(default_factory=list[Any])
    first_id: str | None = None
    last_id: str | None = None
    has_more: bool = False


class StreamEvent(Model):
    """One event of a stream that names its events: `type` says which; the rest is as the service sent it."""

    type: str = ""
