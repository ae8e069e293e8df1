"""Where do blocking calls and trio get their connections?  Importing this file imports httpcore2.

Straight connections are our own (`httpx2_connections.py`), kept by the rules of `roster.py`; what goes through a proxy
goes through a pool of httpcore2, the floor of httpx2.  The pools of httpcore2 look at every connection for every
request: with 256 threads that was most of what a call cost.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from typing import Any

import anyio
import httpcore2

from router.values import Kind

from . import KEEP_ALIVE_S, MAX_CONNECTIONS, PATIENCE, Breakdown, Request, surroundings
from .breakdowns import connect_time, host_of, unasked
from .http1 import Reading
from .httpx2_connections import AwaitingConnection, BlockingConnection
from .httpx2_messages import Target, headers_of, message_of, target_of, unread
from .httpx2_sockets import AwaitingBackend, BoundedBackend, due
from .roster import Origin, Roster
from .thread_places import ThreadPlaces, Turn, sweep

_NOT_SENT = (httpcore2.PoolTimeout, httpcore2.ConnectTimeout, httpcore2.ConnectError)


class BlockingPools:
    """Blocking connections of one process, straight and through each proxy.  Safe to share between threads."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._settings = _settings(tls, BoundedBackend())
        self._roster: Roster[BlockingConnection] = Roster()
        self._lock = threading.Lock()
        self._places = ThreadPlaces(MAX_CONNECTIONS)
        self.abandoned = self._places.abandoned
        self._proxied: dict[str, httpcore2.ConnectionPool] = {}

    def send(self, request: Request) -> Any:
        """The answer, unread.  The time for all of it begins now."""
        sweep(self.abandoned)
        due.in_(request.timeout)
        target = target_of(request.url)
        body = (request.body,) if isinstance(request.body, bytes) else due.kept(request.body.parts())
        if target.proxy is not None:
            return self._send_by(target.proxy, request, target, body)
        turn, connection = Turn(), None
        try:
            if not self._places.take(turn, request.timeout):
                raise httpcore2.PoolTimeout
            due.connect_in(connect_time(request))
            connection, over = self._take(target.origin)
            for other in over:
                other.close()
            reading = connection.send(request.method.encode(), target.url.target, headers_of(request, target), body)
            extensions = {"network_stream": connection.stream}
            return unread(reading.status, reading.headers, BlockingBody(self, turn, connection, reading), extensions)
        except BaseException as error:
            self._is_over(turn, connection)
            if not (self._places.is_closed and isinstance(error, _NOT_SENT)):
                raise
        raise _closed(request)

    def finish(self, turn: Turn, connection: BlockingConnection, reading: Reading) -> None:
        """An exchange is over: its connection is kept, or dropped."""
        keep = False
        try:
            keep = connection.is_done(reading)
        finally:
            self._is_over(turn, connection, keep=keep)

    def close(self) -> None:
        """Close every connection; calls that run, dial or wait for a place break off."""
        sweep(self.abandoned)
        with self._lock:
            self._places.close()
            busy, idle = self._roster.clear()
            proxied = list(self._proxied.values())
        for connection in busy:
            connection.break_off()
        for connection in idle:
            connection.close()
        for pool in proxied:
            pool.close()

    def _take(self, origin: Origin) -> tuple[BlockingConnection, list[BlockingConnection]]:
        """A connection, and those to close."""
        with self._lock:
            if self._places.is_closed:
                raise httpcore2.ConnectError
            connection, over = self._roster.take(origin, time.monotonic())
            if connection is None:
                connection = BlockingConnection(origin, self._settings)
                self._roster.add(connection)
        return connection, over

    def _is_over(self, turn: Turn, connection: BlockingConnection | None, *, keep: bool = False) -> None:
        try:
            if connection is not None:
                with self._lock:
                    keep = keep and not self._places.is_closed
                    self._roster.give_back(connection, time.monotonic(), keep=keep)
                if not keep:
                    connection.close()
        finally:
            self._places.give_back(turn)

    def _send_by(self, proxy: str, request: Request, target: Target, body: Iterable[bytes]) -> Any:
        due.connect_in(connect_time(request))
        new = None if proxy in self._proxied else httpcore2.HTTPProxy(**_proxied(proxy, self._settings))
        with self._lock:
            if self._places.is_closed:
                raise _closed(request)
            pool = self._proxied.setdefault(proxy, new) if new is not None else self._proxied[proxy]
        answer = pool.handle_request(message_of(request, target, body))
        if not answer.extensions["network_stream"].heard:
            answer.close()
            raise unasked(request)
        return unread(answer.status, answer.headers, answer.stream, answer.extensions)


class BlockingBody:
    """The body of an answer on a connection of ours."""

    def __init__(self, pools: BlockingPools, turn: Turn, connection: BlockingConnection, reading: Reading) -> None:
        self._pools: BlockingPools | None = pools
        self._turn = turn
        self._connection = connection
        self._reading = reading

    def __iter__(self) -> Iterator[bytes]:
        while data := self._connection.read(self._reading):
            yield data

    def close(self) -> None:
        """The rest is not wanted.  Idempotent."""
        pools, self._pools = self._pools, None
        if pools is not None:
            pools.finish(self._turn, self._connection, self._reading)


class AwaitingPools:
    """The same for one event loop, of trio or asyncio.  The caller bounds the time."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._settings = _settings(tls, AwaitingBackend())
        self._roster: Roster[AwaitingConnection] = Roster()
        self._places = anyio.Semaphore(MAX_CONNECTIONS, fast_acquire=True)
        self._waiting: set[anyio.CancelScope] = set()
        """For a place."""
        self._is_closed = False
        self._proxied: dict[str, httpcore2.AsyncConnectionPool] = {}

    async def send(self, request: Request) -> Any:
        """The answer, unread."""
        target, ends = target_of(request.url), time.monotonic() + request.timeout
        body = request.body if isinstance(request.body, bytes) else request.body.aparts()
        if target.proxy is not None:
            return await self._send_by(target.proxy, request, target, body)
        try:
            self._places.acquire_nowait()
        except anyio.WouldBlock:
            await self._wait(request)
        connection = None
        try:
            connection, over = self._take(target.origin)
            for other in over:
                await other.aclose()
            if self._is_closed:
                raise httpcore2.ConnectError
            connect_s = min(connect_time(request), PATIENCE * max(ends - time.monotonic(), 0.0))
            reading = await connection.send(
                request.method.encode(), target.url.target, headers_of(request, target), body, connect_s
            )
            return unread(reading.status, reading.headers, AwaitingBody(self, connection, reading), {})
        except BaseException as error:
            await self._is_over(connection)
            if not (self._is_closed and isinstance(error, _NOT_SENT)):
                raise
        raise _closed(request)

    async def finish(self, connection: AwaitingConnection, reading: Reading) -> None:
        """An exchange is over: its connection is kept, or dropped."""
        keep = False
        try:
            keep = connection.is_done(reading)
        finally:
            await self._is_over(connection, keep=keep)

    async def aclose(self) -> None:
        """Close every connection; calls that run, dial or wait for a place break off."""
        self._is_closed = True
        for patience in self._waiting:
            patience.cancel()
        busy, idle = self._roster.clear()
        for connection in busy:
            await connection.break_off()
        for connection in idle:
            await connection.aclose()
        for pool in list(self._proxied.values()):
            await pool.aclose()

    async def _wait(self, request: Request) -> None:
        """For a place."""
        with anyio.move_on_after(PATIENCE * request.timeout) as patience:
            self._waiting.add(patience)
            try:
                await self._places.acquire()
            finally:
                self._waiting.discard(patience)
        if patience.cancelled_caught:
            raise _closed(request) if self._is_closed else httpcore2.PoolTimeout

    def _take(self, origin: Origin) -> tuple[AwaitingConnection, list[AwaitingConnection]]:
        """A connection, and those to close."""
        connection, over = self._roster.take(origin, time.monotonic())
        if connection is None:
            connection = AwaitingConnection(origin, self._settings)
            self._roster.add(connection)
        return connection, over

    async def _is_over(self, connection: AwaitingConnection | None, *, keep: bool = False) -> None:
        try:
            if connection is not None:
                keep = keep and not self._is_closed
                self._roster.give_back(connection, time.monotonic(), keep=keep)
                if not keep:
                    await connection.aclose()
        finally:
            self._places.release()

    async def _send_by(
        self, proxy: str, request: Request, target: Target, body: bytes | AsyncGenerator[bytes, None]
    ) -> Any:
        if self._is_closed:
            raise _closed(request)
        if proxy not in self._proxied:
            self._proxied[proxy] = httpcore2.AsyncHTTPProxy(**_proxied(proxy, self._settings))
        answer = await self._proxied[proxy].handle_async_request(message_of(request, target, body))
        if not answer.extensions["network_stream"].heard:
            await answer.aclose()
            raise unasked(request)
        return unread(answer.status, answer.headers, answer.stream, {})


class AwaitingBody:
    """The body of an answer on a connection of ours."""

    def __init__(self, pools: AwaitingPools, connection: AwaitingConnection, reading: Reading) -> None:
        self._pools: AwaitingPools | None = pools
        self._connection = connection
        self._reading = reading

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while data := await self._connection.read(self._reading):
            yield data

    async def aclose(self) -> None:
        """The rest is not wanted.  Idempotent."""
        pools, self._pools = self._pools, None
        if pools is not None:
            await pools.finish(self._connection, self._reading)


def _closed(request: Request) -> Breakdown:
    return Breakdown(Kind.RESET, f"closed before the request to {host_of(request)} was sent", sent=False)


def _settings(tls: ssl.SSLContext | None, backend: Any) -> dict[str, Any]:
    return {
        "ssl_context": tls or surroundings.trust(),
        "max_connections": MAX_CONNECTIONS,
        "max_keepalive_connections": MAX_CONNECTIONS,
        "keepalive_expiry": KEEP_ALIVE_S,
        "retries": 0,
        "network_backend": backend,
    }


def _proxied(proxy: str, settings: dict[str, Any]) -> dict[str, Any]:
    import httpx2

    parts = httpx2.Proxy(proxy)
    context = _AsTheyAre(settings["ssl_context"])
    return {**settings, "ssl_context": context, "proxy_url": str(parts.url), "proxy_auth": parts.raw_auth}


class _AsTheyAre:
    """TLS settings that httpcore2 cannot change: it would say anew what they offer, and they may be the caller's."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def set_alpn_protocols(self, alpn_protocols: list[str]) -> None:
        """They offer what they did."""
