"""The emulator without sockets: an engine that asks it directly, for quick tests of routers and applications.

Everything below HTTP is told as a real engine would tell it: the same kinds of `Breakdown`, at the same moments.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import anyio

from router.azure.engines import Answer, Breakdown, Request
from router.values import Kind

from .core import Emulator
from .plan import Plan, Wire

_BREAKDOWNS: dict[Wire, tuple[Kind, bool, str]] = {
    Wire.DNS: (Kind.DNS, False, "the name could not be resolved"),
    Wire.REFUSE: (Kind.CONNECT, False, "the connection was refused"),
    Wire.TLS: (Kind.TLS, False, "the certificate is not trusted"),
    Wire.RESET: (Kind.RESET, True, "the connection was reset before an answer came"),
    Wire.RESET_AFTER_HEADERS: (Kind.RESET, True, "the connection was reset after the headers"),
    Wire.TRUNCATE: (Kind.TRUNCATED, True, "the answer ended before its announced end"),
    Wire.CUT: (Kind.RESET, True, "the connection was reset within the answer"),
    Wire.BAD_FRAMING: (Kind.PROTOCOL, True, "the answer has two lengths"),
}
_AT_ONCE = frozenset({Wire.DNS, Wire.REFUSE, Wire.TLS, Wire.RESET})
"""Without the latency of an answer."""
MAX_HEADER_BYTES = 64 * 1024
"""Longer ones are a breach of protocol to every engine."""


class InProcessEngine:
    """The engine seam on top of an emulator.

    Args:
        emulator: whom to ask.
        clock: its time.
        sleep: how blocking calls wait for latencies.
        asleep: how awaiting ones do.  Give all three for virtual time.
    """

    name = "emulator"

    def __init__(
        self,
        emulator: Emulator,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        asleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.emulator = emulator
        self._clock = clock
        self._sleep = sleep
        self._asleep = asleep

    def send(self, request: Request) -> Answer:
        """Answer, blocking for the emulated latency.  Raises Breakdown."""
        seconds, outcome = self._outcome(request)
        if seconds > 0.0:
            self._sleep(seconds)
        return _deliver(outcome)

    async def asend(self, request: Request) -> Answer:
        """The same, awaiting."""
        seconds, outcome = self._outcome(request)
        if seconds > 0.0:
            await self._asleep(seconds)
        return _deliver(outcome)

    def close(self) -> None:
        """Nothing to close."""

    async def aclose(self) -> None:
        """Nothing to close."""

    def _outcome(self, request: Request) -> tuple[float, Answer | Breakdown]:
        """What comes of it, and after how many seconds."""
        url = urlsplit(request.url)
        headers = {"host": url.netloc, **{name.lower(): value for name, value in request.headers.items()}}
        target = f"{url.path}?{url.query}" if url.query else url.path
        body = request.body if isinstance(request.body, bytes) else b"".join(request.body.parts())
        plan = self.emulator.handle(request.method, target, headers, body, self._clock())
        if plan.wire is Wire.CONNECT_TIMEOUT:
            limit = min(request.connect_timeout, request.timeout)
            return limit, Breakdown(Kind.CONNECT_TIMEOUT, f"no connection within {limit:g} s", sent=False)
        if plan.wire in _AT_ONCE:
            return 0.0, _breakdown(plan.wire)
        streams = request.stream and plan.status == 200
        silent = plan.wire is Wire.HANG and (plan.chunks is None or not streams)
        seconds = plan.delay if streams else plan.seconds
        if any(len(value) > MAX_HEADER_BYTES for value in plan.headers.values()):
            return plan.delay, Breakdown(Kind.PROTOCOL, "a header is too long (emulated)", sent=True)
        if silent or seconds > request.timeout:
            text = f"no answer within {request.timeout:g} s"
            return request.timeout, Breakdown(Kind.TIMEOUT, text, sent=True)
        if streams:
            return seconds, self._open(plan)
        return seconds, _whole(plan, request)

    def _open(self, plan: Plan) -> Answer | Breakdown:
        if plan.wire is Wire.BAD_FRAMING:
            return _breakdown(plan.wire)
        return Answer(plan.status, plan.headers, chunks=_Chunks(plan, self._sleep, self._asleep))


def _whole(plan: Plan, request: Request) -> Answer | Breakdown:
    """A body that is read to its end."""
    if plan.wire in _BREAKDOWNS:
        return _breakdown(plan.wire)
    if plan.headers.get("content-encoding") == "gzip":
        return Breakdown(Kind.TOO_LARGE, f"the answer is longer than {request.max_bytes} bytes", sent=True)
    return Answer(plan.status, plan.headers, plan.payload)


def _breakdown(wire: Wire) -> Breakdown:
    kind, sent, text = _BREAKDOWNS[wire]
    return Breakdown(kind, f"{text} (emulated)", sent=sent)


def _deliver(outcome: Answer | Breakdown) -> Answer:
    if isinstance(outcome, Breakdown):
        raise outcome
    return outcome


class _Chunks:
    """The body of a streamed answer, each piece at its time."""

    def __init__(self, plan: Plan, sleep: Callable[[float], None], asleep: Callable[[float], Awaitable[None]]) -> None:
        chunks = plan.chunks if plan.chunks is not None else [(0.0, plan.body)] if plan.body else []
        self._chunks = iter([] if plan.wire is Wire.RESET_AFTER_HEADERS else chunks)
        self._wire = plan.wire
        self._sleep = sleep
        self._asleep = asleep
        self._left = 0.0
        self._piece: bytes | None = None

    def read(self, timeout: float) -> bytes:
        """The next piece, b"" at the end.  Raises Breakdown."""
        seconds, outcome = self._next(timeout)
        if seconds > 0.0:
            self._sleep(seconds)
        return self._hand_over(outcome)

    async def aread(self, timeout: float) -> bytes:
        """The same, awaiting."""
        seconds, outcome = self._next(timeout)
        if seconds > 0.0:
            await self._asleep(seconds)
        return self._hand_over(outcome)

    def close(self) -> None:
        """Drop what was not read."""
        self._chunks = iter(())
        self._piece = None
        self._wire = Wire.CLEAN

    async def aclose(self) -> None:
        """The same."""
        self.close()

    def abandon(self) -> None:
        """The same."""
        self.close()

    def _next(self, timeout: float) -> tuple[float, bytes | Breakdown]:
        if self._piece is None:
            self._left, piece = next(self._chunks, (0.0, b""))
            self._piece = bytes(piece)  # of a large file it is a view
            if not self._piece and self._wire is Wire.HANG:
                self._left = float("inf")
        if self._left > timeout:
            self._left -= timeout
            return timeout, Breakdown(Kind.TIMEOUT, f"no further bytes within {timeout:g} s", sent=True)
        if not self._piece and self._wire in _BREAKDOWNS:
            return 0.0, _breakdown(self._wire)
        return self._left, self._piece

    def _hand_over(self, outcome: bytes | Breakdown) -> bytes:
        if isinstance(outcome, Breakdown):
            raise outcome
        self._piece = None
        return outcome
