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
from typing import Any


def sweep(abandoned: deque[Any]) -> None:
    """Close the responses whose streams were collected: the collector may run inside any lock, so it only marks."""
    while abandoned:
        with suppress(IndexError, Exception):
            abandoned.popleft().close()


class Turn:
    """A thread's wish for one place.  Used once."""

    gate: threading.Lock
    """What the thread waits for, if it has to.  Released to wake it."""

    has_place = False
    """Written under the lock of the places."""


class Places:
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
        self._lock = threading.Lock()

    def take(self, turn: Turn, seconds: float) -> bool:
        """Whether the turn has a place; False: none has come free in time."""
        with self._lock:
            if self._free:
                self._free -= 1
                turn.has_place = True
                return True
            gate = turn.gate = threading.Lock()
            gate.acquire()
            self._waiting.append(turn)
        end = time.monotonic() + seconds
        while not turn.has_place and (left := end - time.monotonic()) > 0:
            gate.acquire(timeout=left)
        return turn.has_place

    def give_back(self, turn: Turn) -> None:
        """The turn is over: what it has goes to whoever has waited longest.  Idempotent."""
        with self._lock:
            if not turn.has_place:
                with suppress(ValueError):  # it does not wait either
                    self._waiting.remove(turn)
                return
            turn.has_place = False
            if not self._waiting:
                self._free += 1
                return
            first = self._waiting[0]  # without a call, since it is at calls that a thread is interrupted
            del self._waiting[0]
            first.has_place = True
            first.gate.release()
