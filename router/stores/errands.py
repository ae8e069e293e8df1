"""A thread that goes to Redis when no call does.

It starts when there is first something to do, sleeps until the next errand is due, and ends when there is none or its
store is gone.  It holds the store weakly, so a router that is dropped without `close()` is collected all the same.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from math import inf
from typing import Protocol

PATIENCE_S = 5.0
"""How long it waits for another errand before it ends."""
LEAST_S = 0.05


class Owner(Protocol):
    """Whoever has errands."""

    clock: Callable[[], float]
    """Seconds, monotonic."""

    def run_errands(self) -> float | None:
        """Do what is due; seconds until there is more, None: nothing as things stand."""
        ...


class Errands:
    """Runs one owner's errands."""

    def __init__(self, owner: Owner) -> None:
        self._owner = weakref.ref(owner)
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._next = inf
        """When the thread will look next, on the owner's clock."""

    def due(self, when: float) -> None:
        """There is something to do at `when`, on the owner's clock.  Cheap where the thread knows already."""
        if when >= self._next:
            return
        with self._lock:
            if self._stopped:
                return
            self._next = when
            self._wake.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="azure-router errands", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """No more errands.  Waits for the one that runs."""
        with self._lock:
            self._stopped = True
            self._wake.set()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(PATIENCE_S)

    def _run(self) -> None:
        pause: float | None = 0.0
        while True:
            woken = self._wake.wait(PATIENCE_S if pause is None else max(LEAST_S, pause))
            with self._lock:
                if self._stopped or (pause is None and not woken):
                    self._thread = None
                    return
                self._wake.clear()
                self._next = inf
            owner = self._owner()
            if owner is None:
                return
            pause = owner.run_errands()
            if pause is not None:
                self._next = min(self._next, owner.clock() + pause)
            del owner
