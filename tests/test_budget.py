"""The retry budget bounds the load of retries whatever happens, and pauses are long enough to matter."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.budget import RetryBudget, backoff_seconds


def spend(budget: RetryBudget, now: float, cost: float = 1.0, tries: int = 1000) -> int:
    """How many retries the budget grants at this moment."""
    return sum(budget.withdraw(now, cost) for _ in range(tries))


def test_without_any_calls_the_floor_allows_three_retries_a_second():
    assert spend(RetryBudget(), 100.0) == 30


def test_a_fifth_of_the_calls_may_be_spent_on_top_of_the_floor():
    budget = RetryBudget()
    for _ in range(100):
        budget.deposit(50.0)
    assert spend(budget, 50.5) == 30 + 20


def test_a_move_after_a_429_costs_a_quarter_so_four_times_as_many_are_allowed():
    assert spend(RetryBudget(), 7.0, cost=0.25) == 120


def test_a_retry_of_something_never_sent_is_free_even_when_nothing_is_left():
    budget = RetryBudget()
    spend(budget, 0.0)
    assert not budget.withdraw(0.0, 1.0)
    assert budget.withdraw(0.0, 0.0)


def test_a_refused_retry_takes_nothing():
    budget = RetryBudget()
    assert not budget.withdraw(0.0, 31.0)
    assert budget.withdraw(0.0, 30.0)


def test_what_was_spent_comes_back_when_the_window_has_passed_and_not_before():
    budget = RetryBudget()
    spend(budget, 100.0)
    assert spend(budget, 109.9) == 0
    assert spend(budget, 111.0) == 30


def test_deposits_are_forgotten_when_the_window_has_passed():
    budget = RetryBudget()
    for _ in range(100):
        budget.deposit(100.0)
    assert spend(budget, 1000.0) == 30


@st.composite
def timetables(draw: st.DrawFn) -> list[tuple[float, bool, float]]:
    """Calls, and retries of several costs, in bursts and pauses: (time, is a call, cost)."""
    now, events = draw(st.floats(0, 1e6)), []
    for pause, burst, is_call, cost in draw(
        st.lists(
            st.tuples(
                st.sampled_from([0.0, 0.1, 0.9, 3.0, 9.99, 10.01, 40.0]),
                st.integers(1, 60),
                st.booleans(),
                st.sampled_from([0.25, 1.0]),
            ),
            max_size=30,
        )
    ):
        now += pause
        events += [(now, is_call, cost)] * burst
    return events


@given(timetables())
def test_in_any_ten_seconds_retries_stay_below_a_fifth_of_the_calls_and_the_floor(events):
    budget = RetryBudget()
    calls: list[float] = []
    paid: list[tuple[float, float]] = []
    for now, is_call, cost in events:
        if is_call:
            budget.deposit(now)
            calls.append(now)
        elif budget.withdraw(now, cost):
            paid.append((now, cost))
            spent = sum(c for at, c in paid if now - at < 10.0)
            assert spent <= 30 + 0.2 * sum(now - at < 11.0 for at in calls) + 1e-6


@given(timetables())
def test_the_floor_is_always_there_after_ten_quiet_seconds(events):
    budget = RetryBudget()
    now = 0.0
    for now, is_call, cost in events:
        if is_call:
            budget.deposit(now)
        else:
            budget.withdraw(now, cost)
    assert spend(budget, now + 11.0) == 30


@given(st.integers(0, 10_000), st.integers(0, 2**32))
def test_a_pause_lies_in_the_upper_half_of_a_doubling_that_ends_at_eight_seconds(retry, seed):
    b = min(8.0, 0.5 * 2 ** min(retry, 20))
    assert b / 2 <= backoff_seconds(retry, Random(seed)) <= b


def test_pauses_differ_with_the_dice_so_that_callers_do_not_return_together():
    rng = Random(1)
    assert len({backoff_seconds(2, rng) for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("retry_after", "floor", "pause"),
    [(30.0, 0.0, 30.0), (86_400.0, 0.0, 60.0), (None, 12.0, 12.0), (20.0, 90.0, 90.0)],
)
def test_a_pause_obeys_the_service_up_to_a_minute_and_the_configured_floor(retry_after, floor, pause):
    assert backoff_seconds(0, Random(1), retry_after, floor) == pause


def test_a_service_that_asks_for_less_than_the_backoff_does_not_shorten_it():
    assert backoff_seconds(4, Random(1), retry_after=0.01) >= 4.0
