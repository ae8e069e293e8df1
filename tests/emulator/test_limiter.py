"""Limiters keep their own definitions, whatever arrives."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.emulator.limiter import NEVER, FixedWindow, ProvisionedBucket, SlidingWindow, TokenBucket
from router.emulator.peak import Peak

LIMIT = 100
GAPS = st.one_of(st.just(0.0), st.floats(0.0, 90.0), st.integers(0, 60).map(float))
ARRIVALS = st.lists(st.tuples(GAPS, st.integers(0, 130)), max_size=60)
LIMITERS = [lambda: SlidingWindow(LIMIT), lambda: FixedWindow(LIMIT, 60.0, 17.0), lambda: TokenBucket(LIMIT)]


def admitted(limiter, arrivals):
    """The moments and sizes that a limiter lets in."""
    now, taken = 0.0, []
    for gap, amount in arrivals:
        now += gap
        if limiter.fits(now, amount):
            limiter.take(now, amount)
            taken.append((now, amount))
    return taken


@given(ARRIVALS)
def test_a_sliding_window_never_holds_more_than_its_limit(arrivals):
    taken = admitted(SlidingWindow(LIMIT), arrivals)
    for end, _ in taken:
        assert sum(amount for at, amount in taken if at <= end < at + 60.0) <= LIMIT


@given(ARRIVALS, st.floats(0.0, 59.9))
def test_a_fixed_window_never_holds_more_than_its_limit(arrivals, phase):
    sums: dict[int, int] = {}
    for at, amount in admitted(FixedWindow(LIMIT, 60.0, phase), arrivals):
        window = math.floor((at - phase) / 60.0)
        sums[window] = sums.get(window, 0) + amount
    assert all(total <= LIMIT for total in sums.values())


@given(ARRIVALS)
def test_a_token_bucket_never_gives_more_than_it_held_and_got(arrivals):
    taken = admitted(TokenBucket(LIMIT), arrivals)
    for i, (start, _) in enumerate(taken):
        for j in range(i, len(taken)):
            total = sum(amount for _, amount in taken[i : j + 1])
            assert total <= LIMIT + (taken[j][0] - start) * LIMIT / 60.0 + 1e-6


@given(ARRIVALS)
def test_a_provisioned_bucket_goes_over_the_rim_by_one_request_at_most(arrivals):
    bucket, now = ProvisionedBucket(LIMIT), 0.0
    for gap, amount in arrivals:
        now += gap
        if bucket.fits(now, amount):
            bucket.take(now, amount)
        assert bucket.level(now) <= LIMIT + 130 + 1e-6


@pytest.mark.parametrize("make", LIMITERS)
@given(arrivals=ARRIVALS, wanted=st.integers(1, LIMIT))
def test_remaining_is_what_still_fits(make, arrivals, wanted):
    limiter = make()
    admitted(limiter, arrivals)
    now = sum(gap for gap, _ in arrivals)
    assert limiter.fits(now, limiter.room(now))
    assert limiter.fits(now, wanted) == (wanted <= limiter.room(now))


@pytest.mark.parametrize("make", LIMITERS)
@given(arrivals=ARRIVALS, wanted=st.integers(1, LIMIT))
def test_after_the_wait_it_fits_and_shortly_before_it_does_not(make, arrivals, wanted):
    limiter = make()
    admitted(limiter, arrivals)
    now = sum(gap for gap, _ in arrivals)
    wait = limiter.wait(now, wanted)
    assert limiter.fits(now, wanted) == (wait <= 1e-9)
    if wait > 0.01:
        assert not limiter.fits(now + wait - 0.001, wanted)
    assert limiter.fits(now + wait + 1e-6, wanted)


@pytest.mark.parametrize("make", LIMITERS)
def test_what_is_larger_than_the_limit_never_fits(make):
    assert make().wait(0.0, LIMIT + 1) == NEVER


@pytest.mark.parametrize("make", [*LIMITERS, lambda: ProvisionedBucket(LIMIT)])
def test_what_is_given_back_can_be_used_again(make):
    limiter = make()
    charge = limiter.take(1.0, 80)
    assert limiter.room(1.0) == 20
    limiter.correct(1.0, charge, -50)
    assert limiter.room(1.0) == 70


def test_a_charge_that_left_its_window_is_not_given_back_into_the_next():
    for limiter in (SlidingWindow(LIMIT), FixedWindow(LIMIT)):
        charge = limiter.take(1.0, 80)
        limiter.correct(61.0, charge, -80)
        assert limiter.room(61.0) == LIMIT


@pytest.mark.parametrize("make", LIMITERS)
def test_a_cut_limit_holds_at_once(make):
    limiter = make()
    limiter.take(0.0, 30)
    limiter.resize(0.0, 40)
    assert limiter.room(0.0) <= 40
    assert not limiter.fits(0.0, 41)


@given(ARRIVALS)
def test_the_peak_is_the_highest_sum_of_any_true_window(arrivals):
    peak, now, events = Peak(), 0.0, []
    for gap, amount in arrivals:
        now += gap
        peak.take(now, amount)
        events.append((now, amount))
    sums = [sum(amount for at, amount in events if at <= end < at + 60.0) for end, _ in events]
    assert peak.highest == max(sums, default=0)
