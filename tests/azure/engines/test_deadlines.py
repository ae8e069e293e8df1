"""Whoever is not done by its deadline hears of it then, at once; whoever is done never does; one timer serves all."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.azure.engines.deadlines import Deadlines


class Hourglass:
    """As much of an event loop as a timer needs, in virtual time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.made = 0
        self._heap: list[tuple[float, int, Callable[[], None], asyncio.TimerHandle]] = []
        self._serial = count()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        self.made += 1
        handle = asyncio.TimerHandle(when, callback, (), self)  # type: ignore[arg-type]
        heapq.heappush(self._heap, (when, next(self._serial), callback, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass

    def get_debug(self) -> bool:
        return False

    def pass_to(self, moment: float) -> None:
        while self._heap and self._heap[0][0] <= moment:
            when, _, callback, handle = heapq.heappop(self._heap)
            self.now = max(self.now, when)
            if not handle.cancelled():
                callback()
        self.now = max(self.now, moment)

    @property
    def waiting(self) -> int:
        return sum(not handle.cancelled() for *_, handle in self._heap)


class Call:
    """Notes when it was out of time."""

    def __init__(self, glass: Hourglass) -> None:
        self.glass = glass
        self.expired_at: float | None = None

    def expire(self) -> None:
        assert self.expired_at is None
        self.expired_at = self.glass.now


def made() -> tuple[Hourglass, Deadlines]:
    glass: Any = Hourglass()
    return glass, Deadlines(glass)


DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from([0.0, 0.5, 1.0, 30.0, 600.0]) | st.floats(0.0, 700.0)),
        st.tuples(st.just("drop"), st.integers(0, 30)),
        st.tuples(st.just("wait"), st.sampled_from([0.1, 1.0, 29.0, 600.0]) | st.floats(0.0, 700.0)),
    ),
    max_size=60,
)


@given(DEEDS)
def test_each_expires_at_its_deadline_unless_it_was_dropped_before(deeds: list[tuple[str, float]]) -> None:
    glass, deadlines = made()
    calls: list[tuple[Call, float]] = []
    dropped: dict[Call, float] = {}
    for deed, figure in deeds:
        if deed == "add":
            call = Call(glass)
            calls.append((call, glass.now + figure))
            deadlines.add(call, glass.now + figure)
        elif deed == "wait":
            glass.pass_to(glass.now + figure)
        elif figure < len(calls):
            call = calls[int(figure)][0]
            dropped.setdefault(call, glass.now)
            deadlines.drop(call)
        assert glass.waiting <= 1
    glass.pass_to(10_000.0)
    for call, end in calls:
        done = dropped.get(call, inf)
        may_be = {None} if done < end else {end} if done > end else {None, end}  # at the very moment either is right
        assert call.expired_at in may_be
    assert glass.waiting == 0


def test_calls_with_the_same_patience_share_one_timer() -> None:
    glass, deadlines = made()
    for _ in range(1000):
        call = Call(glass)
        deadlines.add(call, glass.now + 600.0)
        glass.pass_to(glass.now + 0.1)
        deadlines.drop(call)
    assert glass.made == 1


def test_after_close_nobody_expires_and_no_timer_is_left() -> None:
    glass, deadlines = made()
    call = Call(glass)
    deadlines.add(call, 130.0)
    deadlines.close()
    assert glass.waiting == 0
    glass.pass_to(1000.0)
    assert call.expired_at is None
    later = Call(glass)
    deadlines.add(later, 2000.0)
    glass.pass_to(3000.0)
    assert later.expired_at == 2000.0


@pytest.mark.parametrize("early", [0.0, 1e-9])
def test_a_timer_that_rings_a_tick_early_expires_all_the_same(early: float) -> None:
    """asyncio rings whatever is due within the resolution of its clock."""
    glass, deadlines = made()
    call = Call(glass)
    deadlines.add(call, 130.0)
    glass.now = 130.0 - early
    deadlines._ring()
    assert call.expired_at is not None
