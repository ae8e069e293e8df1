"""The OpenAI SDK with one Azure deployment and no router: its `AzureOpenAI`, as Azure's own pages show it."""

from __future__ import annotations

import openai

from . import API_KEY, API_VERSION, MESSAGES, REGIONS, Contender


class Entry(Contender):
    """Both clients, as they come."""

    distribution = "openai"

    async def open(self) -> None:
        """One client of each kind."""
        base = f"http://{REGIONS['east']}:{self.port}"
        self._client = openai.AzureOpenAI(azure_endpoint=base, api_key=API_KEY, api_version=API_VERSION)
        self._awaiting = openai.AsyncAzureOpenAI(azure_endpoint=base, api_key=API_KEY, api_version=API_VERSION)

    async def close(self) -> None:
        """And their connections."""
        self._client.close()
        await self._awaiting.close()

    async def call(self, shape: str) -> str:
        """One chat completion."""
        reply = await self._awaiting.chat.completions.create(
            model=f"{shape}-east", messages=MESSAGES, max_tokens=100
        )  # fmt: skip
        return str(reply.choices[0].message.content)

    def call_blocking(self, shape: str) -> str:
        """The same, blocking."""
        reply = self._client.chat.completions.create(model=f"{shape}-east", messages=MESSAGES, max_tokens=100)
        return str(reply.choices[0].message.content)

    async def stream(self, shape: str) -> int:
        """Chunk by chunk."""
        stream = await self._awaiting.chat.completions.create(
            model=f"{shape}-east", messages=MESSAGES, max_tokens=100, stream=True
        )
        return sum([bool(chunk.choices and chunk.choices[0].delta.content) async for chunk in stream])

    def stream_blocking(self, shape: str) -> int:
        """The same, blocking."""
        stream = self._client.chat.completions.create(
            model=f"{shape}-east", messages=MESSAGES, max_tokens=100, stream=True
        )
        return sum(bool(chunk.choices and chunk.choices[0].delta.content) for chunk in stream)
