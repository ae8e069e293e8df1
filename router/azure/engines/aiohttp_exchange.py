"""One request and its answer, written to and read from a connection of aiohttp's pool.

aiohttp keeps the pool, resolves names, speaks TLS and parses; what is left out is its session, with what we never ask
for: redirects, cookies, traces, form payloads, a task that writes the body.  A request whose bytes are known needs one
`write`.  `python -m benchmarks engines` measures what that saves.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import BaseConnector, Connection
from aiohttp.http_exceptions import BadStatusLine, TransferEncodingError
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import EMPTY_PAYLOAD
from multidict import CIMultiDictProxy
from yarl import URL

from . import Request, is_chunked
from .aiohttp_bodies import Decompressed, readable
from .breakdowns import connect_time
from .deadlines import Deadlines

_APART = 2**16
"""Bodies from here on are written by themselves, so that they are not copied behind the head."""
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
EXACT = float("inf")
"""aiohttp rounds timeouts above this up to whole seconds; never, for us."""


class Way(aiohttp.ClientRequest):
    """What the pool is asked with.  It never travels, and its key never changes, so it is made once."""

    def __init__(self, method: str, url: URL, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(method, url, loop=loop)
        self._key = super().connection_key

    @property
    def connection_key(self) -> ConnectionKey:
        """Which connections will do."""
        return self._key


class Line:
    """What all requests of one method to one URL share.  Made once; a router has few of them.

    Args:
        request: the first of them.
        url: its URL, encoded.
        loop: the event loop whose connections it uses.
    """

    __slots__ = ("_headers", "_start", "_text", "way")

    def __init__(self, request: Request, url: URL, loop: asyncio.AbstractEventLoop) -> None:
        self.way = Way(request.method, url, loop)
        headers = self.way.headers
        self._headers: Mapping[str, str] = {}
        self._text = ""
        self._start = (
            f"{self.way.method} {url.raw_path_qs} HTTP/1.1\r\nHost: {headers['Host']}\r\n"
            f"Accept-Encoding: {headers['Accept-Encoding']}\r\n"
        )

    def head(self, request: Request, length: int) -> bytes:
        """The bytes before the body.

        Raises:
            ValueError: a header holds a control character; which one is not said, for it may be the key.
        """
        if request.headers != self._headers:  # mostly they are those of the call before
            lines = [f"{name}: {value}" for name, value in request.headers.items()]
            if not all(map(str.isprintable, lines)) and _CONTROL.search("".join(lines)):
                raise ValueError("a header holds a control character")
            self._text = "".join(f"{line}\r\n" for line in lines)
            self._headers = request.headers
        if length or self.way.method != "GET":
            return f"{self._start}{self._text}content-length: {length}\r\n\r\n".encode()
        return f"{self._start}{self._text}\r\n".encode()


class Patience:
    """What a pool reads of an `aiohttp.ClientTimeout`, in seconds; a frozen one would cost each call a microsecond."""

    __slots__ = ("connect", "sock_connect")
    ceil_threshold = EXACT
    total = None

    def __init__(self, connect: float, sock_connect: float) -> None:
        self.connect = connect
        """For a free connection, or a new one, with its TLS."""
        self.sock_connect = sock_connect
        """For the connection of TCP alone."""


class PoolTimeout(TimeoutError):
    """All connections were in use for too long.  Named as httpx2's, so that one table serves both."""


class Exchange:
    """An answer that has begun, and the connection that brings it.

    Attributes:
        status: of HTTP.
        headers: as they came.
        content: aiohttp's reader of the body, or ours.
    """

    __slots__ = ("_connection", "_deadlines", "_is_late", "content", "headers", "status")

    def __init__(self, connection: Connection, deadlines: Deadlines) -> None:
        self._connection: Connection | None = connection
        self._deadlines = deadlines
        self._is_late = False
        self.status = 0
        self.headers: CIMultiDictProxy[str]
        self.content: aiohttp.StreamReader | Decompressed = EMPTY_PAYLOAD

    def write(self, head: bytes, body: bytes, deadline: float) -> ResponseHandler:
        """Write a request.  Returns what the answer's head is read from, in vain after `deadline` on the loop's clock.

        Raises:
            ServerDisconnectedError: the connection ended just now.
        """
        connection = self._connection
        assert connection is not None
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None:
            raise aiohttp.ServerDisconnectedError
        self._deadlines.add(self, deadline)
        if len(body) < _APART:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        return protocol

    def begun(self, message: RawResponseMessage, content: aiohttp.StreamReader) -> None:
        """The head of the answer is here.

        Raises:
            TimeoutError: the deadline passed in the same turn of the loop, and something of the body is still to come.
        """
        if self._is_late and not content.is_eof():  # nobody would end the wait for it
            raise TimeoutError
        self.status, self.headers = message.code, message.headers
        self.content = content if message.compression is None else readable(content, message.compression)
        content.on_eof(self._finished)

    def untimed(self) -> None:
        """The head came in time; whoever reads on sets a time of its own."""
        self._deadlines.drop(self)

    def close(self) -> None:
        """Drop the connection, unless it was given back at the body's end.  Idempotent."""
        self.untimed()
        connection, self._connection = self._connection, None
        if connection is not None:
            drop(connection)
            if self.content is not EMPTY_PAYLOAD and self.content.exception() is None:
                self.content.set_exception(aiohttp.ClientConnectionError("Connection closed"))

    def _finished(self) -> None:
        """The body is whole: the connection is free, unless the service answered before it had read all of ours."""
        self.untimed()
        connection, self._connection = self._connection, None
        if connection is not None:
            if _is_writing(connection):
                drop(connection)
            else:
                connection.release()

    def expire(self) -> None:
        """Its deadline has passed: whoever waits for it hears of that."""
        self._is_late = True
        connection = self._connection
        if connection is not None and connection.protocol is not None:
            connection.protocol.set_exception(TimeoutError())
        if self.content is not EMPTY_PAYLOAD:
            self.content.set_exception(TimeoutError())


def _is_writing(connection: Connection) -> bool:
    transport = connection.transport
    return transport is not None and transport.get_write_buffer_size() > 0


def drop(connection: Connection) -> None:
    """Hang up at once.

    A mere `close` would wait for a service that no longer reads, for ever, and with TLS for its goodbye, 30 s.
    """
    if connection.transport is not None:
        connection.transport.abort()
    connection.close()


async def begin(connector: BaseConnector, deadlines: Deadlines, line: Line, request: Request) -> Exchange:
    """Write a request whose body is in memory, and read the head of its answer.

    `request.timeout` holds for the body's reading as well, until `Exchange.untimed`.

    Raises:
        PoolTimeout: no connection came free in time.
        Exception: whatever aiohttp raises; see `breakdowns.py`.
    """
    body = request.body
    assert isinstance(body, bytes)
    head = line.head(request, len(body))
    deadline = deadlines.now() + request.timeout
    try:
        # An idle connection costs no timer; the patience bounds the wait for one, and the making of it.
        connection = await connector.connect(
            line.way,
            [],
            Patience(request.timeout, connect_time(request)),  # type: ignore[arg-type]
        )
    except PoolTimeout:
        raise
    except TimeoutError as error:  # of the address, of TCP or of TLS
        raise aiohttp.ConnectionTimeoutError from error
    exchange = Exchange(connection, deadlines)
    try:
        protocol = exchange.write(head, body, deadline)
        message, content = await protocol.read()
        while message.code < 200:
            if message.code < 100 or message.code == 101:  # no answer to what we ask, nor on the way to one
                raise BadStatusLine(str(message.code))
            message, content = await protocol.read()
        coding = message.headers.get("transfer-encoding")
        if coding is not None and not (message.chunked and is_chunked(coding)):  # aiohttp strips a tab before we see it
            raise TransferEncodingError("nobody asked for it")
        exchange.begun(message, content)
    except BaseException:
        exchange.close()
        raise
    return exchange
