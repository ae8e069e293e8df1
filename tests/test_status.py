"""What does `router.status()` say of a fleet, and is it true?"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from router.configured import Deployment, HealthPolicy, RequestWindow
from router.ledger import Ledger
from router.status import DeploymentStatus, fleet
from router.steps import Reserve, Settle
from router.values import Call, Failure, Kind, Lease, RateLimits, Reply, Usage
from strategies.least_loaded import LeastLoaded

BOOM = Failure(Kind.SERVER_ERROR, "boom", status=500)


class Fleet:
    """Two deployments on two hosts, and their clock.  Calls go to east unless they say otherwise."""

    def __init__(self, **options: Any) -> None:
        self.now = 1000.0
        deployments = [Deployment(name, "g", name, resource=name, **options) for name in ("east", "west")]
        self.ledger = Ledger(deployments, LeastLoaded(), Random(1), HealthPolicy())
        self.ledger.started(self.now)

    def lease(self, tokens: int = 100) -> Lease:
        call = Call("chat.completions", "g", {}, tokens)
        answer = self.ledger.reserve(Reserve(call, "g", tried={"west"}), self.now)
        assert isinstance(answer, Lease), answer
        return answer

    def end(self, result: Reply | Failure, lease: Lease | None = None) -> None:
        self.ledger.settle(Settle(lease or self.lease(), result), self.now)

    @property
    def east(self) -> DeploymentStatus:
        return fleet(self.ledger, self.now)[0]

    def says(self) -> tuple[str, str, float, float | None]:
        """State, reason, since when, and when it opens."""
        east = self.east
        opens = None if east.opens_in is None else round(east.opens_in, 2)
        return east.state, east.reason, round(east.since, 2), opens

    def eject(self) -> float:
        for _ in range(5):
            self.end(BOOM)
        opens = self.east.opens_in
        assert opens is not None
        return opens


def test_a_fleet_at_rest_is_ready_and_empty() -> None:
    told = Fleet(tpm=1000, rpm=10)
    told.now += 5.0
    assert told.east == DeploymentStatus(
        deployment="east",
        group="g",
        order=1,
        state="ready",
        reason="",
        since=5.0,
        opens_in=0.0,
        utilisation=0.0,
        tokens_used=0,
        tokens_limit=1000,
        requests_used=0,
        requests_limit=10,
        in_flight=0,
        seconds=0.0,
        attempts=0,
        successes=0,
        failures=0,
        throttles=0,
        limits="per process",
    )


def test_deployments_come_in_the_order_of_the_configuration() -> None:
    assert [status.deployment for status in fleet(Fleet().ledger, 1000.0)] == ["east", "west"]


def test_without_limits_none_are_stated() -> None:
    east = Fleet().east
    assert (east.tokens_limit, east.requests_limit, east.utilisation) == (None, None, 0.0)


def test_work_is_counted() -> None:
    told = Fleet(tpm=1000, rpm=10)
    told.lease(200)
    told.end(Reply(200, {}, Usage(50, 50, 100), seconds=2.0))
    told.end(BOOM)
    told.end(Failure(Kind.THROTTLED, "full", status=429, retry_after=1.0))
    east = told.east
    assert (east.attempts, east.successes, east.failures, east.throttles) == (4, 1, 2, 1)
    assert (east.in_flight, east.seconds) == (1, 2.0)
    assert (east.tokens_used, east.requests_used) == (500, 4)


def test_utilisation_is_what_is_used_of_the_tightest_limit() -> None:
    told = Fleet(tpm=1000, rpm=10, windows=(RequestWindow(4, 10.0),), max_parallel_requests=10)
    told.lease(100)
    assert told.east.utilisation == 0.25  # one of four in ten seconds
    told.lease(500)
    assert told.east.utilisation == 0.6  # tokens
    told.now += 61.0
    assert told.east.utilisation == 0.2  # two of ten open calls


def test_old_charges_have_left_by_the_time_of_the_question() -> None:
    told = Fleet(tpm=1000)
    told.lease(700)
    told.now += 61.0
    assert told.east.tokens_used == 0


def test_a_learned_limit_is_shown() -> None:
    told = Fleet(tpm=1000)
    told.end(Reply(200, {}, limits=RateLimits(limit_tokens=400)))
    assert told.east.tokens_limit == 400


def test_full_until_the_window_opens() -> None:
    told = Fleet(tpm=1000)
    told.lease(1000)
    told.now += 10.0
    assert told.says() == ("full", "", 10.0, 50.75)
    assert told.east.utilisation == 1.0


def test_full_by_open_calls() -> None:
    told = Fleet(max_parallel_requests=1)
    lease = told.lease()
    assert told.east.state == "full"
    assert told.east.utilisation == 1.0
    told.end(Reply(200, {}), lease)
    assert told.east.state == "ready"


def test_throttled_then_ready_since_the_rest_was_over() -> None:
    told = Fleet()
    told.now += 100.0
    told.end(Failure(Kind.THROTTLED, "full", status=429, retry_after=7.0))
    told.now += 2.0
    assert told.says() == ("throttled", "throttled", 2.0, 5.0)
    told.now += 15.0
    assert told.says() == ("ready", "", 10.0, 0.0)


def test_ejected_probing_slow_start_ready() -> None:
    told = Fleet()
    told.now += 100.0
    rest = told.eject()
    told.now += 1.0
    assert told.says() == ("ejected", "server_error", 1.0, pytest.approx(rest - 1.0, abs=0.01))
    told.now += 10.0
    probe = told.lease()
    assert told.east.state == "probing"
    told.end(Reply(200, {}), probe)
    told.now += 3.0
    assert told.says() == ("slow_start", "server_error", 3.0, 0.0)
    told.now += 30.0
    assert told.east.state == "ready"
    assert told.east.reason == ""


def test_disabled_for_five_minutes() -> None:
    told = Fleet()
    told.end(Failure(Kind.AUTHENTICATION, "wrong key", status=401))
    assert told.says() == ("disabled", "authentication", 0.0, 300.0)


def test_unreachable_is_a_matter_of_the_host() -> None:
    told = Fleet()
    told.now += 100.0
    for _ in range(3):
        told.end(Failure(Kind.CONNECT, "refused", sent=False))
    told.now += 1.0
    state, reason, since, opens = told.says()
    assert (state, reason, since) == ("unreachable", "resource", 1.0)
    assert opens is not None
    assert 0.0 < opens < 5.0


def test_what_can_never_take_a_call_opens_never() -> None:
    told = Fleet(max_parallel_requests=None, tpm=1000)
    told.ledger.accounts["east"].limit.known = 0.5  # less than the smallest call
    assert told.east.opens_in is None
    assert told.east.state == "full"


def test_looking_changes_nothing() -> None:
    told = Fleet(tpm=1000)
    told.lease(300)
    assert [told.east for _ in range(3)] == [told.east] * 3
