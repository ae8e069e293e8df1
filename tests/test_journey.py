"""The story of one call, told by hand: the test is the world, and answers each question of the journey.

`Told` keeps the questions; `answer` gives the last one its answer and returns the next.  How journeys fare in whole
fleets is told in `test_failover.py` and `test_overload.py`.
"""

from __future__ import annotations

from random import Random
from typing import Any, TypeVar

import pytest

from router.configured import Deployment, Fallback, Policy, Retries
from router.errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    InternalServerError,
    NoDeploymentLeft,
    NotFoundError,
    RateLimitError,
)
from router.events import Chosen, FellBack, GaveUp
from router.journey import ATTEMPT_SHARE, Granted, journey
from router.steps import Begin, Refusal, Reserve, Send, Settle, Step, Tell, Ticket, Wait
from router.values import Call, Failure, Kind, Lease, Reply, Usage

S = TypeVar("S", bound=Step[Any])

OK = Reply(200, {"choices": []}, Usage(5, 5, 10), seconds=0.3)
BOOM = Failure(Kind.SERVER_ERROR, "boom", status=500, seconds=0.1)
FULL = Failure(Kind.THROTTLED, "full", status=429, retry_after=2.0)
GONE = Failure(Kind.NOT_FOUND, "no such deployment", status=404)


def call(**options: Any) -> Call:
    return Call("chat.completions", "g", {"messages": []}, 100, **options)


class Told:
    """A journey, and the world that answers it."""

    def __init__(self, asked: Call, policy: Policy | None = None, **options: Any) -> None:
        self.call = asked
        self.now = 1000.0
        self.trip = journey(asked, policy or Policy(), Random(1), **options)
        self.step: Any = next(self.trip)
        self.end: Granted | APIError | None = None

    def asks(self, kind: type[S]) -> S:
        """The question that waits for an answer, which must be of this kind."""
        assert isinstance(self.step, kind), f"asked for {self.step}, not for {kind.__name__}"
        return self.step

    def answer(self, answer: Any = None) -> None:
        """Answer, and go on to the next question or to the end."""
        try:
            self.step = self.trip.send(answer)
        except StopIteration as stop:
            self.step, self.end = None, stop.value
        except APIError as error:
            self.step, self.end = None, error

    def lease(self, name: str = "east", others: int = 0, **options: Any) -> Lease:
        """Grant what the pending Reserve asks for."""
        asked = self.asks(Reserve)
        lease = Lease(Deployment(name, asked.group, name, **options), asked.call, 120, self.now, others)
        self.answer(lease)
        return lease

    def refuse(self, reason: str = "full", opening: float | None = None, ticket: Ticket | None = None) -> None:
        self.asks(Reserve)
        self.answer(Refusal(self.now, opening, ticket, reason, ("east: no room",)))

    def attempt(self, result: Reply | Failure, name: str = "east", others: int = 0, **options: Any) -> Settle:
        """Grant, send, settle; returns how it was settled."""
        lease = self.lease(name, others, **options)
        sent = self.asks(Send)
        assert sent.lease is lease
        self.now += result.seconds
        self.answer(result)
        settle = self.asks(Settle)
        assert settle.lease is lease
        assert settle.result is result
        self.answer()
        return settle

    @property
    def granted(self) -> Granted:
        assert isinstance(self.end, Granted), self.end
        return self.end

    def raised(self, kind: type[APIError]) -> Any:
        """The error at the end, after the word that the call gave up."""
        if isinstance(self.step, Tell) and isinstance(self.step.event, GaveUp):
            self.answer()
        assert type(self.end) is kind, repr(self.end)
        return self.end


# ---- one attempt -------------------------------------------------------------------------------------------------


def test_a_call_that_goes_well_is_reserved_sent_settled_and_brought_home() -> None:
    asked = call(timeout=60.0)
    told = Told(asked)
    reserve = told.asks(Reserve)
    assert (reserve.call, reserve.group, reserve.tried, reserve.ticket) == (asked, "g", set(), None)
    assert reserve.patience == 30.0
    lease = told.lease()
    send = told.asks(Send)
    assert (send.lease, send.timeout) == (lease, 60.0)
    told.answer(OK)
    settle = told.asks(Settle)
    assert (settle.lease, settle.result, settle.blameless) == (lease, OK, False)
    lease.tokens_settled = 120
    told.answer()
    routing = told.granted.routing
    assert told.granted.reply is OK
    assert (routing.deployment, routing.group, routing.retries, routing.fallbacks) == ("east", "g", 0, 0)
    assert (routing.waited, routing.tokens_reserved, routing.tokens_settled) == (0.0, 120, 120)
    assert [(a.deployment, a.status, a.reason, a.seconds) for a in routing.attempts] == [("east", 200, "ok", 0.3)]


def test_a_stream_that_began_is_handed_over_with_its_lease_open() -> None:
    told = Told(call(stream=True))
    lease = told.lease()
    told.answer(OK)
    begin = told.asks(Begin)
    assert (begin.lease, begin.reply) == (lease, OK)
    told.answer()
    assert told.granted.lease is lease
    assert not lease.settled


def test_a_stream_that_never_began_is_settled_like_any_other_and_tried_elsewhere() -> None:
    told = Told(call(stream=True))
    told.attempt(Failure(Kind.FIRST_EVENT_TIMEOUT, "silence"))
    assert told.asks(Reserve).tried == {"east"}


def test_a_watched_call_tells_what_was_chosen_before_each_attempt() -> None:
    told = Told(call(watched=True))
    for number, name in enumerate(("east", "west"), start=1):
        told.lease(name)
        assert told.asks(Tell).event == Chosen("g", name, 120, number)
        told.answer()
        told.asks(Send)
        told.answer(BOOM)
        told.answer()


# ---- time --------------------------------------------------------------------------------------------------------


def test_an_attempt_gets_four_fifths_of_the_time_while_another_could_follow() -> None:
    told = Told(call(timeout=100.0))
    told.lease(others=1)
    assert told.asks(Send).timeout == 100.0 * ATTEMPT_SHARE


@pytest.mark.parametrize(
    ("others", "options", "policy"),
    [
        (0, {}, Policy()),
        (1, {"num_retries": 0}, Policy()),
        (0, {}, Policy(fallbacks={"other": (Fallback("h"),)})),
    ],
    ids=["nobody else", "no retries", "a fallback of another group"],
)
def test_an_attempt_gets_all_the_time_where_none_can_follow(
    others: int, options: dict[str, Any], policy: Policy
) -> None:
    told = Told(call(timeout=100.0, **options), policy)
    told.lease(others=others)
    assert told.asks(Send).timeout == 100.0


def test_an_attempt_leaves_time_for_a_fallback() -> None:
    told = Told(call(timeout=100.0), Policy(fallbacks={"g": (Fallback("h"),)}))
    told.lease()
    assert told.asks(Send).timeout == 80.0


def test_the_second_attempt_lives_on_what_the_first_left() -> None:
    told = Told(call(timeout=100.0))
    told.attempt(Failure(Kind.TIMEOUT, "no answer", seconds=80.0), others=1)
    told.lease("west")
    assert told.asks(Send).timeout == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("on_call", "on_deployment", "limit"), [(7.0, None, 7.0), (None, 5.0, 5.0), (7.0, 5.0, 5.0), (700.0, 600.0, 100.0)]
)
def test_the_shortest_configured_time_bounds_an_attempt(
    on_call: float | None, on_deployment: float | None, limit: float
) -> None:
    told = Told(call(timeout=100.0, attempt_timeout=on_call))
    told.lease(timeout=on_deployment)
    assert told.asks(Send).timeout == limit


@pytest.mark.parametrize(
    ("options", "deployments", "blameless"),
    [({"timeout_is_callers": True}, None, True), ({}, None, False), ({"timeout_is_callers": True}, 5.0, False)],
    ids=["the caller's own timeout", "the configured one", "the deployment's"],
)
def test_running_out_of_the_callers_own_time_blames_nobody(
    options: dict[str, Any], deployments: float | None, blameless: bool
) -> None:
    told = Told(call(timeout=10.0, **options))
    settle = told.attempt(Failure(Kind.TIMEOUT, "no answer", seconds=deployments or 10.0), timeout=deployments)
    assert settle.blameless is blameless


@pytest.mark.parametrize(
    ("kind", "seconds"), [(Kind.CONNECT_TIMEOUT, 5.0), (Kind.FIRST_EVENT_TIMEOUT, 20.0)], ids=["connecting", "an event"]
)
def test_a_timeout_of_the_services_own_is_held_against_it_whoever_set_the_calls(kind: Kind, seconds: float) -> None:
    told = Told(call(timeout=60.0, timeout_is_callers=True))
    assert not told.attempt(Failure(kind, "no answer", seconds=seconds)).blameless


@pytest.mark.parametrize(("spent", "blameless"), [(40.0, False), (60.0, True)])
def test_an_attempt_that_got_less_than_half_of_the_calls_time_blames_nobody(spent: float, blameless: bool) -> None:
    """The rest went into the attempts, or the queue, before it."""
    told = Told(call(timeout=100.0, num_retries=2))
    told.attempt(Failure(Kind.RESET, "broke off", seconds=spent), others=1)
    assert told.attempt(Failure(Kind.TIMEOUT, "no answer", seconds=100.0 - spent), others=0).blameless is blameless


def test_a_timer_that_fired_late_blames_nobody() -> None:
    """The event loop was blocked: the answer may well have been there."""
    told = Told(call(timeout=100.0))
    assert told.attempt(Failure(Kind.TIMEOUT, "no answer", seconds=101.0)).blameless


def test_a_call_whose_time_is_over_sends_nothing_more() -> None:
    told = Told(call(timeout=10.0, num_retries=1))
    told.attempt(Failure(Kind.RESET, "broke off", seconds=10.0), others=1)
    lease = told.lease("west")
    settle = told.asks(Settle)
    assert settle.lease is lease
    assert isinstance(settle.result, Failure)
    assert (settle.result.kind, settle.result.sent) == (Kind.TIMEOUT, False)
    told.answer()
    assert "the call's 10 s were over" in str(told.raised(APITimeoutError))


# ---- again -------------------------------------------------------------------------------------------------------


def test_a_retry_goes_elsewhere_and_costs_the_budget_what_the_failure_says() -> None:
    told = Told(call())
    told.attempt(BOOM)
    second = told.asks(Reserve)
    assert (second.tried, second.retry_cost) == ({"east"}, 1.0)
    told.attempt(FULL, "west")
    third = told.asks(Reserve)
    assert (third.tried, third.retry_cost) == ({"east", "west"}, 0.25)
    told.attempt(OK, "north")
    assert told.granted.routing.retries == 2


def test_when_only_used_ones_are_left_it_pauses_and_asks_for_any_of_them() -> None:
    told = Told(call())
    told.attempt(BOOM)
    told.refuse("tried", opening=told.now)
    pause = told.asks(Wait)
    assert pause.ticket is None
    assert 0.25 <= pause.seconds <= 1.0
    told.answer(pause.seconds)
    again = told.asks(Reserve)
    assert (again.tried, again.retry_cost, again.paid) == (set(), 0.0, True)
    told.attempt(OK)
    assert told.granted.routing.waited == pause.seconds


def test_the_pause_is_what_the_service_asked_for_where_that_is_longer() -> None:
    told = Told(call())
    told.attempt(FULL)
    told.refuse("tried", opening=told.now + 2.0)
    assert told.asks(Wait).seconds == 2.0


def test_the_configured_retry_after_is_the_least_pause() -> None:
    told = Told(call(), Policy(retry_after=5.0))
    told.attempt(BOOM)
    told.refuse("tried", opening=told.now)
    assert told.asks(Wait).seconds == 5.0


def test_a_pause_longer_than_the_call_may_wait_ends_it_at_once() -> None:
    told = Told(call(max_wait=1.0))
    told.attempt(FULL)
    told.refuse("tried", opening=told.now + 2.0)
    assert told.raised(RateLimitError).retry_after == 2.0


def test_one_that_does_not_exist_is_not_asked_again_even_when_no_other_is_left() -> None:
    told = Told(call())
    told.attempt(GONE)
    told.refuse("tried", opening=told.now + 300.0)
    assert told.raised(NotFoundError).deployment == "east"


def test_when_the_used_ones_have_no_room_either_it_ends_and_does_not_ask_over_and_over() -> None:
    """East is full for a minute, west does not exist: one pause, one more question, and then the truth."""
    told = Told(call(num_retries=5, max_wait=0.0))
    told.attempt(BOOM)
    told.attempt(GONE, "west")
    told.refuse("tried", opening=told.now + 60.0)
    told.answer(told.asks(Wait).seconds)
    assert told.asks(Reserve).tried == {"west"}
    told.refuse("tried", opening=told.now + 60.0)
    assert told.raised(NotFoundError)


def test_when_the_budget_is_spent_the_failure_is_raised_as_it_was() -> None:
    told = Told(call())
    told.attempt(BOOM)
    told.refuse("budget")
    assert [a.reason for a in told.raised(InternalServerError).attempts] == ["server_error"]


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (1, 2), (4, 5)])
def test_a_call_is_tried_as_often_as_its_retries_say_and_then_raised_without_a_pause(retries: int, tries: int) -> None:
    told = Told(call(num_retries=retries))
    for number in range(tries):
        assert told.end is None
        told.attempt(BOOM, f"d{number}")
    assert told.asks(Tell).event == GaveUp("g", "InternalServerError", tries)
    told.answer()
    error = told.raised(InternalServerError)
    assert len(error.attempts) == tries
    assert error.deployment == f"d{tries - 1}"


@pytest.mark.parametrize(("on_deployment", "tries"), [(0, 1), (3, 4)])
def test_a_deployments_own_retries_win_over_the_routers(on_deployment: int, tries: int) -> None:
    told = Told(call(), Policy(retries=Retries(default=1)))
    for number in range(tries):
        told.attempt(BOOM, f"d{number}", num_retries=on_deployment)
    assert told.asks(Tell).event == GaveUp("g", "InternalServerError", tries)


# ---- the queue ---------------------------------------------------------------------------------------------------


def waiting(told: Told) -> Ticket:
    return Ticket(told.call, 100, told.now + 30.0, 1)


def test_a_call_that_finds_no_room_waits_with_its_ticket_until_the_opening() -> None:
    told = Told(call())
    ticket = waiting(told)
    told.refuse(opening=told.now + 12.0, ticket=ticket)
    pause = told.asks(Wait)
    assert (pause.seconds, pause.ticket) == (12.0, ticket)
    told.now += 4.0
    told.answer(4.0)  # it was rung early
    again = told.asks(Reserve)
    assert (again.ticket, again.patience) == (ticket, 26.0)
    told.attempt(OK)
    assert told.granted.routing.waited == 4.0


@pytest.mark.parametrize(
    ("max_wait", "policy", "patience"),
    [
        (None, Policy(), 30.0),
        (None, Policy(fallbacks={"g": (Fallback("h"),)}), 1.0),
        (None, Policy(fallbacks={"g": (Fallback("h"),)}, max_fallbacks=0), 30.0),
        (5.0, Policy(fallbacks={"g": (Fallback("h"),)}), 5.0),
        (0.0, Policy(), 0.0),
        (5000.0, Policy(), 600.0),
    ],
)
def test_how_long_a_call_may_wait(max_wait: float | None, policy: Policy, patience: float) -> None:
    assert Told(call(max_wait=max_wait), policy).asks(Reserve).patience == patience


def test_a_wait_never_goes_beyond_the_end_of_the_call() -> None:
    told = Told(call(timeout=3.0))
    told.refuse(opening=told.now + 12.0, ticket=waiting(told))
    assert told.asks(Wait).seconds == 3.0


def test_the_deadline_is_told_as_soon_as_it_is_known() -> None:
    told = Told(call(timeout=50.0))
    told.attempt(BOOM)
    assert told.asks(Reserve).deadline == 1050.0


def test_what_a_retry_waited_counts_against_the_patience_of_the_next() -> None:
    told = Told(call(max_wait=10.0))
    told.refuse(opening=told.now + 4.0, ticket=waiting(told))
    told.answer(4.0)
    told.attempt(BOOM)
    assert told.asks(Reserve).patience == 6.0


def test_a_call_that_no_room_comes_for_says_when_and_why_and_what_to_do() -> None:
    told = Told(call())
    told.refuse(opening=told.now + 42.0)
    assert told.asks(Tell).event == GaveUp("g", "NoDeploymentLeft", 0)
    told.answer()
    error = told.raised(NoDeploymentLeft)
    assert (error.status_code, error.retry_after, error.group) == (429, 42.0, "g")
    assert error.details == ("east: no room",)
    assert str(error) == (
        "no deployment of 'g' can take the call now; the soonest fits in 42.0 s.\n"
        "  east: no room\n"
        "  To wait longer, raise `max_wait`; to go elsewhere, configure `fallbacks`."
    )


def test_a_call_that_can_never_fit_has_no_retry_after() -> None:
    told = Told(call())
    told.refuse(opening=None)
    told.answer()
    error = told.raised(NoDeploymentLeft)
    assert error.retry_after is None
    assert str(error) == (
        "no deployment of 'g' can take the call.\n"
        "  east: no room\n"
        "  Waiting does not help: ask for less (a shorter prompt, a smaller `max_tokens`), or raise the limit;"
        " to go elsewhere, configure `fallbacks`."
    )


def test_a_throttled_call_that_finds_nothing_else_says_when_the_soonest_of_all_opens() -> None:
    told = Told(call())
    told.attempt(FULL)
    told.refuse(opening=told.now + 1.5)
    told.answer()
    assert told.raised(RateLimitError).retry_after == 1.5


# ---- fallbacks ---------------------------------------------------------------------------------------------------


def test_a_call_goes_on_in_the_next_group_with_that_groups_parameters() -> None:
    overrides = {"temperature": 0, "max_tokens": 400}
    told = Told(call(num_retries=0), Policy(fallbacks={"g": (Fallback("h", overrides),)}))
    told.attempt(BOOM)
    assert told.asks(Tell).event == FellBack("g", "h", "server_error")
    told.answer()
    reserve = told.asks(Reserve)
    assert (reserve.group, reserve.call.group, reserve.tried) == ("h", "h", set())
    assert reserve.call.body == {"messages": [], **overrides}
    assert reserve.call.tokens >= 400, "the estimate follows the new parameters"
    told.attempt(OK, "north")
    routing = told.granted.routing
    assert (routing.group, routing.fallbacks, routing.retries) == ("h", 1, 0)
    assert [a.deployment for a in routing.attempts] == ["east", "north"]


def test_a_call_that_falls_back_is_estimated_anew_in_the_group_it_goes_to() -> None:
    """Its deployments may state a limit that the first ones do not."""
    told = Told(
        call(num_retries=0),
        Policy(fallbacks={"g": (Fallback("h"),)}),
        tokens_for=lambda c: {"g": 100, "h": 500}[c.group],
    )
    assert told.asks(Reserve).call.tokens == 100
    told.attempt(BOOM)
    assert told.asks(Tell).event == FellBack("g", "h", "server_error")
    told.answer()
    assert told.asks(Reserve).call.tokens == 500


def test_a_refused_call_falls_back_without_having_sent_anything() -> None:
    told = Told(call(), Policy(fallbacks={"g": (Fallback("h"),)}))
    told.refuse(opening=told.now + 12.0)
    assert told.asks(Tell).event == FellBack("g", "h", "NoDeploymentLeft")
    told.answer()
    told.attempt(BOOM, "north")
    told.attempt(OK, "south")
    routing = told.granted.routing
    assert (routing.group, routing.fallbacks, routing.retries) == ("h", 1, 1)


def test_a_fallback_may_be_named_by_an_alias_and_no_group_is_visited_twice() -> None:
    aliases = {"cheap": "h", "also-g": "g"}
    policy = Policy(fallbacks={"g": (Fallback("also-g"), Fallback("cheap"), Fallback("h"))})
    told = Told(call(num_retries=0), policy, name_of=lambda name: aliases.get(name, name))
    told.attempt(BOOM)
    assert told.asks(Tell).event == FellBack("g", "h", "server_error")
    told.answer()
    told.attempt(BOOM, "north")
    assert isinstance(told.asks(Tell).event, GaveUp)


def test_the_deadline_holds_across_groups() -> None:
    told = Told(call(timeout=10.0, num_retries=0), Policy(fallbacks={"g": (Fallback("h"),)}))
    told.attempt(Failure(Kind.RESET, "broke off", seconds=6.0))
    told.answer()
    told.lease("north")
    assert told.asks(Send).timeout == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("code", "lists", "to"),
    [
        (None, "fallbacks", "h"),
        ("context_window", "context_window_fallbacks", "h"),
        ("content_policy", "content_policy_fallbacks", "h"),
    ],
)
def test_a_simulated_failure_reserves_nothing_and_takes_the_list_that_it_names(
    code: str | None, lists: str, to: str
) -> None:
    simulated = Failure(Kind.SIMULATED, "as asked", code=code)
    policy = Policy(**{"default_fallbacks": (Fallback("other"),), lists: {"g": (Fallback(to),)}})
    told = Told(call(simulated=simulated), policy)
    assert told.asks(Tell).event == FellBack("g", to, "simulated")
    told.answer()
    assert told.asks(Reserve).call.simulated is None
    told.attempt(OK, "north")
    assert [a.reason for a in told.granted.routing.attempts] == ["simulated", "ok"]


def test_a_simulated_failure_without_a_fallback_is_raised() -> None:
    told = Told(call(simulated=Failure(Kind.SIMULATED, "as asked")))
    assert told.asks(Tell).event == GaveUp("g", "InternalServerError", 1)
    told.answer()
    assert "as asked" in str(told.raised(InternalServerError))


def test_no_prompt_ever_stands_in_a_question_or_an_error() -> None:
    asked = Call("chat.completions", "g", {"messages": [{"role": "user", "content": "canary"}]}, 100)
    told = Told(asked)
    seen = [repr(told.step)]
    told.lease()
    seen.append(repr(told.step))
    told.answer(BOOM)
    seen.append(repr(told.step))
    told.answer()
    told.refuse(opening=None)
    seen.append(repr(told.step))
    told.answer()
    seen += [str(told.end), repr(told.end)]
    assert not any("canary" in text for text in seen)


# ---- calls that must not be made twice ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (Failure(Kind.TIMEOUT, "?"), APITimeoutError),
        (Failure(Kind.RESET, "?"), APIConnectionError),
        (BOOM, InternalServerError),
    ],
)
def test_what_may_have_been_carried_out_is_not_sent_again_if_twice_does_harm(
    failure: Failure, error: type[APIError]
) -> None:
    told = Told(call(repeatable=False))
    told.attempt(failure, others=1)
    assert len(told.raised(error).attempts) == 1


@pytest.mark.parametrize("failure", [FULL, GONE, Failure(Kind.CONNECT, "refused", sent=False)])
def test_what_was_refused_or_never_arrived_is_sent_again_even_so(failure: Failure) -> None:
    told = Told(call(repeatable=False))
    told.attempt(failure, others=1)
    told.attempt(OK, "west")
    assert told.granted.lease.deployment.id == "west"
