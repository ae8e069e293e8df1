"""How is the body of an httpx2 (or httpx) response read, up to a limit of bytes and of time?

Nothing here imports httpx2: a response is whatever has `iter_bytes`, `aiter_bytes` and the two ways to close.

A child of `os.fork` has copies of its parent's streams, on the very same connections.  Where it closes or collects one,
the parent must not notice.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any, NoReturn

import anyio
from anyio.lowlevel import current_token

from . import Request
from .breakdowns import breakdown_of, out_of_time, too_large

_closing: set[asyncio.Task[None]] = set()
"""asyncio keeps weak references to its tasks only."""


class BlockingChunks:
    """A body that is read by blocking calls."""

    __slots__ = ("_abandoned", "_parts", "_process", "_request", "_response")

    def __init__(self, response: Any, request: Request, abandoned: deque[Any] | None = None) -> None:
        self._response = response
        self._request = request
        self._abandoned = abandoned
        self._process = os.getpid()
        self._parts: Any = None

    def read(self, timeout: float) -> bytes:
        """The next bytes, b"" at the end.  Raises Breakdown, TIMEOUT after `timeout` seconds."""
        handled = sys.exception()
        try:
            self._allow(timeout)
            parts: Iterator[bytes] | None = self._parts
            if parts is None:
                parts = iter(self._response.iter_bytes())
                self._parts = parts
            for part in parts:
                if part:
                    return part
            return b""
        except BaseException as error:
            self._parts = None  # a generator that raised would say next that the body has ended
            if not isinstance(error, Exception):
                raise
            broken = breakdown_of(error, self._request, handled)
            if broken.kind == "timeout":
                broken = out_of_time(self._request, timeout, "further bytes")
        raise broken

    def rest(self, due: float) -> bytes:
        """All of it, by the moment `due` of `time.monotonic()`.  Raises Breakdown."""
        parts, size = [], 0
        try:
            self._allow(due - time.monotonic())
            for part in self._response.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > self._request.max_bytes:
                    raise too_large(self._request)
                if time.monotonic() > due:
                    raise out_of_time(self._request, self._request.timeout)
        finally:
            self._finish()
        return b"".join(parts)

    async def aread(self, timeout: float) -> NoReturn:
        """Not offered.

        Raises:
            TypeError: always.
        """
        raise TypeError("this stream was opened by a blocking call: use `read`")

    def close(self) -> None:
        """Give the connection back if the body is read, else drop it."""
        if self._process == os.getpid():
            self._finish()
        else:
            self.abandon()

    async def aclose(self) -> NoReturn:
        """Not offered.

        Raises:
            TypeError: always.
        """
        raise TypeError("this stream was opened by a blocking call: use `close`")

    def abandon(self) -> None:
        """Close the socket at once.

        The pool hears of it with the next call, or with one that waits: its lock may be held right now.
        """
        is_ours = self._process == os.getpid()
        with suppress(Exception):
            stream = self._response.extensions["network_stream"]
            if is_ours:
                with suppress(OSError):
                    stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
            stream.close()
        if is_ours and self._abandoned is not None:
            self._abandoned.append(self._response)

    def _finish(self) -> None:
        with suppress(Exception):
            self._response.close()

    def _allow(self, seconds: float) -> None:
        """Bound the next reads: ours exactly (`httpx2_sockets.Due`); for a client handed in, the first read decides."""
        sockets = sys.modules.get("router.azure.engines.httpx2_sockets")
        if sockets is not None:
            sockets.due.in_(seconds)
        if self._parts is None:
            with suppress(Exception):
                self._response.request.extensions["timeout"]["read"] = max(seconds, 0.001)


class AwaitingChunks:
    """A body that is read by awaiting calls, on trio or asyncio.  Exactly one reader at a time."""

    __slots__ = ("_parts", "_process", "_request", "_response", "_token")

    def __init__(self, response: Any, request: Request) -> None:
        self._response = response
        self._request = request
        self._parts: Any = None
        self._process = os.getpid()
        self._token = current_token()

    async def aread(self, timeout: float) -> bytes:
        """The next bytes, b"" at the end.  Raises Breakdown, TIMEOUT after `timeout` seconds."""
        handled = sys.exception()
        try:
            with anyio.fail_after(timeout):
                parts: AsyncIterator[bytes] | None = self._parts
                if parts is None:
                    parts = aiter(self._response.aiter_bytes())
                    self._parts = parts
                async for part in parts:
                    if part:
                        return part
                return b""
        except BaseException as error:
            self._parts = None  # a generator that raised would say next that the body has ended
            if not isinstance(error, Exception):
                raise
            broken = breakdown_of(error, self._request, handled)
            if broken.kind == "timeout":
                broken = out_of_time(self._request, timeout, "further bytes")
        raise broken

    async def rest(self) -> bytes:
        """All of it; the caller bounds the time.  Raises Breakdown, or what the library raises."""
        parts, size = [], 0
        arriving = self._parts = self._response.aiter_bytes()
        try:
            async for part in arriving:
                parts.append(part)
                size += len(part)
                if size > self._request.max_bytes:
                    raise too_large(self._request)
        finally:
            await self._finish()
        return b"".join(parts)

    def read(self, timeout: float) -> NoReturn:
        """Not offered.

        Raises:
            TypeError: always.
        """
        raise TypeError("this stream was opened by an awaiting call: await `aread`")

    def close(self) -> None:
        """Drop the connection without awaiting."""
        self.abandon()

    async def aclose(self) -> None:
        """Give the connection back if the body is read, else drop it; a cancellation waits, a second at most."""
        if self._process == os.getpid():
            await self._finish()

    def abandon(self) -> None:
        """Have the loop close it, from whatever thread the garbage collector runs in."""
        if self._process != os.getpid():
            return  # that loop, and what it watches its sockets with, are the parent's
        native = self._token.native_token
        with suppress(Exception):  # the loop has ended, and its connections with it
            if isinstance(native, asyncio.AbstractEventLoop):
                native.call_soon_threadsafe(self._close_soon, native)
            else:
                import trio

                native.run_sync_soon(trio.lowlevel.spawn_system_task, self.aclose)  # type: ignore[attr-defined]

    async def _finish(self) -> None:
        parts, self._parts = self._parts, None
        with anyio.move_on_after(1, shield=True):
            with suppress(Exception):
                await self._response.aclose()
            with suppress(Exception):  # another task is reading, which the line above has told to end
                if parts is not None:
                    await parts.aclose()

    def _close_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        task = loop.create_task(self.aclose())
        _closing.add(task)
        task.add_done_callback(_closing.discard)
