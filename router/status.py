"""How is the fleet?  What `router.status()` returns."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from .account import Account
from .health import State
from .ledger import Ledger
from .window import slot_of


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """One deployment now.  Times are seconds from now, limits None where nothing is known."""

    deployment: str
    group: str
    order: int
    state: str
    """`ready`, `throttled`, `ejected`, `probing`, `slow_start`, `disabled`, `unreachable` (its host), or `full`."""
    reason: str
    """Why, as a `Kind` or empty."""
    since: float
    """Seconds for which it has been in this state."""
    opens_in: float | None
    """Seconds until the smallest call would be let through; 0.0 now; None: not while things stay so."""
    utilisation: float
    """Share of the tightest limit that is used, 0.0 to 1.0."""
    tokens_used: int
    tokens_limit: int | None
    requests_used: int
    requests_limit: int | None
    in_flight: int
    seconds: float
    """Smoothed seconds per successful call; 0.0 before the first."""
    attempts: int
    successes: int
    failures: int
    throttles: int
    limits: str
    """For whom they hold: `per process`, `shared`, or `alone, 25 %` of each while the shared store is away."""


def fleet(ledger: Ledger, now: float) -> list[DeploymentStatus]:
    """Every deployment of a ledger, in the order of the configuration."""
    return [_status(account, now) for account in ledger.accounts.values()]


def _status(account: Account, now: float) -> DeploymentStatus:
    slot = slot_of(now)
    if account.slot != slot:
        account.advance(slot, now)
    name, reason, since = _state(account, now)
    opening = account.opening(1, now)
    if name == "ready" and (opening is None or opening > now):
        name = "full"
    usage = account.counters
    return DeploymentStatus(
        deployment=account.deployment.id,
        group=account.deployment.group,
        order=account.deployment.order,
        state=name,
        reason=reason,
        since=max(0.0, now - since),
        opens_in=None if opening is None else max(0.0, opening - now),
        utilisation=_utilisation(account),
        tokens_used=account.tokens_used,
        tokens_limit=_whole(account.tokens.limit),
        requests_used=account.requests_used,
        requests_limit=_whole(account.requests[0].limit),
        in_flight=account.in_flight,
        seconds=account.seconds,
        attempts=usage.attempts,
        successes=usage.successes,
        failures=usage.failures,
        throttles=usage.throttles,
        limits=account.hold_for,
    )


def _state(account: Account, now: float) -> tuple[str, str, float]:
    """Its state, why, and since which moment."""
    health, resource = account.health, account.resource
    state = health.state(now)
    if state is State.READY:
        if not resource.usable(now):
            return "unreachable", "resource", resource.since
        return str(state), "", max(health.since, health.closed_until)  # a rest that ran out by itself told nobody
    return str(state), str(health.reason), health.since


def _utilisation(account: Account) -> float:
    """What is used of the tightest limit; not what one more call would make of it, as `Account.utilisation` says."""
    shares = [window.used / window.limit for window in account.requests]
    shares.append(account.tokens_used / account.tokens.limit)
    if account.parallel:
        shares.append(account.in_flight / account.parallel)
    return min(1.0, max(shares))


def _whole(limit: float) -> int | None:
    return int(limit) if limit < inf else None
