"""The official awaiting client, used like the blocking one, so that a question is written once for both."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from anyio.from_thread import BlockingPortal


class Awaited:
    """Something of the awaiting client: what would be awaited is waited for, in a loop of its own thread.

    What comes back in the end (replies, chunks, errors) is the client's own; streams, pages, context managers and
    the parts of the client are wrapped in their turn.

    Args:
        portal: runs the loop.
        target: the client, or what it returned.
    """

    def __init__(self, portal: BlockingPortal, target: Any) -> None:
        self._portal = portal
        self._target = target

    def __getattr__(self, name: str) -> Any:
        return self._plain(getattr(self._target, name))

    def __call__(self, *args: Any, **params: Any) -> Any:
        made = self._target(*args, **params)
        return self._plain(self._portal.call(_wait, made) if inspect.isawaitable(made) else made)

    def __enter__(self) -> Any:
        return self._plain(self._portal.call(self._target.__aenter__))

    def __exit__(self, *failure: object) -> Any:
        return self._portal.call(self._target.__aexit__, *failure)

    def __iter__(self) -> Iterator[Any]:
        steps = self._target.__aiter__()
        while True:
            try:
                yield self._portal.call(steps.__anext__)
            except StopAsyncIteration:
                return

    def _plain(self, value: Any) -> Any:
        awaits = type(value).__name__.startswith("Async") or hasattr(value, "__aiter__")
        return Awaited(self._portal, value) if awaits or inspect.isroutine(value) else value


async def _wait(made: Any) -> Any:
    return await made
