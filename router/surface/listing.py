"""One list of what many resources hold, page by page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from router.errors import APIError, BadRequestError, NotFoundError
from router.paging import DEFAULT_LIMIT, Cursor, Merge, created, read_cursor
from router.question import Mend, Question
from router.tours import Tour
from router.values import Attempt, Routing

if TYPE_CHECKING:
    from router.placing import Place
    from router.replies import MergedPage

log = logging.getLogger("router")


@dataclass(frozen=True, slots=True)
class Listing:
    """What a caller wants to see."""

    operation: str
    item: str
    """The operation that retrieves one of them."""
    places: list[Place]
    """Each resource once."""
    locate: Callable[[str], tuple[Place, str]]
    """From an item's id to the place of its resource, and the service's own id.  Raises BadRequestError."""
    limit: int | None = None
    after: str | None = None
    ascending: bool = False
    query: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    mend: Mend | None = None
    default_limit: int = DEFAULT_LIMIT


def listed(want: Listing) -> Tour[MergedPage]:
    """The page that was asked for.

    A resource that does not answer is left out, named in `missing` and warned of; where none answers, the first error
    is raised.
    """
    if want.limit is not None and (isinstance(want.limit, bool) or not isinstance(want.limit, int) or want.limit < 1):
        raise BadRequestError("`limit` must be a whole number of 1 or more", param="limit")
    places = {place.deployment.id: place for place in want.places}
    cursor = yield from _cursor(want)
    merge = Merge(list(places), want.limit or want.default_limit, cursor, ascending=want.ascending)
    attempts: list[Attempt] = []
    first: APIError | None = None
    while (wanted := merge.wants()) is not None:
        name, after, size = wanted
        query = {**want.query, "after": after, "limit": size if want.limit is not None else None}
        try:
            answer = yield Question(want.operation, places[name].name, {}, want.params, query=query, pinned=True)
        except APIError as error:
            if not error.attempts:
                raise  # the question itself was wrong
            first = first or error
            attempts += error.attempts
            log.warning("%s is left out of a list: %s", name, error)
            merge.give_up(name)
        else:
            attempts += answer.routing.attempts
            merge.feed(name, [item for item in answer.data if isinstance(item, Mapping)], answer.has_more)
    if first is not None and len(merge.missing) == len(places):
        raise first
    return _page(want, merge, tuple(attempts))


def _cursor(want: Listing) -> Tour[Cursor | None]:
    """Where the page begins: a cursor of ours, or the id of an item, whose time is looked up."""
    if want.after is None:
        return None
    if not isinstance(want.after, str):
        raise BadRequestError("`after` must be the `next_after` of a page, or the id of an item", param="after")
    cursor = read_cursor(want.after)
    if cursor is not None:
        return cursor
    place, raw = want.locate(want.after)
    if place not in want.places:
        raise BadRequestError("`after` is the id of an item that this list does not hold", param="after")
    try:
        item = yield Question(want.item, place.name, {}, want.params, path_id=raw, pinned=True)
    except NotFoundError:
        raise BadRequestError(
            "`after` names an item that is no more; pass a page's `next_after`", param="after"
        ) from None
    return Cursor({place.deployment.id: raw}, created(dict(item)), partial=True)


def _page(want: Listing, merge: Merge, attempts: tuple[Attempt, ...]) -> MergedPage:
    from router.replies import ITEMS, MergedPage, model_of, routed

    data: list[Any] = []
    for name, item in merge.taken:
        shown = want.mend(dict(item), name) if want.mend is not None else dict(item)
        data.append(model_of(ITEMS[want.operation], shown))
    page = MergedPage(
        data=data,
        first_id=data[0].id if data else None,
        last_id=data[-1].id if data else None,
        has_more=merge.has_more,
        next_after=str(merge.cursor()) if merge.has_more else None,
        missing=merge.missing,
    )
    place = want.places[0].deployment
    return routed(page, Routing(place.id, place.group, attempts))
