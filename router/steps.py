"""The alphabet of a journey: the few things it may ask of the world, each with the type of its answer.

A journey (`journey.py`) is a generator.  It yields one of these steps and is sent the answer; it cannot do
anything else, so it cannot read a clock, sleep or touch a socket.  Two drivers (`drivers.py`) carry the steps
out, one blocking and one awaiting.

Steps are made afresh for each question and never changed.  They are not frozen, because a frozen dataclass takes four
times as long to make, and each call makes several.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass
from math import inf
from typing import Any, Generic, TypeVar

from .events import Event
from .values import Call, Failure, Lease, Reply

T = TypeVar("T")


class Step(Generic[T]):
    """A question to the world; `T` is the type of the answer."""

    __slots__ = ()


class Ticket:
    """A place in a group's queue.  The store rings it when trying again may help; the driver sleeps on it.

    `ring` may come from any thread, before or after the driver has begun to wait, and more than once.
    """

    __slots__ = ("avoids", "bell", "booked", "call", "deadline", "priority", "rung", "rung_at", "serial", "tokens")

    def __init__(self, call: Call, tokens: int, deadline: float, serial: int, avoids: Collection[str] = ()) -> None:
        self.call = call
        self.tokens = tokens
        self.priority = call.priority
        self.deadline = deadline
        self.serial = serial
        self.avoids = frozenset(avoids)
        """Ids of deployments that the call has used and does not wait for."""
        self.rung = False
        self.rung_at: float | None = None
        """When a later call first found this one rung and still in its way."""
        self.bell: Callable[[], None] | None = None
        self.booked: Any = None
        """A place that a shared store granted while it waited; it is fetched by reserving again."""

    def ring(self) -> None:
        """Wake the waiter, now or as soon as it waits."""
        self.rung = True
        bell = self.bell
        if bell is not None:
            bell()


@dataclass(slots=True)
class Refusal:
    """Nothing could be reserved."""

    now: float
    opening: float | None
    """When the call would fit somewhere, on the store's clock; None: never, as things stand."""
    ticket: Ticket | None
    """Its place in the queue, if the opening lies within what the call may wait for."""
    reason: str
    """`full`, `budget` (the retry budget is spent), `tried` (only deployments that the call has used are left)."""
    details: tuple[str, ...] = ()
    """One line per deployment: why not.  Only made when nothing is queued."""


@dataclass(slots=True)
class Reserve(Step["Lease | Refusal"]):
    """Choose a deployment of `group` for the call and charge it, in one stroke."""

    call: Call
    group: str
    tried: Collection[str] = ()
    """Ids that this call has used already; they come again only when no other is left."""
    retry_cost: float = 0.0
    """What this attempt takes from the group's retry budget; 0 for a first attempt."""
    patience: float = 0.0
    """Seconds for which the call would queue from now; 0: not at all.  A `ticket` has its own deadline instead."""
    ticket: Ticket | None = None
    deadline: float = inf
    """The end of the call's time on the store's clock; unknown before the store's first answer."""
    paid: bool = False
    """A retry that was counted and paid for when it was asked for with more in `tried`."""


@dataclass(slots=True)
class Send(Step["Reply | Failure"]):
    """Send one attempt and bring its reply: whole, or up to a stream's first content."""

    lease: Lease
    timeout: float
    """Seconds for the attempt."""


@dataclass(slots=True)
class Begin(Step[None]):
    """A stream began well: learn from its head; the lease stays open until the stream's end."""

    lease: Lease
    reply: Reply


@dataclass(slots=True)
class Settle(Step[None]):
    """The attempt is over: charge what it really cost, learn from it, free its place.  Idempotent."""

    lease: Lease
    result: Reply | Failure
    blameless: bool = False
    """The failure says nothing about the deployment (the caller's own short timeout)."""


@dataclass(slots=True)
class Leave(Step[None]):
    """Give up a place in the queue.  Idempotent."""

    ticket: Ticket
    group: str


@dataclass(slots=True)
class Wait(Step[float]):
    """Sleep until the ticket rings or `seconds` have passed; the answer is how long it took."""

    seconds: float
    ticket: Ticket | None = None


@dataclass(slots=True)
class Tell(Step[None]):
    """Let listeners know."""

    event: Event


StoreStep = Reserve | Begin | Settle | Leave
Journey = Generator[Step[Any], Any, T]
