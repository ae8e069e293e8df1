"""Does the window ever count less than what a limiter can see?

Everything is compared with an exact log: a list of (moment, amount), nothing forgotten, nothing rounded.
"""

from __future__ import annotations

from math import ceil, inf

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from router.window import GUARD_S, SLOT_S, Charges, Window, Windows, slot_of

STEPS = st.sampled_from([0.0, 0.01, 0.1, 0.24, 0.25, 0.26, 1.0, 7.3, 29.9, 60.0, 61.0, 130.0]) | st.floats(0.0, 70.0)
DEEDS = st.lists(
    st.tuples(
        STEPS,
        st.one_of(
            st.tuples(st.just("add"), st.integers(0, 5000)),
            st.tuples(st.just("amend"), st.integers(-6000, 6000)),
            st.tuples(st.just("advance"), st.just(0)),
        ),
        st.integers(0, 10**6),
    ),
    max_size=60,
)
LENGTHS = st.sampled_from([1.0, 10.0, 60.0]) | st.floats(0.25, 90.0)


class Log:
    """A window and the exact log of the same charges, told the same things."""

    def __init__(self, seconds: float, limit: float = inf) -> None:
        self.window = Window(seconds, limit)
        self.charges: list[list[float]] = []
        self.cells: list[list[int]] = []
        self.now = 0.0

    def do(self, deed: str, amount: int, pick: int) -> None:
        slot = slot_of(self.now)
        self.window.advance(slot)
        if deed == "add":
            self.cells.append(self.window.add(slot, amount))
            self.charges.append([self.now, amount])
        elif deed == "amend" and self.charges:
            i = pick % len(self.charges)
            delta = max(amount, -int(self.charges[i][1]))  # a lease never gives back more than it took
            self.window.amend(self.cells[i], delta)
            self.charges[i][1] += delta

    def within(self, seconds: float) -> float:
        """What was charged less than `seconds` ago."""
        return sum(amount for at, amount in self.charges if self.now - at < seconds)


@given(LENGTHS, DEEDS)
def test_the_sum_is_never_below_the_exact_log_and_at_most_a_slot_and_the_guard_above_it(
    seconds: float, deeds: list[tuple[float, tuple[str, int], int]]
) -> None:
    log = Log(seconds)
    longest = seconds + min(GUARD_S, seconds * 0.05) + 2 * SLOT_S  # one slot of width, one of rounding up
    for pause, (deed, amount), pick in deeds:
        log.now += pause
        log.do(deed, amount, pick)
        assert log.within(seconds) <= log.window.used <= log.within(longest)
        assert log.window.used >= 0
        assert log.window.used == sum(cell[1] for cell in log.window.cells)
        assert log.window.next_exit == (log.window.cells[0][0] + log.window.keep if log.window.cells else inf)


@given(DEEDS)
def test_a_minute_overcounts_by_one_slot_and_the_guard_and_no_more(
    deeds: list[tuple[float, tuple[str, int], int]],
) -> None:
    log = Log(60.0)
    for pause, (deed, amount), pick in deeds:
        log.now += pause
        log.do(deed, amount, pick)
        assert log.window.used <= log.within(60.0 + GUARD_S + SLOT_S)


@given(LENGTHS, DEEDS, st.integers(1, 9000), st.integers(1, 8000))
@example(60.0, [(0.0, ("add", 100), 0), (30.0, ("add", 100), 0)], 200, 1)
def test_an_opening_is_admissible_then_and_at_no_earlier_slot(
    seconds: float, deeds: list[tuple[float, tuple[str, int], int]], limit: int, asked: int
) -> None:
    log = Log(seconds, limit)
    for pause, (deed, amount), pick in deeds:
        log.now += pause
        log.do(deed, amount, pick)
    here = slot_of(log.now)
    log.window.advance(here)
    opening = log.window.opening(asked, here)
    if opening is None:
        assert asked > limit
        return
    there = slot_of(opening)
    assert there >= here
    assert opening == there * SLOT_S
    if there > here:
        log.window.advance(there - 1)
        assert not log.window.fits(asked)
    log.window.advance(there)
    assert log.window.fits(asked)


@given(st.integers(0, 1000), st.integers(-5000, 5000), st.integers(0, 400))
def test_amending_a_charge_that_has_left_changes_nothing(amount: int, delta: int, later: int) -> None:
    window = Window(60.0)
    old = window.add(0, amount)
    window.advance(window.keep + later)
    window.add(window.keep + later, 7)
    window.amend(old, delta)
    assert window.used == 7


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, 200, 300]), st.none() | st.integers(0, 9), st.integers(-9, 9)), max_size=20
    )
)
@example([(0, 5, 0), (300, None, 0), (0, 7, -5)])
def test_a_clock_that_steps_back_never_makes_the_sum_wrong_or_negative(
    steps: list[tuple[int, int | None, int]],
) -> None:
    """What is given back after its cell has gone must not be taken from a newer cell of the same slot."""
    window = Window(60.0)
    first: list[int] | None = None
    for slot, amount, delta in steps:
        window.advance(slot)
        if amount is not None:
            cell = window.add(slot, amount)
            first = first or cell
        if first is not None:
            window.amend(first, delta)
        assert window.used == sum(cell[1] for cell in window.cells) >= 0


def test_the_timetable_of_the_docstring_holds() -> None:
    window = Window(60.0, 1000)
    window.add(slot_of(0.10), 40)
    window.advance(slot_of(30.60))
    window.add(slot_of(30.60), 10)
    assert window.used == 50
    window.advance(slot_of(60.60))
    assert window.used == 50
    window.advance(slot_of(60.75))
    assert window.used == 10


def test_nothing_is_kept_for_an_idle_deployment() -> None:
    window = Window(60.0)
    for slot in range(0, 100_000, 50):
        window.advance(slot)
    assert len(window.cells) == 0
    for slot in range(100_000, 101_000):
        window.advance(slot)
        window.add(slot, 1)
    assert len(window.cells) <= window.keep


def test_what_is_larger_than_the_limit_never_opens() -> None:
    assert Window(60.0, 100).opening(101, 5) is None
    assert Window(60.0, 100).opening(100, 5) == 5 * SLOT_S
    assert Window(60.0).opening(10**12, 5) == 5 * SLOT_S


def test_a_short_window_is_not_halved_by_the_guard() -> None:
    """Half a second of guard would make 1 s into 1.75 s; it is 5 % there, and a slot."""
    window = Window(1.0)
    assert window.keep == 1 + ceil(1.05 / SLOT_S)
    assert Window(60.0).keep == 1 + ceil(60.5 / SLOT_S)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_a_window_without_length_is_refused_by_name(seconds: float) -> None:
    with pytest.raises(ValueError, match="positive length"):
        Window(seconds)


# ---- several at once -------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(LENGTHS, st.just(inf) | st.integers(1, 20)), min_size=1, max_size=3),
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.0, 0.0, 0.1, 0.25, 1.0, 9.9, 60.0, -1.0]),
            st.sampled_from(["add", "add", "add", "amend", "append", "lower", "advance"]),
            st.integers(0, 10**6),
        ),
        max_size=60,
    ),
)
def test_windows_that_are_charged_together_are_as_each_would_be_alone(
    limits: list[tuple[float, float]], deeds: list[tuple[float, str, int]]
) -> None:
    """Told the same things one by one; with clocks that step back, limits learned late and charges of others."""
    together = Windows(Window(60.0, 1000), [Window(*limit) for limit in limits])
    tokens, alone = Window(60.0, 1000), [Window(*limit) for limit in limits]
    made: list[tuple[tuple[int, int], Charges, list[list[int]]]] = []
    now = 100.0
    for pause, deed, pick in deeds:
        now += pause
        slot = slot_of(now)
        if together.next_exit <= slot:
            together.advance(slot)
        for window in (tokens, *alone):
            window.advance(slot)
        if deed == "add":
            amounts = pick % 500, pick % 3
            cells = [tokens.add(slot, amounts[0]), *[window.add(slot, amounts[1]) for window in alone]]
            made.append((amounts, together.add(slot, *amounts), cells))
        elif deed == "amend" and made:
            amounts, charges, cells = made.pop(pick % len(made))
            requests = amounts[1] if pick % 2 else 0  # a settlement corrects the tokens alone
            together.amend(charges, -amounts[0], -requests)
            tokens.amend(cells[0], -amounts[0])
            for window, cell in zip(alone, cells[1:], strict=False):
                window.amend(cell, -requests)
        elif deed == "append" and len(alone) < 4:
            together.append(Window(1.0, 5))
            alone.append(Window(1.0, 5))
        elif deed == "lower":
            place = pick % (1 + len(alone))
            [together.tokens, *together.requests][place].add(slot, 2)
            together.weigh()
            [tokens, *alone][place].add(slot, 2)
        told = [(window.used, window.next_exit, list(window.cells)) for window in (tokens, *alone)]
        assert [(w.used, w.next_exit, list(w.cells)) for w in (together.tokens, *together.requests)] == told
        assert together.share == max((window.used + 1) / window.limit for window in alone)
        assert together.next_exit <= min(window.next_exit for window in (tokens, *alone))


def test_attempts_of_one_slot_make_no_cell_of_their_own() -> None:
    windows = Windows(Window(60.0, 1000), [Window(60.0, 600), Window(10.0, 100)])
    first = windows.add(8, 7, 1)
    assert windows.add(8, 0, 1) is first
    assert windows.add(9, 7, 1) is not first
    assert [len(window.cells) for window in (windows.tokens, *windows.requests)] == [2, 2, 2]


def test_a_ctrl_c_amid_a_charge_leaves_windows_that_forget_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Windows) -> float:
        raise KeyboardInterrupt

    windows = Windows(Window(60.0, 1000), [Window(60.0, 600)])
    with monkeypatch.context() as patch:
        patch.setattr(Windows, "_first_exit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            windows.add(8, 7, 1)
    windows.add(8, 7, 1)
    assert windows.next_exit == 8 + windows.tokens.keep


def test_recounting_heals_what_a_fork_amid_a_charge_has_copied() -> None:
    windows = Windows(Window(60.0, 1000), [Window(60.0, 600)])
    windows.add(8, 7, 1)
    windows.tokens.used += 50
    windows.requests[0].used, windows.share = 0, 0.0
    windows.recount()
    assert (windows.tokens.used, windows.requests[0].used, windows.share) == (7, 1, 2 / 600)
