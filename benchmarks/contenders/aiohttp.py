"""aiohttp by hand: what one would write without any library on top.  The bar for awaiting calls."""

from __future__ import annotations

import aiohttp

from . import HEADERS, MESSAGES, Contender
from .lines import has_text


class Entry(Contender):
    """One session; JSON by the standard library."""

    distribution = "aiohttp"

    async def open(self) -> None:
        """A session without aiohttp's limit of 100 connections."""
        self._session = aiohttp.ClientSession(headers=HEADERS, connector=aiohttp.TCPConnector(limit=0))

    async def close(self) -> None:
        """And its connections."""
        await self._session.close()

    async def call(self, shape: str) -> str:
        """Post, read, decode."""
        body = {"messages": MESSAGES, "max_tokens": 100}
        async with self._session.post(self.url(shape), json=body) as answer:
            answer.raise_for_status()
            reply = await answer.json()
        return str(reply["choices"][0]["message"]["content"])

    async def stream(self, shape: str) -> int:
        """Line by line."""
        body = {"messages": MESSAGES, "max_tokens": 100, "stream": True}
        async with self._session.post(self.url(shape), json=body) as answer:
            answer.raise_for_status()
            return sum([has_text(line) async for line in answer.content])
