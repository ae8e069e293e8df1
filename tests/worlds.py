"""The three worlds that a public method is called in, behind one face: blocking, asyncio, trio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import trio

WORLDS = ("blocking", "asyncio", "trio")


class World:
    """Calls `name` of a router, or its `a…` twin, as this world does."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name

    def call(self, target: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        """The result of one method; a stream comes back as the list of its events."""
        if self.name == "blocking":
            result = getattr(target, name)(*args, **kwargs)
            return list(result) if hasattr(result, "__next__") else result

        async def scenario() -> Any:
            result = await getattr(target, f"a{name}")(*args, **kwargs)
            if hasattr(result, "__anext__"):
                result = [event async for event in result]
            if hasattr(target, "aclose"):
                await target.aclose()
                # Connections belong to this loop; the router itself goes on.
                target._works.closed = target._works.transport._is_closed = False
            return result

        return self.run(scenario)

    def run(self, scenario: Callable[[], Awaitable[Any]]) -> Any:
        """Run an async function in this world."""
        return asyncio.run(scenario()) if self.name == "asyncio" else trio.run(scenario)  # type: ignore[arg-type]
