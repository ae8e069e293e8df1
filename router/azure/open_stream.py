"""Where do the chunks of a stream come from, once it has been handed over?

`OpenStream` is what a `Reply` holds as its body when the call streams: chunks, then None at the proper end or
a Failure.  Blocking calls use the plain methods, awaiting ones those with an `a`; the logic is in `intake.py`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from router.values import Failure, Kind, Usage

from .engines import Breakdown, Chunks
from .intake import Intake, RawIntake

_EVENT = (dict, bytes)
DRAIN_S = 0.05
"""How long to wait, after `[DONE]`, for the end of the bytes: less than a new TLS connection would take."""


class Pace:
    """How long the next read of a stream's head may take: to the attempt's end, and `gap` after each event."""

    __slots__ = ("_end", "_gap", "_last", "_seen", "_started")

    def __init__(self, started: float, end: float, gap: float) -> None:
        """Moments of `time.perf_counter()`; `gap` in seconds, counted from `started` for the first event."""
        self._started = started
        self._end = end
        self._gap = gap
        self._last = started
        self._seen = 0

    def left(self, events: int) -> float:
        """Seconds for the next read, when so many events have come; never below 0."""
        now = time.perf_counter()
        if events > self._seen:
            self._seen, self._last = events, now
        return max(0.0, min(self._end, self._last + self._gap) - now)

    @property
    def bound(self) -> float:
        """The seconds that `left` counts down: the gap, or the attempt's whole time where that is over before."""
        return self._gap if self._last + self._gap < self._end else self._end - self._started


class OpenStream:
    """A stream whose answer has begun.  One reader at a time.

    `next` and `anext` give the chunks as decoded JSON, then None for ever if the answer was complete, or the
    Failure that ended it (with the text so far in `partial`).
    """

    __slots__ = ("_chunks", "_end", "_intake")

    def __init__(self, intake: Intake, chunks: Chunks | None) -> None:
        """`chunks` None: everything is in `intake` already."""
        self._intake = intake
        self._chunks = chunks
        self._end: Failure | None = None

    def __repr__(self) -> str:
        return f"<OpenStream: {self.completion_chars} characters so far>"

    @property
    def usage(self) -> Usage | None:
        """As the service stated it at the end; None before, or if it did not."""
        return self._intake.reader.usage

    @property
    def usage_is_nonsense(self) -> bool:
        """A usage was stated that cannot be true."""
        return self._intake.reader.usage_is_nonsense

    @property
    def text(self) -> str:
        """The content of the first choice so far."""
        return self._intake.reader.text

    @property
    def model(self) -> str | None:
        """The model that serves it, as the service names it."""
        return self._intake.reader.model

    @property
    def service_tier(self) -> str | None:
        """At whose price it is served, if the service says so."""
        return self._intake.reader.service_tier

    @property
    def output(self) -> Sequence[Any]:
        """The items of a response, once it is whole."""
        return self._intake.reader.output

    @property
    def completion_chars(self) -> int:
        """Characters of all choices, with tool calls and refusals: what to settle by without a usage."""
        return self._intake.reader.characters

    def begin(self, pace: Pace) -> Failure | None:
        """Read until the answer begins.  A Failure: it did not, and the connection is dropped."""
        intake = self._intake
        while not intake.can_be_handed_over:
            self._read(pace.left(len(intake.ready)), pace.bound)
        failure = intake.failure
        if failure is not None:
            self.close()
        return failure

    async def abegin(self, pace: Pace) -> Failure | None:
        """The same, awaiting."""
        intake = self._intake
        while not intake.can_be_handed_over:
            await self._aread(pace.left(len(intake.ready)), pace.bound)
        failure = intake.failure
        if failure is not None:
            await self.aclose()
        return failure

    def next(self, timeout: float) -> dict[str, Any] | bytes | Failure | None:
        """The next chunk within `timeout` seconds, None at the proper end, a Failure at any other."""
        intake = self._intake
        if not intake.ready and not intake.over:
            until = time.perf_counter() + timeout
            while not intake.ready:
                self._read(until - time.perf_counter(), timeout)
        item = intake.ready.popleft() if intake.ready else self._end
        if isinstance(item, _EVENT):
            return item
        self._end = item
        if item is None and not intake.drained and self._chunks is not None:
            self._drain()
        self.close()
        return item

    async def anext(self, timeout: float) -> dict[str, Any] | bytes | Failure | None:
        """The same, awaiting."""
        intake = self._intake
        if not intake.ready and not intake.over:
            until = time.perf_counter() + timeout
            while not intake.ready:
                await self._aread(until - time.perf_counter(), timeout)
        item = intake.ready.popleft() if intake.ready else self._end
        if isinstance(item, _EVENT):
            return item
        self._end = item
        if item is None and not intake.drained and self._chunks is not None:
            await self._adrain()
        await self.aclose()
        return item

    def close(self) -> None:
        """Drop the connection, or give it back if everything was read.  Idempotent, never raises."""
        chunks, self._chunks = self._chunks, None
        self._stop()
        if chunks is not None:
            chunks.close()

    async def aclose(self) -> None:
        """The same, awaiting; safe under cancellation."""
        chunks, self._chunks = self._chunks, None
        self._stop()
        if chunks is not None:
            await chunks.aclose()

    def abandon(self) -> None:
        """Drop the connection at once, from any thread and without awaiting: for streams that are collected."""
        chunks, self._chunks = self._chunks, None
        self._stop()
        if chunks is not None:
            chunks.abandon()

    def _stop(self) -> None:
        """What is asked for after a close is neither there nor to be read."""
        if not self._intake.over:
            self._intake.broke(Breakdown(Kind.CANCELLED, "the stream was closed", sent=True))

    def _read(self, timeout: float, bound: float) -> None:
        """Take what comes within `timeout` seconds, the rest of `bound`."""
        assert self._chunks is not None  # closed streams are `over`
        try:
            data = self._chunks.read(timeout)
        except Breakdown as error:
            self._broke(error, bound)
        else:
            self._intake.feed(data)

    async def _aread(self, timeout: float, bound: float) -> None:
        assert self._chunks is not None  # closed streams are `over`
        try:
            data = await self._chunks.aread(timeout)
        except Breakdown as error:
            self._broke(error, bound)
        else:
            self._intake.feed(data)

    def _broke(self, error: Breakdown, bound: float) -> None:
        if error.kind is Kind.TIMEOUT:
            # The engine knows of the last read alone: keep-alive comments may have come, and waiting begun before.
            intake = self._intake
            what = "bytes" if isinstance(intake, RawIntake) else "event"
            further = "further " if intake.ready or intake.reader.begun else ""
            error = Breakdown(Kind.TIMEOUT, f"no {further}{what} came within {bound:.3g} s", sent=error.sent)
        self._intake.broke(error)

    def _drain(self) -> None:
        """Read the end of the bytes after `[DONE]`, so that the connection can be used again."""
        self._intake.drained = True
        try:
            if self._chunks is not None:
                self._chunks.read(DRAIN_S)
        except Breakdown:
            return

    async def _adrain(self) -> None:
        self._intake.drained = True
        try:
            if self._chunks is not None:
                await self._chunks.aread(DRAIN_S)
        except Breakdown:
            return
