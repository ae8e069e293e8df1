"""Where does a resource keep its objects, and how are they listed?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from router.emulator.refusals import Refusal, invalid

Data = bytes | memoryview
"""The content of a file; a view where it lies on disk."""
MAX_PAGE = 100


@dataclass(slots=True)
class Stored:
    """One object."""

    shown: dict[str, Any]
    """As answers show it."""
    data: Data = b""
    """Of a file."""
    born: float = 0.0
    """On the emulator's clock."""
    kept: dict[str, Any] = field(default_factory=dict)
    """What is not shown."""


@dataclass(slots=True)
class Store:
    """All objects of one resource, by id, oldest first.  What another resource keeps is unknown here."""

    files: dict[str, Stored] = field(default_factory=dict)
    batches: dict[str, Stored] = field(default_factory=dict)
    jobs: dict[str, Stored] = field(default_factory=dict)
    responses: dict[str, Stored] = field(default_factory=dict)


def page(
    found: list[dict[str, Any]],
    asked: Callable[[str], str | None],
    *,
    usual: int = 20,
    most: int = MAX_PAGE,
    order: str = "desc",
) -> dict[str, Any] | Refusal:
    """A list answer with `limit`, `after`, `before` and `order`.

    Args:
        found: all objects, oldest first, each with an `id`.
        asked: reads the query.
        usual: the length of a page when `limit` says nothing.
        most: the greatest `limit`.
        order: when the query says nothing: `desc`, newest first, or `asc`.
    """
    limit = asked("limit")
    if limit is not None and not (limit.isdecimal() and 1 <= int(limit) <= most):
        return invalid(f"Invalid 'limit': expected a whole number from 1 to {most}.", "limit", "invalid_value")
    wanted = asked("order") or order
    if wanted not in ("asc", "desc"):
        return invalid("Invalid 'order': expected 'asc' or 'desc'.", "order", "invalid_value")
    rows = found if wanted == "asc" else found[::-1]
    places = {row["id"]: place for place, row in enumerate(rows)}
    for name in ("after", "before"):
        cursor = asked(name)
        if cursor and cursor not in places:
            return invalid(f"Invalid '{name}': no object with id '{cursor}'.", name, "invalid_value")
    start = places[after] + 1 if (after := asked("after")) else 0
    stop = places[before] if (before := asked("before")) else len(rows)
    window = rows[start:stop]
    shown = window[: int(limit) if limit is not None else usual]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(shown) < len(window),
    }
