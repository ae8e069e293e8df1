"""What can be broken on purpose, how often, and for which calls?

The catalogue of what an upstream can do to a client.  A `Fault` is switched on per deployment while the emulator
runs; `FaultSwitch` decides for each call whether it strikes.  How each one changes a reply stands in `spoil.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import ClassVar

from pydantic import ConfigDict

from router.errors import ConfigError


class FaultKind(StrEnum):
    """One thing that goes wrong.  "Streams" strike streamed calls only."""

    # Nothing reaches the limiter.
    DNS = "dns"
    """The name does not resolve (in-process; the server resets the connection)."""
    REFUSE = "refuse"
    """The connection is refused (in-process; the server resets it)."""
    CONNECT_TIMEOUT = "connect_timeout"
    """The connection is never accepted (in-process; the server never answers)."""
    TLS = "tls"
    """The certificate is not valid (in-process; the server resets the connection)."""
    # Statuses.
    STATUS = "status"
    """Answer `status` with Azure's body for it."""
    BUSY = "busy"
    """429 for want of capacity, not quota: no rate-limit headers."""
    REDIRECT = "redirect"
    """307 to another host."""
    # The wire.
    RESET = "reset"
    """Before the headers."""
    RESET_AFTER_HEADERS = "reset_after_headers"
    TRUNCATE = "truncate"
    """The connection ends after `after_bytes` of the body (default: half of it)."""
    HANG = "hang"
    """No answer, ever."""
    SLOW = "slow"
    """Every delay × `factor`, and `seconds` more before the headers."""
    DRIP = "drip"
    """The body comes one byte at a time, `seconds` apart (default 1)."""
    SHRED = "shred"
    """The body comes in pieces of 1 to 3 bytes, with no pause."""
    BAD_FRAMING = "bad_framing"
    """Two Content-Length headers that contradict each other."""
    CLOSE_AFTER = "close_after"
    """A good answer; then the connection is closed, though it promised to stay."""
    HUGE_HEADER = "huge_header"
    """A header line of one megabyte."""
    GZIP_BOMB = "gzip_bomb"
    """80 kB that unpack to 80 MB."""
    # A success that is none.
    HTML = "html"
    EMPTY = "empty"
    BAD_JSON = "bad_json"
    """Half of the JSON, with the right length for the half."""
    BAD_SHAPE = "bad_shape"
    """`body` (default `null`) as JSON."""
    NO_USAGE = "no_usage"
    BAD_USAGE = "bad_usage"
    """Negative, text and 10¹² where token counts belong."""
    HEADERS = "headers"
    """A good answer with `headers` in place of the true ones: rate limits that lie."""
    OVERRUN = "overrun"
    """The answer is ten times longer than `max_tokens` allows."""
    # Streams.
    STREAM_CUT = "stream_cut"
    """Reset after `after_events` (default: two with content)."""
    STREAM_ERROR = "stream_error"
    """An error event after `after_events` (default: two with content), then the end."""
    STREAM_NO_FINISH = "stream_no_finish"
    """A clean end after `after_events` (default: all with content), without `finish_reason` and `[DONE]`."""
    STREAM_BAD_JSON = "stream_bad_json"
    """A broken event after `after_events` (default: two with content)."""
    STREAM_HANG = "stream_hang"
    """Silence after `after_events` (default: two with content)."""
    STREAM_AS_JSON = "stream_as_json"
    """The whole answer as one JSON body, though a stream was asked for."""


UNREACHABLE = frozenset({FaultKind.DNS, FaultKind.REFUSE, FaultKind.CONNECT_TIMEOUT, FaultKind.TLS})
STREAM_ONLY = frozenset(kind for kind in FaultKind if kind.startswith("stream_"))
GATEWAY_STATUSES = frozenset({401, 403, 404, 429})
"""Answered by the front door, before anything is counted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, and when it strikes.

    Raises:
        ConfigError: a value out of range.
    """

    __pydantic_config__: ClassVar[ConfigDict] = {"extra": "forbid"}

    kind: FaultKind | str
    """A `FaultKind`, or its name."""
    status: int = 500
    """For `status` only; `html` answers it when it is not 500, else 200."""
    retry_after_s: float | None = None
    """With `status`: sent as `retry-after` and `retry-after-ms`; odd values go into `headers`."""
    share: float = 1.0
    """Of the calls that it strikes, 0.0 to 1.0, by the emulator's dice."""
    count: int | None = None
    """Strikes this many calls, then is over; None: until cleared."""
    after_events: int | None = None
    """Of a stream.  The first carries no choice, the second no text."""
    after_bytes: int | None = None
    factor: float = 10.0
    seconds: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Set on the answer, in lower case: `{"retry-after": "soon"}`; an empty value removes the header."""
    body: str | None = None
    """In place of the answer's own body (`status`, `html`, `bad_shape`)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", _kind(self.kind))
        if not 0.0 <= self.share <= 1.0:
            raise ConfigError(f"fault {self.kind}: share is {self.share}; it lies between 0 and 1")
        if self.count is not None and self.count < 1:
            raise ConfigError(f"fault {self.kind}: count is {self.count}; give 1 or more, or leave it out")
        if not 200 <= self.status <= 599:
            raise ConfigError(f"fault {self.kind}: status is {self.status}; HTTP statuses here go from 200 to 599")

    @property
    def before_limiter(self) -> bool:
        """The call is never counted: the host is not reached, or its front door says no."""
        if self.kind is FaultKind.STATUS:
            return self.status in GATEWAY_STATUSES
        return self.kind in UNREACHABLE or self.kind is FaultKind.BUSY


def _kind(name: str) -> FaultKind:
    try:
        return FaultKind(name)
    except ValueError:
        raise ConfigError(f"no fault is called {name!r}; there are {', '.join(FaultKind)}") from None


class FaultSwitch:
    """The fault of one deployment, if any is on."""

    __slots__ = ("_left", "fault")

    def __init__(self, fault: Fault | None = None) -> None:
        self.fault: Fault | None = None
        self._left: int | None = None
        self.set(fault)

    def set(self, fault: Fault | None) -> None:
        """Switch on (in place of what was on), or off with None."""
        self.fault = fault
        self._left = fault.count if fault is not None else None

    def draw(self, rng: Random, *, stream: bool) -> Fault | None:
        """The fault that strikes this call, or None.

        Args:
            rng: the dice for `share`.
            stream: the call asked for a stream; stream faults pass others by.
        """
        fault = self.fault
        if fault is None or (fault.kind in STREAM_ONLY and not stream):
            return None
        if fault.share < 1.0 and rng.random() >= fault.share:
            return None
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self.fault = None
        return fault

    @property
    def left(self) -> int | None:
        """Calls that it will still strike; None: until cleared."""
        return self._left if self.fault is not None else 0
