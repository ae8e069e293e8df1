"""What will happen to one request?  The whole answer as data, before a byte is sent.

The pure heart makes plans; the server and the in-process engine carry them out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Chunk = tuple[float, bytes]
"""Seconds to wait before it, and the bytes."""

Manner = Literal["chat", "responses", "anthropic"]


class Wire(StrEnum):
    """How the exchange ends below HTTP."""

    CLEAN = "clean"
    DNS = "dns"
    REFUSE = "refuse"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"
    RESET = "reset"
    """Before the headers."""
    RESET_AFTER_HEADERS = "reset_after_headers"
    CUT = "cut"
    """Reset after what the plan holds of the body."""
    TRUNCATE = "truncate"
    """The connection ends in order, but before the body does."""
    HANG = "hang"
    """Silence: before the headers, or, where there are chunks, after them."""
    BAD_FRAMING = "bad_framing"
    CLOSE_AFTER = "close_after"


@dataclass(slots=True)
class Plan:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes = field(default=b"", repr=False)
    delay: float = 0.0
    """Seconds before the headers."""
    chunks: list[Chunk] | None = field(default=None, repr=False)
    """A body in pieces, in place of `body`; without Content-Length."""
    content: range = range(0)
    """Which chunks are content events of a stream."""
    manner: Manner = "chat"
    """How the events of a stream are framed, and what an error among them looks like."""
    wire: Wire = Wire.CLEAN
    announced: int | None = None
    """Content-Length, where it is more than `body` holds."""
    deployment: str = ""
    """Its label, or "" where none was found."""

    @property
    def seconds(self) -> float:
        """How long the whole answer takes."""
        return self.delay + sum(delay for delay, _ in self.chunks or ())

    @property
    def payload(self) -> bytes:
        """The whole body, however it is cut."""
        return self.body if self.chunks is None else b"".join(data for _, data in self.chunks)
