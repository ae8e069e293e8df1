"""Our own engine on httpx2: blocking, on asyncio and on trio."""

from __future__ import annotations

from router.azure.engines.httpx2_engine import Httpx2Engine

from .engine_aiohttp import Entry as OverAiohttp


class Entry(OverAiohttp):
    """The same as over aiohttp, and it blocks too."""

    distribution = "httpx2"

    async def open(self) -> None:
        """It opens its connections itself."""
        self._engine = Httpx2Engine()
