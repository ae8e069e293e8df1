"""Responses, and what the service says about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from .base import Model, Routed
from .free import Free


class Response(Routed):
    """A response: `output` is a list of items, `output_text` the text of all of them."""

    id: str = ""
    object: str = "response"
    created_at: float = 0
    status: str | None = None
    model: str = ""
    output: list[Free] = Field(default_factory=list)
    error: Free = None
    incomplete_details: Free = None
    previous_response_id: str | None = None
    usage: Free = None

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
    """One page of a list.  Iterating gives its items."""

    object: str = "list"
    data: list[Free] = Field(default_factory=list)
    first_id: str | None = None
    last_id: str | None = None
    has_more: bool = False

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]  # pydantic's gives fields, which nobody wants here
        return iter(self.data)


class StreamEvent(Model):
    """One event of a stream that names its events: `type` says which; the rest is as the service sent it."""

    type: str = ""
