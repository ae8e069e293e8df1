"""How is aiohttp set up for us?  Importing this file imports aiohttp, so it is imported with the first call.

No redirects, no cookies, no repeats, no .netrc; our own limits, trust store and proxies.
"""

from __future__ import annotations

import asyncio
import io
import select
import ssl
import sys
from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.abc import ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import BadStatusLine, TransferEncodingError
from yarl import URL

from router.values import Kind

from . import CONNECT_TIMEOUT_S, KEEP_ALIVE_S, MAX_CONNECTIONS, PATIENCE, Breakdown, Request, is_chunked, surroundings
from .aiohttp_bodies import readable
from .aiohttp_exchange import EXACT, Exchange, Line, Patience, PoolTimeout, begin, drop
from .aiohttp_turns import Handler, Turns
from .breakdowns import connect_time
from .deadlines import Deadlines
from .loop_places import LoopPlaces

_LARGE = 2**20
"""Bodies from here on are written in pieces: aiohttp warns of larger ones in one piece."""
KEPT_LINES = 1024
"""A router has few; ids of files and responses make more."""


class Client:
    """The connections of one event loop: make it, use it and close it there.

    Args:
        tls: the TLS settings.  None: the trust store of the system.
    """

    __slots__ = ("_connector", "_lines", "_loop", "_session", "deadlines")

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._loop = asyncio.get_running_loop()
        self.deadlines = Deadlines(self._loop)
        """Of its exchanges, and of whoever reads their bodies piece by piece."""
        self._lines: dict[tuple[str, str], Line | None] = {}
        tls = tls or surroundings.trust()
        self._connector = Connector(tls)
        self._session = aiohttp.ClientSession(
            connector=Connector(tls),  # of its own: a session tells its connections anew how to read
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            skip_auto_headers=("content-type",),  # a POST without a body has none
        )

    def begin(self, line: Line, request: Request) -> Awaitable[Exchange]:
        """Send on its line; the answer's headers are in, its body is not."""
        return begin(self._connector, self.deadlines, line, request)

    def line(self, request: Request) -> Line | None:
        """The line of a request whose body is in memory and that needs no proxy; None: send it `by_session`."""
        if not isinstance(request.body, bytes):
            return None
        key = request.method, request.url
        try:
            return self._lines[key]
        except KeyError:
            if len(self._lines) >= KEPT_LINES:
                self._lines.clear()
            url, proxy = _target(request.url)
            line = self._lines[key] = None if proxy else Line(request, url, self._loop)
            return line

    async def begin_by_session(self, request: Request, total: float | None) -> aiohttp.ClientResponse:
        """Send anything: a body that is read while it is sent, or through a proxy.

        The answer's headers are in, its body is not.  `total` seconds bound the body's reading too.
        """
        url, proxy = _target(request.url)
        body, headers = request.body, request.headers
        data: Any
        if isinstance(body, bytes):
            data = (body or None) if len(body) < _LARGE else io.BytesIO(body)
        else:
            data, headers = body.aparts(), {**headers, **request.framing()}
        response = await self._session.request(
            request.method,
            url,
            headers=headers,
            data=data,
            allow_redirects=False,
            proxy=proxy,
            timeout=aiohttp.ClientTimeout(total, None, None, connect_time(request), EXACT),
        )
        if response.status < 200:  # interim answers were passed over, so it is none at all
            response.close()
            raise BadStatusLine(str(response.status))
        if not is_chunked(response.headers.get("transfer-encoding", "chunked")):
            response.close()
            raise TransferEncodingError("nobody asked for it")
        response.content = readable(response.content, response.headers.get("content-encoding"))  # type: ignore[assignment]
        return response

    async def aclose(self) -> None:
        """Close every connection; calls that run break off."""
        self.deadlines.close()
        try:
            await self._connector.close()
        finally:
            await self._session.close()


class Connector(aiohttp.TCPConnector):
    """Prepares a connection when it is new, and looks at an idle one once more before it is used again.

    aiohttp hears of the server's FIN only when the loop polls, so a call that follows at once would be written to a
    dead connection.  httpcore makes the same check; it costs one system call.  And what came meanwhile without having
    been asked for (a gateway's 408 before it closes) would be taken for the answer to the next call.

    Whoever comes when all connections are in use waits in a line of ours, so that none of aiohttp's ever forms: there
    whoever gives a connection back may take it again before the one that it was promised to, and a cancellation at the
    moment of the promise loses it.
    """

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(
            limit=0,
            keepalive_timeout=KEEP_ALIVE_S,
            ssl=tls,
            resolver=BoundedResolver(),
        )
        self._factory = partial(Handler, self._loop, Turns(self._loop))  # type: ignore[assignment]
        self._places = LoopPlaces(MAX_CONNECTIONS)
        self._leave = self._places.leave  # made once: an object less for each connection in use
        self._checks: WeakKeyDictionary[ResponseHandler, Callable[[], object]] = WeakKeyDictionary()
        """Of each connection that was used before: whether there is something to read."""

    async def connect(self, req: Any, traces: Any, timeout: aiohttp.ClientTimeout) -> Connection:
        """A connection that is new, or idle with nothing to read: what there is was not asked for.

        Raises:
            PoolTimeout: all were in use for too long.
            Breakdown: the connector was closed meanwhile.
            Exception: whatever aiohttp raises.
        """
        places = self._places
        if places.free:
            places.free -= 1
        else:
            timeout = await self._wait(timeout)
        try:
            connection = await self._ready(req, traces, timeout)
        except BaseException:
            places.leave()
            raise
        connection.add_callback(self._leave)
        return connection

    async def _wait(self, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientTimeout:
        """Wait for a place.  Returns what is left of the time to connect in."""
        total, started = timeout.connect, self._loop.time()
        try:
            async with asyncio.timeout(None if total is None else total * PATIENCE):
                await self._places.wait()
        except TimeoutError:
            raise PoolTimeout from None
        if total is None:
            return timeout
        left = max(total - (self._loop.time() - started), total * (1 - PATIENCE))
        return Patience(left, min(timeout.sock_connect or left, left))  # type: ignore[return-value]

    async def _ready(self, req: Any, traces: Any, timeout: aiohttp.ClientTimeout) -> Connection:
        while True:
            try:
                connection = await super().connect(req, traces, timeout)
            except (asyncio.CancelledError, aiohttp.ClientConnectionError):
                # A close cancels whoever waits for an address, although nobody cancelled the caller.
                if not self.closed or _is_cancelled():
                    raise
                raise _closed(sent=False) from None
            protocol, transport = connection.protocol, connection.transport
            if protocol is None or transport is None:
                return connection
            is_readable = self._checks.get(protocol)
            if is_readable is None:
                # Its parser reads one answer after the other, as they come on a connection; it is made once.
                protocol.set_response_params(read_until_eof=True, auto_decompress=False)
                self._checks[protocol] = _check(transport.get_extra_info("socket"))
                return connection
            if not protocol.should_close and not is_readable():
                return connection
            drop(connection)

    async def close(self, *, abort_ssl: bool = True) -> None:
        """Hang up wherever something is on its way, and tell whoever waits for it.

        aiohttp's own would wait for a service that no longer reads, for ever, and would take the end of a body that has
        no length for its proper end.
        """
        for protocol in list(self._checks):
            broken = _closed(sent=True)
            protocol.set_exception(broken)
            body = protocol._payload
            if body is not None and not body.is_eof():
                body.set_exception(broken)
            if protocol.transport is not None:
                protocol.transport.abort()
        self._places.refuse(partial(_closed, sent=False))
        await super().close(abort_ssl=abort_ssl)


class BoundedResolver(aiohttp.ThreadedResolver):
    """Name resolution that gives up: aiohttp's connect timeout begins after it."""

    async def resolve(self, *args: Any, **settings: Any) -> list[ResolveResult]:
        """The addresses of a host, or OSError."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                return await super().resolve(*args, **settings)
        except TimeoutError:
            raise OSError(None, f"no address within {CONNECT_TIMEOUT_S:g} s") from None


def _closed(*, sent: bool) -> Breakdown:
    return Breakdown(Kind.RESET, "the connection was closed at this end", sent=sent)


def _is_cancelled() -> bool:
    """Whether somebody wants the running task to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@lru_cache(maxsize=KEPT_LINES)
def _target(url: str) -> tuple[URL, str | None]:
    """Parsing an address costs 20 µs and asking for the proxy 10; a router has few addresses."""
    return URL(url, encoded=True), surroundings.proxy_for(url)


def _check(sock: Any) -> Callable[[], object]:
    """What tells, in one system call, whether a socket has something to read; something true if so."""
    if sock is None:
        return bool
    descriptor = sock.fileno()
    if sys.platform == "win32":
        return lambda: select.select([descriptor], [], [], 0)[0]
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return partial(poll.poll, 0)
