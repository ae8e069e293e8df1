"""One replica, a Redis in this process, and ways between them on which things get lost."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Any

import fakeredis

from router.configured import Deployment
from router.shared.inquiry import Answered
from router.shared.ledger import SharedLedger
from router.steps import Leave, Reserve, Settle, Ticket
from router.stores.reach.reasons import StoreUnavailable
from router.stores.reach.script import Script
from router.stores.redis import RedisStore
from router.values import Call, Failure, Kind, Lease
from strategies.least_loaded import LeastLoaded

from .fleet import PlainClient

TOKENS = 7
NAMES = ("a", "void")


class Replica:
    """One store and what it holds: leases, and places in the queue.

    Args:
        way: to Redis.
        limit: tokens per minute of each of two deployments.
        leases: whether it asks for allowances.
    """

    def __init__(self, way: Unreliable, limit: int, *, leases: bool) -> None:
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


@dataclass
class Flight:
    """A question on its way, for which whoever awaits it stops until the test goes on.  No event loop is needed."""

    script: Script
    keys: Sequence[str]
    args: Sequence[Any]
    answer: Any = None

    @property
    def serial(self) -> int:
        """Of the replica's question."""
        return int(self.args[2])

    def __await__(self) -> Generator[Flight, Any, Any]:
        return (yield self)


class Unreliable(PlainClient):
    """Each question is answered at once, or lost in one way or another.

    Attributes:
        fates: of the next questions; those after them are answered.
        cancelled: whether who asked is cancelled or hears that the store is not there.
        late: questions that nobody waits for and that have not arrived.
        lost_a_part: Redis forgot some questions and knows others.  Which corrections went with them cannot be known
            (`Journal.lost`), so too much may stand for a minute.
    """

    now_ms: Callable[[], int]

    def __init__(self) -> None:
        super().__init__(fakeredis.FakeRedis())
        self.redis.script_load(Script.named("reserve").text)
        self.fates: list[Fate] = []
        self.cancelled = True
        self.lost_a_part = False
        self.late: list[Flight] = []

    def land(self, flight: Flight) -> None:
        """It arrives now, whenever it was sent: the clock of Redis never runs backwards."""
        flight.answer = super().call(flight.script, flight.keys, [self.now_ms(), *flight.args[1:]])
        status, _, last = flight.answer[:3]
        self.lost_a_part |= status == Answered.LOST and last > 0

    def call(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        flight = Flight(script, keys, args)
        fate = self.fates.pop(0) if self.fates else Fate.ANSWERED
        if fate is Fate.LATE:
            self.late.append(flight)
        elif fate is not Fate.NEVER_SENT:
            self.land(flight)
            if fate is Fate.ANSWERED:
                return flight.answer
        raise GoneError if self.cancelled else StoreUnavailable("timeout")

    async def acall(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        return await Flight(script, keys, args)

    def arrive(self) -> None:
        """What was late arrives; nobody hears the answers."""
        while self.late:
            self.land(self.late.pop(0))

    def drop_all_but(self, serials: set[int]) -> None:
        """Of what is late, only these will ever arrive."""
        self.late = [flight for flight in self.late if flight.serial in serials]
