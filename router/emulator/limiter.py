"""How may Azure be counting?  Nobody outside knows, so here is each rule that it may follow, exactly.

A limiter counts one quantity (tokens, or requests) against one limit.  Documentation says "reset each minute",
Microsoft's own simulator slides, latency pages speak of a bucket; PTU deployments have a bucket of their own.
All are pure: `now` comes in, in seconds on one clock that never goes back.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Protocol

NEVER = math.inf
_DUST = 1e-9
"""Rounding of refills; far below one token."""


@dataclass(slots=True, eq=False)
class Charge:
    """What one request took, so that part of it can be given back."""

    at: float
    amount: float


class Limiter(Protocol):
    """One rule of counting."""

    limit: int

    def fits(self, now: float, amount: float) -> bool:
        """Would a request of this size be admitted now?"""
        ...

    def room(self, now: float) -> int:
        """What the header calls `remaining`: whole units, never negative."""
        ...

    def take(self, now: float, amount: float) -> Charge:
        """Count it, whether it fits or not (a rejected request may count too)."""
        ...

    def correct(self, now: float, charge: Charge, difference: float) -> None:
        """Add `difference` (negative: give back) to an earlier charge, if the rule still remembers it."""
        ...

    def wait(self, now: float, amount: float) -> float:
        """Seconds until it would fit if nothing else came; `NEVER` if it is larger than the limit."""
        ...

    def resize(self, now: float, limit: int) -> None:
        """Go on with another limit; what was counted stays counted."""
        ...


class SlidingWindow:
    """At most `limit` in every window (t − seconds, t]."""

    __slots__ = ("_charges", "_used", "limit", "seconds")

    def __init__(self, limit: int, seconds: float = 60.0) -> None:
        self.limit = limit
        self.seconds = seconds
        self._charges: deque[Charge] = deque()
        self._used = 0.0

    def used(self, now: float) -> float:
        """The sum of what was charged in the window that ends now."""
        charges = self._charges
        while charges and charges[0].at + self.seconds <= now:
            self._used -= charges.popleft().amount
        if not charges:
            self._used = 0.0
        return self._used

    def fits(self, now: float, amount: float) -> bool:
        """See `Limiter`."""
        return self.used(now) + amount <= self.limit

    def room(self, now: float) -> int:
        """See `Limiter`."""
        return max(0, math.floor(self.limit - self.used(now)))

    def take(self, now: float, amount: float) -> Charge:
        """See `Limiter`."""
        self.used(now)
        charge = Charge(now, amount)
        self._charges.append(charge)
        self._used += amount
        return charge

    def correct(self, now: float, charge: Charge, difference: float) -> None:
        """See `Limiter`; a charge that has left the window is forgotten."""
        self.used(now)
        if charge.at + self.seconds > now:
            charge.amount += difference
            self._used += difference

    def wait(self, now: float, amount: float) -> float:
        """See `Limiter`."""
        if amount > self.limit:
            return NEVER
        excess = self.used(now) + amount - self.limit
        for charge in self._charges:
            if excess <= 0:
                break
            excess -= charge.amount
            if excess <= 0:
                return charge.at + self.seconds - now
        return 0.0

    def resize(self, now: float, limit: int) -> None:
        """See `Limiter`."""
        self.limit = limit


class FixedWindow:
    """At most `limit` in each window of the calendar of this limiter; the count falls to 0 where one begins.

    Args:
        limit: units per window.
        seconds: length of a window.
        phase: where windows begin, 0 ≤ phase < seconds.
    """

    __slots__ = ("_index", "_used", "limit", "phase", "seconds")

    def __init__(self, limit: int, seconds: float = 60.0, phase: float = 0.0) -> None:
        self.limit = limit
        self.seconds = seconds
        self.phase = phase
        self._index = -1
        self._used = 0.0

    def window(self, now: float) -> int:
        """The number of the window that holds `now`."""
        return math.floor((now - self.phase) / self.seconds)

    def used(self, now: float) -> float:
        """What was charged in the present window."""
        index = self.window(now)
        if index != self._index:
            self._index, self._used = index, 0.0
        return self._used

    def fits(self, now: float, amount: float) -> bool:
        """See `Limiter`."""
        return self.used(now) + amount <= self.limit

    def room(self, now: float) -> int:
        """See `Limiter`."""
        return max(0, math.floor(self.limit - self.used(now)))

    def take(self, now: float, amount: float) -> Charge:
        """See `Limiter`."""
        self._used = self.used(now) + amount
        return Charge(now, amount)

    def correct(self, now: float, charge: Charge, difference: float) -> None:
        """See `Limiter`; a charge of an earlier window is forgotten."""
        if self.window(charge.at) == self.window(now):
            charge.amount += difference
            self._used = self.used(now) + difference

    def wait(self, now: float, amount: float) -> float:
        """See `Limiter`."""
        if amount > self.limit:
            return NEVER
        if self.fits(now, amount):
            return 0.0
        return (self.window(now) + 1) * self.seconds + self.phase - now

    def resize(self, now: float, limit: int) -> None:
        """See `Limiter`."""
        self.limit = limit


class TokenBucket:
    """Full at the start, holds `limit`, refills by `limit` per `seconds`, continuously."""

    __slots__ = ("_at", "_level", "limit", "seconds")

    def __init__(self, limit: int, seconds: float = 60.0) -> None:
        self.limit = limit
        self.seconds = seconds
        self._level = float(limit)
        self._at: float | None = None

    def level(self, now: float) -> float:
        """What is in the bucket now."""
        if self._at is not None and now > self._at:
            self._level = min(self.limit, self._level + (now - self._at) * self.limit / self.seconds)
        self._at = now
        return self._level

    def fits(self, now: float, amount: float) -> bool:
        """See `Limiter`."""
        return amount <= self.level(now) + _DUST

    def room(self, now: float) -> int:
        """See `Limiter`."""
        return max(0, math.floor(self.level(now) + _DUST))

    def take(self, now: float, amount: float) -> Charge:
        """See `Limiter`; the bucket does not go below empty."""
        self._level = max(0.0, self.level(now) - amount)
        return Charge(now, amount)

    def correct(self, now: float, charge: Charge, difference: float) -> None:
        """See `Limiter`."""
        charge.amount += difference
        self._level = max(0.0, min(self.limit, self.level(now) - difference))

    def wait(self, now: float, amount: float) -> float:
        """See `Limiter`."""
        if amount > self.limit:
            return NEVER
        return max(0.0, (amount - self.level(now)) * self.seconds / self.limit)

    def resize(self, now: float, limit: int) -> None:
        """See `Limiter`; a smaller bucket spills what it cannot hold."""
        self._level = min(self.level(now), limit)
        self.limit = limit


class ProvisionedBucket:
    """The leaky bucket of PTU deployments: it drains all the time, and admits while it is not over 100 %.

    So one request may lift it above the rim, and short bursts just over 100 % pass, as documented.  100 % is what
    the deployment works off in `seconds`.
    """

    __slots__ = ("_at", "_level", "limit", "seconds")

    def __init__(self, limit: int, seconds: float = 60.0) -> None:
        self.limit = limit
        self.seconds = seconds
        self._level = 0.0
        self._at: float | None = None

    def level(self, now: float) -> float:
        """What is waiting to be worked off, in tokens."""
        if self._at is not None and now > self._at:
            self._level = max(0.0, self._level - (now - self._at) * self.limit / self.seconds)
        self._at = now
        return self._level

    def utilisation(self, now: float) -> float:
        """In percent; above 100 nothing is admitted."""
        return 100.0 * self.level(now) / self.limit

    def fits(self, now: float, amount: float) -> bool:
        """See `Limiter`; the size of the request does not matter."""
        return self.level(now) <= self.limit + _DUST

    def room(self, now: float) -> int:
        """See `Limiter`; no header shows it."""
        return max(0, math.floor(self.limit - self.level(now)))

    def take(self, now: float, amount: float) -> Charge:
        """See `Limiter`."""
        self._level = self.level(now) + amount
        return Charge(now, amount)

    def correct(self, now: float, charge: Charge, difference: float) -> None:
        """See `Limiter`: on completion, actual minus estimated, of either sign."""
        charge.amount += difference
        self._level = max(0.0, self.level(now) + difference)

    def wait(self, now: float, amount: float) -> float:
        """See `Limiter`."""
        return max(0.0, (self.level(now) - self.limit) * self.seconds / self.limit)

    def resize(self, now: float, limit: int) -> None:
        """See `Limiter`."""
        self.level(now)
        self.limit = limit
