"""How do blocking calls, trio, and clients that the caller hands in reach the wire?  Through httpx2.

Our own connections stand on its lower floor, httpcore2, which `httpx2_pools.py` imports with the first call.  A client
handed in is used by its methods only (`build_request`, `send`), so one of the older httpx does as well; it stays its
owner's to close, and keeps its own limits, trust store and hooks.
"""

from __future__ import annotations

import os
import ssl
import sys
import time
from collections import deque
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import anyio
from anyio.lowlevel import current_token

from router.per_loop import PerLoop

from . import Answer, Request, is_stream
from .breakdowns import ambiguous, breakdown_of, connect_time
from .httpx2_chunks import AwaitingChunks, BlockingChunks
from .thread_places import sweep

if TYPE_CHECKING:
    from .httpx2_pools import AwaitingPools, BlockingPools


class Httpx2Engine:
    """Blocking calls, and awaiting ones on trio and asyncio.

    Args:
        client: an `httpx2.Client` (or `httpx.Client`) of the caller's for blocking calls.  It has no limit for a
            whole exchange, so a server that trickles its headers is cut off between reads only.
        async_client: the same for awaiting calls; it must be used on one event loop only, as always with httpx.
        tls: the TLS settings of our own connections, which are used as they are: they must not offer HTTP/2.  None:
            the operating system's trust store.
    """

    name = "httpx2"

    def __init__(self, client: Any = None, async_client: Any = None, *, tls: ssl.SSLContext | None = None) -> None:
        self._client = client
        self._async_client = async_client
        self._tls = tls
        self._pools: dict[int, BlockingPools] = {}
        """By process: at most this one's and its parent's."""
        self._loops: PerLoop[AwaitingPools] = PerLoop()
        self._abandoned: deque[Any] = deque()
        """Responses of the caller's client whose streams were collected."""

    def __repr__(self) -> str:
        return f"Httpx2Engine(blocking={self.blocking}, awaiting={self.awaiting})"

    @property
    def blocking(self) -> str:
        """Whose blocking client serves, for people."""
        return _label(self._client)

    @property
    def awaiting(self) -> str:
        """Whose awaiting client serves, for people."""
        return _label(self._async_client)

    def send(self, request: Request) -> Answer:
        """Send and read, blocking; a stream's 200 is handed back when its headers are in.  Raises Breakdown."""
        due, handled = time.monotonic() + request.timeout, sys.exception()
        try:
            response, abandoned = self._begin(request)
            status, headers = response.status_code, dict(response.headers.items())
            chunks = BlockingChunks(response, request, abandoned)
            if "transfer-encoding" in headers and "content-length" in headers:
                chunks.close()
                raise ambiguous(request)
            if is_stream(request, status, headers.get("content-type", "")):
                return Answer(status, headers, chunks=chunks)
            return Answer(status, headers, chunks.rest(due))
        except Exception as error:
            broken = breakdown_of(error, request, handled)
        raise broken

    async def asend(self, request: Request) -> Answer:
        """The same, awaiting.  Raises Breakdown."""
        handled = sys.exception()
        try:
            with anyio.fail_after(request.timeout):
                response = await self._abegin(request)
                status, headers = response.status_code, dict(response.headers.items())
                chunks = AwaitingChunks(response, request)
                if "transfer-encoding" in headers and "content-length" in headers:
                    await chunks.aclose()
                    raise ambiguous(request)
                if is_stream(request, status, headers.get("content-type", "")):
                    return Answer(status, headers, chunks=chunks)
                return Answer(status, headers, await chunks.rest())
        except Exception as error:
            broken = breakdown_of(error, request, handled)
        raise broken

    def close(self) -> None:
        """Close what blocking calls have opened in this process.  Idempotent; a later call opens anew."""
        sweep(self._abandoned)
        pools = self._pools.pop(os.getpid(), None)
        if pools is not None:
            pools.close()

    async def aclose(self) -> None:
        """Close what this event loop's calls have opened.  Idempotent; a later call opens anew."""
        await self._loops.aclose(current_token())

    def _begin(self, request: Request) -> tuple[Any, deque[Any]]:
        """The response, and where it is noted if its stream is collected."""
        client = self._client
        if client is not None:
            sweep(self._abandoned)
            body = request.body if isinstance(request.body, bytes) else request.body.parts()
            return client.send(_built(client, request, body), stream=True, follow_redirects=False), self._abandoned
        pools = self._pools.get(os.getpid()) or self._open_blocking()
        return pools.send(request), pools.abandoned

    async def _abegin(self, request: Request) -> Any:
        client = self._async_client
        if client is None:
            return await (self._loops.get(loop := current_token()) or self._open(loop)).send(request)
        body = request.body if isinstance(request.body, bytes) else request.body.aparts()
        return await client.send(_built(client, request, body), stream=True, follow_redirects=False)

    def _open_blocking(self) -> BlockingPools:
        from .httpx2_pools import BlockingPools

        # A child of `os.fork` keeps its parent's pools untouched: a lock in them may be held by a thread that the
        # child does not have.  Two threads that come here at once get the same pools, without a lock of ours.
        return self._pools.setdefault(os.getpid(), BlockingPools(self._tls))

    def _open(self, loop: Hashable) -> AwaitingPools:
        from .httpx2_pools import AwaitingPools

        pools = AwaitingPools(self._tls)

        async def close() -> None:
            with anyio.move_on_after(1, shield=True):  # trio ends its generators in a cancelled scope
                await pools.aclose()

        return self._loops.add(loop, pools, close)


def _built(client: Any, request: Request, body: Any) -> Any:
    timeout = {
        "connect": connect_time(request),
        "read": request.timeout,
        "write": request.timeout,
        "pool": request.timeout,
    }
    return client.build_request(
        request.method,
        request.url,
        headers={**request.headers, **request.framing()},
        content=body or None,
        extensions={"timeout": timeout},
    )


def _label(client: Any) -> str:
    if client is None:
        return "httpx2"
    return f"the caller's {type(client).__module__.partition('.')[0]}.{type(client).__name__}"
