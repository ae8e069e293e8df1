"""Does the router keep within the limits of services that it does not know?

Whole fleets under virtual time: one deployment ten times the size of the others, random arrivals and sizes, against
each kind of limiter that Azure may be running.
"""

from __future__ import annotations

from random import Random

import pytest

from router.configured import Deployment
from router.values import Call

from .servers import LimitedService
from .simulation import World

LIMITS = {"big": 600_000, "s1": 60_000, "s2": 60_000, "s3": 60_000, "s4": 60_000}


def fleet(limits: dict[str, int]) -> list[Deployment]:
    return [Deployment(n, "g", n, resource=n, tpm=tpm) for n, tpm in limits.items()]


def traffic(world: World, load: float, seconds: float, seed: int, mean: int = 700) -> int:
    """Poisson arrivals of exponential sizes that ask for `load` of the fleet's whole capacity."""
    rng = Random(seed)
    rate = load * sum(d.tpm or 0 for d in world.deployments) / 60.0 / mean
    when, calls = world.now, 0
    while when < 1000.0 + seconds:
        when += rng.expovariate(rate)
        tokens = max(20, min(8_000, int(rng.expovariate(1 / mean))))
        world.start(when, Call("chat.completions", "g", {"messages": []}, tokens))
        calls += 1
    return calls


@pytest.mark.parametrize("kind", ["sliding", "fixed", "bucket"])
@pytest.mark.parametrize("headers", [True, False], ids=["headers", "no-headers"])
def test_at_90_percent_of_unequal_limits_hardly_an_attempt_is_refused_and_no_call_fails(
    kind: str, headers: bool
) -> None:
    """Limits 10:1, 90 % of the capacity, five minutes: at most 0.2 % of attempts get a 429, nothing fails."""
    world = World(fleet(LIMITS), LimitedService(kind, dict(LIMITS), seed=7, headers=headers))
    calls = traffic(world, 0.9, 300.0, seed=11)
    world.run(1000.0 + 420.0)

    assert len(world.outcomes) == calls
    assert [o.result for o in world.outcomes if not o.ok] == []
    refused = sum(1 for _, _, status in world.results if status == 429)
    assert refused <= 0.002 * len(world.results)
