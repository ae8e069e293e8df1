"""How many retries may a group spend, and how long does a call pause before one?

A limit on tries per call does not stop a retry storm: when everything fails, three tries each are three
times the load, on a service that is down because of its load.  A budget does.  Each group may spend one
fifth of its recent calls on retries, plus a floor for quiet times, and no more, however many calls fail
(algorithms.md §2.13).

Each second keeps one number: what its calls deposited less what its retries took.  A retry is paid from
the sum of the last ten seconds and the one that runs.  So, whenever one is granted: retries in the last
10 s ≤ 30 + 20 % of the calls in the last 11 s.
"""

from __future__ import annotations

from random import Random

CALLS_PER_RETRY = 5
"""20 %.  The budget is kept in calls, so that its sums are exact."""
WINDOW_S = 10
FLOOR_PER_S = 3.0
"""Retries per second that need no calls to pay for them."""

BACKOFF_S = 0.5
BACKOFF_CAP_S = 8.0
RETRY_AFTER_CAP_S = 60.0
"""Azure has been seen to ask for a day (azure.md §3.5)."""

_SLOTS = WINDOW_S + 1
_FLOOR = FLOOR_PER_S * WINDOW_S * CALLS_PER_RETRY


class RetryBudget:
    """The retries that one group may still spend.  Every method takes O(1)."""

    __slots__ = ("_here", "_net", "_next")

    def __init__(self) -> None:
        self._net = [0.0] * _SLOTS
        self._here = 0
        """The place of the second that runs."""
        self._next = 1
        """The second after it."""

    def deposit(self, now: float) -> None:
        """Count one call (its first attempt, not its retries)."""
        if now >= self._next:
            self._roll(int(now))
        self._net[self._here] += 1.0

    def withdraw(self, now: float, cost: float = 1.0) -> bool:
        """Pay for one retry; False if the budget does not reach, then nothing is taken.

        Args:
            now: seconds.
            cost: `Verdict.retry_cost` of the failure before it; at 0 the answer is always True.
        """
        if cost <= 0.0:
            return True
        if now >= self._next:
            self._roll(int(now))
        calls = cost * CALLS_PER_RETRY
        if sum(self._net) + _FLOOR < calls:
            return False
        self._net[self._here] -= calls
        return True

    def _roll(self, second: int) -> None:
        """A new second has begun: forget those that are too old."""
        for i in range(min(second + 1 - self._next, _SLOTS)):
            self._net[(second - i) % _SLOTS] = 0.0
        self._next = second + 1
        self._here = second % _SLOTS


def backoff_seconds(retry: int, rng: Random, retry_after: float | None = None, floor: float = 0.0) -> float:
    """Seconds to pause before the same deployment is tried again.

    Equal jitter: half of b = min(8, 0.5·2^retry) for certain and up to the other half by the dice, because
    the pauses near zero of full jitter are of no use against windows of a minute (algorithms.md §2.13).

    Args:
        retry: how many retries went before, 0 for the first.
        rng: the dice.
        retry_after: seconds that the service asked for, obeyed up to 60.
        floor: the least pause, `Policy.retry_after`.
    """
    b = min(BACKOFF_CAP_S, BACKOFF_S * 2.0 ** min(max(retry, 0), 16))
    return max(b / 2 + rng.random() * b / 2, min(retry_after or 0.0, RETRY_AFTER_CAP_S), floor)
