"""How do the lists of several resources become one list with pages?

Each resource lists its own files, batches and jobs, newest first, a page at a time; some versions of Azure know no
pages and send everything, in any order.  A `Merge` says which page of which resource it needs next, takes it, and
gives the items in order of creation.  Where it stopped, a cursor remembers how far each resource was read, so the
next page reads nothing twice.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from calendar import timegm
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import BadRequestError

DEFAULT_LIMIT = 20
LARGEST_PAGE = 100
"""What may be asked of a resource at once (OpenAI's specification); a larger limit is read in several pages."""
PREFIX = "page_"

_MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)")


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a list was read."""

    after: Mapping[str, str | None] = field(default_factory=dict)
    """By source: the id of the last item taken from it; None: nothing yet.  A source that is missing is at its end,
    unless `partial`."""
    bound: int | None = None
    """Creation time, in Unix seconds, of the last item: no further item lies before it in the order."""
    partial: bool = False
    """Made of an item's id: other sources are read from their start, as far as `bound` lets them."""

    def __str__(self) -> str:
        """The text that callers pass on as `after`."""
        text = json.dumps([self.bound, dict(self.after)], separators=(",", ":"))
        return PREFIX + urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str) -> Cursor | None:
    """The cursor that was made into `text`; None if it is none, but perhaps an id.

    Raises:
        BadRequestError: it begins like one and cannot be read.
    """
    if not text.startswith(PREFIX):
        return None
    raw = text.removeprefix(PREFIX)
    try:
        bound, after = json.loads(urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
        if isinstance(after, dict) and (bound is None or type(bound) is int):
            values: set[type] = {type(value) for value in after.values()}
            if values <= {str, type(None)}:
                return Cursor(after, bound)
    except (ValueError, TypeError):
        pass
    raise BadRequestError(
        "`after` is no cursor that this router made, or was cut short; pass a page's `next_after` on, or an id",
        param="after",
    )


def created(item: Mapping[str, Any]) -> int:
    """When an item was made, in Unix seconds; 0 if it does not say.  Preview versions write ISO timestamps."""
    value = item.get("created_at")
    if isinstance(value, str):
        found = _MOMENT.match(value)
        return timegm(tuple(int(part) for part in found.groups())) if found else 0
    return int(value) if isinstance(value, (int, float)) else 0


@dataclass(slots=True)
class _Source:
    """One resource's list as far as it was read."""

    name: str
    place: int
    taken: str | None
    """Id of the last item that went into the merged list."""
    read: str | None
    """Id of the last item that came."""
    fresh: bool = True
    ended: bool = False
    items: list[Mapping[str, Any]] = field(default_factory=list)


class Merge:
    """One page of the merged list in the making.

    Args:
        sources: names of the resources; of two items of the same second, the earlier source's comes first.
        limit: items of the page.
        cursor: where the page before it ended.
        ascending: oldest first.

    Attributes:
        taken: the page: source and item.
        missing: sources that could not be read.
    """

    def __init__(
        self, sources: Sequence[str], limit: int, cursor: Cursor | None = None, *, ascending: bool = False
    ) -> None:
        self.limit = limit
        self.taken: list[tuple[str, Mapping[str, Any]]] = []
        self.missing: list[str] = []
        self._sign = 1 if ascending else -1
        self._bound = cursor.bound if cursor else None
        self._bound_place = -1
        self._sources: list[_Source] = []
        for place, name in enumerate(sources):
            if cursor is None or cursor.partial or name in cursor.after:
                after = cursor.after.get(name) if cursor else None
                self._sources.append(_Source(name, place, after, after))
                if cursor is not None and cursor.partial and name in cursor.after:
                    self._bound_place = place

    def wants(self) -> tuple[str, str | None, int] | None:
        """The page to fetch next: source, the id after which it begins, items; None: this page is complete."""
        for source in self._sources:
            if not source.ended and not source.items and len(self.taken) < self.limit:
                return source.name, source.read, min(self.limit, LARGEST_PAGE)
        return None

    def feed(self, name: str, items: Iterable[Mapping[str, Any]], has_more: bool) -> None:
        """Take a page that was fetched."""
        source = self._named(name)
        page = list(items)
        last = str(page[-1].get("id")) if page else None
        if source.fresh and not has_more:
            page.sort(key=self._rank)  # everything there is; the service may have had its own order
        source.fresh = False
        # A service that knows no pages begins anew whatever it is asked.
        ids = [item.get("id") for item in page]
        if source.read is not None and source.read in ids:
            page = page[ids.index(source.read) + 1 :]
        source.ended = not has_more or last is None or last == source.read
        source.read = last or source.read
        source.items.extend(item for item in page if self._is_due(source, item))
        self._take()

    def give_up(self, name: str) -> None:
        """A source cannot be read now: the page is made without it, and the cursor keeps its place."""
        self._named(name).ended = True
        self.missing.append(name)
        self._take()

    @property
    def has_more(self) -> bool:
        """Whether a further page would hold anything."""
        return any(source.items or not source.ended for source in self._sources)

    def cursor(self) -> Cursor:
        """Where the next page begins."""
        left = [s for s in self._sources if s.items or not s.ended or s.name in self.missing]
        bound = created(self.taken[-1][1]) if self.taken else self._bound
        return Cursor({source.name: source.taken for source in left}, bound)

    def _named(self, name: str) -> _Source:
        return next(source for source in self._sources if source.name == name)

    def _rank(self, item: Mapping[str, Any]) -> int:
        return self._sign * created(item)

    def _is_due(self, source: _Source, item: Mapping[str, Any]) -> bool:
        """Not shown on an earlier page, as far as the time tells; within the second, the source's place does."""
        if self._bound is None:
            return True
        rank, bound = self._rank(item), self._sign * self._bound
        return rank > bound or (rank == bound and source.place >= self._bound_place)

    def _take(self) -> None:
        """Move items to the page while it is certain which comes next: every source that goes on shows its next."""
        while len(self.taken) < self.limit:
            ready = [source for source in self._sources if source.items]
            if not ready or any(not source.items and not source.ended for source in self._sources):
                return
            best = min(ready, key=lambda source: self._rank(source.items[0]))
            item = best.items.pop(0)
            best.taken = str(item.get("id"))
            self.taken.append((best.name, item))
