"""pyreqwest by hand: reqwest, from Rust."""

from __future__ import annotations

from pyreqwest.client import ClientBuilder, SyncClientBuilder

from . import HEADERS, MESSAGES, Contender
from .lines import has_text


class Entry(Contender):
    """A client of each kind; JSON by its own decoder."""

    distribution = "pyreqwest"

    async def open(self) -> None:
        """Both clients, which have no limit of connections."""
        self._client = SyncClientBuilder().default_headers(HEADERS).error_for_status(True).build()
        self._awaiting = ClientBuilder().default_headers(HEADERS).error_for_status(True).build()

    async def close(self) -> None:
        """And their connections."""
        self._client.close()
        await self._awaiting.close()

    async def call(self, shape: str) -> str:
        """Post, read, decode."""
        request = self._awaiting.post(self.url(shape)).body_json({"messages": MESSAGES, "max_tokens": 100})
        reply = await (await request.build().send()).json()
        return str(reply["choices"][0]["message"]["content"])

    def call_blocking(self, shape: str) -> str:
        """The same, blocking."""
        request = self._client.post(self.url(shape)).body_json({"messages": MESSAGES, "max_tokens": 100})
        return str(request.build().send().json()["choices"][0]["message"]["content"])

    async def stream(self, shape: str) -> int:
        """Line by line, cut out of what arrives."""
        body = {"messages": MESSAGES, "max_tokens": 100, "stream": True}
        pieces, rest = 0, b""
        async with self._awaiting.post(self.url(shape)).body_json(body).build_streamed() as answer:
            while (part := await answer.body_reader.read_chunk()) is not None:
                *lines, rest = (rest + bytes(part)).split(b"\n")
                pieces += sum(has_text(line) for line in lines)
        return pieces

    def stream_blocking(self, shape: str) -> int:
        """The same, blocking."""
        body = {"messages": MESSAGES, "max_tokens": 100, "stream": True}
        pieces, rest = 0, b""
        with self._client.post(self.url(shape)).body_json(body).build_streamed() as answer:
            while (part := answer.body_reader.read_chunk()) is not None:
                *lines, rest = (rest + bytes(part)).split(b"\n")
                pieces += sum(has_text(line) for line in lines)
        return pieces
