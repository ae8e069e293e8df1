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
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from math import inf
from typing import Any

import httpcore2
from anyio.lowlevel import current_token

from .dialling import dial

LONGEST_S = 1e6
"""11 days: more is as good as for ever, and not every call of an operating system can be asked to wait for it."""

_RECORD_BYTES = 2**14
"""What TLS sends at a time."""

Hear = Callable[[bytes], bool]
"""Takes what came, b"" at the end of all; returns whether to listen on, and raises to stop a write."""


class Due(threading.local):
    """When the exchange of this thread, and its connecting, must be over, by `time.monotonic()`."""

    connected = inf
    done = inf

    def in_(self, seconds: float) -> None:
        """The next bytes must be there within so many seconds."""
        self.done = time.monotonic() + min(seconds, LONGEST_S)

    def connect_in(self, seconds: float) -> None:
        """A new connection must be made within so many seconds."""
        self.connected = time.monotonic() + seconds

    def kept(self, parts: Iterable[bytes]) -> Iterator[bytes]:
        """A body whose parts may be made by exchanges of their own: after each the time is again that of this one."""
        done = self.done
        for part in parts:
            self.done = done
            yield part
        self.done = done

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

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.heard = False
        """Something was read since the last write."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.heard = True
        left = due.left()
        try:
            self._sock.settimeout(left)
            return self._sock.recv(max_bytes)
        except TimeoutError as late:
            raise httpcore2.ReadTimeout from late
        except OSError as error:
            raise httpcore2.ReadError from error

    def write(self, buffer: bytes, timeout: float | None = None, hear: Hear | None = None) -> None:
        """Write all of it; `hear` is given what comes while there is a wait."""
        self.heard = False
        due.left()
        if buffer and (sent := self._send(buffer)) < len(buffer):
            self._write_on(memoryview(buffer)[sent:], hear)

    def close(self) -> None:
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        try:
            try:
                return self._secured(ssl_context, server_hostname, due.left_to_connect())
            except TimeoutError as late:
                raise httpcore2.ConnectTimeout from late
            except OSError as failed:
                raise httpcore2.ConnectError from failed
        except BaseException:
            self.close()
            raise

    def get_extra_info(self, info: str) -> Any:
        """Of `is_readable`, `socket` and `ssl_object`; None for what else httpcore2 knows, since nobody asks for it."""
        if info == "is_readable":
            return _is_readable(self._sock)
        if info == "socket":
            return self._sock
        return self._sock if info == "ssl_object" and isinstance(self._sock, ssl.SSLSocket) else None

    def _send(self, data: bytes | memoryview) -> int:
        """Write as much as goes without waiting; how many bytes that were."""
        try:
            self._sock.settimeout(0)
            return self._sock.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0
        except OSError as error:
            raise httpcore2.WriteError from error

    def _write_on(self, rest: memoryview, hear: Hear | None) -> None:
        """Write what had to wait.  A service that reads slowly gets no more time for it than one that does not."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._sock, selectors.EVENT_WRITE | (selectors.EVENT_READ if hear else 0))
            while rest:
                left = due.left()
                if sent := self._send(rest):
                    rest = rest[sent:]
                    continue
                for _, events in selector.select(left):
                    if hear and events & selectors.EVENT_READ and not self._listen(hear):
                        hear = None
                        selector.modify(self._sock, selectors.EVENT_WRITE)

    def _listen(self, hear: Hear) -> bool:
        """Hand on what is there to read, if it is more than TLS's own; whether to listen on."""
        try:
            data = self._sock.recv(_RECORD_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return True
        except OSError as error:
            raise httpcore2.ReadError from error
        return hear(data)

    def _secured(self, context: ssl.SSLContext, host: str | None, seconds: float) -> httpcore2.NetworkStream:
        if isinstance(self._sock, ssl.SSLSocket):
            return NestedStream(self._sock, context, host, seconds)
        self._sock.settimeout(seconds)
        return BoundedStream(context.wrap_socket(self._sock, server_hostname=host))


class NestedStream(BoundedStream):
    """TLS through the TLS of a proxy, which httpcore2 carries: `ssl` has no socket for it."""

    def __init__(self, sock: ssl.SSLSocket, context: ssl.SSLContext, host: str | None, seconds: float) -> None:
        from httpcore2._backends.sync import TLSinTLSStream  # not public, so nobody else depends on it

        super().__init__(sock)
        self._stream: httpcore2.NetworkStream = TLSinTLSStream(sock, context, host, seconds)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.heard = True
        return self._stream.read(max_bytes, due.left())

    def write(self, buffer: bytes, timeout: float | None = None, hear: Hear | None = None) -> None:
        """As above, but deaf."""
        self.heard = False
        for start in range(0, len(buffer), _RECORD_BYTES):
            self._stream.write(buffer[start : start + _RECORD_BYTES], due.left())

    def get_extra_info(self, info: str) -> Any:
        """As above."""
        found = self._stream.get_extra_info(info)
        if info == "is_readable" and not found:
            return _holds_something(self._stream.get_extra_info("ssl_object"))
        return found


class BoundedBackend(httpcore2.NetworkBackend):
    """Dials within the time for connecting (a name's look-up cannot be cut)."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect.  Neither an address of ours nor options are ever given."""
        try:
            return BoundedStream(dial(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), due.left_to_connect))
        except OSError as failed:
            raise httpcore2.ConnectError(str(failed)) from failed


class AwaitingStream(httpcore2.AsyncNetworkStream):
    """A socket of an event loop that knows whether it was read since it was last written to.

    Args:
        stream: of httpcore2's, for this event loop.
        connected_by: when connecting must be over, TLS and the way through a proxy included, by `time.monotonic()`.
        layers: of TLS in it: none, one, or two through a proxy that is secured itself.
    """

    def __init__(
        self, stream: httpcore2.AsyncNetworkStream, connected_by: float, layers: tuple[ssl.SSLObject, ...] = ()
    ) -> None:
        self._stream = stream
        self._connected_by = connected_by
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
        left = max(self._connected_by - time.monotonic(), 0.0)
        secured = await self._stream.start_tls(ssl_context, server_hostname, left)
        return AwaitingStream(secured, self._connected_by, (*self._layers, secured.get_extra_info("ssl_object")))

    def get_extra_info(self, info: str) -> Any:
        """As httpcore2 has it; `is_readable` is asked between exchanges only, for it may lose what there is to read."""
        found = self._stream.get_extra_info(info)
        if info == "is_readable" and not found:
            for layer in self._layers:
                if _holds_something(layer):
                    return True
        return found


class AwaitingBackend(httpcore2.AsyncNetworkBackend):
    """Dials as httpcore2 does on this event loop; the time for it is for TLS as well."""

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
        connected_by = inf if timeout is None else time.monotonic() + timeout
        stream = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return AwaitingStream(stream, connected_by)


def _holds_something(layer: ssl.SSLObject) -> bool:
    """Whether a layer of TLS has something to read, or its end; what is meant for TLS alone, a ticket, is taken in."""
    try:
        layer.read(1)
    except ssl.SSLError as error:
        return not isinstance(error, ssl.SSLWantReadError)
    return True


def _is_readable(sock: socket.socket) -> bool:
    """Whether there is something to read, or the end of all; below TLS, if there is any."""
    try:
        sock.settimeout(0)
        socket.socket.recv(sock, 1, socket.MSG_PEEK)
    except OSError as error:
        return not isinstance(error, BlockingIOError)
    return True
