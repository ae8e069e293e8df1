"""Does each limiter keep its own definition?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.emulator.limiter import KINDS, ProvisionedBucket, limiter_named

requests = st.lists(
    st.tuples(st.floats(0.0, 20.0), st.integers(1, 60)), min_size=1, max_size=60
)  # (seconds since the one before, cost)


def admitted(kind: str, limit: int, asked: list[tuple[float, int]]) -> list[tuple[float, int]]:
    judge = limiter_named(kind, limit)
    now, log = 100.0, []
    for pause, cost in asked:
        now += pause
        if not judge.wait(now, cost):
            judge.charge(now, cost)
            log.append((now, cost))
    return log


@given(requests)
def test_a_sliding_window_never_holds_more_than_its_limit(asked: list[tuple[float, int]]) -> None:
    log = admitted("sliding", 100, asked)
    for at, _ in log:
        assert sum(cost for when, cost in log if at - 60.0 < when <= at) <= 100


@given(requests, st.floats(0.0, 60.0))
def test_a_fixed_minute_never_admits_more_than_its_limit(asked: list[tuple[float, int]], phase: float) -> None:
    judge = limiter_named("fixed_minute", 100, phase=phase)
    now, minutes = 100.0, {}
    for pause, cost in asked:
        now += pause
        if not judge.wait(now, cost):
            judge.charge(now, cost)
            minute = int((now - phase) // 60)
            minutes[minute] = minutes.get(minute, 0) + cost
    assert all(total <= 100 for total in minutes.values())


@given(requests)
def test_a_token_bucket_never_admits_more_than_it_held_and_got(asked: list[tuple[float, int]]) -> None:
    log = admitted("token_bucket", 100, asked)
    for start, _ in log:
        for end, _ in log:
            if end >= start:
                total = sum(cost for when, cost in log if start <= when <= end)
                assert total <= 100 + (end - start) * 100 / 60 + 1e-6


@given(requests)
def test_a_provisioned_bucket_is_above_its_limit_by_at_most_one_call(asked: list[tuple[float, int]]) -> None:
    bucket = ProvisionedBucket(100)
    now = 100.0
    for pause, cost in asked:
        now += pause
        if not bucket.wait(now, cost):
            before = bucket.utilisation(now)
            bucket.charge(now, cost)
            assert before <= 100.0
            assert bucket.utilisation(now) <= 100.0 + cost


@pytest.mark.parametrize("kind", KINDS)
@given(asked=requests, cost=st.integers(1, 60))
def test_what_it_says_to_wait_is_enough(kind: str, asked: list[tuple[float, int]], cost: int) -> None:
    judge = limiter_named(kind, 100)
    now = 100.0
    for pause, amount in asked:
        now += pause
        if not judge.wait(now, amount):
            judge.charge(now, amount)
    wait = judge.wait(now, cost)
    assert judge.wait(now + wait + 0.002, cost) == 0.0
    assert 0.0 <= judge.remaining(now) <= 100.0


def test_an_unknown_kind_is_told_which_there_are() -> None:
    with pytest.raises(ValueError, match="sliding"):
        limiter_named("leaky", 1)
