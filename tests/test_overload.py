"""What happens when more is asked than the fleet can take?

Whole fleets under virtual time, against limiters that were written from their definitions (`servers.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from router.configured import Deployment
from router.errors import NoDeploymentLeft
from router.events import Ejected
from router.journey import Granted
from router.values import Call, Failure, Kind, Lease, Reply, Usage

from .servers import LimitedService
from .simulation import Outcome, World

LIMITS = {"a": 120_000, "b": 60_000, "c": 60_000}
MEAN = 700


def fleet(limits: dict[str, int]) -> list[Deployment]:
    return [Deployment(name, "g", name, resource=name, tpm=tpm) for name, tpm in limits.items()]


def size(rng: Random) -> int:
    """Exponential, 700 tokens on average."""
    return max(20, min(8_000, int(rng.expovariate(1 / MEAN))))


def start(world: World, when: float, tokens: int, **options: Any) -> None:
    world.start(when, Call("chat.completions", "g", {"messages": []}, tokens, **options))


def offer(
    world: World, per_second: float, seconds: float, seed: int, sizes: Callable[[Random], int] = size, **options: Any
) -> int:
    """Random arrivals from now on; returns how many."""
    rng = Random(seed)
    when, calls = world.now, 0
    while (when := when + rng.expovariate(per_second)) <= world.now + seconds:
        start(world, when, sizes(rng), **options)
        calls += 1
    return calls


def overloaded(kind: str, headers: bool, seconds: float, seed: int = 5, **options: Any) -> World:
    """Twice the capacity is asked for."""
    world = World(fleet(LIMITS), LimitedService(kind, dict(LIMITS), seed=7, headers=headers))
    rate = 2 * sum(LIMITS.values()) / 60.0 / MEAN
    calls = offer(world, rate, seconds, seed, **{"max_wait": 30.0, **options})
    world.run(1000.0 + seconds)
    assert calls > 100
    return world


def served(world: World) -> list[Granted]:
    return [o.result for o in world.outcomes if isinstance(o.result, Granted)]


def refused(world: World) -> list[Outcome]:
    return [o for o in world.outcomes if not o.ok]


def share_of_429(world: World, since: float = 0.0, until: float = 1e9) -> float:
    statuses = [status for when, _, status in world.results if since <= when < until]
    return statuses.count(429) / len(statuses)


# ---- twice as much as there is -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "headers"), [("sliding", True), ("fixed", False), ("bucket", False)])
def test_at_twice_the_capacity_nothing_is_wasted_and_hardly_an_attempt_is_refused(kind: str, headers: bool) -> None:
    """Five minutes, and nobody waits longer than it may: 97 % of the capacity or more is used, 429s are ≤ 0.2 %."""
    world = overloaded(kind, headers, 300.0)
    tokens = sum(granted.lease.tokens for granted in served(world))
    assert tokens >= 0.97 * 5 * sum(LIMITS.values())
    assert share_of_429(world) <= 0.002
    world.run(1400.0)
    assert max(o.ended - o.started for o in refused(world)) <= 30.000001
    assert max(granted.routing.waited for granted in served(world)) <= 30.000001
    assert len(world.ledger.groups["g"].queue) == 0


@pytest.mark.parametrize("seconds", [45.0, 110.0])
def test_a_refused_call_fits_at_the_moment_that_its_retry_after_names(seconds: float) -> None:
    """The load ends, and the last one that was refused comes back exactly when it was told to: it does not wait."""
    world = overloaded("sliding", False, seconds)
    last = refused(world)[-1].result
    assert isinstance(last, NoDeploymentLeft)
    assert last.retry_after is not None
    world.run(world.now + last.retry_after)
    again = world.call(size(Random(1)), max_wait=0.0)
    assert again.ok, again.result


def test_a_retry_after_is_not_a_minute_for_everybody() -> None:
    """It is computed for each call: the smallest that was seen is a fraction of the largest."""
    waits = [o.result.retry_after for o in refused(overloaded("sliding", False, 120.0))]
    known = [wait for wait in waits if wait is not None]
    assert len(known) == len(waits)
    assert 0.0 < min(known) < 20.0 < max(known) <= 61.0


# ---- the line ----------------------------------------------------------------------------------------------------


def test_large_calls_do_not_starve_behind_small_ones_and_small_ones_hardly_wait() -> None:
    """A minute at one and a half times the capacity, 3 % of the calls as large as a deployment (algorithms.md §2.14).

    With retries instead of a line the worst large call there takes 202 s; in a strict line small ones take 41 s.
    """
    limits = {f"d{i}": 60_000 for i in range(6)}
    world = World(fleet(limits), LimitedService("sliding", dict(limits), seed=3, headers=False))
    rng = Random(5)
    rate = 360_000 / 60.0 / (0.03 * 35_000 + 0.97 * 680)
    when = 1000.0
    while when < 1600.0:
        when += rng.expovariate(rate * (1.5 if 1120.0 <= when < 1180.0 else 0.5))
        large = rng.random() < 0.03
        start(world, when, rng.randint(20_000, 50_000) if large else min(3000, size(rng)), max_wait=300.0)
    world.run(2000.0)

    assert refused(world) == []
    waits = {True: list[float](), False: list[float]()}
    for granted in served(world):
        waits[granted.lease.tokens >= 20_000].append(granted.routing.waited)
    assert max(waits[True]) <= 130.0
    assert sum(waits[False]) / len(waits[False]) <= 2.0
    assert len(world.ledger.groups["g"].queue) == 0


def test_when_capacity_is_scarce_priority_0_goes_before_5() -> None:
    """Scenario 58: every urgent call is served, the others get what is left, and nobody stays in the line."""
    world = World(fleet(LIMITS), LimitedService("sliding", dict(LIMITS), seed=7, headers=False))
    capacity = sum(LIMITS.values()) / 60.0 / MEAN
    urgent = offer(world, 0.5 * capacity, 180.0, seed=5, priority=0, max_wait=60.0)
    others = offer(world, 1.5 * capacity, 180.0, seed=6, priority=5, max_wait=60.0)
    world.run(1400.0)

    waits: dict[int, list[float]] = {0: [], 5: []}
    for granted in served(world):
        waits[granted.lease.call.priority].append(granted.routing.waited)
    assert len(waits[0]) == urgent
    assert len(waits[5]) < 0.8 * others
    assert sum(waits[0]) / len(waits[0]) < 0.6 * sum(waits[5]) / len(waits[5])
    assert len(world.ledger.groups["g"].queue) == 0


def test_urgent_calls_that_came_last_are_served_first() -> None:
    world = World([Deployment("only", "g", "only", rpm=2)], lambda now, lease: (0.1, Reply(200, {})))
    start(world, 1000.0, 10)
    start(world, 1000.0, 10)
    for i, priority in enumerate((5, 5, 0, 0)):
        start(world, 1001.0 + i, 10, priority=priority, max_wait=200.0)
    world.run(1300.0)
    assert [granted.lease.call.priority for granted in served(world)[2:]] == [0, 0, 5, 5]
    assert len(world.ledger.groups["g"].queue) == 0


def test_a_call_that_may_not_wait_is_told_at_once() -> None:
    world = World([Deployment("only", "g", "only", rpm=1)], lambda now, lease: (0.1, Reply(200, {})))
    assert world.call(max_wait=0.0).ok
    second = world.call(max_wait=0.0)
    assert isinstance(second.result, NoDeploymentLeft)
    assert second.ended == second.started
    assert second.result.retry_after == pytest.approx(60.6, abs=0.3)


# ---- a service that takes less than it says ----------------------------------------------------------------------


@pytest.mark.parametrize(("headers", "most"), [(False, 0.01), (True, 0.002)], ids=["no-headers", "headers"])
@pytest.mark.parametrize("kind", ["sliding", "fixed", "bucket"])
def test_a_quota_cut_to_40_percent_for_ten_minutes_costs_hardly_a_429(kind: str, headers: bool, most: float) -> None:
    """Three of six are cut and 85 % of what is left is asked for.  A cooldown alone costs 4.9 % (§2.11)."""
    limits = {f"d{i}": 60_000 for i in range(6)}
    service = LimitedService(kind, dict(limits), seed=3, headers=headers)
    world = World(fleet(limits), service)

    def cut(to: float) -> None:
        for name in ("d0", "d1", "d2"):
            service.limiters[name].limit = to

    world.at(1120.0, lambda: cut(24_000.0))
    world.at(1720.0, lambda: cut(60_000.0))
    calls = offer(world, 0.85 * (3 * 60_000 + 3 * 24_000) / 60.0 / MEAN, 900.0, seed=5)
    world.run(2000.0)

    assert len(served(world)) == calls
    assert share_of_429(world, 1120.0, 1720.0) <= most
    late = [name for when, name, _ in world.results if when > 1850.0]
    assert sum(late.count(name) for name in ("d0", "d1", "d2")) > 0.35 * len(late), "the cut ones are back in full"


# ---- a black hole ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("per_second", "seconds"), [(2.0, 600.0), (50.0, 60.0)])
def test_a_deployment_that_fails_in_no_time_attracts_five_calls_and_its_probes(
    per_second: float, seconds: float
) -> None:
    """It is always idle and always fast.  Routers that do not charge failures send it 98 % (algorithms.md §2.8)."""

    def service(now: float, lease: Lease) -> tuple[float, Reply | Failure]:
        if lease.deployment.id == "d0":
            return 0.01, Failure(Kind.SERVER_ERROR, "boom", status=500)
        return 0.5 + 0.01 * (lease.tokens % 100), Reply(200, {}, Usage(50, 50, 100))

    world = World(fleet({f"d{i}": 600_000 for i in range(10)}), service)
    calls = offer(world, per_second, seconds, seed=5)
    world.run(2000.0)

    assert len(served(world)) == calls
    probes = sum(isinstance(event, Ejected) for event in world.events) - 1
    assert 5 <= world.sent["d0"] <= 5 + probes
    assert probes <= 10
