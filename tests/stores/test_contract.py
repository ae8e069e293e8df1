"""Do all stores give the same answers to the same history?

One replica that shares its limits with nobody must decide as the memory store does.  Nothing here may draw dice, since
a replica that names several candidates draws more often: so no 429s and no ejections, which end in a slow start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

import fakeredis
import pytest

from router.charge import ChargePolicy
from router.configured import Deployment, RequestWindow
from router.ledger import Ledger
from router.shared.ledger import SharedLedger
from router.steps import Refusal, Reserve, Settle
from router.stores.memory import MemoryStore
from router.stores.redis import RedisStore
from router.values import Call, Failure, Kind, Lease, Reply, Usage
from strategies import Candidate, Situation
from tests.redis_servers import Server

from .fleet import PlainClient

DEPLOYMENTS = (
    Deployment("a", "g", "a", tpm=1000, rpm=20),
    Deployment("b", "g", "b", tpm=3000, rpm=40, windows=(RequestWindow(7, 10.0),)),
    Deployment("c", "g", "c", tpm=500),
)


class Fullest:
    """The one that is fullest and still has room, so that every window is often at its edge."""

    def choose(self, candidates: Sequence[Candidate], situation: Situation) -> Candidate:
        return max(
            candidates, key=lambda candidate: (candidate.utilisation < 1.0, candidate.utilisation, candidate.name)
        )


class Emptiest:
    """The emptiest, so that all deployments take part."""

    def choose(self, candidates: Sequence[Candidate], situation: Situation) -> Candidate:
        return min(candidates, key=lambda candidate: (candidate.utilisation, candidate.name))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def shared(client: Any, clock: Clock, strategy: Any, charge: ChargePolicy) -> RedisStore:
    ledger = SharedLedger(DEPLOYMENTS, strategy, Random(1), charge=charge, leases=False)
    return RedisStore(
        ledger,
        PlainClient(client),
        lambda event: None,
        clock,
        redis_ms=lambda: round(clock.now * 1000),
        background=False,
    )


def shown(answer: Lease | Refusal) -> tuple[str, float]:
    if isinstance(answer, Lease):
        return answer.deployment.id, answer.tokens
    return answer.reason, answer.opening if answer.opening is not None else -1.0


def history(seed: int, stores: list[MemoryStore], clock: Clock, steps: int = 400) -> Iterator[list[tuple[str, float]]]:
    """Play one random history in all stores, and yield their answers side by side."""
    dice = Random(seed)
    held: list[list[Lease]] = []
    for _ in range(steps):
        clock.now += dice.choice([0.0, 0.0, 0.05, 0.25, 1.0, 0.2 if dice.random() < 0.9 else dice.random() * 70])
        clock.now = round(clock.now, 3)
        call = Call("chat.completions", "g", {}, dice.choice([10, 50, 100, 300, 600, 2000]))
        answers = [store.apply(Reserve(call, "g")) for store in stores]
        yield [shown(answer) for answer in answers]
        if all(isinstance(answer, Lease) for answer in answers):
            held.append(answers)
        while len(held) > 5:
            used = Usage(1, 1, dice.choice([5, 200, 700]))
            unsent = dice.random() < 0.1
            for store, lease in zip(stores, held.pop(dice.randrange(len(held))), strict=True):
                result = Failure(Kind.CANCELLED, sent=False) if unsent else Reply(200, {}, used)
                store.apply(Settle(lease, result))


@pytest.mark.parametrize("charge", [ChargePolicy.ESTIMATE, ChargePolicy.ACTUAL])
@pytest.mark.parametrize("strategy", [Fullest, Emptiest])
@pytest.mark.parametrize("seed", range(3))
def test_memory_fakeredis_and_a_real_server_answer_alike(
    seed: int, strategy: Callable[[], Any], charge: ChargePolicy, redis_server: Server
) -> None:
    clock = Clock()
    memory = MemoryStore(Ledger(DEPLOYMENTS, strategy(), Random(1), charge=charge), lambda event: None, clock)
    fake = shared(fakeredis.FakeRedis(), clock, strategy(), charge)
    real = shared(redis_server.client, clock, strategy(), charge)
    granted = refused = 0
    for by_memory, by_fake, by_real in history(seed, [memory, fake, real], clock):
        assert by_fake == by_real
        assert by_real[0] == by_memory[0]
        assert by_real[1] == pytest.approx(by_memory[1], abs=0.002)  # Redis tells times in whole milliseconds
        granted += by_memory[0] in "abc"
        refused += by_memory[0] == "full"
    assert granted > 50
    assert refused > 20
