"""The ledger of one process: behind a lock, with a monotonic clock.

The lock is held for microseconds and never across an await, so threads and event loops may share one store.
After a fork the child keeps the charges (the quota is the same) and forgets the parent's open calls and waiters.

A stream that is collected without having been closed gives its lease back from within the garbage collector, which may
run at any allocation, those under this lock included.  It leaves a note (`apply_later`), and whoever takes the lock
next carries it out.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from router.events import Event
from router.forks import after_fork
from router.ledger import Ledger
from router.steps import Begin, Leave, Reserve, Settle, StoreStep
from router.values import Failure, Kind, Lease


class MemoryStore:
    """Keeps one ledger.

    Args:
        ledger: the fleet.
        tell: gets every event, outside the lock.
        clock: seconds, monotonic; injected in tests.
    """

    waits = False

    def __init__(
        self, ledger: Ledger, tell: Callable[[Event], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.ledger = ledger
        self.questions = 0
        """Asked of a shared store so far."""
        self.clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._later: deque[Settle | Leave] = deque()
        ledger.started(clock())
        after_fork(self)

    def apply(self, step: StoreStep) -> Any:
        """Carry a step out and return its answer."""
        ledger = self.ledger
        answer: Any = None
        with self._lock:
            now = self.clock()
            if self._later:
                self._catch_up(now)
            kind = type(step)
            if kind is Reserve:
                answer = ledger.reserve(step, now)  # type: ignore[arg-type]
            elif kind is Settle:
                ledger.settle(step, now)  # type: ignore[arg-type]
            elif kind is Begin:
                ledger.begin(step, now)  # type: ignore[arg-type]
            elif kind is Leave:
                ledger.leave(step, now)  # type: ignore[arg-type]
            else:
                raise TypeError(f"a store was given {kind.__name__}, which is no step of its own")
            events = ledger.take_events() if ledger.events else None
        if events:
            self._tell_all(events, answer)
        return answer

    async def aapply(self, step: StoreStep) -> Any:
        """The same; nothing here waits."""
        return self.apply(step)

    def apply_later(self, step: Settle | Leave) -> None:
        """Carry a step out together with the next one; takes no lock and never waits."""
        self._later.append(step)

    def look(self, question: Callable[[Ledger, float], Any]) -> Any:
        """Ask the ledger something under the lock: `question(ledger, now)`."""
        with self._lock:
            now = self.clock()
            self._catch_up(now)
            return question(self.ledger, now)

    def close(self) -> None:
        """Nothing is held."""

    async def aclose(self) -> None:
        """Nothing is held."""

    def _tell_all(self, events: list[Event], answer: Any) -> None:
        """Tell what happened.  If that kills the call (Ctrl-C, `SystemExit`), nobody gets the answer."""
        try:
            for event in events:
                self._tell(event)
        except BaseException:
            self._nobody_gets(answer)
            raise

    def _nobody_gets(self, answer: Any) -> None:
        if isinstance(answer, Lease):
            self.apply(Settle(answer, Failure(Kind.CANCELLED, "the caller went away", sent=False), blameless=True))

    def _catch_up(self, now: float) -> None:
        """Carry out what was left for later; under the lock."""
        while self._later:
            step = self._later.popleft()
            if isinstance(step, Settle):
                self.ledger.settle(step, now)
            else:
                self.ledger.leave(step, now)

    def forked(self) -> None:
        """This is a child process: the parent's open calls and waiters are not ours."""
        self._lock = threading.Lock()  # another thread of the parent may have held the old one
        self._later.clear()  # the parent's
        self.ledger.forked(self.clock())
