"""Is there room, as the service judges it?

Four kinds of limiter that Azure is known or suspected to run (azure.md §3.3, §3.6), each written from its own
definition.  They share nothing with the router's windows, so that they are an honest judge of them.
"""

from __future__ import annotations

from collections import deque
from math import ceil
from typing import Protocol


class Limiter(Protocol):
    """Admits costs against a limit per window."""

    limit: float

    def wait(self, now: float, cost: float) -> float:
        """Seconds until `cost` would fit; 0.0 if it fits now."""
        ...

    def charge(self, now: float, cost: float) -> None:
        """Take `cost`, which may be negative to give back."""
        ...

    def remaining(self, now: float) -> float:
        """What is left now."""
        ...


class SlidingWindow:
    """At most `limit` in any `seconds`."""

    def __init__(self, limit: float, seconds: float = 60.0) -> None:
        self.limit = limit
        self.seconds = seconds
        self._log: deque[tuple[float, float]] = deque()
        self._used = 0.0

    def wait(self, now: float, cost: float) -> float:
        self._forget(now)
        excess = self._used + cost - self.limit
        if excess <= 0:
            return 0.0
        for at, amount in self._log:
            excess -= amount
            if excess <= 0:
                return max(0.001, at + self.seconds - now)
        return self.seconds

    def charge(self, now: float, cost: float) -> None:
        self._forget(now)
        self._log.append((now, cost))
        self._used += cost

    def remaining(self, now: float) -> float:
        self._forget(now)
        return max(0.0, self.limit - self._used)

    def _forget(self, now: float) -> None:
        while self._log and self._log[0][0] <= now - self.seconds:
            self._used -= self._log.popleft()[1]


class FixedWindow:
    """At most `limit` in each window of `seconds` that begins at `phase`."""

    def __init__(self, limit: float, seconds: float = 60.0, phase: float = 0.0) -> None:
        self.limit = limit
        self.seconds = seconds
        self._phase = phase
        self._window = -1
        self._used = 0.0

    def wait(self, now: float, cost: float) -> float:
        self._turn(now)
        if self._used + cost <= self.limit:
            return 0.0
        return (self._window + 1) * self.seconds + self._phase - now

    def charge(self, now: float, cost: float) -> None:
        self._turn(now)
        self._used += cost

    def remaining(self, now: float) -> float:
        self._turn(now)
        return max(0.0, self.limit - self._used)

    def _turn(self, now: float) -> None:
        window = int((now - self._phase) // self.seconds)
        if window != self._window:
            self._window, self._used = window, 0.0


class TokenBucket:
    """A bucket that holds `limit` and fills at `limit` per `seconds`."""

    def __init__(self, limit: float, seconds: float = 60.0) -> None:
        self.limit = limit
        self.seconds = seconds
        self._level = limit
        self._at = 0.0

    def wait(self, now: float, cost: float) -> float:
        self._fill(now)
        short = cost - self._level
        return 0.0 if short <= 0 else max(0.001, short * self.seconds / self.limit)

    def charge(self, now: float, cost: float) -> None:
        self._fill(now)
        self._level -= cost

    def remaining(self, now: float) -> float:
        self._fill(now)
        return max(0.0, self._level)

    def _fill(self, now: float) -> None:
        self._level = min(self.limit, self._level + max(0.0, now - self._at) * self.limit / self.seconds)
        self._at = now


class ProvisionedBucket:
    """Provisioned throughput: admits while the level is at most the limit, and drains at `limit` per `seconds`.

    A call that is admitted just below the limit may take it above, as documented for PTU (azure.md §3.6).
    """

    def __init__(self, limit: float, seconds: float = 60.0) -> None:
        self.limit = limit
        self.seconds = seconds
        self._level = 0.0
        self._at = 0.0

    def wait(self, now: float, cost: float) -> float:
        del cost
        self._drain(now)
        over = self._level - self.limit
        return 0.0 if over <= 0 else max(0.001, over * self.seconds / self.limit)

    def charge(self, now: float, cost: float) -> None:
        self._drain(now)
        self._level = max(0.0, self._level + cost)

    def remaining(self, now: float) -> float:
        self._drain(now)
        return max(0.0, self.limit - self._level)

    def utilisation(self, now: float) -> float:
        """Percent."""
        self._drain(now)
        return 100.0 * self._level / self.limit

    def _drain(self, now: float) -> None:
        self._level = max(0.0, self._level - max(0.0, now - self._at) * self.limit / self.seconds)
        self._at = now


KINDS = ("sliding", "fixed_minute", "token_bucket", "ptu")


def limiter_named(kind: str, limit: float, seconds: float = 60.0, phase: float = 0.0) -> Limiter:
    """A limiter by the name of its kind.  Raises ValueError for a name that is none."""
    if kind == "sliding":
        return SlidingWindow(limit, seconds)
    if kind == "fixed_minute":
        return FixedWindow(limit, seconds, phase % seconds)
    if kind == "token_bucket":
        return TokenBucket(limit, seconds)
    if kind == "ptu":
        return ProvisionedBucket(limit, seconds)
    raise ValueError(f"no limiter is called {kind!r}; there are {', '.join(KINDS)}")


def whole_seconds(seconds: float) -> int:
    """As `retry-after` states them: rounded up, at least 1."""
    return max(1, ceil(seconds))
