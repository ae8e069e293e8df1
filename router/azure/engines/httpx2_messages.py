"""What does a request look like on its way out, and an answer before its body is read?

In bytes for our own connections, as a message of httpcore2's for its pools, which serve proxies.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpcore2

from . import Request, is_chunked, surroundings
from .breakdowns import connect_time
from .decoding import Decoder, decoder_for
from .http1 import Headers, Sending
from .roster import Origin


@dataclass(frozen=True, slots=True)
class Target:
    """An address, taken apart."""

    url: httpcore2.URL
    origin: Origin
    host: bytes
    """For the header of that name."""
    proxy: str | None


@lru_cache(maxsize=1024)
def target_of(url: str) -> Target:
    """The address of a request.  A router has few.

    Raises:
        UnsupportedProtocol: it is none of http or https, or not quoted.
    """
    if not url.isascii() or not url.lower().startswith(("http://", "https://")):
        raise httpcore2.UnsupportedProtocol
    parts = httpcore2.URL(url)
    origin = parts.origin
    host = urlsplit(url).netloc.rpartition("@")[2].encode("ascii")
    return Target(
        parts, (parts.scheme == b"https", origin.host.decode("ascii"), origin.port), host, surroundings.proxy_for(url)
    )


def headers_of(request: Request, target: Target) -> Headers:
    """All headers of a request, ours first."""
    headers = [(b"host", target.host), (b"accept-encoding", b"gzip, deflate")]
    headers += [(name.encode("ascii"), value.encode("latin-1")) for name, value in request.headers.items()]
    if not isinstance(request.body, bytes):
        headers += [(name.encode("ascii"), value.encode("ascii")) for name, value in request.framing().items()]
    elif request.body or request.method in ("POST", "PUT", "PATCH"):
        headers.append((b"content-length", b"%d" % len(request.body)))
    return headers


def message_of(request: Request, target: Target, body: Any) -> httpcore2.Request:
    """A request as a pool of httpcore2 takes it.

    httpcore2 refuses more than we do, and logs what it refused, which may be the key.

    Raises:
        LocalProtocolError: it cannot be sent; see `Sending`.
    """
    headers = [(name, value.strip(b" \t")) for name, value in headers_of(request, target)]
    Sending(request.method.encode(), target.url.target, headers)
    timeout = {"connect": connect_time(request), "pool": request.timeout}
    return httpcore2.Request(request.method, target.url, headers=headers, content=body, extensions={"timeout": timeout})


class Unread:
    """An answer whose body is not read yet; an `httpx2.Response`, as far as we use one.

    Args:
        status: of HTTP.
        headers: by their names in lower case.
        stream: the body, to be iterated over and closed, blocking or awaiting.
        extensions: as httpcore2 has them; with the `network_stream` of a blocking one.
    """

    def __init__(self, status: int, headers: dict[str, str], stream: Any, extensions: MutableMapping[str, Any]) -> None:
        self.status_code = status
        self.headers = headers
        self.extensions = extensions
        self._stream = stream

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


class Compressed(Unread):
    """One whose body is to be decompressed.

    Who iterates anew, after something broke in, reads on where the last one was.
    """

    def __init__(
        self,
        status: int,
        headers: dict[str, str],
        stream: Any,
        extensions: MutableMapping[str, Any],
        decoder: Decoder,
    ) -> None:
        super().__init__(status, headers, stream, extensions)
        self._decoder = decoder

    def iter_bytes(self) -> Iterator[bytes]:
        """The body as it was before it was compressed."""
        for part in self._stream:
            yield from self._decoder.feed(part)
        self._decoder.end()

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        """The same, awaiting."""
        async with aclosing(aiter(self._stream)) as parts:
            async for part in parts:
                for piece in self._decoder.feed(part):
                    yield piece
        self._decoder.end()


def unread(status: int, raw_headers: Headers, stream: Any, extensions: MutableMapping[str, Any]) -> Unread:
    """An answer whose body is to be read, and decompressed if it must be.

    Raises:
        RemoteProtocolError: it travels in a way that nobody asked for.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw_headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if "transfer-encoding" in headers and not is_chunked(headers["transfer-encoding"]):
        raise httpcore2.RemoteProtocolError("the body of the answer travels in a way that nobody asked for")
    if "content-encoding" not in headers:
        return Unread(status, headers, stream, extensions)
    decoder = decoder_for(headers["content-encoding"])
    if decoder is None:
        return Unread(status, headers, stream, extensions)
    return Compressed(status, headers, stream, extensions, decoder)
