"""One connection of HTTP/1.1 to a service: it is dialled, asked, and read.

httpcore2 dials and speaks TLS; `http1.py` says what travels.  httpcore2's own connections read with h11, which takes
ten times as long and gives each chunk of a stream alone, however many have come; through a proxy they still serve
(`httpx2_pools.py`).  `python -m benchmarks engines blocking` measures what that saves.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import Any

import anyio
import httpcore2

from .http1 import Headers, Reading, Sending
from .roster import Origin
from .tls_sessions import ResumingContext

_READ_BYTES = 2**16


class _Connection:
    """What both kinds have.

    Args:
        origin: whom it reaches.
        settings: `network_backend` and `ssl_context`, as httpcore2 names them.
    """

    expires_at = 0.0

    def __init__(self, origin: Origin, settings: dict[str, Any]) -> None:
        self.origin = origin
        self.stream: Any = None
        """A stream of httpcore2's; None until it is dialled."""
        self._settings = settings

    def is_quiet(self) -> bool:
        """Whether there is nothing to read, in one system call."""
        return not self.stream.get_extra_info("is_readable")


class BlockingConnection(_Connection):
    """For blocking calls.  The stream below keeps to the time (`httpx2_sockets.Due`)."""

    _has_new_session = False
    """Its TLS session is to be remembered."""

    def send(self, method: bytes, target: bytes, headers: Headers, body: Iterable[bytes]) -> Reading:
        """Send a request, and read the head of its answer."""
        reading = Reading()
        try:
            if self.stream is None:
                self.stream = self._dial()
            with suppress(httpcore2.WriteError):  # a service may refuse a long request before it has read it
                sending = Sending(method, target, headers)
                for part in body:
                    for data in sending.add(part):
                        self.stream.write(data)
                self.stream.write(sending.end())
            while not reading.status:
                reading.feed(self.stream.read(_READ_BYTES))
        except BaseException:
            reading.close()
            raise
        return reading

    def read(self, reading: Reading) -> bytes:
        """What has come of a body, else what comes next; b"" at its end."""
        while not (data := reading.take()) and not reading.complete:
            reading.feed(self.stream.read(_READ_BYTES))
        return data

    def is_done(self, reading: Reading) -> bool:
        """The exchange is over: whether another may follow."""
        reading.close()
        if self._has_new_session and reading.complete:
            self._has_new_session = False
            self._settings["ssl_context"].remember(self.origin[1], self.stream.get_extra_info("socket"))
        return reading.reusable

    def close(self) -> None:
        """Hang up."""
        if self.stream is not None:
            self.stream.close()

    def _dial(self) -> httpcore2.NetworkStream:
        secured, host, port = self.origin
        backend: httpcore2.NetworkBackend = self._settings["network_backend"]
        stream = backend.connect_tcp(host, port)
        if secured:
            context = self._settings["ssl_context"]
            stream = stream.start_tls(context, host)
            self._has_new_session = isinstance(context, ResumingContext)
        return stream


class AwaitingConnection(_Connection):
    """The same for awaiting calls, on trio and asyncio.  The caller bounds the time."""

    async def send(
        self, method: bytes, target: bytes, headers: Headers, body: AsyncIterator[bytes], connect_s: float
    ) -> Reading:
        """Send a request, and read the head of its answer."""
        reading = Reading()
        try:
            if self.stream is None:
                self.stream = await self._dial(connect_s)
            with suppress(httpcore2.WriteError):
                sending = Sending(method, target, headers)
                async for part in body:
                    for data in sending.add(part):
                        await self.stream.write(data)
                await self.stream.write(sending.end())
            while not reading.status:
                reading.feed(await self.stream.read(_READ_BYTES))
        except BaseException:
            reading.close()
            raise
        return reading

    async def read(self, reading: Reading) -> bytes:
        """What has come of a body, else what comes next; b"" at its end."""
        while not (data := reading.take()) and not reading.complete:
            reading.feed(await self.stream.read(_READ_BYTES))
        return data

    def is_done(self, reading: Reading) -> bool:
        """The exchange is over: whether another may follow."""
        reading.close()
        return reading.reusable

    async def aclose(self) -> None:
        """Hang up; a cancellation waits for that, a second at most."""
        if self.stream is not None:
            with anyio.move_on_after(1, shield=True):
                await self.stream.aclose()

    async def _dial(self, seconds: float) -> httpcore2.AsyncNetworkStream:
        secured, host, port = self.origin
        backend: httpcore2.AsyncNetworkBackend = self._settings["network_backend"]
        stream = await backend.connect_tcp(host, port, seconds)
        if secured:
            stream = await stream.start_tls(self._settings["ssl_context"], host, seconds)
        return stream
