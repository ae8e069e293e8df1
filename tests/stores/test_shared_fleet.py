"""Do replicas that share limits behave like one router, whatever Redis does?

Whole fleets under virtual time, with the script in a Redis server in this process, judged by a true sliding minute.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import fakeredis
import pytest

from router.configured import Deployment
from router.events import StoreBack, StoreLost
from router.shared.on_failure import OnStoreFailure
from router.values import Call

from .fleet import Fleet, Judge, PlainClient, fake_clients


class Traffic:
    """A fleet that is run at a share of its capacity."""

    def __init__(
        self,
        replicas: int,
        load: float,
        *,
        seconds: float = 100.0,
        tpm: int = 60_000,
        size: tuple[int, int] = (200, 800),
        leases: bool = True,
        first_gets: float = 0.0,
        on_failure: OnStoreFailure = OnStoreFailure.SHARE,
        seed: int = 3,
    ) -> None:
        self.seconds = seconds
        self.server, self.new_client = fake_clients()
        self.deployments = [Deployment(f"d{i}", "g", f"d{i}", tpm=tpm * i, rpm=tpm * i // 50) for i in (1, 2, 3)]
        self.judge = Judge({d.id: (d.tpm or 0, d.rpm or 0) for d in self.deployments})
        self.fleet = Fleet(
            self.deployments, self.judge, replicas, self.new_client, leases=leases, on_failure=on_failure, seed=seed
        )
        self.capacity = sum(d.tpm or 0 for d in self.deployments) / 60.0
        dice = Random(seed)
        rate = self.capacity / (sum(size) / 2) * load
        when, end = self.fleet.now, self.fleet.now + seconds
        while when < end:
            when += dice.expovariate(rate)
            store = self.fleet.stores[0] if dice.random() < first_gets else dice.choice(self.fleet.stores)
            call = Call("chat.completions", "g", {"messages": []}, dice.randint(*size), max_wait=30.0)
            self.fleet.start(when, call, store)

    def at(self, seconds: float, deed: Callable[[], object]) -> None:
        self.fleet.at(self.fleet.now + seconds, lambda: (deed(), None)[1])

    def down(self, since: float, until: float) -> None:
        """Redis is gone for a while."""
        self.at(since, lambda: setattr(self.server, "connected", False))
        self.at(until, lambda: setattr(self.server, "connected", True))

    def run(self) -> Traffic:
        self.fleet.run(self.fleet.now + self.seconds)
        return self

    @property
    def failed(self) -> int:
        return sum(not outcome.ok for outcome in self.fleet.outcomes)

    @property
    def attempts(self) -> int:
        return sum(self.fleet.sent.values())

    @property
    def questions_per_attempt(self) -> float:
        return self.fleet.questions / self.attempts

    @property
    def peak(self) -> float:
        return max(self.judge.peaks.values())

    @property
    def goodput(self) -> float:
        return self.judge.served / (self.capacity * self.seconds)

    @property
    def longest_wait(self) -> float:
        return max(o.result.routing.waited for o in self.fleet.outcomes if not isinstance(o.result, Exception))

    def told(self, kind: type) -> list[object]:
        return [event for events in self.fleet.told for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("replicas", [4, 16])
def test_overload_never_exceeds_a_limit_and_loses_nothing(replicas: int) -> None:
    traffic = Traffic(replicas, 1.5, seconds=120.0, size=(100, 400)).run()
    assert traffic.judge.refused == 0
    assert traffic.peak <= 1.0
    assert traffic.goodput >= 0.97
    assert traffic.questions_per_attempt <= 1.0


def test_what_is_booked_ahead_is_not_taken_for_a_service_that_gives_unused_tokens_back() -> None:
    """Two minutes of headers prove how a service charges; half of each charge is never used here, nor given back."""
    traffic = Traffic(4, 1.5, seconds=150.0, size=(100, 400)).run()
    assert traffic.judge.refused == 0
    assert traffic.peak <= 1.0


def test_below_the_limit_a_call_asks_once_and_never_waits() -> None:
    traffic = Traffic(4, 0.6, leases=False).run()
    assert traffic.failed == traffic.judge.refused == 0
    assert traffic.longest_wait == 0.0
    assert traffic.questions_per_attempt == pytest.approx(1.0, abs=0.01)


def test_at_fifty_calls_a_second_most_calls_ask_nothing() -> None:
    traffic = Traffic(4, 0.6, seconds=40.0, tpm=600_000, size=(100, 140)).run()
    assert traffic.attempts / traffic.seconds / 3 > 50
    assert traffic.failed == traffic.judge.refused == 0
    assert traffic.questions_per_attempt <= 0.3


def test_allowances_do_not_loosen_a_limit() -> None:
    traffic = Traffic(3, 1.1, seconds=125.0, tpm=60_000, size=(100, 200)).run()
    assert traffic.judge.refused == 0
    assert traffic.peak <= 1.0
    assert traffic.goodput >= 0.97


@pytest.mark.parametrize("first_gets", [0.0, 0.75])
def test_an_outage_is_not_noticed_by_any_call(first_gets: float) -> None:
    traffic = Traffic(4, 0.75, seconds=130.0, first_gets=first_gets)
    traffic.down(65.0, 95.0)
    traffic.run()
    assert traffic.failed == traffic.judge.refused == 0
    assert traffic.longest_wait == 0.0
    assert len(traffic.told(StoreLost)) == len(traffic.told(StoreBack)) == 4


def test_an_outage_under_overload_stays_near_the_limit() -> None:
    traffic = Traffic(4, 1.5, seconds=130.0)
    traffic.down(65.0, 75.0)
    traffic.run()
    assert traffic.judge.refused / traffic.attempts < 0.02
    assert traffic.goodput >= 0.97


def test_absent_at_the_start_it_is_used_when_it_comes() -> None:
    traffic = Traffic(2, 0.5, seconds=60.0)
    traffic.server.connected = False
    traffic.at(20.0, lambda: setattr(traffic.server, "connected", True))
    traffic.run()
    assert traffic.failed == traffic.judge.refused == 0
    assert len(traffic.told(StoreBack)) == 2


@pytest.mark.parametrize("load", [0.75, 1.5])
def test_an_emptied_redis_is_told_again_what_was_used(load: float) -> None:
    traffic = Traffic(4, load, seconds=120.0)
    traffic.at(65.0, lambda: fakeredis.FakeRedis(server=traffic.server).flushall())
    traffic.run()
    assert traffic.judge.refused == 0
    assert traffic.peak <= 1.0
    if load < 1:
        assert traffic.failed == 0
        assert traffic.longest_wait == 0.0


def test_strict_sends_nothing_while_redis_is_away() -> None:
    traffic = Traffic(2, 0.3, seconds=60.0, on_failure=OnStoreFailure.STRICT)
    traffic.down(20.0, 30.0)
    traffic.run()
    assert not [when for when, _, _ in traffic.fleet.results if 1020.1 < when < 1030.0]
    assert traffic.failed == 0


def test_open_uses_the_whole_limit_and_leaves_the_rest_to_429s() -> None:
    traffic = Traffic(4, 0.3, seconds=60.0, on_failure=OnStoreFailure.OPEN)
    traffic.down(20.0, 30.0)
    traffic.run()
    assert traffic.failed == 0
    assert {event.share for event in traffic.told(StoreLost)} == {1.0}  # type: ignore[attr-defined]


def test_a_429_that_one_replica_sees_closes_the_deployment_for_all() -> None:
    deployments = [Deployment("d", "g", "d", tpm=100_000, rpm=1000)]
    judge = Judge({"d": (100_000, 1000)})
    _, new_client = fake_clients()
    fleet = Fleet(deployments, judge, 2, new_client, leases=False)
    judge.limits["d"] = (0, 0)
    fleet.start(fleet.now, Call("chat.completions", "g", {}, 10, max_wait=0.0, num_retries=0), fleet.stores[0])
    fleet.run(fleet.now + 0.4)
    assert judge.refused == 1
    fleet.start(fleet.now, Call("chat.completions", "g", {}, 10, max_wait=0.0, num_retries=0), fleet.stores[1])
    fleet.run(fleet.now + 0.1)
    assert judge.refused == 1  # the second replica did not send
    assert fleet.sent["d"] == 1
    assert isinstance(fleet.stores[0].client, PlainClient)
