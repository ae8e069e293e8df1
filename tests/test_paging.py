"""Do the pages of a merged list, put together, hold every item once and in order?"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router import BadRequestError
from router.paging import Cursor, Merge, created, read_cursor

Items = list[dict[str, Any]]


class Service:
    """One resource's list, as a service with or without pages tells it."""

    def __init__(self, items: Items, pages: bool = True, most: int = 100) -> None:
        self.items, self.pages, self.most = items, pages, most
        self.asked = 0

    def page(self, after: str | None, limit: int) -> tuple[Items, bool]:
        self.asked += 1
        if not self.pages:
            return self.items, False
        ids = [item["id"] for item in self.items]
        start = ids.index(after) + 1 if after is not None else 0
        size = min(limit, self.most)
        return self.items[start : start + size], start + size < len(ids)


def read(services: dict[str, Service], limit: int, cursor: Cursor | None, ascending: bool = False) -> Merge:
    merge = Merge(list(services), limit, cursor, ascending=ascending)
    while (wanted := merge.wants()) is not None:
        name, after, size = wanted
        merge.feed(name, *services[name].page(after, size))
    return merge


def listed(moments: dict[str, list[int]], ascending: bool = False) -> dict[str, Items]:
    """Items of several services, made at these moments, in the order of a service."""
    return {
        name: [{"id": f"{name}-{i}", "created_at": t} for i, t in enumerate(sorted(times, reverse=not ascending))]
        for name, times in moments.items()
    }


moments = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.lists(st.integers(0, 12), max_size=9), max_size=4)


@given(moments, st.integers(1, 7), st.integers(1, 4), st.booleans(), st.sets(st.sampled_from(["a", "b", "c", "d"])))
def test_the_pages_hold_every_item_once_and_in_order(
    times: dict[str, list[int]], limit: int, most: int, ascending: bool, pageless: set[str]
) -> None:
    everything = listed(times, ascending)
    services = {n: Service(i, n not in pageless, most) for n, i in everything.items()}
    seen: Items = []
    cursor: Cursor | None = None
    while True:
        merge = read(services, limit, cursor, ascending)
        seen += [dict(item) for _, item in merge.taken]
        assert len(merge.taken) == limit or not merge.has_more
        if not merge.has_more:
            break
        assert merge.taken
        cursor = read_cursor(str(merge.cursor()))
    assert sorted(i["id"] for i in seen) == sorted(i["id"] for items in everything.values() for i in items)
    stamps = [created(i) for i in seen]
    assert stamps == sorted(stamps, reverse=not ascending)


@given(moments, st.integers(1, 7), st.booleans())
def test_the_id_of_an_item_is_a_cursor_too(times: dict[str, list[int]], limit: int, ascending: bool) -> None:
    services = {n: Service(i) for n, i in listed(times, ascending).items()}
    whole = read(services, 1000, None, ascending).taken
    for place, (name, item) in enumerate(whole):
        cursor = Cursor({name: item["id"]}, created(item), partial=True)
        assert read(services, limit, cursor, ascending).taken == whole[place + 1 : place + 1 + limit]


def test_a_service_without_pages_may_have_any_order() -> None:
    services = {"a": Service([{"id": str(t), "created_at": t} for t in (3, 9, 1, 7)], pages=False)}
    first = read(services, 2, None)
    assert [i["id"] for _, i in first.taken] == ["9", "7"]
    assert first.has_more
    second = read(services, 2, first.cursor())
    assert [i["id"] for _, i in second.taken] == ["3", "1"]
    assert not second.has_more


def test_what_was_deleted_between_two_pages_brings_nothing_twice() -> None:
    items = [{"id": str(t), "created_at": t} for t in (9, 7, 3)]
    first = read({"a": Service(items, pages=False)}, 2, None)
    second = read({"a": Service([items[0], items[2]], pages=False)}, 2, first.cursor())
    assert [i["id"] for _, i in second.taken] == ["3"]


def test_a_source_that_is_read_to_its_end_is_not_asked_again() -> None:
    services = {n: Service(i) for n, i in listed({"a": [1, 2, 3, 4, 5, 6], "b": [9]}).items()}
    first = read(services, 3, None)
    read(services, 3, first.cursor())
    assert services["b"].asked == 1


def test_nobody_is_asked_for_more_pages_than_are_needed() -> None:
    services = {n: Service(i) for n, i in listed({"a": list(range(50)), "b": list(range(50))}).items()}
    read(services, 10, None)
    assert [s.asked for s in services.values()] == [1, 1]


def test_a_limit_above_a_page_is_read_in_several() -> None:
    services = {"a": Service(listed({"a": list(range(250))})["a"])}
    merge = read(services, 210, None)
    assert len(merge.taken) == 210
    assert merge.has_more
    assert services["a"].asked == 3


def test_a_service_that_sends_the_same_page_again_and_again_ends() -> None:
    merge = Merge(["a"], 10)
    for _ in range(5):
        if merge.wants() is None:
            break
        merge.feed("a", [{"id": "x", "created_at": 1}], True)
    assert merge.wants() is None
    assert len(merge.taken) == 1


def test_a_source_that_fails_keeps_its_place_in_the_cursor() -> None:
    items = listed({"a": [9, 7, 5, 3], "b": [8, 6, 4, 2]})
    first = read({n: Service(i) for n, i in items.items()}, 2, None)
    merge = Merge(["a", "b"], 2, first.cursor())
    merge.feed("a", *Service(items["a"]).page("a-0", 2))
    merge.give_up("b")
    assert [i["created_at"] for _, i in merge.taken] == [7, 5]
    assert merge.missing == ["b"]
    assert merge.cursor().after["b"] == first.cursor().after["b"] == "b-0"


def test_moments_are_read_as_numbers_and_as_iso_text() -> None:
    assert created({"created_at": 1700000000}) == created({"created_at": "2023-11-14T22:13:20.4421Z"}) == 1700000000
    assert created({}) == created({"created_at": None}) == created({"created_at": "soon"}) == 0


@given(
    st.dictionaries(st.text(max_size=8), st.none() | st.text(max_size=8), max_size=4),
    st.none() | st.integers(0, 2**40),
)
def test_a_cursor_survives_as_text(after: dict[str, str | None], bound: int | None) -> None:
    text = str(Cursor(after, bound))
    assert text.replace("_", "").replace("-", "").isalnum()
    assert read_cursor(text) == Cursor(after, bound)


@pytest.mark.parametrize("text", ["page_", "page_AAAA", "page_W10", str(Cursor({"a": "x"}, 7))[:-3]])
def test_a_damaged_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match="`after` is no cursor") as caught:
        read_cursor(text)
    assert caught.value.param == "after"


@given(st.text(alphabet="page_abcXYZ0189-=%", max_size=40))
def test_any_text_is_a_cursor_an_id_or_refused(text: str) -> None:
    with suppress(BadRequestError):
        assert read_cursor("page_" + text) is not None
    assert read_cursor("file-" + text) is None
