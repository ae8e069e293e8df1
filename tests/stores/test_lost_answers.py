"""Does nothing stay behind, whichever questions and answers get lost on the way, and however late they arrive?"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from router.steps import Leave, Reserve
from router.stores.reach.reasons import StoreUnavailable

from .one_replica import TOKENS, Fate, GoneError, Replica, Slow, Unreliable

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
    assert replica.stands() == (0, 0)


# ---- many at once ------------------------------------------------------------------------------------------------


class AtOnce(Replica):
    """Questions are under way side by side; `which` of them a deed concerns is drawn."""

    way: Slow

    def __init__(self, way: Slow, limit: int, *, leases: bool) -> None:
        super().__init__(way, limit, leases=leases)
        self.tasks: list[asyncio.Task[None]] = []

    def do(self, deed: str, which: int) -> None:
        way = self.way
        arrived = [flight for flight in way.awaited if flight.answer is not None]
        if deed == "reserve":
            self.tasks.append(asyncio.ensure_future(self._reserve()))
        elif deed == "arrive" and way.unheard:
            flight = way.unheard[which % len(way.unheard)]
            flight.answer = flight.question.arrive(way.now_ms())
        elif deed == "answer" and arrived:
            flight = arrived[which % len(arrived)]
            flight.future.set_result(flight.answer)
        elif deed == "time out" and way.awaited:
            way.awaited[which % len(way.awaited)].future.set_exception(StoreUnavailable("timeout"))
        elif deed == "cancel" and way.awaited:
            way.awaited[which % len(way.awaited)].future.cancel()
        elif deed == "restart":
            for flight in way.awaited:
                flight.future.set_exception(StoreUnavailable("reset"))
            way.flights = []
            way.redis.flushdb()
        elif deed in ("settle", "leave", "forget"):
            getattr(self, deed)()

    async def answer_all(self) -> None:
        while self.way.awaited:
            self.way.arrive()
            for flight in self.way.awaited:
                flight.future.set_result(flight.answer)
            await turn()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _reserve(self) -> None:
        self.got(await self.store.aapply(self.call()))


async def turn() -> None:
    """Let whoever was answered go on."""
    for _ in range(4):
        await asyncio.sleep(0)


SIDE_BY_SIDE = ("reserve", "reserve", "settle", "leave", "arrive", "answer", "time out", "cancel", "forget", "restart")


@settings(max_examples=150)
@example(  # two that are under way both hear that the memory is lost: it is told again once
    [(deed, 0, 0.0) for deed in ("reserve", "arrive", "answer", "reserve", "reserve", "forget")], 1000 * TOKENS, False
)
@given(
    st.lists(st.tuples(st.sampled_from(SIDE_BY_SIDE), st.integers(0, 5), PAUSES), max_size=40), LIMITS, st.booleans()
)
def test_in_the_end_nothing_stands_there_of_questions_side_by_side(
    history: list[Any], limit: int, leases: bool
) -> None:
    async def scenario() -> tuple[int, int]:
        replica = AtOnce(Slow(), limit, leases=leases)
        for deed, which, pause in history:
            replica.do(deed, which)
            await turn()
            replica.now += pause
        await replica.answer_all()
        replica.end()
        return replica.stands()

    assert asyncio.run(scenario()) == (0, 0)
