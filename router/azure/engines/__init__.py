"""The seam to HTTP: two methods, one file per engine.

An engine carries one request out and knows nothing of deployments, retries or JSON.  Whatever goes wrong below
it, it raises `Breakdown` and nothing else (cancellation and KeyboardInterrupt pass through).  Engines never
retry, never follow redirects, and never put a header value into an error.

- `aiohttp_engine.py` serves asyncio (5 to 40 times less CPU per call than httpx at concurrency 64, see perf.md);
- `httpx2_engine.py` serves blocking calls, trio, and clients that the caller hands in.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from router.values import Kind

CONNECT_TIMEOUT_S = 5.0
PATIENCE = 0.9
"""What of its time a call may wait for a place, and what of the rest it may take to connect: not all, so that it knows
that it was not sent before its time is up."""
MAX_CONNECTIONS = 1000
"""Per client.  Twice the concurrency of 500 that we promise to carry without collapse."""
KEEP_ALIVE_S = 60.0
"""Idle connections are kept this long; Azure's front end closes them after about four minutes."""
MAX_RESPONSE_BYTES = 64 * 1024 * 1024
"""After decompression.  A longer body is a failure, so that a compression bomb cannot fill the memory."""
MAX_FILE_BYTES = 512 * 1024 * 1024
"""The same for a file that was asked for whole; Azure's batches may be 200 MB.  A streamed one has no limit."""


class Streamed(Protocol):
    """A body that is not in memory, such as a form with files.  It can be read again from its start."""

    @property
    def size(self) -> int | None:
        """In bytes.  None: not known, so it travels in chunks."""
        ...

    def parts(self) -> Iterator[bytes]:
        """In pieces."""
        ...

    def aparts(self) -> AsyncGenerator[bytes, None]:
        """The same, awaiting; to be closed by whoever does not read it to its end."""
        ...


@dataclass(slots=True)
class Request:
    """One HTTP request, ready to send.  Nobody changes it (a frozen one takes three times as long to make)."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | Streamed = field(repr=False)
    timeout: float = 60.0
    """Seconds for the whole exchange; for a stream, until its headers are in."""
    connect_timeout: float = CONNECT_TIMEOUT_S
    stream: bool = False
    """A 200 is handed back as soon as its headers are in, with `chunks` to read; other statuses are read whole,
    and so are JSON and HTML, because they are no streams."""
    max_bytes: int = MAX_RESPONSE_BYTES
    raw: bool = False
    """A streamed 200 is handed back whatever its type: a file may well be JSON."""

    def framing(self) -> dict[str, str]:
        """The header that says how long a body is which is not in memory."""
        if isinstance(self.body, bytes):
            return {}
        size = self.body.size
        return {"transfer-encoding": "chunked"} if size is None else {"content-length": str(size)}


class Chunks(Protocol):
    """The body of a streamed answer.  Exactly one of the two pairs works, depending on the engine's method."""

    def read(self, timeout: float) -> bytes:
        """The next bytes, b"" at the clean end.  Raises Breakdown (kind TIMEOUT when `timeout` seconds pass)."""
        ...

    async def aread(self, timeout: float) -> bytes:
        """The same, awaiting."""
        ...

    def close(self) -> None:
        """Give the connection back or drop it.  Idempotent, never raises."""
        ...

    async def aclose(self) -> None:
        """The same, awaiting; safe under cancellation."""
        ...

    def abandon(self) -> None:
        """Drop the connection at once without awaiting: for streams that are garbage collected."""
        ...


@dataclass(slots=True)
class Answer:
    """What came back: the body whole, or as chunks."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Found by their names in lower case; who walks through them meets the names as the service wrote them."""
    body: bytes = field(default=b"", repr=False)
    chunks: Chunks | None = None


def is_stream(request: Request, status: int, content_type: str) -> bool:
    """Whether an answer is to be handed back before its body is read."""
    whole = not request.raw and ("json" in content_type or "html" in content_type)
    return request.stream and status == 200 and not whole


def is_chunked(transfer_encoding: str) -> bool:
    """Whether an answer with this header travels in chunks and in no other way, of which we ask for none.

    llhttp, which reads for both engines, reads to the end of the connection where anything but spaces stands behind
    that word, a tab for instance: the lengths of the chunks would be a part of the body.
    """
    return transfer_encoding.rstrip(" ").lower() == "chunked"


class Breakdown(Exception):
    """The exchange failed below HTTP.

    Attributes:
        kind: one of DNS, CONNECT, CONNECT_TIMEOUT, TLS, RESET, TRUNCATED, PROTOCOL, TOO_LARGE, TIMEOUT.
        sent: False only if provably no byte of the request reached the service.
    """

    def __init__(self, kind: Kind, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.sent = sent


class Engine(Protocol):
    """A blocking engine implements `send` and `close`, an awaiting one `asend` and `aclose`; one may do both."""

    name: str

    def send(self, request: Request) -> Answer:
        """Send and read, blocking.  Raises Breakdown."""
        ...

    async def asend(self, request: Request) -> Answer:
        """The same, awaiting.  Raises Breakdown."""
        ...

    def close(self) -> None:
        """Close what blocking calls have opened.  Idempotent."""
        ...

    async def aclose(self) -> None:
        """Close what this event loop's calls have opened.  Idempotent."""
        ...
