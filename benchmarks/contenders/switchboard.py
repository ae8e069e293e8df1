"""azure-switchboard: the same three deployments.  It awaits only, and its telemetry is left without an exporter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from azure_switchboard import OpenAIDeployment, Resource, Switchboard

from . import API_KEY, GROUP, MESSAGES, REGIONS, RPM, SHAPES, TPM, Contender

DEPLOYMENTS = "/openai/deployments/"


class Entry(Contender):
    """A resource for each host.  The service knows a deployment by its path, so each has an endpoint of its own."""

    distribution = "azure-switchboard"
    _built: Any

    async def open(self) -> None:
        """Three resources with all shapes."""
        self._switchboard = Switchboard(
            [
                resource(
                    region, {shape: f"http://{host}:{self.port}{DEPLOYMENTS}{shape}-{region}/" for shape in SHAPES}
                )
                for region, host in REGIONS.items()
            ]
        )
        self._switchboard.start()

    async def close(self) -> None:
        """Its clients end with the process."""
        await self._switchboard.stop()

    async def call(self, shape: str) -> str:
        """One chat completion."""
        reply = await self._switchboard.chat.completions.create(model=shape, messages=MESSAGES, max_tokens=100)
        return str(reply.choices[0].message.content)

    async def stream(self, shape: str) -> int:
        """Chunk by chunk."""
        stream = await self._switchboard.chat.completions.create(
            model=shape, messages=MESSAGES, max_tokens=100, stream=True
        )
        return sum([bool(chunk.choices and chunk.choices[0].delta.content) async for chunk in stream])

    def build(self, deployments: int) -> None:
        """One group of so many, each on a resource of its own."""
        self._built = Switchboard(
            [
                resource(f"east-{n}", {GROUP: f"https://east-{n}.openai.azure.com/openai/v1/"})
                for n in range(deployments)
            ]
        )

    async def decide(self, count: int, watch: Any) -> None:
        """The choice of a deployment, which does not reserve anything there."""
        board, pool = self._built, self._built.chat.completions._pool
        with watch:
            for _ in range(count):
                board._select(pool, model=GROUP, session_id=None, fallback=lambda: None)


def resource(name: str, endpoints: dict[str, str]) -> Resource:
    """One host and its deployments."""
    models: Iterable[OpenAIDeployment] = [
        OpenAIDeployment(model, tpm=TPM, rpm=RPM, endpoint=endpoint) for model, endpoint in endpoints.items()
    ]
    return Resource(name, api_key=API_KEY, models=models)
