"""The emulator without sockets: an engine that asks it directly, for tests of applications."""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio

from router.azure.engines import Answer, Breakdown, Request
from router.values import Kind

from .core import Emulator, Plan

_BREAKDOWNS = {
    "refuse": (Kind.CONNECT, False),
    "reset": (Kind.RESET, True),
    "reset_after_headers": (Kind.RESET, True),
    "truncate": (Kind.TRUNCATED, True),
    "hang": (Kind.TIMEOUT, True),
}


class InProcessChunks:
    """The body of a streamed answer."""

    def __init__(self, plan: Plan) -> None:
        self._chunks = iter(plan.chunks or ())
        self._wire = plan.wire

    def _next(self) -> tuple[float, bytes]:
        for delay, chunk in self._chunks:
            return delay, chunk
        if self._wire == "cut":
            raise Breakdown(Kind.RESET, "the emulator cut the stream", sent=True)
        return 0.0, b""

    def read(self, timeout: float) -> bytes:
        """The next piece, b"" at the end."""
        delay, chunk = self._next()
        if delay > timeout:
            raise Breakdown(Kind.TIMEOUT, f"no event within {timeout:g} s", sent=True)
        if delay:
            time.sleep(delay)
        return chunk

    async def aread(self, timeout: float) -> bytes:
        """The same, awaiting."""
        delay, chunk = self._next()
        if delay > timeout:
            raise Breakdown(Kind.TIMEOUT, f"no event within {timeout:g} s", sent=True)
        await anyio.sleep(delay)
        return chunk

    def close(self) -> None:
        """Nothing to close."""

    async def aclose(self) -> None:
        """Nothing to close."""

    def abandon(self) -> None:
        """Nothing to drop."""


class InProcessEngine:
    """The engine seam on top of an emulator; latencies are waited for, hangs take the whole timeout at once."""

    name = "emulator"

    def __init__(self, emulator: Emulator, clock: Callable[[], float] = time.monotonic) -> None:
        self.emulator = emulator
        self._clock = clock

    def _plan(self, request: Request) -> Plan:
        headers = {k.lower(): v for k, v in request.headers.items()}
        target = request.url.split("://", 1)[1]
        path = target[target.index("/") :]
        plan = self.emulator.handle(request.method, path, headers, request.body, self._clock())
        if plan.wire in _BREAKDOWNS:
            kind, sent = _BREAKDOWNS[plan.wire]
            raise Breakdown(kind, f"the emulator was told to {plan.wire}", sent=sent)
        if plan.delay > request.timeout:
            raise Breakdown(Kind.TIMEOUT, f"no answer within {request.timeout:g} s", sent=True)
        return plan

    def send(self, request: Request) -> Answer:
        """Answer, blocking for the emulated latency."""
        plan = self._plan(request)
        if plan.delay:
            time.sleep(plan.delay)
        return _answer(plan)

    async def asend(self, request: Request) -> Answer:
        """The same, awaiting."""
        plan = self._plan(request)
        await anyio.sleep(plan.delay)
        return _answer(plan)

    def close(self) -> None:
        """Nothing to close."""

    async def aclose(self) -> None:
        """Nothing to close."""


def _answer(plan: Plan) -> Answer:
    chunks = InProcessChunks(plan) if plan.chunks is not None else None
    return Answer(plan.status, plan.headers, plan.body, chunks)
