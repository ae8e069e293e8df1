"""Play the scene twice at once: through a `Router`, and spread at random over a twin of the fleet."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp

from router.emulator import EmulatorServer
from router.errors import RouterError
from router.events import Event, Settled
from router.router import Router

from .scene import GROUP, KEY, Cue, Request, cues, fleet, model_list, traffic

TIMEOUT_S = 15.0


@dataclass(slots=True)
class Score:
    """What the callers of one side got."""

    calls: int = 0
    failed: int = 0
    refused: int = 0
    """429s that the service answered, whoever saw them."""
    errors: Counter[str] = field(default_factory=Counter[str])
    seconds: list[float] = field(default_factory=list)
    moved: int = 0
    """Calls that were saved by another attempt."""

    def percentile(self, share: float) -> float:
        """Seconds within which this share of the successful calls was answered; 0.0 without any."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "calls": self.calls,
            "failed": self.failed,
            "throttled_by_service": self.refused,
            "saved_by_another_attempt": self.moved,
            "errors": dict(self.errors),
            "p50_s": round(self.percentile(0.5), 3),
            "p95_s": round(self.percentile(0.95), 3),
        }


class Play:
    """One run of the demonstration.

    Args:
        seconds: how long the traffic lasts.
        rps: calls per second.
        seed: of traffic and dice.
    """

    def __init__(self, seconds: float, rps: float, seed: int = 1) -> None:
        self.seconds = seconds
        self.rps = rps
        self.seed = seed
        self.ours = Score()
        self.random = Score()
        self.calls_by: Counter[str] = Counter()
        self.started = 0.0
        self.news: list[tuple[float, str]] = []
        self.open = 0
        self.router: Router | None = None
        self._cues: list[Cue] = cues(seconds)

    @property
    def elapsed(self) -> float:
        """Seconds since the traffic began."""
        return time.monotonic() - self.started if self.started else 0.0

    async def run(self) -> None:
        """Play the whole scene.  asyncio."""
        config, twin_config = fleet(self.seconds, self.rps), fleet(self.seconds, self.rps)
        with EmulatorServer.in_thread(config) as server, EmulatorServer.in_thread(twin_config) as twin:
            router = Router(
                model_list(server),
                timeout=TIMEOUT_S,
                cooldown_time=max(0.5, 0.1 * self.seconds),
                listeners=[self._hear],
                seed=self.seed,
            )
            self.router = router
            async with router, aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
                self.started = time.monotonic()
                tasks.create_task(self._direct(server, twin))
                rng = Random(self.seed)
                for request in traffic(self.seconds, self.rps, self.seed):
                    await asyncio.sleep(max(0.0, request.at - self.elapsed))
                    tasks.create_task(self._ask_router(router, request))
                    target = rng.choice(twin.emulator.config.deployments)
                    url = f"{twin.base(target.resource)}/openai/deployments/{target.name}/chat/completions"
                    tasks.create_task(self._ask_directly(session, url, request))
            self.ours.refused = sum(d.throttles for d in router.status())

    def _hear(self, event: Event) -> None:
        if isinstance(event, Settled) and event.reason == "ok":
            self.calls_by[event.deployment] += 1

    async def _direct(self, *servers: EmulatorServer) -> None:
        for cue in self._cues:
            await asyncio.sleep(max(0.0, cue.at - self.elapsed))
            for server in servers:
                server.emulator.set_fault(cue.deployment, cue.fault)
            self.news.append((cue.at, cue.text))

    async def _ask_router(self, router: Router, request: Request) -> None:
        score = self.ours
        score.calls += 1
        self.open += 1
        began = time.monotonic()
        try:
            reply = await router.acompletion(model=GROUP, **request.body)
        except RouterError as error:
            score.failed += 1
            score.errors[type(error).__name__] += 1
        else:
            score.seconds.append(time.monotonic() - began)
            score.moved += reply.routing.retries > 0
        finally:
            self.open -= 1

    async def _ask_directly(self, session: aiohttp.ClientSession, url: str, request: Request) -> None:
        score = self.random
        score.calls += 1
        began = time.monotonic()
        try:
            async with session.post(
                url,
                params={"api-version": "2024-10-21"},
                headers={"api-key": KEY},
                json=request.body,
                timeout=aiohttp.ClientTimeout(TIMEOUT_S),
            ) as response:
                await response.read()
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            score.failed += 1
            score.errors[type(error).__name__] += 1
            return
        if status == 200:
            score.seconds.append(time.monotonic() - began)
            return
        score.failed += 1
        score.refused += status == 429
        score.errors[f"HTTP {status}"] += 1
