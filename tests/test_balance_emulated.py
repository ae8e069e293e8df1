"""The same question as `test_balance.py`, with the emulator as the judge and the wire layer in between.

Bodies, estimates, rate-limit headers and 429s are the emulator's own; only the sockets and the time are left out.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from router.azure.wire import reply_from
from router.configured import Deployment, RequestWindow
from router.emulator import EmulatedDeployment, Emulator, EmulatorConfig
from router.tokens import estimate
from router.values import Call, Failure, Lease, Reply

from .simulation import World

TPM = {"big": 300_000, "s1": 30_000, "s2": 30_000, "s3": 30_000}
PATH = "/openai/deployments/{}/chat/completions?api-version=2024-10-21"


class Azure:
    """The emulator as a service of the simulation."""

    def __init__(self, limiter: Any, headers: Any) -> None:
        deployments = [
            EmulatedDeployment(name, tpm=tpm, rpm=tpm // 100, limiter=limiter, rate_headers=headers, answer_tokens=80)
            for name, tpm in TPM.items()
        ]
        self.emulator = Emulator(EmulatorConfig(deployments, seed=5))
        self.rng = Random(9)

    def __call__(self, now: float, lease: Lease) -> tuple[float, Reply | Failure]:
        body = json.dumps(lease.call.body).encode()
        plan = self.emulator.handle("POST", PATH.format(lease.deployment.id), {"api-key": "k"}, body, now)
        return self.rng.uniform(0.2, 2.0), reply_from("chat.completions", plan.status, plan.headers, plan.body)


@pytest.mark.parametrize("limiter", ["sliding", "fixed_minute", "token_bucket"])
@pytest.mark.parametrize("headers", ["full", "none"])
def test_at_90_percent_the_emulator_refuses_hardly_an_attempt_and_no_call_fails(limiter: str, headers: str) -> None:
    """Limits 10:1, four minutes at 90 % of the capacity in estimated tokens: at most 0.2 % of attempts get a 429."""
    azure = Azure(limiter, headers)
    fleet = [
        Deployment(n, "g", n, resource=n, tpm=t, rpm=t // 100, windows=(RequestWindow(t // 600, 10.0),))
        for n, t in TPM.items()
    ]
    world = World(fleet, azure)
    rng = Random(3)
    when, calls, asked = world.now, 0, 0
    while True:
        prompt, limit = rng.randint(200, 2_400), rng.choice([0, 100, 400])
        body: dict[str, object] = {"messages": [{"role": "user", "content": "x" * prompt}]}
        if limit:
            body["max_tokens"] = limit
        tokens = estimate("chat.completions", body)
        when += rng.expovariate(0.9 * sum(TPM.values()) / 60.0 / 490.0)
        if when > 1240.0:
            break
        calls, asked = calls + 1, asked + tokens
        world.start(when, Call("chat.completions", "g", body, tokens))
    world.run(1360.0)

    assert 0.85 < asked / 4 / sum(TPM.values()) < 0.95  # the load is what the test says
    assert len(world.outcomes) == calls
    assert [o.result for o in world.outcomes if not o.ok] == []
    refused = sum(1 for _, _, status in world.results if status == 429)
    assert refused <= 0.002 * len(world.results)
    for name, tally in azure.emulator.status().items():
        assert tally["peak_tokens_per_minute"] <= 1.0 * TPM[name] or limiter != "sliding"
