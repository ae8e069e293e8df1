"""Replicas that share limits, under virtual time, and a judge who counts like the strictest service."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import fakeredis
import redis

from router.configured import Deployment
from router.events import Event
from router.shared.ledger import SharedLedger
from router.shared.on_failure import OnStoreFailure
from router.stores.reach.reasons import StoreUnavailable
from router.stores.reach.script import Script
from router.stores.redis import RedisStore
from router.values import Failure, Kind, Lease, RateLimits, Reply, Usage
from strategies.least_loaded import LeastLoaded
from tests.simulation import World


class PlainClient:
    """The script over a redis-py client as it comes: for tests in which nothing is slow or torn."""

    def __init__(self, client: Any) -> None:
        self.redis = client

    def call(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        try:
            return self.redis.evalsha(script.sha, len(keys), *keys, *args)
        except redis.exceptions.NoScriptError:
            self.redis.script_load(script.text)
            return self.call(script, keys, args)
        except redis.exceptions.ConnectionError:
            raise StoreUnavailable("refused") from None

    async def acall(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        return self.call(script, keys, args)

    def close(self) -> None:
        return None

    async def aclose(self) -> None:
        return None


@dataclass
class Judge:
    """A true sliding minute for each deployment; what does not fit is refused and not counted."""

    limits: dict[str, tuple[int, int]]
    seconds: float = 0.5
    accepted: dict[str, deque[tuple[float, int]]] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)
    refused: int = 0
    served: int = 0

    def __call__(self, now: float, lease: Lease) -> tuple[float, Reply | Failure]:
        name = lease.deployment.id
        log = self.accepted.setdefault(name, deque())
        while log and log[0][0] <= now - 60.0:
            log.popleft()
        tokens = sum(t for _, t in log) + lease.call.tokens
        most, requests = self.limits[name]
        if tokens > most or len(log) + 1 > requests:
            self.refused += 1
            return 0.05, Failure(Kind.THROTTLED, status=429, retry_after=1.0)
        log.append((now, lease.call.tokens))
        self.served += lease.call.tokens
        self.peaks[name] = max(self.peaks.get(name, 0.0), tokens / most, len(log) / requests)
        headers = RateLimits(most, most - tokens)
        return self.seconds, Reply(200, {}, Usage(1, 1, lease.call.tokens // 2), limits=headers)


class Fleet(World):
    """A world of several replicas.

    `new_client` makes each replica's way to Redis.
    """

    def __init__(
        self,
        deployments: list[Deployment],
        service: Any,
        replicas: int,
        new_client: Callable[[], Any],
        *,
        leases: bool = True,
        on_failure: OnStoreFailure = OnStoreFailure.SHARE,
        seed: int = 1,
    ) -> None:
        super().__init__(deployments, service, seed=seed)
        self.told: list[list[Event]] = [[] for _ in range(replicas)]
        self.stores = [
            RedisStore(
                SharedLedger(deployments, LeastLoaded(), Random(seed + i), on_failure=on_failure, leases=leases),
                new_client(),
                self.told[i].append,
                lambda: self.now,
                redis_ms=lambda: int(self.now * 1000),
                background=False,
            )
            for i in range(replicas)
        ]
        for store in self.stores:
            self._errand(store)

    @property
    def questions(self) -> int:
        return sum(store.questions for store in self.stores)

    def _errand(self, store: RedisStore) -> None:
        """What the background thread does, every quarter of a second."""

        def look() -> None:
            store.run_errands()
            self._errand(store)

        self.at(self.now + 0.25, look)


def fake_clients() -> tuple[fakeredis.FakeServer, Callable[[], PlainClient]]:
    """A server in this process, and clients of it."""
    server = fakeredis.FakeServer()
    return server, lambda: PlainClient(fakeredis.FakeRedis(server=server))
