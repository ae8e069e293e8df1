"""How many tokens per minute does the router believe in, and how does a learned cap come and go?"""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.effective import BUSY_PAUSE_S, BUSY_SHARE, CUT_SHARE, FORGET_FACTOR, EffectiveLimit


def cut_to_60k(configured: float | None) -> EffectiveLimit:
    limit = EffectiveLimit(configured)
    limit.cut(60_000, 1000.0)
    return limit


def at(limit: EffectiveLimit, now: float) -> float:
    limit.recover(now)
    return limit.value


def test_the_smallest_of_configured_stated_and_learned_counts() -> None:
    limit = EffectiveLimit(100_000)
    assert limit.value == 100_000
    limit.state(80_000, 0.0)
    assert limit.value == 80_000
    limit.cut(50_000, 0.0)
    assert limit.value == CUT_SHARE * 50_000
    limit.state(49_000, 0.0)
    assert limit.value == CUT_SHARE * 50_000
    limit.state(40_000, 0.0)
    assert limit.value == 40_000


def test_where_nothing_is_known_there_is_no_limit_until_something_is_learned() -> None:
    limit = EffectiveLimit(None)
    assert limit.value == limit.known == inf
    limit.state(70_000, 0.0)
    assert limit.value == 70_000


def test_a_header_never_raises_the_limit_above_the_configured_one() -> None:
    limit = EffectiveLimit(100_000)
    assert limit.state(500_000, 0.0) is False
    assert limit.value == 100_000


def test_stating_says_whether_the_limit_rose() -> None:
    limit = EffectiveLimit(100_000)
    assert [limit.state(tokens, 0.0) for tokens in (40_000, 40_000, 60_000, 50_000)] == [False, False, True, False]


@pytest.mark.parametrize(("after", "cap"), [(0, 58_200), (45, 59_625), (90, 60_000), (180, 63_000), (270, 84_000)])
def test_a_cap_recovers_along_the_cubic_of_the_timetable(after: float, cap: float) -> None:
    assert at(cut_to_60k(600_000), 1000.0 + after) == pytest.approx(cap)


@pytest.mark.parametrize(("configured", "forgotten_at"), [(63_000.0, 180.0), (84_000.0, 270.0)])
def test_a_cap_that_has_grown_to_the_known_limit_is_forgotten(configured: float, forgotten_at: float) -> None:
    limit = cut_to_60k(configured)
    limit.recover(1000.0 + forgotten_at - 1)
    assert limit.cut_to is not None
    limit.recover(1000.0 + forgotten_at)
    assert limit.cut_to is None
    assert limit.value == configured


def test_where_no_limit_is_known_a_cap_is_forgotten_at_eight_times_the_cut() -> None:
    limit = cut_to_60k(None)
    x = ((FORGET_FACTOR - 1) / 0.05) ** (1 / 3)
    when = 1000.0 + 90.0 + 90.0 * x
    assert at(limit, when - 1) < FORGET_FACTOR * 60_000
    assert at(limit, when + 1) == inf


def test_a_cut_above_the_known_limit_teaches_nothing() -> None:
    limit = EffectiveLimit(50_000)
    limit.cut(80_000, 0.0)
    assert limit.cut_to is None
    assert limit.value == 50_000


def test_a_429_with_nothing_admitted_does_not_close_a_deployment_for_ever() -> None:
    limit = EffectiveLimit(50_000)
    limit.cut(0, 0.0)
    assert limit.value == 50_000


def test_busy_asks_for_seven_tenths_at_most_once_a_minute() -> None:
    limit = EffectiveLimit(100_000)
    limit.busy(0.0)
    assert limit.value == pytest.approx(BUSY_SHARE * 100_000, abs=2)
    limit.busy(BUSY_PAUSE_S - 0.1)
    assert limit.value == pytest.approx(BUSY_SHARE * 100_000, abs=2)
    limit.busy(BUSY_PAUSE_S)
    assert limit.value == pytest.approx(BUSY_SHARE**2 * 100_000, abs=2)


def test_busy_teaches_nothing_where_no_limit_is_known() -> None:
    limit = EffectiveLimit(None)
    limit.busy(0.0)
    assert limit.value == inf


@given(st.none() | st.integers(1, 10**6), st.integers(0, 10**6), st.lists(st.floats(0, 300), max_size=20))
def test_a_cap_only_grows_and_never_leaves_the_known_limit(
    configured: int | None, admitted: int, pauses: list[float]
) -> None:
    limit = EffectiveLimit(configured)
    now, before = 0.0, 0.0
    limit.cut(admitted, now)
    for pause in pauses:
        now += pause
        value = at(limit, now)
        assert value > 0
        assert before <= value <= limit.known
        before = value
