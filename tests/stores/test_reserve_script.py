"""Does the script keep its promise, whatever is asked and whenever what it granted is used?

The promise: no window of a minute holds more than the limit, although a call may be booked ahead and a lease be spent
at any moment of its second.
"""

from __future__ import annotations

from typing import Any

import fakeredis
from hypothesis import given, settings
from hypothesis import strategies as st

from router.stores.reach.script import Script

LIMIT, REQUESTS = 1000, 12
MINUTE_MS, SLOT_MS, LEASE_SLOTS = 60_000, 250, 4
SCRIPT = Script.named("reserve")
OK, LOST, VOID = 0, 1, 3

asks = st.tuples(
    st.integers(0, 20_000),  # ms since the one before
    st.integers(1, 400),  # tokens
    st.sampled_from([0, 1000, 2000]),  # how far ahead it may be booked
    st.tuples(st.integers(0, 300), st.integers(0, 5)),  # tokens and requests of the lease that is wished for
    st.floats(0, 1),  # when in its second the lease is spent
)


class Asker:
    """One replica that asks a server in this process."""

    def __init__(self) -> None:
        self.redis = fakeredis.FakeRedis()
        self.redis.script_load(SCRIPT.text)
        self.serial = 0

    def ask(
        self,
        now_ms: int,
        needs: list[Any],
        *,
        serial: int | None = None,
        acked: int = 0,
        undo: tuple[int, ...] = (),
        posts: tuple[tuple[int, int, int], ...] = (),
    ) -> list[int]:
        self.serial += 1
        told = [number for post in posts for number in (2, *post)]
        limits = [2, LIMIT, LIMIT, 1, 243, REQUESTS]
        args = [now_ms, "me", serial or self.serial, acked, 0, len(undo), *undo, len(posts), *told, 0, 0, 1, *limits]
        args += [LEASE_SLOTS, len(needs)]
        for tokens, horizon, (more, requests) in needs:
            args += [horizon, more, requests, 1, 2, tokens]
        return self.redis.evalsha(SCRIPT.sha, 2, "{g}:group", "{g}:d", *args)  # type: ignore[no-any-return]

    def stands(self) -> tuple[int, int]:
        fields = self.redis.hgetall("{g}:d")
        tokens = sum(int(v) for k, v in fields.items() if k[:1] == b"T")
        return tokens, sum(int(v) for k, v in fields.items() if k[:1] == b"R")


@settings(max_examples=60)
@given(st.lists(asks, min_size=20, max_size=60))
def test_no_minute_holds_more_than_the_limit(history: list[Any]) -> None:
    asker, now_ms, used = Asker(), 1_000_000, list[tuple[float, int, int]]()
    for pause, tokens, horizon, wish, moment in history:
        now_ms += pause
        answer = asker.ask(now_ms, [(tokens, horizon, wish)])
        assert answer[0] == OK
        pick, _slot, wait_ms, lease_slot, lease_tokens, lease_requests = answer[5:11]
        if pick:
            used.append((now_ms + wait_ms, tokens, 1))
        if lease_slot:
            used.append((now_ms + moment * LEASE_SLOTS * SLOT_MS, lease_tokens, lease_requests))
    for end, _, _ in used:
        within = [(t, r) for at, t, r in used if end - MINUTE_MS < at <= end]
        assert sum(t for t, _ in within) <= LIMIT
        assert sum(r for _, r in within) <= REQUESTS


def test_the_same_serial_again_gives_the_same_answer_and_charges_nothing() -> None:
    asker = Asker()
    first = asker.ask(1_000_000, [(100, 0, (0, 0))], serial=7)
    assert asker.ask(1_000_300, [(100, 0, (0, 0))], serial=7) == first
    assert asker.stands() == (100, 1)


def test_what_is_taken_back_is_gone_once() -> None:
    asker = Asker()
    asker.ask(1_000_000, [(100, 0, (0, 0))], serial=7)
    answer = asker.ask(1_000_000, [], undo=(7,))
    assert answer[5] == 1  # it had been carried out
    assert asker.stands() == (0, 0)
    asker.ask(1_000_000, [], undo=(7,))
    assert asker.stands() == (0, 0)


def test_what_arrives_after_it_was_taken_back_does_nothing() -> None:
    asker = Asker()
    answer = asker.ask(1_000_000, [], undo=(99,))
    assert answer[5] == 0
    assert asker.ask(1_000_000, [(100, 0, (0, 0))], serial=99)[0] == VOID
    assert asker.stands() == (0, 0)


def test_taken_back_twice_it_is_told_twice_what_became_of_it() -> None:
    """Whoever takes a question back may be gone before the answer comes; then the next one asks again."""
    asker = Asker()
    asker.ask(1_000_000, [(100, 0, (0, 0))], serial=7)
    for _ in range(2):
        assert asker.ask(1_000_000, [], undo=(7, 99))[5:7] == [1, 0]
    assert asker.ask(1_000_000, [(100, 0, (0, 0))], serial=99)[0] == VOID
    assert asker.ask(1_000_000, [(100, 0, (0, 0))], serial=7)[0] == VOID
    assert asker.stands() == (0, 0)


def test_what_only_told_something_has_been_carried_out() -> None:
    asker = Asker()
    slot = asker.ask(1_000_000, [(100, 0, (0, 0))])[6]
    asker.ask(1_000_000, [], serial=7, posts=((slot, -30, 0),))
    assert asker.ask(1_000_000, [], undo=(7,))[5] == 1  # or its correction would be told once more
    assert asker.stands() == (70, 1)


def test_who_was_answered_and_is_not_known_any_more_is_told() -> None:
    asker = Asker()
    asker.ask(1_000_000, [(100, 0, (0, 0))])
    asker.redis.flushall()
    assert asker.ask(1_000_100, [(100, 0, (0, 0))], acked=1)[:1] == [LOST]
    assert asker.stands() == (0, 0)


def test_never_more_is_given_back_than_stands_there() -> None:
    asker = Asker()
    slot = asker.ask(1_000_000, [(100, 0, (0, 0))])[6]
    asker.ask(1_000_000, [], posts=((slot, -300, -4),))
    assert asker.stands() == (0, 0)


def test_a_clock_that_goes_back_an_hour_closes_nothing_for_longer_than_a_minute() -> None:
    asker = Asker()
    asker.ask(10_000_000, [(900, 0, (0, 0))])
    back = 10_000_000 - 3_600_000
    assert asker.ask(back, [(900, 0, (0, 0))])[5] == 0
    assert asker.ask(back + 61_000, [(900, 0, (0, 0))])[5] == 1


def test_an_idle_hour_forgets_everything() -> None:
    asker = Asker()
    asker.ask(1_000_000, [(1000, 0, (0, 0))])
    assert asker.ask(4_600_000, [(1000, 0, (0, 0))])[5] == 1
    assert asker.stands() == (1000, 1)
