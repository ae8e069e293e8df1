"""LiteLLM's Router: the same three deployments, its default strategy, nothing logged and nothing called back."""

from __future__ import annotations

import os
import warnings
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the network for prices when it is imported
import litellm

from . import API_KEY, API_VERSION, GROUP, MESSAGES, REGIONS, RPM, SHAPES, TPM, Contender


class Entry(Contender):
    """`litellm.Router` as its pages show it."""

    distribution = "litellm"
    _built: Any

    async def open(self) -> None:
        """Three deployments for each shape."""
        warnings.simplefilter("ignore")
        litellm.telemetry = False
        litellm.suppress_debug_info = True
        self._router = litellm.Router(
            model_list=[
                deployment(shape, f"{shape}-{region}", f"http://{host}:{self.port}")
                for shape in SHAPES
                for region, host in REGIONS.items()
            ]
        )

    async def call(self, shape: str) -> str:
        """One chat completion."""
        reply = await self._router.acompletion(model=shape, messages=MESSAGES, max_tokens=100)
        return str(reply.choices[0].message.content)

    def call_blocking(self, shape: str) -> str:
        """The same, blocking."""
        reply = self._router.completion(model=shape, messages=MESSAGES, max_tokens=100)
        return str(reply.choices[0].message.content)

    async def stream(self, shape: str) -> int:
        """Chunk by chunk."""
        stream = await self._router.acompletion(model=shape, messages=MESSAGES, max_tokens=100, stream=True)
        return sum([bool(chunk.choices and chunk.choices[0].delta.content) async for chunk in stream])

    def stream_blocking(self, shape: str) -> int:
        """The same, blocking."""
        stream = self._router.completion(model=shape, messages=MESSAGES, max_tokens=100, stream=True)
        return sum(bool(chunk.choices and chunk.choices[0].delta.content) for chunk in stream)

    def build(self, deployments: int) -> None:
        """One group of so many, each on a host of its own."""
        self._built = litellm.Router(
            model_list=[
                deployment(GROUP, f"chat-{n}", f"https://east-{n}.openai.azure.com") for n in range(deployments)
            ]
        )  # fmt: skip

    async def decide(self, count: int, watch: Any) -> None:
        """The choice of a deployment, which does not reserve anything there."""
        with watch:
            for _ in range(count):
                await self._built.select(GROUP, {}, messages=MESSAGES)


def deployment(group: str, name: str, base: str) -> dict[str, Any]:
    """One entry of a `model_list`."""
    return {
        "model_name": group,
        "litellm_params": {
            "model": f"azure/{name}", "api_base": base, "api_key": API_KEY, "api_version": API_VERSION,
            "tpm": TPM, "rpm": RPM,
        },
    }  # fmt: skip
