"""How many may use connections of an event loop at once?  Whoever comes when all are in use waits in a line.

The one that leaves hands its place to the first in the line, so nobody overtakes: not even whoever has just left and
comes back at once.  `asyncio.Semaphore` does the same and costs every call a microsecond more, full or not.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress


class LoopPlaces:
    """So many places, for the tasks of one event loop.

    Attributes:
        free: how many are, and then nobody waits.  Whoever takes one counts it down; at 0, `wait` instead.
    """

    __slots__ = ("_line", "free")

    def __init__(self, count: int) -> None:
        self.free = count
        self._line: deque[asyncio.Future[None]] = deque()

    async def wait(self) -> None:
        """Wait for a place that another one leaves.  Raises what `refuse` makes."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):  # whoever left meanwhile has passed it over
                    self._line.remove(turn)
            elif turn.exception() is None:
                self.leave()  # it was this one's turn already
            raise

    def leave(self) -> None:
        """Give a place back."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1

    def refuse(self, error: Callable[[], Exception]) -> None:
        """Tell everyone who waits that there will be no place, each by an error of its own."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_exception(error())
