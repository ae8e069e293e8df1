"""What is an attempt charged once its reply is known, and what does it take to change that?"""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.charge import CAUTION_S, PROOF_REPLIES, PROOF_SPAN_S, Charge, ChargePolicy

LIMIT = 60_000.0


def shown(charge: Charge, replies: int, seconds: float, theirs: int, ours: int, start: float = 0.0) -> None:
    """So many replies with the same headers, spread evenly over so many seconds."""
    for i in range(replies):
        charge.saw(start + seconds * i / (replies - 1), LIMIT, theirs, ours)


def proven() -> Charge:
    charge = Charge()
    shown(charge, PROOF_REPLIES, PROOF_SPAN_S, theirs=10_000, ours=30_000)
    assert charge.mode is ChargePolicy.ACTUAL
    return charge


def test_at_first_the_estimate_stands_whatever_was_billed() -> None:
    charge = Charge()
    assert [charge.settled(100, billed, 0.0) for billed in (0, 40, 250, None)] == [100, 100, 100, 100]


def test_headers_that_prove_more_room_than_we_believed_make_unused_tokens_come_back() -> None:
    charge = proven()
    assert [charge.settled(100, billed, 200.0) for billed in (0, 40, 250, None)] == [0, 40, 250, 100]


def test_the_proof_needs_two_minutes() -> None:
    charge = Charge()
    shown(charge, 500, PROOF_SPAN_S - 0.1, theirs=0, ours=30_000)
    assert charge.mode is ChargePolicy.ESTIMATE


def test_the_proof_needs_twenty_replies() -> None:
    charge = Charge()
    shown(charge, PROOF_REPLIES - 1, PROOF_SPAN_S, theirs=0, ours=30_000)
    assert charge.mode is ChargePolicy.ESTIMATE
    shown(charge, PROOF_REPLIES - 1, PROOF_SPAN_S, theirs=0, ours=30_000, start=500.0)
    assert charge.mode is ChargePolicy.ESTIMATE, "two spans of too few replies are not one of enough"


def test_the_proof_needs_five_percent_of_the_limit() -> None:
    charge = Charge()
    shown(charge, 50, PROOF_SPAN_S, theirs=27_000, ours=30_000)
    assert charge.mode is ChargePolicy.ESTIMATE
    shown(charge, 50, PROOF_SPAN_S, theirs=26_990, ours=30_000, start=500.0)
    assert charge.mode is ChargePolicy.ACTUAL


def test_only_the_fullest_moment_of_the_service_counts() -> None:
    """It looked empty a hundred times and full once: that one is the truth."""
    charge = Charge()
    for i in range(101):
        charge.saw(i * PROOF_SPAN_S / 100, LIMIT, 30_000 if i == 57 else 0, 30_000)
    assert charge.mode is ChargePolicy.ESTIMATE


@settings(max_examples=30)
@given(st.floats(0.0, 60.0), st.floats(0.2, 1.0), st.floats(0.5, 1.2))
def test_a_service_with_fixed_minutes_at_steady_load_never_proves_anything(
    phase: float, share: float, gap: float
) -> None:
    """It forgets everything at each turn of its minute, and so looks empty just after; that is no proof."""
    charge = Charge()
    each = share * LIMIT / 60.0 * gap
    theirs, minute = 0.0, -1.0
    ours: deque[float] = deque()
    for i in range(int(500.0 / gap)):
        now = i * gap
        if (now - phase) // 60.0 != minute:
            theirs, minute = 0.0, (now - phase) // 60.0
        theirs += each
        ours.append(now)
        while now - ours[0] >= 60.75:
            ours.popleft()
        charge.saw(now, LIMIT, int(theirs), int(each * len(ours)))
    assert charge.mode is ChargePolicy.ESTIMATE


def test_a_429_in_believed_room_charges_the_larger_figure_for_ten_minutes() -> None:
    charge = proven()
    charge.doubted(1000.0)
    assert [charge.settled(100, billed, 1000.0) for billed in (0, 40, 250, None)] == [100, 100, 250, 100]
    charge.saw(1000.0 + CAUTION_S - 1, LIMIT, 0, 0)
    assert charge.mode is ChargePolicy.MAX
    charge.saw(1000.0 + CAUTION_S, LIMIT, 0, 0)
    assert charge.mode is ChargePolicy.ESTIMATE


def test_the_ten_minutes_end_also_where_no_header_ever_speaks() -> None:
    charge = Charge()
    charge.doubted(1000.0)
    assert charge.settled(100, 250, 1000.0 + CAUTION_S - 1) == 250
    assert charge.settled(100, 250, 1000.0 + CAUTION_S) == 100


def test_each_doubt_lasts_twice_as_long_as_the_one_before_up_to_four_hours() -> None:
    charge, now = Charge(), 0.0
    for minutes in (10, 20, 40, 80, 160, 240, 240):
        charge.doubted(now)
        charge.saw(now + minutes * 60 - 1, LIMIT, 0, 0)
        assert charge.mode is ChargePolicy.MAX
        now += minutes * 60
        charge.saw(now, LIMIT, 0, 0)
        assert charge.mode is ChargePolicy.ESTIMATE


def test_doubts_during_a_doubt_are_one_doubt() -> None:
    """A burst of 429s is one piece of news: caution neither doubles nor begins anew."""
    charge = Charge()
    for second in range(500):
        charge.doubted(float(second))
    charge.saw(CAUTION_S, LIMIT, 0, 0)
    assert charge.mode is ChargePolicy.ESTIMATE


def test_after_a_doubt_the_proof_begins_anew() -> None:
    charge = proven()
    charge.doubted(1000.0)
    shown(charge, 50, CAUTION_S - 1, 0, 30_000, start=1000.0)
    calm = 1000.0 + CAUTION_S
    shown(charge, 50, PROOF_SPAN_S - 1, 0, 30_000, start=calm)
    assert charge.mode is ChargePolicy.ESTIMATE
    charge.saw(calm + PROOF_SPAN_S, LIMIT, 0, 30_000)
    assert charge.mode is ChargePolicy.ACTUAL


@pytest.mark.parametrize(
    ("policy", "settled"),
    [
        (ChargePolicy.ESTIMATE, [100, 100, 100, 100]),
        (ChargePolicy.ACTUAL, [0, 40, 250, 100]),
        (ChargePolicy.MAX, [100, 100, 250, 100]),
    ],
)
def test_a_chosen_policy_stays_what_its_name_says(policy: ChargePolicy, settled: list[int]) -> None:
    charge = Charge(policy)
    shown(charge, 100, PROOF_SPAN_S, theirs=0, ours=30_000)
    charge.doubted(10.0)
    shown(charge, 100, PROOF_SPAN_S, theirs=0, ours=30_000, start=5000.0)
    assert charge.mode is policy
    assert [charge.settled(100, billed, 9000.0) for billed in (0, 40, 250, None)] == settled
