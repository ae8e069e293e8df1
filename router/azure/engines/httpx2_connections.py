"""One connection to a service, in a pool of httpcore2: it is dialled, asked, read, and given back or dropped.

httpcore2 keeps the pools and speaks to sockets and TLS; what goes through a proxy it carries by itself.  On straight
connections `http1.py` stands for its own reader of HTTP, which takes ten times as long and gives each chunk of a
stream alone, however many have come (`python -m benchmarks engines`, `... blocking`).
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from enum import Enum, auto
from typing import Any

import anyio
import httpcore2

from . import KEEP_ALIVE_S
from .http1 import Reading, Sending
from .tls_sessions import ResumingContext

_READ_BYTES = 2**16


class State(Enum):
    """Of a connection: not dialled yet, with a request, kept for the next one, over."""

    NEW = auto()
    BUSY = auto()
    IDLE = auto()
    CLOSED = auto()


class _Connection:
    """What the pool asks of a connection; it gives each to one request at a time.

    Args:
        origin: whom it reaches.
        settings: the pool's own, of which it uses `network_backend` and `ssl_context`.
    """

    def __init__(self, origin: httpcore2.Origin, settings: dict[str, Any]) -> None:
        self._origin = origin
        self._host = origin.host.decode("ascii")
        self._settings = settings
        self._state = State.NEW
        self._expires_at = 0.0
        self._stream: Any = None

    def can_handle_request(self, origin: httpcore2.Origin) -> bool:
        """Whether this is whom it reaches."""
        return origin == self._origin

    def is_connected(self) -> bool:
        """Dialled, and not over."""
        return self._stream is not None and self._state is not State.CLOSED

    def is_available(self) -> bool:
        """Free for a request."""
        return self._state is State.IDLE

    is_idle = is_available

    def is_closed(self) -> bool:
        """Over, or never reached."""
        return self._state is State.CLOSED

    def has_expired(self) -> bool:
        """Idle for too long; or there is something to read: its end, or an answer that nobody asked for."""
        if self._state is not State.IDLE:
            return False
        return time.monotonic() > self._expires_at or bool(self._stream.get_extra_info("is_readable"))

    def info(self) -> str:
        """For people."""
        return f"{self._origin}, {self._state.name.lower()}"

    def _begin(self) -> Reading:
        if self._state not in (State.NEW, State.IDLE):
            raise httpcore2.ConnectionNotAvailable  # closed since it was chosen
        self._state = State.BUSY
        return Reading()

    def _answer(self, reading: Reading, body: Any) -> httpcore2.Response:
        extensions = {"network_stream": self._stream}
        return httpcore2.Response(reading.status, headers=reading.headers, content=body, extensions=extensions)

    def _is_kept(self, reading: Reading) -> bool:
        """The answer is read or given up: may the connection serve another request?"""
        reading.close()
        if not reading.reusable or self._state is not State.BUSY:
            return False
        self._expires_at = time.monotonic() + KEEP_ALIVE_S
        self._state = State.IDLE
        return True


class BlockingConnection(_Connection, httpcore2.ConnectionInterface):
    """A straight connection for blocking calls.  The stream below keeps to the time (`httpx2_sockets.Due`)."""

    _is_secured_anew = False
    """Its TLS session is not remembered yet."""

    def handle_request(self, request: httpcore2.Request) -> httpcore2.Response:
        """Send, and read the answer's head."""
        reading = self._begin()
        try:
            if self._stream is None:
                self._stream = self._dial()
            with suppress(httpcore2.WriteError):  # a service may refuse a long request before it has read it
                self._write(request)
            while not reading.status:
                reading.feed(self._stream.read(_READ_BYTES))
        except BaseException:
            self.done(reading)
            raise
        return self._answer(reading, BlockingBody(self, reading))

    def read(self, reading: Reading) -> bytes:
        """What has come of a body, else what comes next; b"" at its end."""
        while not (data := reading.take()) and not reading.complete:
            reading.feed(self._stream.read(_READ_BYTES))
        return data

    def done(self, reading: Reading) -> None:
        """The exchange is over: keep the connection, or drop it."""
        if self._is_secured_anew and reading.complete:
            self._is_secured_anew = False
            self._settings["ssl_context"].remember(self._host, self._stream.get_extra_info("socket"))
        if not self._is_kept(reading):
            self.close()

    def close(self) -> None:
        """Hang up."""
        self._state = State.CLOSED
        if self._stream is not None:
            self._stream.close()

    def _dial(self) -> httpcore2.NetworkStream:
        backend: httpcore2.NetworkBackend = self._settings["network_backend"]
        stream = backend.connect_tcp(self._host, self._origin.port)
        if self._origin.scheme == b"https":
            context = self._settings["ssl_context"]
            stream = stream.start_tls(context, self._host)
            self._is_secured_anew = isinstance(context, ResumingContext)
        return stream

    def _write(self, request: httpcore2.Request) -> None:
        sending = Sending(request.method, request.url.target, request.headers)
        parts: Any = request.stream
        for part in parts:
            for data in sending.add(part):
                self._stream.write(data)
        self._stream.write(sending.end())


class BlockingBody:
    """The body of an answer as the pool takes it."""

    def __init__(self, connection: BlockingConnection, reading: Reading) -> None:
        self._connection = connection
        self._reading = reading

    def __iter__(self) -> Iterator[bytes]:
        while data := self._connection.read(self._reading):
            yield data

    def close(self) -> None:
        """The rest is not wanted."""
        self._connection.done(self._reading)


class AwaitingConnection(_Connection, httpcore2.AsyncConnectionInterface):
    """The same for awaiting calls, on trio and asyncio.  The caller bounds the time."""

    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
        """Send, and read the answer's head."""
        reading = self._begin()
        try:
            if self._stream is None:
                self._stream = await self._dial(request.extensions["timeout"]["connect"])
            with suppress(httpcore2.WriteError):
                await self._write(request)
            while not reading.status:
                reading.feed(await self._stream.read(_READ_BYTES))
        except BaseException:
            await self.done(reading)
            raise
        return self._answer(reading, AwaitingBody(self, reading))

    async def read(self, reading: Reading) -> bytes:
        """What has come of a body, else what comes next; b"" at its end."""
        while not (data := reading.take()) and not reading.complete:
            reading.feed(await self._stream.read(_READ_BYTES))
        return data

    async def done(self, reading: Reading) -> None:
        """The exchange is over: keep the connection, or drop it."""
        if not self._is_kept(reading):
            await self.aclose()

    async def aclose(self) -> None:
        """Hang up; a cancellation waits for that, a second at most."""
        self._state = State.CLOSED
        if self._stream is not None:
            with anyio.move_on_after(1, shield=True):
                await self._stream.aclose()

    async def _dial(self, seconds: float) -> httpcore2.AsyncNetworkStream:
        backend: httpcore2.AsyncNetworkBackend = self._settings["network_backend"]
        stream = await backend.connect_tcp(self._host, self._origin.port, seconds)
        if self._origin.scheme == b"https":
            stream = await stream.start_tls(self._settings["ssl_context"], self._host, seconds)
        return stream

    async def _write(self, request: httpcore2.Request) -> None:
        sending = Sending(request.method, request.url.target, request.headers)
        parts: Any = request.stream
        async for part in parts:
            for data in sending.add(part):
                await self._stream.write(data)
        await self._stream.write(sending.end())


class AwaitingBody:
    """The body of an answer as the pool takes it."""

    def __init__(self, connection: AwaitingConnection, reading: Reading) -> None:
        self._connection = connection
        self._reading = reading

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while data := await self._connection.read(self._reading):
            yield data

    async def aclose(self) -> None:
        """The rest is not wanted."""
        await self._connection.done(self._reading)
