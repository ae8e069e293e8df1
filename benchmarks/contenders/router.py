"""azure-router itself: three deployments of one group, as in the README.

`decide` and `route` go in below the public surface, because what they measure has no door of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from router import Router
from router.steps import Reserve, Settle
from router.tokens import estimate
from router.values import Call, Lease, Reply, Usage

from . import API_KEY, API_VERSION, GROUP, MESSAGES, REGIONS, RPM, SHAPES, TPM, Contender

REPLY = {
    "id": "chatcmpl-bench", "object": "chat.completion", "created": 1764072000, "model": "gpt-4o-2024-11-20",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "lorem ipsum"}}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 80, "total_tokens": 100},
}  # fmt: skip


class Entry(Contender):
    """The options of a contender go to the router, `redis_url` for one."""

    distribution = "azure-router"
    _router: Router
    _built: Router

    async def open(self) -> None:
        """Three deployments for each shape; connections come with the first calls."""
        self._router = Router(
            [
                deployment(shape, f"{shape}-{region}", f"http://{host}:{self.port}")
                for shape in SHAPES
                for region, host in REGIONS.items()
            ],
            **self.options,
        )

    async def close(self) -> None:
        """And the connections."""
        await self._router.aclose()

    async def call(self, shape: str) -> str:
        """Through the door."""
        reply = await self._router.acompletion(model=shape, messages=MESSAGES, max_tokens=100)
        return str(reply.choices[0].message.content)

    def call_blocking(self, shape: str) -> str:
        """The same, blocking."""
        reply = self._router.completion(model=shape, messages=MESSAGES, max_tokens=100)
        return str(reply.choices[0].message.content)

    async def stream(self, shape: str) -> int:
        """Chunk by chunk."""
        pieces = 0
        async with await self._router.acompletion(
            model=shape, messages=MESSAGES, max_tokens=100, stream=True
        ) as stream:
            async for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content:
                    pieces += 1
        return pieces

    def stream_blocking(self, shape: str) -> int:
        """The same, blocking."""
        pieces = 0
        with self._router.completion(model=shape, messages=MESSAGES, max_tokens=100, stream=True) as stream:
            for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content:
                    pieces += 1
        return pieces

    def build(self, deployments: int) -> None:
        """One group of so many, each on a host of its own."""
        self._built = Router(
            [
                deployment(GROUP, f"chat-{n}", f"https://east-{n}.openai.azure.com") for n in range(deployments)
            ]
        )  # fmt: skip

    async def decide(self, count: int, watch: Any) -> None:
        """Estimate, admit, choose, charge.  What was charged is settled afterwards, off the clock."""
        store, body = self._built._works.store, {"messages": MESSAGES, "max_tokens": 100}
        for size in _parts(count, 500):
            calls = [Call("chat.completions", GROUP, body) for _ in range(size)]
            leases = []
            with watch:
                for call in calls:
                    call.tokens = estimate(call.operation, body)
                    leases.append(store.apply(Reserve(call, GROUP)))
            for lease in leases:
                store.apply(Settle(lease, _reply()))

    async def route(self, count: int, watch: Any) -> None:
        """A whole `acompletion` on a transport that has the reply at once: request to `Call`, journey, reply models."""
        router = self._built
        router._works.transport = NoTransport()  # type: ignore[assignment]
        with watch:
            for _ in range(count):
                await router.acompletion(model=GROUP, messages=MESSAGES, max_tokens=100)

    def counters(self) -> dict[str, int]:
        """How often Redis was asked."""
        return {"questions": self._router.questions}


async def first_call(port: int) -> None:
    """What a program does that asks one thing: a router, a call, the end."""
    entry = Entry(port)
    await entry.open()
    await entry.call("b1000")
    await entry.close()


def first_blocking_call(port: int) -> None:
    """The same, blocking."""
    with Router([deployment(GROUP, "b1000-east", f"http://{REGIONS['east']}:{port}")]) as router:
        router.completion(model=GROUP, messages=MESSAGES, max_tokens=100)


class NoTransport:
    """Has every answer at once."""

    async def asend(self, lease: Lease, timeout: float) -> Reply:
        """The reply of a service that needs no time."""
        return _reply()

    def close(self) -> None:
        """Nothing is open."""

    async def aclose(self) -> None:
        """Nothing is open."""


def deployment(group: str, name: str, base: str) -> dict[str, Any]:
    """One entry of a `model_list`."""
    return {
        "model_name": group,
        "litellm_params": {
            "model": f"azure/{name}", "api_base": base, "api_key": API_KEY, "api_version": API_VERSION,
        },
        "tpm": TPM,
        "rpm": RPM,
    }  # fmt: skip


def _parts(count: int, most: int) -> Iterator[int]:
    while count > 0:
        yield min(count, most)
        count -= most


def _reply() -> Reply:
    return Reply(200, REPLY, Usage(20, 80, 100))
