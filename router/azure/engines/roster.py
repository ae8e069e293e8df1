"""Which connections are there, and which of them takes the next request?

Plain bookkeeping for the pools of `httpx2_pools.py`: no sockets, no locks.  Every deed takes the same time however many
connections there are.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, Protocol, TypeVar

from . import KEEP_ALIVE_S, MAX_CONNECTIONS

Origin = tuple[bool, str, int]
"""Whether it is secured, the host, the port."""


class Connection(Protocol):
    """What the roster asks of one."""

    origin: Origin
    expires_at: float
    """The moment until which it is kept while it is idle, by `time.monotonic()`."""

    def is_quiet(self) -> bool:
        """Whether there is nothing to read: no end, and no answer that nobody asked for."""
        ...


C = TypeVar("C", bound=Connection)


class Roster(Generic[C]):
    """The connections of one pool: with a request, or idle.

    Whoever takes one looks for the place first (`MAX_CONNECTIONS` requests at once), and closes what the roster gives
    up.
    """

    def __init__(self) -> None:
        self._busy: set[C] = set()
        self._idle: dict[C, None] = {}
        """The longest idle first."""
        self._of: dict[Origin, deque[C]] = {}
        """The same by their origins, the longest idle first."""

    def __len__(self) -> int:
        return len(self._busy) + len(self._idle)

    def take(self, origin: Origin, now: float) -> tuple[C | None, list[C]]:
        """The idle connection that was used last, and those that are given up; None: make one, and `add` it."""
        over: list[C] = []
        for connection in self._idle:
            if connection.expires_at > now:
                break
            over.append(connection)
        for connection in over:
            self._forget_oldest(connection)
        mine = self._of.get(origin)
        while mine:
            connection = mine.pop()
            del self._idle[connection]
            if connection.is_quiet():
                self._busy.add(connection)
                return connection, over
            over.append(connection)
        if self._idle and len(self) >= MAX_CONNECTIONS:
            oldest = next(iter(self._idle))
            self._forget_oldest(oldest)
            over.append(oldest)
        return None, over

    def add(self, connection: C) -> None:
        """A new one, with a request."""
        self._busy.add(connection)

    def give_back(self, connection: C, now: float, *, keep: bool) -> None:
        """Its request is over."""
        self._busy.discard(connection)
        if keep:
            connection.expires_at = now + KEEP_ALIVE_S
            self._idle[connection] = None
            self._of.setdefault(connection.origin, deque()).append(connection)

    def clear(self) -> tuple[list[C], list[C]]:
        """Those with a request, and the idle ones; none is left."""
        busy, idle = list(self._busy), list(self._idle)
        self._busy.clear()
        self._idle.clear()
        self._of.clear()
        return busy, idle

    def _forget_oldest(self, connection: C) -> None:
        del self._idle[connection]
        self._of[connection.origin].popleft()  # of its origin, too, it is the longest idle
