"""Who gets a call, what is it charged, and what does the fleet remember of it?

Each test plays the store: it brings the steps and the time, and looks at what came of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.charge import ChargePolicy
from router.configured import Deployment, HealthPolicy, RequestWindow
from router.events import Disabled, Ejected, Event, Recovered, Settled, StrategyFailed, Throttled
from router.health import State
from router.ledger import Ledger
from router.queue import STALE_S
from router.steps import Begin, Leave, Refusal, Reserve, Settle, Ticket
from router.values import Call, Failure, Kind, Lease, RateLimits, Reply, Usage
from router.window import SLOT_S
from strategies import Candidate, Situation
from strategies.least_loaded import LeastLoaded
from strategies.round_robin import RoundRobin

BOOM = Failure(Kind.SERVER_ERROR, "boom", status=500)
FULL = Failure(Kind.THROTTLED, "full", status=429, retry_after=7.0)


def east_and_west(**options: Any) -> list[Deployment]:
    return [Deployment(name, "g", name, resource=name, **options) for name in ("east", "west")]


class Fleet:
    """A ledger and its clock."""

    def __init__(self, deployments: list[Deployment], strategy: Any = None, **options: Any) -> None:
        self.now = 1000.0
        self.ledger = Ledger(deployments, strategy or LeastLoaded(), Random(1), **options)

    def ask(self, tokens: int = 10, **facts: Any) -> Lease | Refusal:
        call = Call("chat.completions", facts.pop("group", "g"), {}, tokens, priority=facts.pop("priority", 0))
        call.watched = facts.pop("watched", False)
        return self.again(call, **facts)

    def again(self, call: Call, **facts: Any) -> Lease | Refusal:
        return self.ledger.reserve(Reserve(call, call.group, **facts), self.now)

    def lease(self, tokens: int = 10, **facts: Any) -> Lease:
        answer = self.ask(tokens, **facts)
        assert isinstance(answer, Lease), answer
        return answer

    def refusal(self, tokens: int = 10, **facts: Any) -> Refusal:
        answer = self.ask(tokens, **facts)
        assert isinstance(answer, Refusal), answer
        return answer

    def ticket(self, tokens: int = 10, patience: float = 100.0, **facts: Any) -> Ticket:
        """Join the queue."""
        ticket = self.refusal(tokens, patience=patience, **facts).ticket
        assert ticket is not None
        return ticket

    def retry(self, ticket: Ticket) -> Lease | Refusal:
        """What a waiter does when it was rung."""
        return self.again(ticket.call, ticket=ticket)

    def settle(self, lease: Lease, result: Reply | Failure | None = None, **facts: Any) -> None:
        answer = result or Reply(200, {}, Usage(lease.tokens, 0, lease.tokens), seconds=1.0)
        self.ledger.settle(Settle(lease, answer, **facts), self.now)

    def used(self, name: str) -> int:
        return self.ledger.accounts[name].tokens.used

    def events(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.ledger.take_events() if isinstance(event, kind)]


# ---- limits ----------------------------------------------------------------------------------------------------


def test_two_of_one_request_per_minute_take_two_calls_and_the_third_learns_when() -> None:
    """Scenario 7."""
    fleet = Fleet(east_and_west(rpm=1))
    assert {fleet.lease().deployment.id, fleet.lease().deployment.id} == {"east", "west"}
    third = fleet.refusal()
    assert third.reason == "full"
    assert third.ticket is None
    assert third.opening == pytest.approx(1060.75, abs=SLOT_S)
    fleet.now = third.opening or 0.0
    fleet.lease()


def test_one_request_per_minute_lets_the_first_call_through() -> None:
    """Scenario 8."""
    assert Fleet([Deployment("only", "g", "only", rpm=1)]).lease().deployment.id == "only"


@pytest.mark.parametrize("seed", range(3))
def test_a_hundred_calls_of_a_thousand_tokens_at_once_never_exceed_two_limits_of_fifty_thousand(seed: int) -> None:
    """Scenario 9, and over ten minutes of asking as fast as can be: no sliding minute ever holds more."""
    fleet = Fleet(east_and_west(tpm=50_000))
    leases = [fleet.ask(1000) for _ in range(101)]
    assert Counter(a.deployment.id for a in leases if isinstance(a, Lease)) == {"east": 50, "west": 50}
    sent = {"east": [(1000.0, 50_000)], "west": [(1000.0, 50_000)]}
    rng = Random(seed)
    for _ in range(6000):
        fleet.now += 0.1
        answer = fleet.ask(rng.randint(100, 3000))
        if isinstance(answer, Lease):
            log = sent[answer.deployment.id]
            log.append((fleet.now, answer.tokens))
            assert sum(tokens for at, tokens in log if at > fleet.now - 60.0) <= 50_000
    assert min(sum(tokens for _, tokens in log) for log in sent.values()) > 0.97 * 500_000


def test_what_was_used_a_second_before_the_minute_turns_is_still_used_after_it() -> None:
    """Scenario 10."""
    fleet = Fleet([Deployment("only", "g", "only", tpm=1000)])
    fleet.now = 1019.9  # 59.9 s into a minute of the clock
    fleet.lease(1000)
    for later in (1020.1, 1050.0, 1079.9):
        fleet.now = later
        assert fleet.refusal(1000).opening == pytest.approx(1080.5, abs=0.01)
    fleet.now = 1080.5
    fleet.lease(1000)


def test_ten_second_windows_hold_within_the_minute() -> None:
    fleet = Fleet([Deployment("only", "g", "only", rpm=60, windows=(RequestWindow(10, 10.0),))])
    for _ in range(10):
        fleet.lease()
    assert fleet.refusal().opening == pytest.approx(1010.75, abs=0.01)


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"max_parallel_requests": 1}, "its limit of calls at once (1) is reached"),
        ({"rpm": 1}, "its limit of requests (1 in 60 s) is reached"),
        ({"windows": (RequestWindow(1, 10.0),)}, "its limit of requests (1 in 10 s) is reached"),
        ({"tpm": 1000, "rpm": 9}, "the call needs about 600 tokens, 400 of 1,000 a minute are free"),
    ],
    ids=["calls at once", "requests a minute", "a window of its own", "tokens"],
)
def test_a_refusal_names_the_limit_that_is_in_the_way(limits: dict[str, Any], why: str) -> None:
    fleet = Fleet([Deployment("only", "g", "only", **limits)])
    fleet.lease(600)
    assert fleet.refusal(600).details == (f"only: no room: {why}",)


def test_a_call_larger_than_every_limit_is_refused_for_good_and_told_why() -> None:
    refusal = Fleet(east_and_west(tpm=1000)).refusal(2000, patience=30.0)
    assert refusal.opening is None
    assert refusal.ticket is None
    why = "no room: the call needs about 2,000 tokens, 1,000 of 1,000 a minute are free"
    assert refusal.details == (f"east: {why}", f"west: {why}")


def test_the_reasons_of_a_long_list_are_shortened() -> None:
    fleet = Fleet([Deployment(f"d{i}", "g", "m", tpm=10) for i in range(30)])
    details = fleet.refusal(20).details
    assert len(details) == 21
    assert details[-1] == "and 10 more"


def test_each_parallel_slot_takes_one_call_and_a_settlement_frees_it() -> None:
    """Scenario 56."""
    fleet = Fleet(east_and_west(max_parallel_requests=1))
    first, second = fleet.lease(), fleet.lease()
    assert {first.deployment.id, second.deployment.id} == {"east", "west"}
    waiting = fleet.ticket()
    fleet.settle(first)
    assert waiting.rung
    answer = fleet.retry(waiting)
    assert isinstance(answer, Lease)
    assert answer.deployment == first.deployment


# ---- tiers -----------------------------------------------------------------------------------------------------


def two_tiers(**options: Any) -> Fleet:
    first = Deployment("ptu", "g", "ptu", order=1, tpm=1000, resource="p")
    return Fleet([Deployment("paygo", "g", "paygo", order=2, tpm=1000, resource="q"), first], **options)


def test_the_second_tier_is_used_only_when_the_first_is_full_and_only_until_it_has_room_again() -> None:
    """Scenario 16."""
    fleet = two_tiers()
    assert [fleet.lease(250).deployment.id for _ in range(6)] == ["ptu"] * 4 + ["paygo"] * 2
    fleet.now += 61.0
    assert [fleet.lease(250).deployment.id for _ in range(5)] == ["ptu"] * 4 + ["paygo"]


def test_the_second_tier_serves_while_the_first_rests() -> None:
    fleet = two_tiers()
    fleet.settle(fleet.lease(), FULL)
    assert fleet.lease().deployment.id == "paygo"
    fleet.now += 7.0
    assert fleet.lease().deployment.id == "ptu"


def test_a_call_that_has_tried_the_first_tier_goes_to_the_second() -> None:
    assert two_tiers().lease(tried={"ptu"}).deployment.id == "paygo"


@pytest.mark.parametrize("strategy", [LeastLoaded(), RoundRobin()], ids=lambda s: type(s).__name__)
def test_tiers_hold_whatever_the_strategy(strategy: Any) -> None:
    assert {two_tiers(strategy=strategy).lease().deployment.id for _ in range(10)} == {"ptu"}


# ---- settling --------------------------------------------------------------------------------------------------


def test_settling_twice_changes_nothing_the_second_time() -> None:
    fleet = Fleet(east_and_west(tpm=1000), charge=ChargePolicy.ACTUAL)
    lease = fleet.lease(100, watched=True)
    fleet.settle(lease, Reply(200, {}, Usage(30, 10, 40)))
    name = lease.deployment.id
    before = (fleet.used(name), fleet.ledger.accounts[name].in_flight, fleet.ledger.accounts[name].counters.successes)
    for result in (Reply(200, {}, Usage(1, 1, 2)), BOOM, FULL):
        fleet.settle(lease, result)
    account = fleet.ledger.accounts[name]
    assert (fleet.used(name), account.in_flight, account.counters.successes) == before == (40, 0, 1)
    assert len(fleet.events(Settled)) == 1


CHARGED = [
    kind
    for kind in Kind
    if kind not in (Kind.DNS, Kind.CONNECT, Kind.CONNECT_TIMEOUT, Kind.CREDENTIALS, Kind.SIMULATED)
]


@pytest.mark.parametrize("kind", CHARGED, ids=str)
def test_every_failure_that_may_have_reached_the_service_keeps_its_charge(kind: Kind) -> None:
    """Else what fails fast looks empty and attracts everything."""
    fleet = Fleet(east_and_west(tpm=1000, rpm=10))
    lease = fleet.lease(100)
    fleet.settle(lease, Failure(kind))
    account = fleet.ledger.accounts[lease.deployment.id]
    assert (account.tokens.used, account.requests[0].used, account.in_flight) == (100, 1, 0)
    assert lease.tokens_settled == 100


@pytest.mark.parametrize("kind", list(Kind), ids=str)
def test_every_failure_that_was_provably_not_sent_gives_its_charge_back(kind: Kind) -> None:
    fleet = Fleet(east_and_west(tpm=1000, rpm=10))
    lease = fleet.lease(100)
    fleet.settle(lease, Failure(kind, sent=False))
    account = fleet.ledger.accounts[lease.deployment.id]
    assert (account.tokens.used, account.requests[0].used, account.in_flight) == (0, 0, 0)
    assert lease.tokens_settled == 0


def test_a_refund_rings_whoever_waits_for_that_room() -> None:
    fleet = Fleet([Deployment("only", "g", "only", tpm=1000)])
    lease = fleet.lease(1000)
    waiting = fleet.ticket(500)
    fleet.settle(lease, Failure(Kind.CONNECT, sent=False))
    assert waiting.rung
    assert isinstance(fleet.retry(waiting), Lease)


def test_tokens_that_a_success_did_not_use_ring_whoever_waits_for_them() -> None:
    fleet = Fleet([Deployment("only", "g", "only", tpm=1000)], charge=ChargePolicy.ACTUAL)
    lease = fleet.lease(1000)
    waiting = fleet.ticket(500)
    fleet.settle(lease, Reply(200, {}, Usage(300, 0, 300)))
    assert waiting.rung


def test_tokens_that_a_broken_call_did_not_use_ring_whoever_waits_for_them() -> None:
    """A stream that its caller closed early is known to have used little."""
    fleet = Fleet([Deployment("only", "g", "only", tpm=1000)], charge=ChargePolicy.ACTUAL)
    lease = fleet.lease(1000)
    waiting = fleet.ticket(500)
    fleet.settle(lease, Failure(Kind.CANCELLED, usage=Usage(300, 0, 300)), blameless=True)
    assert waiting.rung


def test_a_limit_that_a_header_raised_rings_whoever_waits() -> None:
    fleet = Fleet([Deployment("only", "g", "only", tpm=1000)])
    fleet.settle(fleet.lease(10), Reply(200, {}, limits=RateLimits(limit_tokens=100)))
    lease = fleet.lease(90)
    waiting = fleet.ticket(100, patience=70.0)
    fleet.settle(lease, Reply(200, {}, limits=RateLimits(limit_tokens=900)))
    assert waiting.rung


def test_a_streams_head_teaches_and_its_end_only_settles() -> None:
    fleet = Fleet(east_and_west(tpm=1000), charge=ChargePolicy.ACTUAL)
    lease = fleet.lease(100)
    account = fleet.ledger.accounts[lease.deployment.id]
    head = Reply(200, object(), limits=RateLimits(limit_tokens=500), seconds=0.4)
    fleet.ledger.begin(Begin(lease, head), fleet.now)
    fleet.ledger.begin(Begin(lease, head), fleet.now)
    assert (account.counters.successes, account.in_flight, account.tokens.limit) == (1, 1, 500)
    fleet.now += 30.0
    fleet.settle(lease, Reply(200, {}, Usage(20, 20, 40), limits=RateLimits(limit_tokens=700), seconds=30.0))
    assert (account.counters.successes, account.in_flight, account.tokens.limit) == (1, 0, 500)
    assert account.seconds == 0.4
    assert fleet.used(lease.deployment.id) == 40


def test_when_each_reply_shows_half_as_much_again_as_our_estimate_reservations_grow_to_it() -> None:
    fleet = Fleet([Deployment("only", "g", "only", tpm=1_000_000)])
    left = 1_000_000
    for _ in range(100):
        lease = fleet.lease(100)
        left -= 150
        fleet.settle(lease, Reply(200, {}, limits=RateLimits(1_000_000, left)))
    assert fleet.lease(100).tokens == pytest.approx(150, abs=2)


def test_a_blameless_failure_frees_and_charges_but_says_nothing_of_health() -> None:
    fleet = Fleet(east_and_west(tpm=10_000))
    for _ in range(50):
        fleet.settle(fleet.lease(), Failure(Kind.TIMEOUT), blameless=True)
    assert fleet.ledger.take_events() == []
    assert fleet.used("east") + fleet.used("west") == 500


# ---- events ----------------------------------------------------------------------------------------------------


def test_a_watched_call_tells_how_each_attempt_ended_and_an_unwatched_one_does_not() -> None:
    fleet = Fleet(east_and_west(tpm=1000))
    fleet.settle(fleet.lease(100))
    assert fleet.ledger.take_events() == []
    lease = fleet.lease(100, watched=True)
    fleet.settle(lease, Failure(Kind.RESET, seconds=0.5))
    assert fleet.events(Settled) == [Settled("g", lease.deployment.id, "reset", None, 100, 100, 0.5)]


def test_illness_and_recovery_are_told_once_each() -> None:
    fleet = Fleet(east_and_west())
    for _ in range(5):
        fleet.settle(fleet.lease(tried={"west"}), BOOM)
    (ejected,) = fleet.events(Ejected)
    assert (ejected.deployment, ejected.reason) == ("east", "server_error")
    fleet.now += ejected.seconds
    probe = fleet.lease(tried={"west"})
    assert probe.probe
    fleet.settle(probe)
    assert fleet.events(Recovered) == [Recovered("g", "east")]


def test_only_one_probe_is_out_at_a_time_and_a_cancelled_one_is_replaced() -> None:
    fleet = Fleet(east_and_west())
    for _ in range(5):
        fleet.settle(fleet.lease(tried={"west"}), BOOM)
    fleet.now += 10.0
    probe = fleet.lease(tried={"west"})
    assert isinstance(fleet.ask(tried={"west"}), Refusal)
    fleet.settle(probe, Failure(Kind.CANCELLED), blameless=True)
    assert fleet.lease(tried={"west"}).probe


@pytest.mark.parametrize(
    "end", [Reply(200, {}), Failure(Kind.BAD_REQUEST, status=400), Failure(Kind.CANCELLED)], ids=["ok", "400", "cancel"]
)
def test_whoever_waits_for_a_probe_is_rung_when_it_ends_well_or_without_a_verdict(end: Reply | Failure) -> None:
    fleet = Fleet(east_and_west())
    for _ in range(5):
        fleet.settle(fleet.lease(tried={"west"}), BOOM)
    fleet.now += 10.0
    probe = fleet.lease(tried={"west"})
    waiting = fleet.ticket(tried={"west"})
    fleet.settle(probe, end)
    assert waiting.rung


def test_a_streams_head_that_ends_an_illness_rings_whoever_waits() -> None:
    fleet = Fleet(east_and_west())
    for _ in range(5):
        fleet.settle(fleet.lease(tried={"west"}), BOOM)
    fleet.now += 10.0
    probe = fleet.lease(tried={"west"})
    waiting = fleet.ticket(tried={"west"})
    fleet.ledger.begin(Begin(probe, Reply(200, object())), fleet.now)
    assert waiting.rung


def test_a_probe_that_is_told_that_the_request_is_wrong_has_found_a_living_service() -> None:
    fleet = Fleet(east_and_west())
    for _ in range(5):
        fleet.settle(fleet.lease(tried={"west"}), BOOM)
    fleet.now += 10.0
    fleet.settle(fleet.lease(tried={"west"}), Failure(Kind.BAD_REQUEST, status=400))
    assert fleet.events(Recovered) == [Recovered("g", "east")]


def test_a_refused_key_disables_and_a_429_throttles() -> None:
    fleet = Fleet(east_and_west())
    fleet.settle(fleet.lease(tried={"west"}), Failure(Kind.AUTHENTICATION, status=401))
    fleet.settle(fleet.lease(tried={"east"}), FULL)
    events = fleet.ledger.take_events()
    assert events == [Disabled("g", "east", 300.0, Kind.AUTHENTICATION), Throttled("g", "west", 7.0)]


def test_a_host_that_cannot_be_reached_closes_all_its_deployments() -> None:
    """Three failures to reach it, whichever deployment they hit, and its neighbour rests as well."""
    fleet = Fleet([Deployment(n, "g", n, resource=n[0]) for n in ("a1", "a2", "b1")])
    for name in ("a1", "a2", "a1"):
        others = {"a1", "a2", "b1"} - {name}
        fleet.settle(fleet.lease(tried=others), Failure(Kind.CONNECT, sent=False))
    assert {fleet.lease().deployment.id for _ in range(10)} == {"b1"}


def ill_host() -> Fleet:
    """Nobody reaches east's host: it is closed, and the time of its probe has come.  West is well."""
    fleet = Fleet(east_and_west())
    for _ in range(3):
        fleet.settle(fleet.lease(tried={"west"}), Failure(Kind.CONNECT, sent=False))
    fleet.now += 400.0
    return fleet


@pytest.mark.parametrize("kind", [Kind.AUTHENTICATION, Kind.SIGN_IN_REFUSED, Kind.PERMISSION, Kind.NOT_FOUND])
def test_a_host_whose_probe_is_refused_has_been_reached_and_is_open_again(kind: Kind) -> None:
    fleet = ill_host()
    east = fleet.ledger.accounts["east"]
    fleet.settle(fleet.lease(tried={"west"}), Failure(kind, status=401))
    assert east.resource.usable(fleet.now)
    assert east.health.state(fleet.now) is State.DISABLED
    fleet.now += 1000.0
    assert fleet.lease(tried={"west"}).deployment.id == "east"


def test_a_probe_that_had_no_token_has_not_reached_the_host_and_the_next_call_is_one_again() -> None:
    fleet = ill_host()
    east = fleet.ledger.accounts["east"]
    fleet.settle(fleet.lease(tried={"west"}), Failure(Kind.CREDENTIALS, sent=False))
    assert east.resource.state(fleet.now) is not State.READY
    assert fleet.lease(tried={"west"}).probe


def test_calls_that_found_no_time_to_be_sent_eject_nobody_and_give_their_charge_back() -> None:
    fleet = Fleet(east_and_west())
    for _ in range(20):
        fleet.settle(fleet.lease(tried={"west"}), Failure(Kind.TIMEOUT, sent=False))
    assert fleet.ledger.accounts["east"].health.state(fleet.now) is State.READY
    assert fleet.used("east") == 0


# ---- the user's strategy ---------------------------------------------------------------------------------------


class Broken:
    """A strategy of a user who was in a hurry."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def choose(self, candidates: Sequence[Candidate], situation: Situation) -> Candidate:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[no-any-return]


STRANGER = Candidate("nobody", 0.0, 0, 1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (ZeroDivisionError("secret-canary"), "it raised ZeroDivisionError"),
        (None, "it returned something that was not among the candidates"),
        ("east", "it returned something that was not among the candidates"),
        (STRANGER, "it returned something that was not among the candidates"),
        (StopIteration(), "it raised StopIteration"),
    ],
    ids=["raises", "returns None", "returns a str", "returns a stranger", "raises StopIteration"],
)
def test_when_a_strategy_fails_least_load_decides_and_it_is_told(answer: Any, problem: str) -> None:
    fleet = Fleet(east_and_west(tpm=1000), Broken(answer))
    fleet.ledger.accounts["east"].tokens.add(4000, 500)
    assert fleet.lease(10).deployment.id == "west"
    assert fleet.events(StrategyFailed) == [StrategyFailed("g", "Broken", problem)]


def test_a_strategy_is_shown_only_what_could_take_the_call() -> None:
    shown: list[list[str]] = []

    class Watching:
        def choose(self, candidates: Sequence[Candidate], situation: Situation) -> Candidate:
            shown.append([candidate.name for candidate in candidates])
            return candidates[-1]

    fleet = Fleet([Deployment(n, "g", n, tpm=1000, resource=n) for n in "abcd"], Watching())
    assert fleet.lease(10, tried={"b"}).deployment.id == "d"
    fleet.lease(995)
    assert shown == [["a", "c", "d"], ["a", "b", "c"]]


def test_a_strategy_may_do_with_its_list_what_it_likes() -> None:
    class Messy:
        def choose(self, candidates: Any, situation: Situation) -> Candidate:
            candidates.sort(key=lambda candidate: candidate.name, reverse=True)
            last = candidates.pop()
            candidates.clear()
            if situation.turn:
                raise LookupError
            assert isinstance(last, Candidate)
            return last

    fleet = Fleet([Deployment(n, "g", n, tpm=1000, resource=n) for n in "abc"], Messy())
    assert fleet.lease(10).deployment.id == "a"
    assert fleet.lease(10).deployment.id in ("b", "c")
    assert [event.problem for event in fleet.events(StrategyFailed)] == ["it raised LookupError"]


# ---- the line --------------------------------------------------------------------------------------------------


def full(tpm: int = 1000, **options: Any) -> Fleet:
    """One deployment, full since now."""
    fleet = Fleet([Deployment("only", "g", "only", tpm=tpm, **options)])
    fleet.lease(tpm)
    return fleet


def test_a_call_queues_when_the_opening_lies_within_its_patience_and_else_learns_when_at_once() -> None:
    fleet = full()
    patient = fleet.refusal(10, patience=61.0)
    assert patient.ticket is not None
    assert patient.opening == pytest.approx(1060.75, abs=0.01)
    assert patient.details == ()
    hurried = fleet.refusal(5, patience=30.0)
    assert hurried.ticket is None
    assert hurried.opening == pytest.approx(1060.75, abs=0.01)
    assert hurried.details == ("only: no room: the call needs about 5 tokens, 0 of 1,000 a minute are free",)


def test_a_call_never_queues_beyond_its_deadline() -> None:
    assert full().refusal(10, patience=100.0, deadline=1050.0).ticket is None
    assert full().refusal(10, patience=100.0, deadline=1070.0).ticket is not None


def test_the_wait_behind_a_long_line_counts_in_the_refusal() -> None:
    """A deployment takes one call of 1,000 a minute: the fifth in line has no chance within five minutes."""
    fleet = full()
    for _ in range(4):
        fleet.ticket(1000, patience=300.0)
    refusal = fleet.refusal(1000, patience=300.0)
    assert refusal.ticket is None
    assert refusal.opening == pytest.approx(1300.75, abs=0.01)


def test_when_room_comes_the_first_in_line_takes_it_and_rings_the_next() -> None:
    fleet = full()
    first, second = fleet.ticket(400), fleet.ticket(400)
    assert isinstance(fleet.retry(first), Refusal)  # the second rang it; it looked, and sleeps again
    fleet.now = 1060.75
    assert isinstance(fleet.retry(second), Refusal)
    assert first.rung
    assert isinstance(fleet.retry(first), Lease)
    assert second.rung
    assert isinstance(fleet.retry(second), Lease)
    assert len(fleet.ledger.groups["g"].queue) == 0


def test_a_newcomer_does_not_overtake_and_what_it_finds_in_its_way_is_rung() -> None:
    fleet = full()
    first = fleet.ticket(400)
    fleet.now = 1060.75
    assert isinstance(fleet.ask(400, patience=100.0), Refusal)
    assert first.rung


def test_a_rung_ticket_that_does_not_answer_holds_nobody_up_for_long() -> None:
    """Its event loop is stuck: after a quarter of a second the next one goes."""
    fleet = full()
    fleet.ticket(400).ring()
    fleet.now = 1060.75
    newcomer = fleet.ticket(400)
    fleet.now += STALE_S
    assert isinstance(fleet.retry(newcomer), Refusal)
    fleet.now += 0.01
    assert isinstance(fleet.retry(newcomer), Lease)


def test_a_head_that_is_dead_holds_nobody_up_beyond_its_deadline() -> None:
    """Its event loop was stopped: nobody rings what it is too large to stand in the way of, and nobody answers."""
    fleet = full()
    fleet.ticket(900, patience=70.0)
    fleet.now = 1069.0
    assert isinstance(fleet.ask(100), Refusal)
    fleet.now = 1070.0 + 2 * STALE_S
    assert isinstance(fleet.ask(100), Lease)
    assert len(fleet.ledger.groups["g"].queue) == 0


def test_a_more_urgent_call_takes_even_what_is_kept_for_the_head() -> None:
    fleet = full()
    fleet.ticket(400, priority=5)
    fleet.now = 1060.75
    assert isinstance(fleet.ask(300, priority=5), Refusal)
    assert isinstance(fleet.ask(300, priority=0), Lease)


def test_one_deployment_is_kept_for_the_head_and_the_others_serve_small_calls_meanwhile() -> None:
    """EASY backfill: the large call's deployment fills up with nobody else, so it gets its turn."""
    fleet = Fleet(east_and_west(tpm=1000))
    fleet.lease(600, tried={"west"})
    fleet.now += 1.0
    fleet.lease(600, tried={"east"})
    large = fleet.ticket(1000)
    assert Counter(fleet.lease(100).deployment.id for _ in range(4)) == {"west": 4}
    assert isinstance(fleet.ask(100), Refusal)
    fleet.now = 1060.75
    assert isinstance(fleet.retry(large), Lease)


def test_whoever_cannot_use_the_room_passes_the_ring_on_to_the_smaller_behind_it() -> None:
    """Small, large and small wait.  When the first is served the large one looks, finds no room, and must not
    leave the small one behind it asleep."""
    fleet = Fleet(east_and_west(tpm=1000))
    fleet.lease(1000)
    fleet.now += 10.0
    fleet.lease(900)
    first, large, last = fleet.ticket(300), fleet.ticket(900), fleet.ticket(200)
    fleet.now = 1060.75
    assert isinstance(fleet.retry(first), Lease)
    assert large.rung
    assert not last.rung
    assert isinstance(fleet.retry(large), Refusal)
    assert last.rung
    assert isinstance(fleet.retry(last), Lease)


def test_a_retry_that_waits_for_another_deployment_holds_up_nobody_who_can_use_this_one() -> None:
    """It has tried west, and waits for east, which rests: that is no reason for a newcomer not to use west."""
    fleet = Fleet(east_and_west(tpm=100_000))
    fleet.settle(fleet.lease(tried={"west"}), Failure(Kind.THROTTLED, retry_after=20.0))
    retry = fleet.ticket(10, tried={"west"}, patience=30.0)
    assert fleet.lease(10, patience=100.0).deployment.id == "west"
    assert fleet.lease(1000, patience=100.0).deployment.id == "west"
    fleet.now += 20.0
    answer = fleet.again(retry.call, ticket=retry, tried={"west"})
    assert isinstance(answer, Lease)
    assert answer.deployment.id == "east"


def test_such_a_retry_is_still_not_overtaken_where_it_waits() -> None:
    fleet = Fleet(east_and_west(tpm=1000))
    fleet.lease(1000, tried={"east"})
    fleet.settle(fleet.lease(tried={"west"}), Failure(Kind.THROTTLED, retry_after=20.0))
    retry = fleet.ticket(10, tried={"west"}, patience=30.0)
    fleet.now += 20.0
    assert isinstance(fleet.ask(10, patience=100.0), Refusal)
    assert isinstance(fleet.again(retry.call, ticket=retry, tried={"west"}), Lease)


def test_two_retries_that_wait_for_the_same_keep_their_order() -> None:
    fleet = Fleet(east_and_west(tpm=1000, rpm=2))
    fleet.settle(fleet.lease(tried={"west"}), Failure(Kind.THROTTLED, retry_after=20.0))
    first = fleet.ticket(10, tried={"west"}, patience=100.0)
    second = fleet.ticket(10, tried={"west"}, patience=100.0)
    assert isinstance(fleet.again(first.call, ticket=first, tried={"west"}), Refusal)
    fleet.now += 20.0
    assert isinstance(fleet.again(second.call, ticket=second, tried={"west"}), Refusal)
    assert first.rung
    assert isinstance(fleet.again(first.call, ticket=first, tried={"west"}), Lease)


def test_giving_up_a_place_lets_the_next_look_and_may_be_done_twice() -> None:
    fleet = full()
    first, second = fleet.ticket(400), fleet.ticket(400)
    for _ in range(2):
        fleet.ledger.leave(Leave(first, "g"), fleet.now)
    assert fleet.ledger.groups["g"].queue.tickets == [second]
    assert second.rung


def test_a_waiter_whose_time_is_over_leaves_the_line() -> None:
    fleet = full()
    ticket = fleet.ticket(1000, patience=70.0)
    fleet.now = 1061.0
    fleet.lease(500, priority=-1)
    fleet.now = 1070.0
    answer = fleet.retry(ticket)
    assert isinstance(answer, Refusal)
    assert answer.ticket is None
    assert answer.opening == pytest.approx(1121.75, abs=0.01)
    assert len(fleet.ledger.groups["g"].queue) == 0


class Line(Fleet):
    """A fleet whose waiters do what drivers do: look again when they are rung, and when their time has come."""

    def __init__(self) -> None:
        super().__init__(east_and_west(tpm=1000, max_parallel_requests=4))
        self.open = [self.lease(900), self.lease(700)]
        self.waiting: dict[Ticket, float] = {}
        """Each ticket, and when its driver wakes by itself."""

    def take(self, answer: Lease | Refusal, ticket: Ticket | None) -> None:
        if ticket is not None:
            self.waiting.pop(ticket, None)
        if isinstance(answer, Lease):
            self.open.append(answer)
        elif answer.ticket is not None:
            self.waiting[answer.ticket] = answer.opening or self.now

    def look(self, ticket: Ticket) -> Lease | Refusal:
        return self.again(ticket.call, ticket=ticket, tried=ticket.avoids)

    def come_to_rest(self) -> None:
        for _ in range(500):
            due = [t for t, wake in self.waiting.items() if t.rung or wake <= self.now]
            if not due:
                return
            for ticket in due:
                self.take(self.look(ticket), ticket)
        raise AssertionError("the waiters wake each other for ever")


ASKS = st.tuples(
    st.just("ask"),
    st.sampled_from([50, 200, 400, 700, 1000]),
    st.sampled_from([(0, ()), (0, ()), (1, ()), (0, ("east",)), (0, ("west",))]),
    st.sampled_from([300.0, 70.0, 30.0]),
)
HAPPENINGS = st.one_of(
    ASKS,
    ASKS,
    ASKS,
    st.tuples(st.just("settle"), st.integers(0, 9)),
    st.tuples(st.just("refund"), st.integers(0, 9)),
    st.tuples(st.just("give up"), st.integers(0, 9)),
    st.tuples(st.just("time"), st.sampled_from([0.1, 1.0, 5.0, 20.0, 61.0])),
)


@settings(max_examples=250, deadline=None)
@given(st.lists(HAPPENINGS, min_size=5, max_size=40))
def test_whatever_happens_nobody_sleeps_while_it_could_be_served_and_nobody_wakes_another_for_ever(
    happenings: list[tuple[Any, ...]],
) -> None:
    """After each happening the line comes to rest, and then no sleeper would get a lease if it looked."""
    line = Line()
    for what, amount, *more in happenings:
        if what == "ask":
            (priority, tried), patience = more
            line.take(line.ask(amount, priority=priority, patience=patience, tried=frozenset(tried)), None)
        elif what == "time":
            line.now += amount
        elif what == "give up" and line.waiting:
            ticket = list(line.waiting)[amount % len(line.waiting)]
            del line.waiting[ticket]
            line.ledger.leave(Leave(ticket, "g"), line.now)
        elif what in ("settle", "refund") and line.open:
            sent = what == "settle"
            result = Reply(200, {}) if sent else Failure(Kind.CANCELLED, sent=False)
            line.settle(line.open.pop(amount % len(line.open)), result)
        line.come_to_rest()
        assert set(line.ledger.groups["g"].queue.tickets) == set(line.waiting)
        for place, wake in enumerate(line.waiting.values()):
            if wake > line.now + SLOT_S:  # who wakes within a slot is about to look by itself
                other = deepcopy(line)
                assert isinstance(other.look(list(other.waiting)[place]), Refusal), "it slept beside its room"


# ---- retries ---------------------------------------------------------------------------------------------------


def test_a_retry_that_the_budget_does_not_cover_is_refused() -> None:
    fleet = Fleet(east_and_west())
    fleet.lease()
    answers = [fleet.ask(tried={"east"}, retry_cost=1.0) for _ in range(40)]
    assert sum(isinstance(answer, Lease) for answer in answers) == 30
    last = answers[-1]
    assert isinstance(last, Refusal)
    assert (last.reason, last.opening, last.ticket) == ("budget", None, None)


def test_a_retry_on_the_same_deployment_is_no_new_call_to_the_budget() -> None:
    """A lone deployment fails: each retry is asked for twice, first elsewhere (and paid), then anywhere."""
    fleet = Fleet([Deployment("only", "g", "only")])
    granted = 0
    for _ in range(60):
        answer = fleet.ask(tried={"only"}, retry_cost=1.0)
        if isinstance(answer, Refusal) and answer.reason == "tried":
            granted += isinstance(fleet.ask(paid=True), Lease)
    assert granted == 30


def test_when_only_used_ones_are_left_the_refusal_says_so() -> None:
    refusal = Fleet(east_and_west()).refusal(tried={"east", "west"}, patience=30.0)
    assert (refusal.reason, refusal.opening) == ("tried", 1000.0)


def test_a_lease_knows_how_many_others_are_left_to_try() -> None:
    fleet = Fleet([Deployment(n, "g", n) for n in "abc"])
    assert [fleet.lease(tried=set(tried)).others for tried in ("", "a", "ab")] == [2, 1, 0]


# ---- groups of one, forks --------------------------------------------------------------------------------------


def test_a_deployment_asked_for_by_its_id_shares_the_account_of_its_group() -> None:
    deployments = east_and_west(tpm=1000)
    fleet = Fleet(deployments)
    weight = fleet.ledger.accounts["east"].weight
    fleet.ledger.add_group("east", deployments[0])
    group = fleet.ledger.groups["east"]
    fleet.ledger.add_group("east", deployments[0])
    assert fleet.ledger.groups["east"] is group
    assert fleet.lease(1000, group="east").deployment.id == "east"
    assert fleet.used("east") == 1000
    assert fleet.lease(10).deployment.id == "west"
    assert fleet.ledger.accounts["east"].weight == weight


def test_a_deployment_that_a_wildcard_matched_is_opened_when_it_is_first_asked_for() -> None:
    fleet = Fleet(east_and_west())
    fleet.ledger.add_group("azure/new", Deployment("new", "azure/new", "new", tpm=500))
    assert fleet.lease(500, group="azure/new").deployment.id == "new"
    assert isinstance(fleet.ask(500, group="azure/new"), Refusal)


def test_a_child_process_keeps_the_charges_and_forgets_open_calls_waiters_and_probes() -> None:
    fleet = Fleet(east_and_west(tpm=1000, max_parallel_requests=1))
    for _ in range(5):
        fleet.settle(fleet.lease(tried={"west"}), BOOM)
    fleet.now += 10.0
    assert fleet.lease(tried={"west"}).probe
    parents = fleet.lease(500, tried={"east"})
    fleet.ticket(100)
    fleet.ledger.forked(fleet.now)
    fleet.settle(parents)  # a stream that was open when the process forked is collected here too
    assert fleet.ledger.accounts["west"].in_flight == 0
    assert len(fleet.ledger.groups["g"].queue) == 0
    assert fleet.used("west") == 500
    assert fleet.lease(500, tried={"east"}).deployment.id == "west"
    assert fleet.lease(tried={"west"}).probe, "the parent's probe will never report here, so the child sends its own"


def test_health_settings_of_the_router_reach_every_account() -> None:
    fleet = Fleet(east_and_west(), health=HealthPolicy(disable_cooldowns=True))
    for _ in range(5):
        fleet.settle(fleet.lease(tried={"west"}), FULL)
    assert fleet.ledger.take_events() == []


# ---- calls that no limit counts ----------------------------------------------------------------------------------


def free(fleet: Fleet, group: str = "g", **facts: Any) -> Lease:
    answer = fleet.again(Call("files.retrieve", group, {}, charged=False), **facts)
    assert isinstance(answer, Lease), answer
    return answer


def test_a_call_that_no_limit_counts_needs_no_room_and_takes_none() -> None:
    fleet = Fleet([Deployment("only", "g", "only", tpm=100, rpm=1, max_parallel_requests=1)])
    paid = fleet.lease(100)
    leases = [free(fleet) for _ in range(5)]
    assert fleet.used("only") == 100
    for lease in leases:
        fleet.settle(lease, Reply(200, {}, Usage(7, 7, 14)))
    assert (fleet.used("only"), fleet.ledger.accounts["only"].requests[0].used) == (100, 1)
    fleet.settle(paid)
    assert fleet.ledger.accounts["only"].in_flight == 0


def test_it_goes_past_a_rest_after_a_429_and_prefers_who_is_well() -> None:
    fleet = Fleet(east_and_west())
    full = Failure(Kind.THROTTLED, "full", status=429, retry_after=30.0)
    for name in ("east", "west"):
        fleet.settle(fleet.lease(tried={"east", "west"} - {name}), full)
    assert isinstance(fleet.ask(), Refusal)
    assert free(fleet).deployment.id in ("east", "west")
    fleet = Fleet(east_and_west())
    fleet.settle(fleet.lease(tried={"west"}), Failure(Kind.AUTHENTICATION, "no", status=401))
    assert {free(fleet).deployment.id for _ in range(10)} == {"west"}
    assert free(fleet, tried={"west"}).deployment.id == "east"
    refusal = fleet.again(Call("files.retrieve", "g", {}, charged=False), tried={"east", "west"})
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.opening) == ("tried", fleet.now)


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (Failure(Kind.NOT_FOUND, "no such file", status=404), State.READY),
        (Failure(Kind.THROTTLED, "slow", status=429, retry_after=60.0), State.READY),
        (Failure(Kind.PERMISSION, "not yours", status=403), State.READY),
        (Failure(Kind.AUTHENTICATION, "no", status=401), State.DISABLED),
    ],
)
def test_what_is_said_of_a_thing_says_nothing_of_the_model(failure: Failure, state: State) -> None:
    fleet = Fleet(east_and_west())
    for _ in range(5):
        lease = free(fleet, tried={"west"})
        fleet.settle(lease, failure)
    account = fleet.ledger.accounts["east"]
    assert account.health.state(fleet.now) is state
    assert (account.in_flight, account.requests[0].used, account.tokens.used) == (0, 0, 0)
