"""httpx2 by hand.  The bar for blocking calls."""

from __future__ import annotations

import httpx2

from . import HEADERS, MESSAGES, Contender
from .lines import has_text

LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=None)


class Entry(Contender):
    """A client of each kind; JSON by the standard library."""

    distribution = "httpx2"

    async def open(self) -> None:
        """Both clients, without a limit of connections."""
        self._client = httpx2.Client(headers=HEADERS, limits=LIMITS)
        self._awaiting = httpx2.AsyncClient(headers=HEADERS, limits=LIMITS)

    async def close(self) -> None:
        """And their connections."""
        self._client.close()
        await self._awaiting.aclose()

    async def call(self, shape: str) -> str:
        """Post, read, decode."""
        answer = await self._awaiting.post(self.url(shape), json={"messages": MESSAGES, "max_tokens": 100})
        answer.raise_for_status()
        return str(answer.json()["choices"][0]["message"]["content"])

    def call_blocking(self, shape: str) -> str:
        """The same, blocking."""
        answer = self._client.post(self.url(shape), json={"messages": MESSAGES, "max_tokens": 100})
        answer.raise_for_status()
        return str(answer.json()["choices"][0]["message"]["content"])

    async def stream(self, shape: str) -> int:
        """Line by line."""
        body = {"messages": MESSAGES, "max_tokens": 100, "stream": True}
        async with self._awaiting.stream("POST", self.url(shape), json=body) as answer:
            answer.raise_for_status()
            return sum([has_text(line.encode()) async for line in answer.aiter_lines()])

    def stream_blocking(self, shape: str) -> int:
        """The same, blocking."""
        body = {"messages": MESSAGES, "max_tokens": 100, "stream": True}
        with self._client.stream("POST", self.url(shape), json=body) as answer:
            answer.raise_for_status()
            return sum(has_text(line.encode()) for line in answer.iter_lines())
