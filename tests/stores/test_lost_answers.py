"""Does nothing stay behind, whichever questions and answers get lost on the way, and however late they arrive?"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from router.steps import Leave, Reserve
from router.stores.reach.reasons import StoreUnavailable

from .one_replica import TOKENS, Fate, Flight, GoneError, Replica, Unreliable

PAUSES = st.sampled_from([0.0, 0.01, 0.3, 1.1])
LIMITS = st.sampled_from([3 * TOKENS, 1000 * TOKENS])


# ---- one at a time -----------------------------------------------------------------------------------------------


class OneAtATime(Replica):
    """Each deed has one question, which meets its fate."""

    def reserve(self) -> None:
        self.got(self.store.apply(self.call()))

    def wait(self) -> None:
        """Whoever waits first looks again."""
        if self.queued:
            ticket = self.queued.pop(0)
            try:
                self.got(self.store.apply(Reserve(ticket.call, "g", ticket=ticket)))
            except GoneError:
                self.store.apply(Leave(ticket, "g"))

    def errands(self) -> None:
        self.store.run_errands()

    def arrive(self) -> None:
        self.way.arrive()


DEEDS = ("reserve", "reserve", "settle", "wait", "leave", "errands", "arrive", "forget")


@settings(max_examples=200)
@example(  # a charge made alone is told, perhaps in vain, and given back before that is known
    [("reserve", Fate.ANSWERED, 0, 0), ("reserve", Fate.NEVER_SENT, 0, 1.1), ("errands", Fate.NEVER_SENT, 0, 0)],
    1000 * TOKENS,
    False,
)
@given(
    st.lists(st.tuples(st.sampled_from(DEEDS), st.sampled_from(Fate), st.booleans(), PAUSES), max_size=40),
    LIMITS,
    st.booleans(),
)
def test_in_the_end_nothing_stands_there(history: list[Any], limit: int, leases: bool) -> None:
    replica = OneAtATime(way := Unreliable(), limit, leases=leases)
    for deed, fate, cancelled, pause in history:
        way.fates, way.cancelled = [fate], cancelled
        with suppress(GoneError):
            getattr(replica, deed)()
        replica.now += pause
    way.fates = []
    replica.end()
    assert replica.stands() == (0, 0) or replica.way.lost_a_part


# ---- many at once ------------------------------------------------------------------------------------------------


class AtOnce(Replica):
    """Questions are under way side by side; `which` of them a deed concerns is drawn.

    A call is a coroutine that stops at its question and is sent the answer by hand: the store waits for nothing else.
    """

    def __init__(self, way: Unreliable, limit: int, *, leases: bool) -> None:
        super().__init__(way, limit, leases=leases)
        self.asking: list[tuple[Coroutine[Flight, Any, None], Flight]] = []

    def do(self, deed: str, which: int) -> None:
        asking, way = self.asking, self.way
        if deed == "reserve":
            self._go_on(self._reserve(), lambda coroutine: coroutine.send(None))
        elif deed == "restart":
            way.late = []
            way.redis.flushdb()
            while asking:
                self._fail(asking.pop(), StoreUnavailable("reset"))
        elif deed in ("settle", "leave", "forget"):
            getattr(self, deed)()
        elif asking:
            coroutine, flight = asking[which % len(asking)]
            if deed == "arrive":
                if flight.answer is None:
                    way.land(flight)
                return
            if deed == "answer" and flight.answer is None:
                return
            asking.remove((coroutine, flight))
            if deed == "answer":
                self._go_on(coroutine, lambda coroutine: coroutine.send(flight.answer))
                return
            if flight.answer is None:
                way.late.append(flight)
            self._fail((coroutine, flight), StoreUnavailable("timeout") if deed == "time out" else GoneError())

    def answer_all(self) -> None:
        while self.asking:
            for deed in ("arrive", "answer"):
                self.do(deed, 0)

    async def _reserve(self) -> None:
        self.got(await self.store.aapply(self.call()))

    def _fail(self, asking: tuple[Coroutine[Flight, Any, None], Flight], error: BaseException) -> None:
        with suppress(GoneError):
            self._go_on(asking[0], lambda coroutine: coroutine.throw(error))

    def _go_on(self, coroutine: Coroutine[Flight, Any, None], how: Callable[[Any], Flight]) -> None:
        """To its next question, or to its end."""
        with suppress(StopIteration):
            self.asking.append((coroutine, how(coroutine)))


SIDE_BY_SIDE = ("reserve", "reserve", "settle", "leave", "arrive", "answer", "time out", "cancel", "forget", "restart")


@settings(max_examples=200)
@example(  # two that are under way both hear that the memory is lost: it is told again once
    [(deed, 0, 0.0) for deed in ("reserve", "arrive", "answer", "reserve", "reserve", "forget")], 1000 * TOKENS, False
)
@given(
    st.lists(st.tuples(st.sampled_from(SIDE_BY_SIDE), st.integers(0, 5), PAUSES), max_size=40), LIMITS, st.booleans()
)
def test_in_the_end_nothing_stands_there_of_questions_side_by_side(
    history: list[Any], limit: int, leases: bool
) -> None:
    replica = AtOnce(Unreliable(), limit, leases=leases)
    for deed, which, pause in history:
        replica.do(deed, which)
        replica.now += pause
    replica.answer_all()
    replica.end()
    assert replica.stands() == (0, 0) or replica.way.lost_a_part


def test_a_waiter_that_looks_again_long_after_its_time_asks_as_anyone_would() -> None:
    """An event loop that stood still over its deadline: its place in the line is gone."""
    replica = Replica(Unreliable(), TOKENS, leases=False)
    for _ in range(2):
        replica.got(replica.store.apply(replica.call()))
    waiter = replica.call()
    waiter.patience = 100.0
    replica.got(replica.store.apply(waiter))
    waiter.ticket = replica.queued[0]
    replica.now += 101.0
    replica.got(replica.store.apply(waiter))
    assert len(replica.held) == 3
    replica.queued.clear()
    replica.end()
