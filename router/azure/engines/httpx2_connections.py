"""One connection of HTTP/1.1 to a service: it is dialled, asked, and read.

`httpx2_sockets.py` dials and speaks TLS; `http1.py` says what travels.  The connections of httpcore2 read with h11,
which takes ten times as long and gives each chunk of a stream alone, however many have come; through a proxy they still
serve (`httpx2_pools.py`).  `python -m benchmarks engines blocking` measures what that saves.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing, suppress
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import httpcore2

from .http1 import Headers, Reading, Sending
from .roster import Origin
from .tls_sessions import ResumingContext

_READ_BYTES = 2**16
_LONG_BYTES = 2**17
"""What is shorter the operating systems of both ends take at once, so that a write of it never waits."""
_EARLY_BYTES = 2**20
"""How much is heard before a request is written to its end: an early answer says what is wrong with it, no more."""


class _Connection:
    """What both kinds have.

    Args:
        origin: whom it reaches.
        settings: `network_backend` and `ssl_context`, as httpcore2 names them.
    """

    expires_at = 0.0
    _is_broken = False
    """A request was not written to its end, or an answer came before, so no other may follow."""
    _heard = 0
    """Bytes of that answer."""
    _has_new_session = False
    """Its TLS session is to be remembered, once the service has given it."""

    def __init__(self, origin: Origin, settings: dict[str, Any]) -> None:
        self.origin = origin
        self.stream: Any = None
        """A stream of httpcore2's; None until it is dialled."""
        self._settings = settings

    def is_quiet(self) -> bool:
        """Whether there is nothing to read: two system calls at most, and for TLS on an event loop one look more."""
        return not self.stream.get_extra_info("is_readable")

    def is_done(self, reading: Reading) -> bool:
        """The exchange is over: whether another may follow."""
        reading.close()
        return reading.reusable and not self._is_broken

    def _overtaken(self, reading: Reading, size: int) -> bool:
        """So many bytes of an answer came before its request was written to its end; whether to listen on.

        Raises:
            WriteError: it is whole, so the write is to stop: the service may read nothing more, and wait for us.
        """
        self._is_broken = True
        self._heard += size
        if reading.complete:
            raise httpcore2.WriteError
        return self._heard < _EARLY_BYTES

    def _expect_session(self) -> None:
        self._has_new_session = isinstance(self._settings["ssl_context"], ResumingContext)

    def _remember(self) -> None:
        """Keep the session, in the thread that has read from it."""
        self._has_new_session = False
        self._settings["ssl_context"].remember(self.origin[1], self.stream.get_extra_info("ssl_object"))


class BlockingConnection(_Connection):
    """For blocking calls.  The stream below keeps to the time (`httpx2_sockets.Due`)."""

    _is_broken_off = False
    _shaking: tuple[int, int, Any] | None = None
    """File, family and address of a socket that shakes hands.

    Meanwhile nobody shows us the socket itself: the handshake is a part of wrapping it, because older releases of
    `truststore` verify there and not in a handshake that comes later.
    """

    def send(self, method: bytes, target: bytes, headers: Headers, body: Iterable[bytes]) -> Reading:
        """Send a request, and read the head of its answer."""
        reading = Reading()
        try:
            stream = self.stream or self._dial()
            try:
                self._write(Sending(method, target, headers), body, reading)
            except httpcore2.WriteError:
                self._is_broken = True  # yet the service may have said why, before it had read all
            while not reading.status:
                reading.feed(stream.read(_READ_BYTES))
            if self._has_new_session:
                self._remember()
        except BaseException:
            reading.close()
            raise
        return reading

    def read(self, reading: Reading) -> bytes:
        """What has come of a body, else what comes next; b"" at its end."""
        while not (data := reading.take()) and not reading.complete:
            reading.feed(self.stream.read(_READ_BYTES))
        return data

    def close(self) -> None:
        """Hang up.  Never raises."""
        if self.stream is not None:
            with suppress(Exception):
                self.stream.close()

    def break_off(self) -> None:
        """Wake the thread that waits for it, which then closes it; one that dials ends as soon as it has dialled.

        Closing it from here would not wake that thread, and TLS is that thread's alone.
        """
        self._is_broken_off = True
        if self._shaking is not None:
            file, family, address = self._shaking
            with suppress(Exception), socket.fromfd(file, family, socket.SOCK_STREAM) as sock:
                if sock.getsockname() == address:  # else it is over, and the number is somebody else's
                    sock.shutdown(socket.SHUT_RDWR)
        if self.stream is not None:
            with suppress(Exception):
                socket.socket.shutdown(self.stream.get_extra_info("socket"), socket.SHUT_RDWR)

    def _hear(self, reading: Reading, data: bytes) -> bool:
        reading.feed(data)
        return self._overtaken(reading, len(data))

    def _write(self, sending: Sending, body: Iterable[bytes], reading: Reading) -> None:
        hear = partial(self._hear, reading)
        for part in body:
            for data in sending.add(part):
                self.stream.write(data, None, hear)
        self.stream.write(sending.end(), None, hear)

    def _dial(self) -> Any:
        secured, host, port = self.origin
        self.stream = self._settings["network_backend"].connect_tcp(host, port)
        if secured:
            with suppress(OSError):
                sock = self.stream.get_extra_info("socket")
                self._shaking = sock.fileno(), sock.family, sock.getsockname()
            self._go_on()
            self.stream = self.stream.start_tls(self._settings["ssl_context"], host)
            self._shaking = None
            self._expect_session()
        self._go_on()
        return self.stream

    def _go_on(self) -> None:
        """Raises ConnectError if it was broken off meanwhile."""
        if self._is_broken_off:
            raise httpcore2.ConnectError


class AwaitingConnection(_Connection):
    """The same for awaiting calls, on trio and asyncio.  The caller bounds the time."""

    _dialling: anyio.CancelScope | None = None

    async def send(
        self,
        method: bytes,
        target: bytes,
        headers: Headers,
        body: bytes | AsyncGenerator[bytes, None],
        connect_s: float,
    ) -> Reading:
        """Send a request, and read the head of its answer."""
        reading = Reading()
        try:
            stream = self.stream or await self._dial_unless_broken_off(connect_s)
            try:
                await self._write(Sending(method, target, headers), body, reading)
            except httpcore2.WriteError:
                self._is_broken = True
            while not reading.status:
                reading.feed(await stream.read(_READ_BYTES))
            if self._has_new_session:
                self._remember()
        except BaseException:
            reading.close()
            raise
        return reading

    async def read(self, reading: Reading) -> bytes:
        """What has come of a body, else what comes next; b"" at its end."""
        while not (data := reading.take()) and not reading.complete:
            reading.feed(await self.stream.read(_READ_BYTES))
        return data

    async def aclose(self) -> None:
        """Hang up; a cancellation waits for that, a second at most.  Never raises anything else."""
        if self.stream is not None:
            with anyio.move_on_after(1, shield=True), suppress(Exception):
                await self.stream.aclose()

    async def break_off(self) -> None:
        """Wake the task that dials, which then hangs up; hang up on one that waits for an answer."""
        if self._dialling is not None:
            self._dialling.cancel()
        else:
            await self.aclose()

    async def _dial_unless_broken_off(self, seconds: float) -> Any:
        with anyio.CancelScope() as self._dialling:
            await self._dial(seconds)
        broken_off, self._dialling = self._dialling.cancel_called, None
        if broken_off:
            raise httpcore2.ConnectError
        return self.stream

    async def _write(self, sending: Sending, body: bytes | AsyncGenerator[bytes, None], reading: Reading) -> None:
        if not isinstance(body, bytes):
            async with aclosing(body) as parts:
                await self._write_listening(sending, parts, reading)
        elif len(body) < _LONG_BYTES:
            for data in sending.add(body):
                await self.stream.write(data)
            await self.stream.write(sending.end())
        else:
            await self._write_listening(sending, _once(body), reading)

    async def _write_listening(self, sending: Sending, parts: AsyncGenerator[bytes, None], reading: Reading) -> None:
        """Write, and listen meanwhile."""
        failures: list[BaseException] = []

        async def until_it_fails(deed: Callable[[], Awaitable[None]]) -> None:
            try:
                await deed()
            except (Exception, KeyboardInterrupt) as error:
                failures.append(error)  # the group would wrap it
                group.cancel_scope.cancel()

        async def listen() -> None:
            listening = True
            while listening:
                data = await self.stream.read(_READ_BYTES)
                reading.feed(data)
                await anyio.lowlevel.checkpoint()  # if all was written just before, this is the end
                listening = self._overtaken(reading, len(data))

        async with anyio.create_task_group() as group:
            group.start_soon(until_it_fails, listen)
            await until_it_fails(lambda: self._write_parts(sending, parts))
            group.cancel_scope.cancel()
        if failures:
            raise failures[0]

    async def _write_parts(self, sending: Sending, parts: AsyncGenerator[bytes, None]) -> None:
        async for part in parts:
            for data in sending.add(part):
                await self.stream.write(data)
        await self.stream.write(sending.end())

    async def _dial(self, seconds: float) -> Any:
        secured, host, port = self.origin
        self.stream = await self._settings["network_backend"].connect_tcp(host, port, seconds)
        if secured:
            self.stream = await self.stream.start_tls(self._settings["ssl_context"], host)
            self._expect_session()
        return self.stream


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
