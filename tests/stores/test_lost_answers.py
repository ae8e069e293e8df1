"""Does nothing stay behind, whichever questions and answers get lost on the way, and however late they arrive?"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from enum import Enum
from random import Random
from typing import Any

import fakeredis
from hypothesis import example, given, settings
from hypothesis import strategies as st

from router.shared.ledger import SharedLedger
from router.steps import Leave, Reserve, Settle, Ticket
from router.stores.reach.reasons import StoreUnavailable
from router.stores.reach.script import Script
from router.stores.redis import RedisStore
from router.values import Call, Deployment, Failure, Kind, Lease
from strategies.least_loaded import LeastLoaded

TOKENS = 7


class Fate(Enum):
    """Of a question."""

    ANSWERED = "answered"
    NEVER_SENT = "never sent"
    ANSWER_LOST = "answer lost"
    LATE = "late"


class GoneError(BaseException):
    """Whoever asked was cancelled."""


class Unreliable:
    """A way to a Redis in this process on which things get lost.

    Attributes:
        fates: of the next questions; those after them are answered.
        cancelled: whether who asked is cancelled or hears that the store is not there.
    """

    def __init__(self, redis: Any) -> None:
        self.redis = redis
        self.redis.script_load(Script.named("reserve").text)
        self.fates: list[Fate] = []
        self.cancelled = True
        self.late: list[tuple[Any, ...]] = []

    def call(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        question = (script.sha, len(keys), *keys, *args)
        fate = self.fates.pop(0) if self.fates else Fate.ANSWERED
        if fate is Fate.LATE:
            self.late.append(question)
        elif fate is not Fate.NEVER_SENT:
            answer = self.redis.evalsha(*question)
            if fate is Fate.ANSWERED:
                return answer
        raise GoneError if self.cancelled else StoreUnavailable("timeout")

    async def acall(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        return self.call(script, keys, args)

    def arrive(self) -> None:
        """What was late arrives; nobody hears the answers."""
        while self.late:
            self.redis.evalsha(*self.late.pop(0))

    def close(self) -> None:
        return None

    async def aclose(self) -> None:
        return None


def serial_of(question: tuple[Any, ...]) -> int:
    """The third argument, behind the digest, the number of keys and the keys."""
    return int(question[2 + question[1] + 2])


class Replica:
    """One store, its way to Redis, and what it holds: leases, and places in the queue."""

    def __init__(self, *, limit: int, leases: bool) -> None:
        self.redis = fakeredis.FakeRedis()
        self.now = 1000.0
        self.way = Unreliable(self.redis)
        deployments = [Deployment(name, "g", name, tpm=limit, rpm=10_000) for name in ("a", "void")]
        self.store = RedisStore(
            SharedLedger(deployments, LeastLoaded(), Random(1), leases=leases),
            self.way,
            lambda _: None,
            lambda: self.now,
            redis_ms=lambda: int(self.now * 1000),
            background=False,
        )
        self.held: list[Lease] = []
        self.queued: list[Ticket] = []

    def reserve(self) -> None:
        self._reserve(Reserve(Call("chat.completions", "g", {}, TOKENS), "g", patience=60.0))

    def wait(self) -> None:
        """Whoever waits first looks again."""
        if self.queued:
            ticket = self.queued.pop(0)
            try:
                self._reserve(Reserve(ticket.call, "g", ticket=ticket))
            except GoneError:
                self.store.apply(Leave(ticket, "g"))

    def leave(self) -> None:
        if self.queued:
            self.store.apply(Leave(self.queued.pop(), "g"))

    def settle(self) -> None:
        if self.held:
            self.store.apply(Settle(self.held.pop(0), Failure(Kind.CANCELLED, sent=False)))

    def errands(self) -> None:
        self.store.run_errands()

    def arrive(self) -> None:
        self.way.arrive()

    def forget(self) -> None:
        """Redis loses its memory.

        What was taken back before comes no more: it would have to be later than its taking back and the loss, and then
        it is a charge too much, for a minute.
        """
        open_ones = {other.serial for other in self.store.ledger.links["g"]._undo}  # type: ignore[attr-defined]
        self.way.late = [question for question in self.way.late if serial_of(question) in open_ones]
        self.redis.flushdb()

    def end(self) -> None:
        """Give back all that is held, and hear everything."""
        self.way.fates = []
        while self.held or self.queued:
            self.settle()
            self.leave()
        for _ in range(20):  # long enough for a replica that went alone to come back
            self.now += 0.3
            self.errands()
        self.arrive()
        self.store.close()

    def stands(self) -> tuple[int, int]:
        """Tokens and requests in Redis, of both deployments together."""
        slots = [item for name in ("a", "void") for item in self.redis.hgetall(f"azure-router:{{g}}:{name}").items()]
        tokens, requests = ([int(v) for k, v in slots if k[:1] == letter] for letter in (b"T", b"R"))
        return sum(tokens), sum(requests)

    def _reserve(self, step: Reserve) -> None:
        answer = self.store.apply(step)
        if isinstance(answer, Lease):
            self.held.append(answer)
        elif answer.ticket is not None:
            self.queued.append(answer.ticket)


deeds = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "reserve", "settle", "wait", "leave", "errands", "arrive", "forget"]),
        st.sampled_from(Fate),
        st.booleans(),  # is who asks cancelled, or told that the store is away?
        st.sampled_from([0.0, 0.01, 0.3, 1.1]),  # seconds until the next
    ),
    max_size=40,
)


@settings(max_examples=200)
@example(  # a charge made alone is told, perhaps in vain, and given back before that is known
    [("reserve", Fate.ANSWERED, 0, 0), ("reserve", Fate.NEVER_SENT, 0, 1.1), ("errands", Fate.NEVER_SENT, 0, 0)],
    1000 * TOKENS,
    False,
)
@given(deeds, st.sampled_from([3 * TOKENS, 1000 * TOKENS]), st.booleans())
def test_in_the_end_nothing_stands_there(history: list[Any], limit: int, leases: bool) -> None:
    replica = Replica(limit=limit, leases=leases)
    for deed, fate, cancelled, pause in history:
        replica.way.fates, replica.way.cancelled = [fate], cancelled
        with suppress(GoneError):
            getattr(replica, deed)()
        replica.now += pause
    replica.end()
    assert replica.stands() == (0, 0)
