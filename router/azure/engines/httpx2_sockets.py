"""What stands below the pools of httpcore2: sockets that keep to a time, and that know when they were last read.

A blocking pool has timeouts for each read only, so a server that trickles could hold a call for ever.  Therefore
each stream below it asks `Due`, a value per thread, how long the exchange may still take.

Through a proxy h11 reads.  It keeps what came behind an answer, and would take it for the answer to the next call.  So
each stream knows whether it was read since it was last written to: an answer that is there before is nobody's.

Over TLS on an event loop a read takes from the socket whatever is there.  What it does not need yet waits in memory,
still encrypted, where a look at the socket does not find it; so each layer of TLS is looked into as well.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore2
from anyio.lowlevel import current_token


class Due(threading.local):
    """When the exchange of this thread, and its connecting, must be over, by `time.monotonic()`."""

    connected = float("inf")
    done = float("inf")

    def in_(self, seconds: float) -> None:
        """The next bytes must be there within so many seconds."""
        self.done = time.monotonic() + seconds

    def connect_in(self, seconds: float) -> None:
        """A new connection must be made within so many seconds."""
        self.connected = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds for a read or write.  Raises ReadTimeout when none are left."""
        left = self.done - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("time is up")
        return left

    def left_to_connect(self) -> float:
        """Seconds for connecting.  Raises ConnectTimeout when none are left."""
        left = min(self.connected, self.done) - time.monotonic()
        if left <= 0:
            raise httpcore2.ConnectTimeout("time is up")
        return left


due = Due()


class BoundedStream(httpcore2.NetworkStream):
    """A socket whose reads and writes end when the exchange must."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream
        self.heard = False
        """Something was read since the last write."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.heard = True
        return self._stream.read(max_bytes, due.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.heard = False
        self._stream.write(buffer, due.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return BoundedStream(self._stream.start_tls(ssl_context, server_hostname, due.left_to_connect()))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class BoundedBackend(httpcore2.SyncBackend):
    """Dials: every address of the host in turn, within the time for connecting (a name's look-up cannot be cut)."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        error: Exception | None = None
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as unknown:
            raise httpcore2.ConnectError(str(unknown)) from unknown
        for *_, address in found:
            left = due.left_to_connect()
            try:
                stream = super().connect_tcp(str(address[0]), port, left, local_address, socket_options)
            except httpcore2.ConnectError as refused:
                error = refused
            else:
                return BoundedStream(stream)
        raise error or httpcore2.ConnectError("no address")


class AwaitingStream(httpcore2.AsyncNetworkStream):
    """A socket of an event loop that knows whether it was read since it was last written to.

    Args:
        stream: of httpcore2's, for this event loop.
        layers: of TLS in it: none, one, or two through a proxy that is secured itself.
    """

    def __init__(self, stream: httpcore2.AsyncNetworkStream, layers: tuple[ssl.SSLObject, ...] = ()) -> None:
        self._stream = stream
        self._layers = layers
        self.heard = False
        """As above."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.heard = True
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.heard = False
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        secured = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return AwaitingStream(secured, (*self._layers, secured.get_extra_info("ssl_object")))

    def get_extra_info(self, info: str) -> Any:
        """As httpcore2 has it; `is_readable` is asked between exchanges only, for it may lose what there is to read."""
        found = self._stream.get_extra_info(info)
        if info == "is_readable" and not found:
            for layer in self._layers:
                if _holds_something(layer):
                    return True
        return found


class AwaitingBackend(httpcore2.AsyncNetworkBackend):
    """Dials as httpcore2 does on this event loop."""

    def __init__(self) -> None:
        on_asyncio = isinstance(current_token().native_token, asyncio.AbstractEventLoop)
        self._backend: Any = httpcore2.AnyIOBackend() if on_asyncio else httpcore2.TrioBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        stream = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return AwaitingStream(stream)


def _holds_something(layer: ssl.SSLObject) -> bool:
    """Whether a layer of TLS has something to read, or its end; what is meant for TLS alone, a ticket, is taken in."""
    try:
        layer.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        return True
    return True
