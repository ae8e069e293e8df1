"""How do calls on asyncio reach the wire?  Through aiohttp, by far the cheapest of the mature clients.

It is imported with the first call (`aiohttp_client.py` and `aiohttp_exchange.py` know it).  A request whose bytes are
in memory is exchanged over a connection of its pool, any other through its session.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from router.per_loop import PerLoop

from . import Answer, Request, is_stream
from .breakdowns import breakdown_of, out_of_time, too_large

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from .aiohttp_client import Client
    from .aiohttp_exchange import Exchange
    from .deadlines import Deadlines

    Response = Exchange | ClientResponse


class AiohttpEngine:
    """Awaiting calls on asyncio; blocking ones are not its business.

    Args:
        tls: the TLS settings of its connections.  None: the operating system's trust store.
    """

    name = "aiohttp"

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._clients: PerLoop[Client] = PerLoop()

    def __repr__(self) -> str:
        return "AiohttpEngine()"

    def send(self, request: Request) -> NoReturn:
        """Not offered: aiohttp cannot block.

        Raises:
            TypeError: always.
        """
        raise TypeError(f"{self.name} serves asyncio only; blocking calls go through httpx2")

    async def asend(self, request: Request) -> Answer:
        """Send and read; a stream's 200 is handed back when its headers are in.  Raises Breakdown."""
        client, handled = self._clients.get(asyncio.get_running_loop()) or self._open(), sys.exception()
        try:
            line = client.line(request)
            if line is None:
                return await self._by_session(client, request)
            response = await client.begin(line, request)
            if request.stream:
                headers = response.headers
                if is_stream(request, response.status, headers.get("content-type", "")):
                    response.untimed()
                    return Answer(response.status, headers, chunks=AiohttpChunks(response, request, client.deadlines))
            return await self._whole(response, request)
        except Exception as error:
            broken = breakdown_of(error, request, handled)
        raise broken

    def close(self) -> None:
        """Nothing to do: what was opened belongs to event loops and closes with them, or by `aclose`."""

    async def aclose(self) -> None:
        """Close what this event loop's calls have opened.  Idempotent; a later call opens anew."""
        await self._clients.aclose(asyncio.get_running_loop())

    def _open(self) -> Client:
        from .aiohttp_client import Client

        client = Client(self._tls)
        return self._clients.add(asyncio.get_running_loop(), client, client.aclose)

    async def _by_session(self, client: Client, request: Request) -> Answer:
        if not request.stream:
            return await self._whole(await client.begin_by_session(request, request.timeout), request)
        async with asyncio.timeout(request.timeout):
            response = await client.begin_by_session(request, None)
            headers = response.headers
            if not is_stream(request, response.status, headers.get("content-type", "")):
                return await self._whole(response, request)
        return Answer(response.status, headers, chunks=AiohttpChunks(response, request, client.deadlines))

    async def _whole(self, response: Response, request: Request) -> Answer:
        """Read the body to its end, or to the limit; the connection is free again afterwards, or gone."""
        try:
            content = response.content
            body = content.read_nowait() if content.is_eof() else await content.readany()
            if not content.at_eof():
                parts, size = [body], len(body)
                while size <= request.max_bytes and (part := await content.readany()):
                    parts.append(part)
                    size += len(part)
                body = b"".join(parts)
            if len(body) > request.max_bytes:
                raise too_large(request)
        except BaseException:
            response.close()
            raise
        return Answer(response.status, response.headers, body)


class AiohttpChunks:
    """The body of a streamed answer.  Exactly one reader at a time.

    A child of `os.fork` does nothing to its copy: the loop watches its sockets with something that both share.
    """

    __slots__ = ("_deadlines", "_is_closed", "_loop", "_process", "_request", "_response", "_timeout")

    def __init__(self, response: Response, request: Request, deadlines: Deadlines) -> None:
        self._response = response
        self._request = request
        self._deadlines = deadlines
        self._loop = asyncio.get_running_loop()
        self._process = os.getpid()
        self._timeout = 0.0
        self._is_closed = False

    def __del__(self) -> None:
        if not self._is_closed:
            self.abandon()

    def read(self, timeout: float) -> NoReturn:
        """Not offered.

        Raises:
            TypeError: always.
        """
        raise TypeError("this stream was opened on asyncio: await `aread`")

    async def aread(self, timeout: float) -> bytes:
        """What has arrived, else what arrives next; b"" at the end.  Raises Breakdown, TIMEOUT after `timeout` s."""
        content, handled = self._response.content, sys.exception()
        try:
            if ready := content.read_nowait():  # no timer for what is here already
                return ready
            deadlines, self._timeout = self._deadlines, timeout
            deadlines.add(self, deadlines.now() + timeout)
            try:
                return await content.readany()
            finally:
                deadlines.drop(self)
        except Exception as error:
            broken = breakdown_of(error, self._request, handled)
        raise broken

    def expire(self) -> None:
        """The reader has waited long enough."""
        self._response.content.set_exception(out_of_time(self._request, self._timeout, "further bytes"))
        self._response.close()

    def close(self) -> None:
        """Give the connection back if the body is read, else drop it."""
        self._is_closed = True
        if self._process == os.getpid():
            self._response.close()

    async def aclose(self) -> None:
        """The same: nothing to await, so cancellation cannot strike."""
        self.close()

    def abandon(self) -> None:
        """Drop the connection, from whatever thread the garbage collector runs in."""
        self._is_closed = True
        if self._process == os.getpid():
            with suppress(RuntimeError):  # the loop is closed, and the connection with it
                self._loop.call_soon_threadsafe(self.close)
