"""Three kinds of limiter that Azure may be running, each written from its definition and from nothing of ours."""

from __future__ import annotations

from collections import deque
from random import Random

from router.values import Failure, Kind, Lease, RateLimits, Reply, Usage


class Sliding:
    """At most `limit` in any 60 s; rejected requests do not count."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.log: deque[tuple[float, float]] = deque()
        self.used = 0.0

    def admit(self, now: float, cost: float) -> float | None:
        """None if admitted, else seconds until it would be."""
        while self.log and self.log[0][0] <= now - 60.0:
            self.used -= self.log.popleft()[1]
        if self.used + cost > self.limit:
            return self.log[0][0] + 60.0 - now if self.log else 60.0
        self.log.append((now, cost))
        self.used += cost
        return None

    def remaining(self) -> float:
        return self.limit - self.used


class FixedMinute:
    """At most `limit` in each minute that begins at `phase`."""

    def __init__(self, limit: float, phase: float) -> None:
        self.limit = limit
        self.phase = phase
        self.minute = -1
        self.used = 0.0

    def admit(self, now: float, cost: float) -> float | None:
        minute = int((now - self.phase) // 60.0)
        if minute != self.minute:
            self.minute, self.used = minute, 0.0
        if self.used + cost > self.limit:
            return (minute + 1) * 60.0 + self.phase - now
        self.used += cost
        return None

    def remaining(self) -> float:
        return self.limit - self.used


class TokenBucket:
    """A bucket of `limit` tokens that fills at `limit` per 60 s."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.level = limit
        self.at = 0.0

    def admit(self, now: float, cost: float) -> float | None:
        self.level = min(self.limit, self.level + (now - self.at) * self.limit / 60.0)
        self.at = now
        if self.level < cost:
            return (cost - self.level) * 60.0 / self.limit
        self.level -= cost
        return None

    def remaining(self) -> float:
        return self.level


Limiter = Sliding | FixedMinute | TokenBucket


def limiter(kind: str, limit: float, rng: Random) -> Limiter:
    """A limiter by its name: `sliding`, `fixed` or `bucket`."""
    if kind == "sliding":
        return Sliding(limit)
    return FixedMinute(limit, rng.random() * 60.0) if kind == "fixed" else TokenBucket(limit)


class LimitedService:
    """Deployments behind limiters; replies take `0.3 s + 2 ms per token`, and tell their headers if asked to."""

    def __init__(self, kind: str, limits: dict[str, float], seed: int, headers: bool = True) -> None:
        rng = Random(seed)
        self.limiters = {name: limiter(kind, limit, rng) for name, limit in limits.items()}
        self.headers = headers
        self.rng = rng

    def __call__(self, now: float, lease: Lease) -> tuple[float, Reply | Failure]:
        cost = lease.call.tokens
        judge = self.limiters[lease.deployment.id]
        wait = judge.admit(now, cost)
        limits = RateLimits(int(judge.limit), max(0, int(judge.remaining()))) if self.headers else RateLimits()
        if wait is not None:
            retry_after = max(1.0, float(int(wait) + 1))
            return 0.02, Failure(Kind.THROTTLED, "full", status=429, retry_after=retry_after, limits=limits)
        used = max(1, int(cost * self.rng.uniform(0.4, 0.9)))
        return 0.3 + 0.002 * used, Reply(200, {}, Usage(used, 0, used), limits=limits)
