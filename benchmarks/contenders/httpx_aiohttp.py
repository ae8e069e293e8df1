"""httpx's interface over aiohttp's connections, by hand: what a library built on httpx could move to."""

from __future__ import annotations

import httpx
from httpx_aiohttp import HttpxAiohttpClient

from . import HEADERS, MESSAGES, Contender
from .lines import has_text


class Entry(Contender):
    """One client; JSON by the standard library."""

    distribution = "httpx-aiohttp"

    async def open(self) -> None:
        """Without a limit of connections."""
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self._awaiting = HttpxAiohttpClient(headers=HEADERS, limits=limits)

    async def close(self) -> None:
        """And its connections."""
        await self._awaiting.aclose()

    async def call(self, shape: str) -> str:
        """Post, read, decode."""
        answer = await self._awaiting.post(self.url(shape), json={"messages": MESSAGES, "max_tokens": 100})
        answer.raise_for_status()
        return str(answer.json()["choices"][0]["message"]["content"])

    async def stream(self, shape: str) -> int:
        """Line by line."""
        body = {"messages": MESSAGES, "max_tokens": 100, "stream": True}
        async with self._awaiting.stream("POST", self.url(shape), json=body) as answer:
            answer.raise_for_status()
            return sum([has_text(line.encode()) async for line in answer.aiter_lines()])
