"""Which thread may send next, when as many as may send already do?

The one that has waited longest.  `threading.Semaphore` lets whoever comes by take what was just released, and that is
the thread that has released it: it runs, while those that wait have to wake first.  Here a place is handed over, so it
is taken before the next thread wakes.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any


class Turn:
    """A thread's wish for one place.  Used once."""

    gate: SimpleQueue[None]
    """What wakes the thread, if it has to wait.  Putting something in is safe everywhere, the collector included."""

    has_place = False
    """Written under the lock of the places."""


class Abandoned(deque[Any]):
    """Responses whose streams were collected.  Each has a place, until a thread closes it with `sweep`.

    The collector may run inside any lock, so it takes none: it only notes a response here.
    """

    def __init__(self, waiting: deque[Turn]) -> None:
        super().__init__()
        self._waiting = waiting

    def append(self, response: Any) -> None:
        """Note one, and wake the thread that has waited longest, to sweep."""
        super().append(response)
        self.wake()

    def wake(self) -> None:
        """If there is something to sweep, have the thread do it that has waited longest."""
        if self:
            with suppress(IndexError):  # nobody waits: the next call sweeps
                self._waiting[0].gate.put(None)


def sweep(abandoned: deque[Any]) -> None:
    """Close what was noted."""
    while abandoned:
        with suppress(IndexError, Exception):
            abandoned.popleft().close()


class ThreadPlaces:
    """So many at once, the rest in line.  Safe to share between threads.

    A turn is made before the block that sees to it, so that an interruption at any moment finds who has the place:

        turn = Turn()
        try:
            if places.take(turn, 5.0):
                ...
        finally:
            places.give_back(turn)
    """

    def __init__(self, count: int) -> None:
        self._free = count
        """None as long as somebody waits."""
        self._waiting: deque[Turn] = deque()
        self.abandoned = Abandoned(self._waiting)
        """Who waits for a place sweeps here."""
        self.is_closed = False
        self._lock = threading.Lock()

    def take(self, turn: Turn, seconds: float) -> bool:
        """Whether the turn has a place; False: none has come free in time, or nobody is to wait any more."""
        with self._lock:
            if self._free:
                self._free -= 1
                turn.has_place = True
                return True
            turn.gate = SimpleQueue()
            self._waiting.append(turn)
        end = time.monotonic() + seconds
        sweep(self.abandoned)  # what was noted before there was anybody to wake
        while not (turn.has_place or self.is_closed) and (left := end - time.monotonic()) > 0:
            with suppress(Empty):
                turn.gate.get(timeout=left)
            sweep(self.abandoned)
        return turn.has_place

    def give_back(self, turn: Turn) -> None:
        """The turn is over: what it has goes to whoever has waited longest.  Idempotent."""
        with self._lock:
            if not turn.has_place:
                with suppress(ValueError):  # it does not wait either
                    self._waiting.remove(turn)
                self.abandoned.wake()  # it may have been woken for this, and then left
                return
            turn.has_place = False
            if not self._waiting:
                self._free += 1
                return
            first = self._waiting[0]  # without a call, since it is at calls that a thread is interrupted
            del self._waiting[0]
            first.has_place = True
            first.gate.put(None)

    def close(self) -> None:
        """Nobody waits any more."""
        with self._lock:
            self.is_closed = True
            for turn in self._waiting:
                turn.gate.put(None)
