"""Carry a journey's steps out, blocking or awaiting.  With `streams.py`, the only floor that waits.

The two drivers differ in `await` and in what that brings along (a call that waits holds little, and may be collected).
If a journey dies, from an error, Ctrl-C or a cancellation, its driver gives back what it holds: the lease, charged as
an attempt that was cut short, and the place in the queue.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import anyio

from .errors import RouterError
from .events import Event
from .steps import Begin, Journey, Leave, Reserve, Send, Settle, Step, Tell, Ticket, Wait
from .stores import Store
from .values import Failure, Kind, Lease, Reply

T = TypeVar("T")
STORE_STEPS = (Reserve, Settle, Begin, Leave)
CLEAN_UP_S = 1.0
"""How long a cancelled call may take to tell a remote store that it is gone."""


class Transport(Protocol):
    """Sends attempts.  Never raises for what a service does; returns a `Failure` instead."""

    def send(self, lease: Lease, timeout: float) -> Reply | Failure:
        """Send one attempt, blocking, within `timeout` seconds."""
        ...

    async def asend(self, lease: Lease, timeout: float) -> Reply | Failure:
        """The same, awaiting."""
        ...


class _Held:
    """What the call holds now, by the steps that were carried out."""

    __slots__ = ("lease", "sent", "ticket")

    def __init__(self) -> None:
        self.lease: Lease | None = None
        self.sent = False
        self.ticket: Ticket | None = None

    def answered(self, step: Step[Any], answer: Any) -> None:
        kind = type(step)
        if kind is Reserve:
            if type(answer) is Lease:
                self.lease, self.ticket, self.sent = answer, None, False
            else:
                self.ticket = answer.ticket
        elif kind is Settle:
            self.lease = None

    def give_back(self) -> list[Settle | Leave]:
        """The steps that give back what a dead journey held; it holds nothing any more."""
        steps: list[Settle | Leave] = []
        if self.lease is not None:
            gone = Failure(Kind.CANCELLED, "the caller went away", sent=self.sent)
            steps.append(Settle(self.lease, gone, blameless=True))
        if self.ticket is not None:
            steps.append(Leave(self.ticket, self.ticket.call.group))
        self.lease = self.ticket = None
        return steps


def drive(journey: Journey[T], store: Store, transport: Transport, tell: Callable[[Event], None]) -> T:
    """Run a journey to its end, blocking the thread while it waits."""
    held = _Held()
    answer: Any = None
    try:
        while True:
            try:
                step = journey.send(answer)
            except StopIteration as stop:
                held.lease = None  # handed over with the result, or settled
                return stop.value  # type: ignore[no-any-return]
            if isinstance(step, STORE_STEPS):
                answer = store.apply(step)
                held.answered(step, answer)
            elif isinstance(step, Send):
                held.sent = True
                answer = transport.send(step.lease, step.timeout)
            elif isinstance(step, Wait):
                answer = _sleep(step)
            elif isinstance(step, Tell):
                tell(step.event)
                answer = None
            else:
                raise TypeError(f"a journey asked for {type(step).__name__}, which no driver knows")
    except RouterError:
        held.sent = False  # a transport raises only what it finds before it sends
        raise
    finally:
        if held.lease is not None or held.ticket is not None:
            for step in held.give_back():
                store.apply(step)


async def adrive(journey: Journey[T], store: Store, transport: Transport, tell: Callable[[Event], None]) -> T:
    """Run a journey to its end, awaiting; on asyncio and on trio."""
    held = _Held()
    answer: Any = None
    try:
        while True:
            try:
                step = journey.send(answer)
            except StopIteration as stop:
                held.lease = None
                return stop.value  # type: ignore[no-any-return]
            if isinstance(step, STORE_STEPS):
                answer = await store.aapply(step) if store.waits else store.apply(step)
                held.answered(step, answer)
            elif isinstance(step, Send):
                held.sent = True
                sending = transport.asend(step.lease, step.timeout)
                del step  # an object less for Python's collector to walk while hundreds of calls wait
                answer = await sending
            elif isinstance(step, Wait):
                answer = await _asleep(step)
            elif isinstance(step, Tell):
                tell(step.event)
                answer = None
            else:
                raise TypeError(f"a journey asked for {type(step).__name__}, which no driver knows")
    except RouterError:
        held.sent = False
        raise
    except GeneratorExit:  # collected while it waited, perhaps by a collector that runs inside the store
        for step in held.give_back():
            store.apply_later(step)
        raise
    finally:
        if held.lease is not None or held.ticket is not None:
            with anyio.move_on_after(CLEAN_UP_S, shield=True):
                for step in held.give_back():
                    await store.aapply(step)


def _sleep(step: Wait) -> float:
    started = time.monotonic()
    if step.ticket is None:
        time.sleep(step.seconds)
    else:
        bell = threading.Event()
        step.ticket.bell = bell.set
        if not step.ticket.rung:  # rung between the refusal and now: look again at once
            bell.wait(step.seconds)
        step.ticket.bell = None
    return time.monotonic() - started


async def _asleep(step: Wait) -> float:
    started = anyio.current_time()
    if step.ticket is None:
        await anyio.sleep(step.seconds)
    else:
        event = anyio.Event()
        step.ticket.bell = _threadsafe(event.set)
        try:
            if not step.ticket.rung:
                with anyio.move_on_after(step.seconds):
                    await event.wait()
        finally:
            step.ticket.bell = None
    return anyio.current_time() - started


def _threadsafe(callback: Callable[[], object]) -> Callable[[], None]:
    """Make a callback of this event loop safe to call from any thread, and harmless once the loop is gone."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        import trio  # only reached under trio, which is no dependency of ours

        soon: Callable[..., Any] = trio.lowlevel.current_trio_token().run_sync_soon
    else:
        soon = loop.call_soon_threadsafe

    def ring() -> None:
        try:
            soon(callback)
        except RuntimeError:  # the loop is closed, or trio's run is finished (a RuntimeError too): nobody waits there
            return

    return ring
