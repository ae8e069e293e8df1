"""One replica, a Redis in this process, and ways between them on which things get lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Any

import fakeredis

from router.shared.ledger import SharedLedger
from router.steps import Leave, Reserve, Settle, Ticket
from router.stores.reach.reasons import StoreUnavailable
from router.stores.reach.script import Script
from router.stores.redis import RedisStore
from router.values import Call, Deployment, Failure, Kind, Lease
from strategies.least_loaded import LeastLoaded

TOKENS = 7
NAMES = ("a", "void")


class Question:
    """One run of the script on its way to a Redis.

    Attributes:
        serial: of the replica's question.
    """

    def __init__(self, redis: Any, script: Script, keys: Sequence[str], args: Sequence[Any]) -> None:
        self._redis, self._script, self._keys, self._args = redis, script, keys, args
        self.serial = int(args[2])

    def arrive(self, now_ms: int) -> Any:
        """Carry it out.  The clock of Redis never runs backwards, whenever the question was sent."""
        return self._redis.evalsha(self._script.sha, len(self._keys), *self._keys, now_ms, *self._args[1:])


class Replica:
    """One store and what it holds: leases, and places in the queue.

    Args:
        way: to Redis.
        limit: tokens per minute of each of two deployments.
        leases: whether it asks for allowances.
    """

    def __init__(self, way: Unreliable | Slow, limit: int, *, leases: bool) -> None:
        self.now = 1000.0
        self.way = way
        way.now_ms = lambda: int(self.now * 1000)
        deployments = [Deployment(name, "g", name, tpm=limit, rpm=10_000) for name in NAMES]
        self.ledger = SharedLedger(deployments, LeastLoaded(), Random(1), leases=leases)
        self.store = RedisStore(
            self.ledger, way, lambda _: None, lambda: self.now, redis_ms=way.now_ms, background=False
        )  # fmt: skip
        self.held: list[Lease] = []
        self.queued: list[Ticket] = []

    def call(self) -> Reserve:
        """A call that would wait for a minute."""
        return Reserve(Call("chat.completions", "g", {}, TOKENS), "g", patience=60.0)

    def got(self, answer: Any) -> None:
        """Keep what a reservation brought."""
        if isinstance(answer, Lease):
            self.held.append(answer)
        elif answer.ticket is not None:
            self.queued.append(answer.ticket)

    def settle(self) -> None:
        """The oldest attempt was never sent."""
        if self.held:
            self.store.apply(Settle(self.held.pop(0), Failure(Kind.CANCELLED, sent=False)))

    def leave(self) -> None:
        """The last in the line goes away."""
        if self.queued:
            self.store.apply(Leave(self.queued.pop(), "g"))

    def forget(self) -> None:
        """Redis loses its memory, and with it the marks of questions that were taken back before.

        Those come no more: they would have to be later than their taking back and the loss, and then they are a charge
        too much, for a minute.
        """
        self.way.drop_all_but({other.serial for other in self.ledger.links["g"]._undo})
        self.way.redis.flushdb()

    def end(self) -> None:
        """Give back all that is held, and let Redis hear everything."""
        while self.held or self.queued:
            self.settle()
            self.leave()
        for _ in range(20):  # long enough for a replica that went alone to come back
            self.now += 0.3
            self.store.run_errands()
        self.way.arrive()
        self.store.close()

    def stands(self) -> tuple[int, int]:
        """Tokens and requests in Redis, of both deployments together."""
        slots = [item for name in NAMES for item in self.way.redis.hgetall(f"azure-router:{{g}}:{name}").items()]
        tokens, requests = ([int(v) for k, v in slots if k[:1] == letter] for letter in (b"T", b"R"))
        return sum(tokens), sum(requests)


class Fate(Enum):
    """Of a question."""

    ANSWERED = "answered"
    NEVER_SENT = "never sent"
    ANSWER_LOST = "answer lost"
    LATE = "late"


class GoneError(BaseException):
    """Whoever asked was cancelled."""


class Unreliable:
    """Each question is answered at once, or lost in one way or another.

    Attributes:
        fates: of the next questions; those after them are answered.
        cancelled: whether who asked is cancelled or hears that the store is not there.
    """

    now_ms: Callable[[], int]

    def __init__(self) -> None:
        self.redis = fakeredis.FakeRedis()
        self.redis.script_load(Script.named("reserve").text)
        self.fates: list[Fate] = []
        self.cancelled = True
        self.late: list[Question] = []

    def call(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        question = Question(self.redis, script, keys, args)
        fate = self.fates.pop(0) if self.fates else Fate.ANSWERED
        if fate is Fate.LATE:
            self.late.append(question)
        elif fate is not Fate.NEVER_SENT:
            answer = question.arrive(self.now_ms())
            if fate is Fate.ANSWERED:
                return answer
        raise GoneError if self.cancelled else StoreUnavailable("timeout")

    async def acall(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        return self.call(script, keys, args)

    def arrive(self) -> None:
        """What was late arrives; nobody hears the answers."""
        while self.late:
            self.late.pop(0).arrive(self.now_ms())

    def drop_all_but(self, serials: set[int]) -> None:
        self.late = [question for question in self.late if question.serial in serials]

    def close(self) -> None:
        return None

    async def aclose(self) -> None:
        return None


@dataclass
class Flight:
    """A question on its way, and whoever waits for its answer."""

    question: Question
    future: asyncio.Future[Any]
    answer: Any = None


class Slow(Unreliable):
    """Awaited questions arrive and are answered when the test says so, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.flights: list[Flight] = []

    async def acall(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        future = asyncio.get_running_loop().create_future()
        self.flights.append(Flight(Question(self.redis, script, keys, args), future))
        return await future

    @property
    def unheard(self) -> list[Flight]:
        """Those that have not arrived."""
        return [flight for flight in self.flights if flight.answer is None]

    @property
    def awaited(self) -> list[Flight]:
        """Those whose askers wait."""
        return [flight for flight in self.flights if not flight.future.done()]

    def arrive(self) -> None:
        for flight in self.unheard:
            flight.answer = flight.question.arrive(self.now_ms())

    def drop_all_but(self, serials: set[int]) -> None:
        waits = self.awaited
        self.flights = [f for f in self.flights if f in waits or f.answer or f.question.serial in serials]
