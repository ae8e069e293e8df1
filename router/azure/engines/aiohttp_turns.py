"""How many answers are parsed before the calls that wait for them go on?

An event loop takes all bytes that are there before any call goes on, and aiohttp parses them at once.  With 512 calls
at a time 512 parsed answers lay there, of some forty objects each.  Python's garbage collector starts whenever 700
objects more have come than gone (2,000 from Python 3.13 on), and then walks all of them and all that waits, which was a
seventh of the time of such a call.  So at most 64 are parsed, their calls go on and free what they have read, and then
come the next 64.  The rest waits as bytes, which are no objects to walk.  One at a time would be worse: many in a row
keep the processor's caches on parsing.
"""

from __future__ import annotations

import asyncio
from collections import deque

from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import _EXC_SENTINEL

AT_ONCE = 64


class Turns:
    """Of the connections of one connector.

    Attributes:
        left: so many more may be parsed before the calls that wait for those go on.
    """

    __slots__ = ("_loop", "_waiting", "left")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[Handler] = deque()
        self.left = AT_ONCE

    def parsed(self) -> None:
        """One more is parsed, and its call woken if that was a head."""
        if self.left == 1:
            self._loop.call_soon(self._next)  # behind those that were woken; first of all, for a Ctrl-C may strike here
        self.left -= 1

    def wait(self, handler: Handler) -> None:
        """None is left: `handler` is asked to catch up when its turn comes."""
        self._waiting.append(handler)

    def _next(self) -> None:
        self.left = AT_ONCE
        try:
            while self._waiting and self.left:
                self.left -= 1
                self._waiting.popleft().catch_up()
        finally:
            if self._waiting or not self.left:
                self.left = 1  # until it is certain that it goes on, which a Ctrl-C may prevent
                self._loop.call_soon(self._next)
                self.left = 0


class Handler(ResponseHandler):
    """A connection whose answers wait for their turn to be parsed.

    Args:
        loop: its event loop.
        turns: of all connections there.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, turns: Turns) -> None:
        super().__init__(loop)
        self._turns = turns
        self._kept = b""
        """Come, and not parsed yet."""
        self._is_over = False

    def data_received(self, data: bytes) -> None:
        """Parse it, unless it belongs to a head whose turn has not come."""
        if self._kept:
            self._kept += data
            if len(self._kept) >= self._read_bufsize and not self._buffer_paused:
                self._pause_reading_for_buffer()
        elif self._waiter is None or not data:  # a body, or what nobody asked for; or a parser that paused goes on
            super().data_received(data)
        elif self._turns.left:
            super().data_received(data)
            self._turns.parsed()
        else:
            self._kept = data
            self._turns.wait(self)

    def catch_up(self) -> None:
        """Parse what was kept."""
        kept, self._kept = self._kept, b""
        if kept:
            super().data_received(kept)
            if self._buffer_paused:
                self._resume_reading_for_buffer()

    def set_exception(self, exc: BaseException, exc_cause: BaseException = _EXC_SENTINEL) -> None:
        """What came before counts."""
        self.catch_up()
        super().set_exception(exc, exc_cause)

    def pause_reading(self) -> None:
        """A reader has enough.  That is no reason to stop once nothing more can come."""
        if not self._is_over:
            super().pause_reading()

    def connection_lost(self, exc: BaseException | None) -> None:
        """What came before counts, all of it."""
        self._is_over = True
        self.catch_up()
        if self._reading_paused:  # its parser holds what was more than a reader takes at once
            self.resume_reading()
        super().connection_lost(exc)
