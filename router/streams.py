"""The stream that a caller holds, and the lease that it carries to its last byte.

A stream is handed over at its first content.  From there on nothing can be moved to another deployment without
the caller noticing, so a break raises `StreamInterrupted` with the text so far.  The lease is settled exactly once:
at the end, on a break, at `close()`, or when a forgotten stream is collected.

These are classes and not generators: a caller who breaks out of a generator gives the lease back only when the
generator is collected; a class inside `with` gives it back at once (house.md §3.6).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import anyio

from .billing import bill_for
from .drivers import CLEAN_UP_S
from .errors import error_for
from .journey import Granted
from .replies import event_maker
from .steps import Settle
from .stores import Store
from .tokens import estimate, text_tokens
from .values import Failure, Kind, Routing, Usage

if TYPE_CHECKING:
    from .question import Mend


class Source(Protocol):
    """An open stream of the transport."""

    usage: Usage | None
    text: str
    completion_chars: int
    """Of everything that the model wrote: text, refusals, tool calls, of all choices."""
    model: str | None
    service_tier: str | None
    output: Sequence[Any]

    def next(self, timeout: float) -> dict[str, Any] | bytes | Failure | None:
        """The next event, None at the proper end, a Failure at any other."""
        ...

    async def anext(self, timeout: float) -> dict[str, Any] | bytes | Failure | None:
        """The same, awaiting."""
        ...

    def close(self) -> None:
        """Drop the connection, blocking."""
        ...

    async def aclose(self) -> None:
        """Drop the connection, awaiting."""
        ...

    def abandon(self) -> None:
        """Drop the connection from anywhere, without awaiting."""
        ...


def _event_of(granted: Granted, mend: Mend | None) -> Callable[[dict[str, Any]], Any]:
    """What makes of an event that came what the caller is to see: mended, if that is wanted, and as a model."""
    made, owner = event_maker(granted.lease.call.operation), granted.lease.deployment.id
    return made if mend is None else lambda event: made(mend(event, owner))


class _Begun:
    """What both faces share: the source, the lease, and how it is settled."""

    def __init__(self, granted: Granted, store: Store, gap: float, mend: Mend | None = None) -> None:
        self._as_event = _event_of(granted, mend)
        self._granted = granted
        self._store = store
        self._gap = gap
        self._source: Source = granted.reply.body
        self._ended = False

    @property
    def routing(self) -> Routing:
        """What happened to the call.  `tokens_settled` and `cost` are known once the stream has ended."""
        return self._granted.routing

    @property
    def text(self) -> str:
        """The text that was delivered so far."""
        return self._source.text

    def _usage(self) -> Usage:
        """What the stream used: as stated, else the estimate of the prompt and of what came, tool calls included."""
        if self._source.usage is not None:
            return self._source.usage
        call = self._granted.lease.call
        body = {k: v for k, v in call.body.items() if k not in ("max_tokens", "max_completion_tokens")}
        prompt = estimate(call.operation, body)
        answer = text_tokens(self._source.completion_chars)
        return Usage(prompt, answer, prompt + answer)

    def _settlement(self, failure: Failure | None) -> Settle:
        self._ended = True
        usage = self._usage()
        if failure is None:
            return Settle(self._granted.lease, replace(self._granted.reply, usage=usage, body=None))
        return Settle(self._granted.lease, replace(failure, usage=usage), failure.kind is Kind.CANCELLED)

    def _settled(self) -> None:
        routing, lease, source = self._granted.routing, self._granted.lease, self._source
        routing.tokens_settled = lease.tokens_settled
        routing.bill = bill_for(
            lease.call,
            lease.deployment,
            {"model": source.model, "service_tier": source.service_tier, "output": source.output},
            self._usage(),
            self._granted.reply.headers,
        )

    def _raise(self, failure: Failure) -> None:
        routing = self._granted.routing
        broken = replace(failure, kind=Kind.STREAM, partial=self._source.text)
        broken.message = (
            f"the stream broke off after {len(self._source.text)} characters: {failure.message or failure.kind};"
            " what came is in `.partial`"
        )
        raise error_for(broken, deployment=routing.deployment, attempts=routing.attempts)

    def _forgotten(self) -> None:
        """Collected without having been closed: give everything back without waiting for anything, or for a lock."""
        if not getattr(self, "_ended", True):
            self._source.abandon()
            self._store.apply_later(self._settlement(Failure(Kind.CANCELLED, "the stream was forgotten")))


class Stream(_Begun):
    """A blocking stream of chunks: iterate it, and close it if you stop early (or use `with`)."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        if self._ended:
            raise StopIteration
        try:
            event = self._source.next(self._gap)
        except BaseException:
            self.close()
            raise
        if isinstance(event, dict):
            return self._as_event(event)
        if isinstance(event, bytes):
            return event
        self._source.close()
        self._store.apply(self._settlement(event))
        self._settled()
        if event is not None:
            self._raise(event)
        raise StopIteration

    def close(self) -> None:
        """Stop: drop the connection and give the lease back, charged by what came.  Idempotent."""
        if not self._ended:
            self._source.close()
            self._store.apply(self._settlement(Failure(Kind.CANCELLED, "the caller closed the stream")))
            self._settled()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        self._forgotten()


class AsyncStream(_Begun):
    """An awaiting stream of chunks: iterate it, and aclose it if you stop early (or use `async with`)."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        if self._ended:
            raise StopAsyncIteration
        try:
            event = await self._source.anext(self._gap)
        except BaseException:
            await self.aclose()
            raise
        if isinstance(event, dict):
            return self._as_event(event)
        if isinstance(event, bytes):
            return event
        await self._give_back(self._settlement(event))
        if event is not None:
            self._raise(event)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Stop: drop the connection and give the lease back, charged by what came.  Idempotent."""
        if not self._ended:
            await self._give_back(self._settlement(Failure(Kind.CANCELLED, "the caller closed the stream")))

    async def _give_back(self, settlement: Settle) -> None:
        # Shielded: a cancelled caller must not leave the connection or the lease behind.
        with anyio.move_on_after(CLEAN_UP_S, shield=True):
            await self._source.aclose()
            await self._store.aapply(settlement)
        self._settled()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.aclose()

    def __del__(self) -> None:
        self._forgotten()
