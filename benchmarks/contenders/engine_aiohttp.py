"""Our own engine on aiohttp, behind the seam of `router/azure/engines/`, without the router."""

from __future__ import annotations

import json
from typing import Any

from router.azure.engines import Request
from router.azure.engines.aiohttp_engine import AiohttpEngine

from . import HEADERS, MESSAGES, Contender


class Entry(Contender):
    """The engine as the transport uses it; JSON by the standard library, as for the bare clients."""

    distribution = "aiohttp"

    async def open(self) -> None:
        """It opens its connections itself."""
        self._engine: Any = AiohttpEngine()

    async def close(self) -> None:
        """And closes them."""
        self._engine.close()
        await self._engine.aclose()

    async def call(self, shape: str) -> str:
        """Post, read, decode."""
        return _text(await self._engine.asend(self._request(shape)))

    def call_blocking(self, shape: str) -> str:
        """The same, blocking."""
        return _text(self._engine.send(self._request(shape)))

    def _request(self, shape: str) -> Request:
        body = json.dumps({"messages": MESSAGES, "max_tokens": 100}).encode()
        return Request("POST", self.url(shape), {**HEADERS, "content-type": "application/json"}, body)


def _text(answer: Any) -> str:
    assert answer.status == 200
    return str(json.loads(answer.body)["choices"][0]["message"]["content"])
