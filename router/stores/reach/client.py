"""Runs scripts in Redis: from threads, on asyncio and on trio."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

from router.per_loop import PerLoop

from .access import Access
from .awaiting import AwaitingLines
from .blocking import BlockingLines
from .reasons import StoreUnavailable
from .route import Call, Route
from .script import Argument, Script

T = TypeVar("T")
THREADS = 16
"""Per event loop, where awaiting connections cannot be used."""
_threads: RunVar[anyio.CapacityLimiter] = RunVar("router.stores.reach.threads")


class ScriptClient:
    """One Redis.  Threads, event loops and forked processes may share it; each process has its own connections.

    Args:
        access: how it is reached.
        timeout: seconds that a call takes at most.

    Nothing is connected before the first call.  Every failure is a StoreUnavailable with a reason.
    """

    def __init__(self, access: Access, timeout: float = 0.25) -> None:
        self.timeout = timeout
        self.shown = access.shown
        """Which Redis, without secrets."""
        self._access = access
        self._route = Route(access)
        self._awaits = access.awaits
        # A forked child keeps its parent's connections untouched: they are its parent's, and a lock in them may be
        # held by a thread that the child does not have.
        self._blocking: dict[int, BlockingLines] = {}
        self._awaiting: dict[int, PerLoop[AwaitingLines]] = {}
        self._closed = False

    def __repr__(self) -> str:
        return f"ScriptClient({self.shown})"

    def call(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        """Run a script, blocking.  All keys must have one hash tag.

        Raises:
            StoreUnavailable: there is no answer.  After `timeout` and `reset` it may have been carried out.
        """
        route = self._route
        (reply,) = self._lines().carry(route.run(route.lane(keys), [Call(script, keys, args)]))
        if isinstance(reply, StoreUnavailable):
            raise reply
        return reply

    async def acall(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        """The same, awaiting.  A caller who is cancelled leaves nothing behind on a connection."""
        loop = self._asyncio_loop()
        if loop is None:
            return await self._in_thread(self.call, script, keys, args)
        return await self._alines(loop).run(Call(script, keys, args))

    def ping(self) -> None:
        """Ask whether it answers, blocking.

        Raises:
            StoreUnavailable: it does not.
        """
        self._lines().carry(self._route.ping())

    async def aping(self) -> None:
        """The same, awaiting."""
        loop = self._asyncio_loop()
        if loop is None:
            await self._in_thread(self.ping)
        else:
            await self._alines(loop).carry(self._route.ping())

    def close(self) -> None:
        """Close the connections of blocking calls; those of event loops close with them, or by `aclose`.  Final."""
        self._closed = True
        lines = self._blocking.pop(os.getpid(), None)
        if lines is not None:
            lines.close()

    async def aclose(self) -> None:
        """Close what this event loop's calls have opened.  A later call opens anew."""
        loops, loop = self._awaiting.get(os.getpid()), self._asyncio_loop()
        if loops is not None and loop is not None:
            await loops.aclose(loop)

    def _asyncio_loop(self) -> asyncio.AbstractEventLoop | None:
        """The running loop, if awaiting connections can be used on it."""
        try:
            return asyncio.get_running_loop() if self._awaits else None
        except RuntimeError:
            return None  # trio

    async def _in_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Whoever is cancelled does not wait for the thread, which ends by itself within the timeout."""
        threads = _threads.get(None)
        if threads is None:
            _threads.set(threads := anyio.CapacityLimiter(THREADS))
        with anyio.move_on_after(self.timeout * 2):
            return await anyio.to_thread.run_sync(function, *args, abandon_on_cancel=True, limiter=threads)
        raise StoreUnavailable("crowded", self.shown)

    def _lines(self) -> BlockingLines:
        if self._closed:
            raise StoreUnavailable("closed", self.shown)
        pid = os.getpid()
        lines = self._blocking.get(pid)
        # Two threads that come here at once get the same lines.
        return lines or self._blocking.setdefault(pid, BlockingLines(self._access, self.timeout))

    def _alines(self, loop: Any) -> AwaitingLines:
        if self._closed:
            raise StoreUnavailable("closed", self.shown)
        pid = os.getpid()
        loops = self._awaiting.get(pid) or self._awaiting.setdefault(pid, PerLoop())
        lines = loops.get(loop)
        if lines is None:
            lines = AwaitingLines(self._access, self._route, self.timeout)
            loops.add(loop, lines, lines.aclose)
        return lines
