"""Who closes an async client whose event loop ends?

A client's sockets belong to the loop that opened them, so there is one client per loop.  Nobody can be made
to call `aclose()` at the end of every `asyncio.run`; but both asyncio and trio finish the async generators that
are still open when a run ends.  So each client is held by such a generator, the keeper, whose last act is to
close it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class PerLoop(Generic[T]):
    """At most one resource per event loop.  Loops in several threads may use it at once, each its own."""

    __slots__ = ("__weakref__", "_entries")

    def __init__(self) -> None:
        self._entries: dict[Hashable, tuple[T, AsyncGenerator[None, None]]] = {}

    def get(self, loop: Hashable) -> T | None:
        """The resource of this loop, if it has one.  A dictionary look-up: this is on every call's path."""
        entry = self._entries.get(loop)
        return entry[0] if entry is not None else None

    def add(self, loop: Hashable, resource: T, close: Callable[[], Awaitable[None]]) -> T:
        """Keep `resource` for the running loop, and see to it that `close` is awaited before that loop ends."""
        for other, (_, old) in list(self._entries.items()):
            if getattr(old, "ag_frame", None) is None or _is_closed(other):
                self._entries.pop(other, None)
        keeper = _keep(close)
        with suppress(StopIteration):  # runs up to the `yield`, which needs no waiting
            keeper.asend(None).send(None)
        self._entries[loop] = (resource, keeper)
        return resource

    async def aclose(self, loop: Hashable) -> None:
        """Close this loop's resource.  Idempotent; the next `add` begins anew."""
        entry = self._entries.pop(loop, None)
        if entry is not None:
            await entry[1].aclose()

    def __len__(self) -> int:
        return len(self._entries)


async def _keep(close: Callable[[], Awaitable[None]]) -> AsyncGenerator[None, None]:
    # No reference to the `PerLoop`: an engine that is dropped must free its keepers at once, so that the loop
    # closes the client before the client is collected itself.
    try:
        yield
    finally:
        await close()


def _is_closed(loop: Hashable) -> bool:
    """Whether this is an asyncio loop that was closed without finishing its generators."""
    is_closed = getattr(loop, "is_closed", None)
    return bool(is_closed is not None and is_closed())
