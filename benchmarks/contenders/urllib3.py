"""urllib3 by hand: the other mature client that blocks.  It comes with azure-identity."""

from __future__ import annotations

import json

import urllib3

from . import HEADERS, MESSAGES, Contender
from .lines import has_text


class Entry(Contender):
    """A pool of connections; JSON by the standard library."""

    distribution = "urllib3"

    async def open(self) -> None:
        """Connections come with the first calls."""
        headers = {**HEADERS, "content-type": "application/json"}
        self._pool = urllib3.PoolManager(headers=headers, retries=False, maxsize=1000)

    async def close(self) -> None:
        """And go with the pool."""
        self._pool.clear()

    def call_blocking(self, shape: str) -> str:
        """Post, read, decode."""
        answer = self._post(shape, {"messages": MESSAGES, "max_tokens": 100}, whole=True)
        return str(answer.json()["choices"][0]["message"]["content"])

    def stream_blocking(self, shape: str) -> int:
        """Line by line."""
        answer = self._post(shape, {"messages": MESSAGES, "max_tokens": 100, "stream": True}, whole=False)
        pieces = sum(has_text(line) for line in answer)
        answer.release_conn()
        return pieces

    def _post(self, shape: str, body: dict[str, object], *, whole: bool) -> urllib3.BaseHTTPResponse:
        answer = self._pool.request("POST", self.url(shape), body=json.dumps(body).encode(), preload_content=whole)
        if answer.status != 200:
            raise RuntimeError(f"the service answered {answer.status}")
        return answer
