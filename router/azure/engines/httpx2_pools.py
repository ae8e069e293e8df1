"""Where do blocking calls and trio get their connections?  Importing this file imports httpcore2.

Our own calls stand on the pools of httpcore2, the floor of httpx2: a call needs no cookies, redirects, hooks or
address parsing, which are half of what an httpx2 client does.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpcore2

from . import KEEP_ALIVE_S, MAX_CONNECTIONS, Request, surroundings
from .breakdowns import connect_time, unasked
from .httpx2_connections import AwaitingConnection, BlockingConnection
from .httpx2_sockets import AwaitingBackend, BoundedBackend, due


class Unread:
    """An answer whose body is not read yet, and needs no decoding; an `httpx2.Response`, as far as we use one.

    Args:
        answer: of a pool, a blocking or an awaiting one.
        headers: its own, by their names in lower case.
    """

    def __init__(self, answer: httpcore2.Response, headers: dict[str, str]) -> None:
        self.status_code = answer.status
        self.headers = headers
        self.extensions = answer.extensions
        self._stream: Any = answer.stream

    def iter_bytes(self) -> Iterator[bytes]:
        """The body as it comes."""
        return iter(self._stream)

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        """The same, awaiting."""
        return aiter(self._stream)

    def close(self) -> None:
        """Give the connection back, or drop it."""
        self._stream.close()

    async def aclose(self) -> None:
        """The same, awaiting."""
        await self._stream.aclose()


class StraightBlockingPool(httpcore2.ConnectionPool):
    """A pool of our own connections."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(**settings)
        self._settings = settings

    def create_connection(self, origin: httpcore2.Origin) -> httpcore2.ConnectionInterface:
        return BlockingConnection(origin, self._settings)


class StraightAwaitingPool(httpcore2.AsyncConnectionPool):
    """The same, awaiting."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(**settings)
        self._settings = settings

    def create_connection(self, origin: httpcore2.Origin) -> httpcore2.AsyncConnectionInterface:
        return AwaitingConnection(origin, self._settings)


class BlockingPools:
    """Blocking connections of one process, straight and through each proxy.  Safe to share between threads."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._settings = _settings(tls, BoundedBackend())
        self._direct = StraightBlockingPool(self._settings)
        self._proxied: dict[str, httpcore2.ConnectionPool] = {}

    def send(self, request: Request) -> Any:
        """The answer, an `Unread` or an `httpx2.Response`.  The time for all of it begins now."""
        now = time.monotonic()
        due.connected, due.done = now + connect_time(request), now + request.timeout
        body = request.body if isinstance(request.body, bytes) else request.body.parts()
        message, proxy = _message(request, body)
        pool = self._direct if proxy is None else self._through(proxy)
        answer = pool.handle_request(message)
        if not _is_asked_for(answer.extensions):
            answer.close()
            raise unasked(request)
        return _unread(answer)

    def close(self) -> None:
        """Close every connection."""
        for pool in (self._direct, *self._proxied.values()):
            pool.close()

    def _through(self, proxy: str) -> httpcore2.ConnectionPool:
        pool = self._proxied.get(proxy)
        if pool is None:
            new = httpcore2.HTTPProxy(**_proxy(proxy), **self._settings)
            pool = self._proxied.setdefault(proxy, new)
        return pool


class AwaitingPools:
    """The same for one event loop, of trio or asyncio.  The caller bounds the time."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._settings = _settings(tls, AwaitingBackend())
        self._direct = StraightAwaitingPool(self._settings)
        self._proxied: dict[str, httpcore2.AsyncConnectionPool] = {}

    async def send(self, request: Request) -> Any:
        """The answer, an `Unread` or an `httpx2.Response`."""
        body = request.body if isinstance(request.body, bytes) else request.body.aparts()
        message, proxy = _message(request, body)
        pool = self._direct if proxy is None else self._through(proxy)
        answer = await pool.handle_async_request(message)
        if not _is_asked_for(answer.extensions):
            await answer.aclose()
            raise unasked(request)
        return _unread(answer)

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in (self._direct, *self._proxied.values()):
            await pool.aclose()

    def _through(self, proxy: str) -> httpcore2.AsyncConnectionPool:
        if proxy not in self._proxied:
            self._proxied[proxy] = httpcore2.AsyncHTTPProxy(**_proxy(proxy), **self._settings)
        return self._proxied[proxy]


def _is_asked_for(extensions: Mapping[str, Any]) -> bool:
    """Whether an answer came after its request."""
    return bool(extensions["network_stream"].heard)


def _unread(answer: httpcore2.Response) -> Any:
    headers: dict[str, str] = {}
    for raw_name, raw_value in answer.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if "content-encoding" not in headers:
        return Unread(answer, headers)
    from .httpx2_decoding import decoded

    return decoded(answer)


def _settings(tls: ssl.SSLContext | None, backend: Any) -> dict[str, Any]:
    context = tls or surroundings.trust()
    context.set_alpn_protocols(["http/1.1"])
    return {
        "ssl_context": context,
        "max_connections": MAX_CONNECTIONS,
        "max_keepalive_connections": MAX_CONNECTIONS,
        "keepalive_expiry": KEEP_ALIVE_S,
        "retries": 0,
        "network_backend": backend,
    }


def _message(request: Request, body: Any) -> tuple[httpcore2.Request, str | None]:
    url, host, proxy = _target(request.url)
    headers = [(b"host", host), (b"accept-encoding", b"gzip, deflate")]
    headers += [(name.encode("ascii"), value.encode("latin-1")) for name, value in request.headers.items()]
    if not isinstance(request.body, bytes):
        headers += [(name.encode("ascii"), value.encode("ascii")) for name, value in request.framing().items()]
    elif request.body or request.method in ("POST", "PUT", "PATCH"):
        headers.append((b"content-length", b"%d" % len(request.body)))
    timeout = {"connect": connect_time(request), "pool": request.timeout}
    message = httpcore2.Request(request.method, url, headers=headers, content=body, extensions={"timeout": timeout})
    return message, proxy


@lru_cache(maxsize=1024)
def _target(url: str) -> tuple[httpcore2.URL, bytes, str | None]:
    """The address as httpcore takes it, the Host header, and the proxy.  A router has few addresses."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    return httpcore2.URL(url), host.encode("ascii"), surroundings.proxy_for(url)


def _proxy(proxy: str) -> dict[str, Any]:
    import httpx2

    parts = httpx2.Proxy(proxy)
    return {"proxy_url": str(parts.url), "proxy_auth": parts.raw_auth}
