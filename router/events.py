"""What a router tells its listeners.

Frozen records, made of names and numbers only: never a key, a token or a prompt.  A listener is any callable
that takes one event; it runs on the caller's path, so it should be quick; what it raises is logged and dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chosen:
    """A deployment was reserved for an attempt."""

    group: str
    deployment: str
    tokens: int
    """Reserved tokens."""
    attempt: int
    """1 for the first of the call."""


@dataclass(frozen=True, slots=True)
class Throttled:
    """A 429: the deployment rests."""

    group: str
    deployment: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Ejected:
    """Too many failures: the deployment gets no calls for a while.  `reason` is the last `Kind`."""

    group: str
    deployment: str
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Disabled:
    """The deployment refused our key or does not exist: it is left alone until a re-probe."""

    group: str
    deployment: str
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """A live probe succeeded after an ejection or a disablement."""

    group: str
    deployment: str


@dataclass(frozen=True, slots=True)
class Settled:
    """An attempt is over.  `reason` is `ok` or a `Kind`."""

    group: str
    deployment: str
    reason: str
    status: int | None
    tokens_reserved: int
    tokens_settled: int
    seconds: float


@dataclass(frozen=True, slots=True)
class FellBack:
    """The call goes on in another group."""

    group: str
    to: str
    reason: str


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The call failed for good.  `error` is the class name of what the caller gets."""

    group: str
    error: str
    attempts: int


@dataclass(frozen=True, slots=True)
class StrategyFailed:
    """A strategy raised, or returned something that was not offered; the router chose by least load instead."""

    group: str
    strategy: str
    problem: str


@dataclass(frozen=True, slots=True)
class StoreLost:
    """The shared store does not answer: the group's calls go on without it."""

    group: str
    reason: str
    """`timeout`, `refused`, `readonly`, …: a word of `router.stores`."""
    mode: str
    """`share`, `strict` or `open`."""
    share: float
    """The part of each limit that this replica uses by itself."""


@dataclass(frozen=True, slots=True)
class StoreBack:
    """The shared store answers again."""

    group: str
    seconds: float
    """For how long it did not."""


@dataclass(frozen=True, slots=True)
class StoreMended:
    """Keys under our prefix held something that is not ours; they were taken over."""

    group: str
    keys: int


Event = (
    Chosen
    | Throttled
    | Ejected
    | Disabled
    | Recovered
    | Settled
    | FellBack
    | GaveUp
    | StrategyFailed
    | StoreLost
    | StoreBack
    | StoreMended
)
Listener = Callable[[Event], None]
