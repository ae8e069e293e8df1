"""Whose time is up?  One timer of the event loop for all exchanges of a client, and for the reads of its streams.

Most of them end long before their deadline.  A timer for each would be made, sorted in and thrown away; here each is
an entry of a dictionary, and the timer stands at the earliest deadline that was there when it was set:

    0 s      a comes, until 600 s       the timer is set to 600 s
    1 s      b comes, until 601 s       nothing to do
    2 s      a ends                     nothing to do
    3 s      c comes, until 33 s        earlier: the timer is set to 33 s
    33 s     it rings                   c is out of time; the timer is set to 601 s, for b
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import Protocol


class Timed(Protocol):
    """Something with a deadline."""

    def expire(self) -> None:
        """Its deadline has passed.  Must not raise."""
        ...


class Deadlines:
    """The deadlines of one event loop's exchanges, in seconds on the clock of that loop."""

    __slots__ = ("_ends", "_loop", "_rings_at", "_timer", "now")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.now = loop.time
        self._ends: dict[Timed, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = inf

    def add(self, timed: Timed, end: float) -> None:
        """Call `timed.expire()` at `end`, unless it is dropped before."""
        self._ends[timed] = end
        if end < self._rings_at:
            self._set(end)

    def drop(self, timed: Timed) -> None:
        """It has ended in time.  Idempotent."""
        self._ends.pop(timed, None)

    def close(self) -> None:
        """Nobody is out of time any more."""
        self._ends.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._rings_at = inf

    def _set(self, end: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = end
        self._timer = self._loop.call_at(end, self._ring)

    def _ring(self) -> None:
        now = max(self.now(), self._rings_at)  # a loop may ring a clock's tick early
        self._timer, self._rings_at = None, inf
        due = [timed for timed, end in self._ends.items() if end <= now]
        for timed in due:
            del self._ends[timed]
        if self._ends:
            self._set(min(self._ends.values()))
        for timed in due:
            timed.expire()
