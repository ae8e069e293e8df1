"""What a replica may spend by itself for a while, so that most calls need no question at all.

The lease of algorithms.md §2.10, under a name of its own because a `Lease` is the right to send one attempt.  Above a
few calls a second on one deployment, a question also asks for what the next second will probably need.  The store
charges that to the *last* slot in which it may be used (`lua/reserve.lua` has the proof that no window then holds more
than the limit), and the replica counts the second from the moment at which it sent the question, by a monotonic clock,
so no clock's error can lengthen it.  What is left at the end is given back.
"""

from __future__ import annotations

from math import ceil, exp

from .journal import Entry

SECONDS = 1.0
"""How long an allowance lasts."""
LEAST_CALLS = 2.0
"""Calls per second and deployment from which one is worth asking for: it then saves two questions in three."""
PACE_S = 2.0
"""Over about how many seconds the pace is measured."""
MARGIN = 1.25
LIMIT_SHARE = 0.02
"""The largest allowance, as a share of the limit: about what a full deployment spends in a second."""


class Allowance:
    """Tokens and requests of one deployment that are charged already.

    Args:
        entry: the charge in the store.
        until: seconds on the replica's clock.
    """

    __slots__ = ("entry", "requests", "tokens", "until")

    def __init__(self, entry: Entry, until: float) -> None:
        self.entry = entry
        self.tokens = entry.tokens
        self.requests = entry.requests
        self.until = until

    def spend(self, tokens: int, now: float) -> bool:
        """Take one request of so many tokens out of it; False if it does not reach or is over."""
        if now >= self.until or self.requests < 1 or self.tokens < tokens:
            return False
        self.tokens -= tokens
        self.requests -= 1
        return True


class Pace:
    """How many calls a second one deployment gets from this replica, and how large they are."""

    __slots__ = ("_at", "calls_per_second", "tokens_per_call")

    def __init__(self) -> None:
        self.calls_per_second = 0.0
        self.tokens_per_call = 0.0
        self._at = 0.0

    def count(self, tokens: int, now: float) -> None:
        """One more call."""
        self.fade(now)
        self.calls_per_second += 1.0 / PACE_S
        self.tokens_per_call += 0.2 * (tokens - self.tokens_per_call) if self.tokens_per_call else tokens

    def fade(self, now: float) -> None:
        """Bring the pace up to date."""
        self.calls_per_second *= exp(-max(0.0, now - self._at) / PACE_S)
        self._at = now

    def wish(self, limit: float, now: float) -> tuple[int, int]:
        """Tokens and requests that the next second will probably need; (0, 0): too few to ask for."""
        self.fade(now)
        calls = self.calls_per_second * SECONDS
        if calls < LEAST_CALLS:
            return 0, 0
        requests = ceil(MARGIN * calls)
        tokens = min(requests * self.tokens_per_call, LIMIT_SHARE * limit)
        return (int(tokens), requests) if tokens >= self.tokens_per_call else (0, 0)
