"""What happens to calls when deployments die, hang, throttle or refuse?

The scenarios 27 to 55 of litellm.md §7 and the failure table of algorithms.md §3.4, on the real ledger and journeys
under virtual time.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from router.configured import AllowedFails, Deployment, Fallback, HealthPolicy, Policy, Retries
from router.errors import (
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ContextWindowExceededError,
    InternalServerError,
    NoDeploymentLeft,
    NotFoundError,
    RateLimitError,
)
from router.events import Ejected, FellBack, GaveUp, Recovered, Throttled
from router.journey import Granted
from router.values import Call, Failure, Kind, Lease, Reply, Usage

from .simulation import Outcome, World

OK = Reply(200, {}, Usage(50, 50, 100))


def failure(kind: Kind, **facts: Any) -> Failure:
    return Failure(kind, str(kind), **facts)


BOOM = failure(Kind.SERVER_ERROR, status=500)
REFUSED = failure(Kind.CONNECT, sent=False)


def deployments(*names: str, group: str = "g", **options: Any) -> list[Deployment]:
    return [Deployment(name, group, name, resource=name, **options) for name in names]


class Script:
    """A service that answers from a list per deployment, the last entry for ever; a function decides by the time."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {name: list(a) if isinstance(a, list) else [a] for name, a in answers.items()}

    def __call__(self, now: float, lease: Lease) -> tuple[float, Reply | Failure]:
        listed = self.answers.get(lease.deployment.id, [OK])
        answer = listed.pop(0) if len(listed) > 1 else listed[0]
        if callable(answer):
            answer = answer(now)
        seconds = 0.2
        if isinstance(answer, tuple):
            seconds, answer = answer
        fresh = Reply(200, {}, answer.usage) if isinstance(answer, Reply) else Failure(**_facts(answer))
        return seconds, fresh


def _facts(f: Failure) -> dict[str, Any]:
    return {name: getattr(f, name) for name in Failure.__slots__}


def world(names: list[str], script: Script, **options: Any) -> World:
    return World(deployments(*names), script, **options)


def granted(outcome: Outcome) -> Granted:
    assert isinstance(outcome.result, Granted), outcome.result
    return outcome.result


def reasons(outcome: Outcome) -> list[tuple[str, str]]:
    result = outcome.result
    attempts = result.routing.attempts if isinstance(result, Granted) else result.attempts
    return [(a.deployment, a.reason) for a in attempts]


def load(w: World, rate: float, seconds: float, seed: int = 3, **options: Any) -> None:
    rng = Random(seed)
    when = w.now
    while when < 1000.0 + seconds:
        when += rng.expovariate(rate)
        w.start(when, Call("chat.completions", "g", {"messages": []}, 100, **options))


# ---- one of two is dead ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("death", "most_wasted"),
    [(REFUSED, 40), (BOOM, 40), (failure(Kind.RESET), 40), ((9999.0, OK), 400)],
    ids=["refuses connections", "answers 500", "resets", "hangs"],
)
@pytest.mark.parametrize("rate", [2.0, 20.0, 100.0])
def test_with_one_of_two_dead_no_call_fails_at_defaults(death: Any, most_wasted: int, rate: float) -> None:
    """A minute of traffic, the dead one never answers: every call succeeds, and the dead one is left alone soon."""
    w = world(["east", "west"], Script(east=death))
    load(w, rate, 60.0, timeout=60.0)
    w.run(1000.0 + 200.0)

    assert [o.result for o in w.outcomes if not o.ok] == []
    if death != (9999.0, OK):
        assert w.sent["east"] <= most_wasted


def test_a_dead_deployment_comes_back_when_it_lives_again() -> None:
    """West answers 500 from second 10 to 40: it is ejected, probed, and serves again after it recovered."""
    w = world(["east", "west"], Script(west=lambda now: BOOM if 1010 < now < 1040 else OK))
    load(w, 10.0, 120.0)
    w.run(1000.0 + 200.0)

    assert all(o.ok for o in w.outcomes)
    assert any(isinstance(e, Ejected) and e.deployment == "west" for e in w.events)
    assert any(isinstance(e, Recovered) and e.deployment == "west" for e in w.events)
    late = [name for when, name, _ in w.results if when > 1100]
    assert 0.3 < late.count("west") / len(late) < 0.7


def test_the_last_usable_deployment_is_never_ejected() -> None:
    w = world(["only"], Script(only=BOOM))
    for _ in range(30):
        assert not w.call(timeout=20.0).ok
    assert not any(isinstance(e, Ejected) for e in w.events)
    w.service = Script(only=OK)
    assert w.call().ok


# ---- retries ---------------------------------------------------------------------------------------------------


def test_two_500s_then_success_is_two_retries() -> None:
    """Scenario 27."""
    result = granted(world(["a"], Script(a=[BOOM, BOOM, OK])).call())
    assert result.routing.retries == 2
    assert [a.reason for a in result.routing.attempts] == ["server_error", "server_error", "ok"]


def test_never_the_same_deployment_twice_while_another_is_left() -> None:
    w = world(["a", "b", "c"], Script(a=BOOM, b=BOOM, c=BOOM))
    outcome = w.call()
    assert isinstance(outcome.result, InternalServerError)
    assert sorted(d for d, _ in reasons(outcome)) == ["a", "b", "c"]


def test_a_refused_key_is_tried_elsewhere_but_not_again_on_the_same() -> None:
    """Scenario 28."""
    denied = failure(Kind.AUTHENTICATION, status=401)
    alone = world(["a"], Script(a=denied)).call()
    assert isinstance(alone.result, AuthenticationError)
    assert len(reasons(alone)) == 1
    both = world(["a", "b"], Script(a=denied, b=OK))
    for _ in range(6):
        assert both.call().ok
    assert both.sent["a"] == 1


def test_a_group_whose_keys_are_all_refused_says_so_every_time() -> None:
    """Never "nothing is left" where the truth is a wrong key."""
    w = world(["a"], Script(a=failure(Kind.AUTHENTICATION, status=401)))
    for _ in range(3):
        assert isinstance(w.call().result, AuthenticationError)


def test_a_missing_deployment_is_left_alone_at_once() -> None:
    """Scenario 29."""
    w = world(["a", "b"], Script(a=failure(Kind.NOT_FOUND, status=404)))
    assert all(w.call().ok for _ in range(20))
    assert w.sent["a"] == 1
    alone = world(["a"], Script(a=failure(Kind.NOT_FOUND, status=404))).call()
    assert isinstance(alone.result, NotFoundError)
    assert len(reasons(alone)) == 1


def test_a_bad_request_is_raised_at_once_and_hurts_nobody() -> None:
    """Scenario 30."""
    w = world(["a", "b"], Script(a=failure(Kind.BAD_REQUEST, status=400), b=failure(Kind.BAD_REQUEST, status=400)))
    for _ in range(20):
        outcome = w.call()
        assert isinstance(outcome.result, BadRequestError)
        assert len(reasons(outcome)) == 1
    assert w.sent["a"] > 5
    assert w.sent["b"] > 5


@pytest.mark.parametrize(
    ("settings", "request_says", "sent"),
    [
        (Retries(default=1, rate_limit=3), None, 4),
        (Retries(default=5, rate_limit=0), None, 1),
        (Retries(default=5, rate_limit=3), 0, 1),
        (Retries(default=0), 3, 4),
        (Retries(default=3), None, 4),
        (Retries(default=0), None, 1),
    ],
)
def test_retries_follow_the_class_and_the_request_overrides_them(
    settings: Retries, request_says: int | None, sent: int
) -> None:
    """Scenario 31; an explicit 0 or 3 means 0 or 3."""
    throttled = failure(Kind.THROTTLED, status=429, retry_after=0.5)
    w = world(["a"], Script(a=throttled), policy=Policy(retries=settings))
    outcome = w.call(num_retries=request_says)
    assert isinstance(outcome.result, RateLimitError)
    assert w.sent["a"] == sent


def test_a_policy_may_retry_what_is_not_retried_otherwise() -> None:
    """LiteLLM: a matching RetryPolicy overrides the class's own rule; a bare number does not."""
    bad = failure(Kind.BAD_REQUEST, status=400)
    stated = world(["a"], Script(a=bad), policy=Policy(retries=Retries(bad_request=2)))
    stated.call()
    assert stated.sent["a"] == 3
    bare = world(["a"], Script(a=bad))
    bare.call(num_retries=2)
    assert bare.sent["a"] == 1


def test_a_groups_own_retry_policy_wins() -> None:
    policy = Policy(retries=Retries(default=5), group_retries={"g": Retries(default=1)})
    w = world(["a"], Script(a=BOOM), policy=policy)
    w.call()
    assert w.sent["a"] == 2


# ---- 429 -------------------------------------------------------------------------------------------------------


def test_a_throttled_deployment_rests_and_the_other_serves() -> None:
    """Scenario 32."""
    w = world(["a", "b"], Script(a=[failure(Kind.THROTTLED, status=429, retry_after=7.0), OK]))
    for _ in range(10):
        assert w.call().ok
    assert w.sent["a"] == 1
    assert [e.seconds for e in w.events if isinstance(e, Throttled)] == [7.0]


def test_a_lone_throttled_deployment_is_tried_again_as_retry_after_says() -> None:
    """Scenario 33."""
    w = world(["a"], Script(a=[failure(Kind.THROTTLED, status=429, retry_after=7.0), OK]))
    outcome = w.call()
    assert granted(outcome).routing.waited == pytest.approx(7.0, abs=0.5)
    assert outcome.ended - outcome.started == pytest.approx(7.4, abs=0.5)


def test_milliseconds_are_honoured() -> None:
    """Scenario 40: closed for a quarter of a second, not for five."""
    w = world(["a", "b"], Script(a=[failure(Kind.THROTTLED, status=429, retry_after=0.25), OK]))
    for _ in range(4):
        assert w.call().ok
    w.run(w.now + 1.0)
    assert all(w.call().ok for _ in range(4))
    assert w.sent["a"] >= 2


def test_the_last_attempt_is_not_followed_by_a_sleep() -> None:
    """Scenario 42: one deployment, one retry, Retry-After 2 s: the error comes right after the second answer."""
    w = world(["a"], Script(a=failure(Kind.THROTTLED, status=429, retry_after=2.0)))
    outcome = w.call(num_retries=1)
    assert outcome.ended - outcome.started == pytest.approx(2.0 + 0.4, abs=0.6)


def test_a_day_of_retry_after_is_capped_and_reported_at_once() -> None:
    """86,400 s closes for 60 s; a call that may wait 30 s fails at once and says when to come back."""
    w = world(["a"], Script(a=failure(Kind.THROTTLED, status=429, retry_after=86_400.0)))
    first = w.call()
    assert isinstance(first.result, RateLimitError)
    assert first.ended - first.started < 1.0
    second = w.call()
    assert isinstance(second.result, NoDeploymentLeft)
    assert second.result.retry_after == pytest.approx(60.0, abs=1.5)
    assert second.result.status_code == 429
    assert "throttled" in str(second.result)


def test_all_throttled_reports_the_soonest() -> None:
    """Scenario 41, fault 26."""
    w = world(
        ["a", "b"],
        Script(
            a=failure(Kind.THROTTLED, status=429, retry_after=50.0),
            b=failure(Kind.THROTTLED, status=429, retry_after=40.0),
        ),
    )
    outcome = w.call()
    assert isinstance(outcome.result, RateLimitError)
    assert outcome.result.retry_after == pytest.approx(40.0, abs=1.0)


def test_both_failing_in_one_call_rest_both() -> None:
    """Scenario 43."""
    w = world(
        ["a", "b"],
        Script(
            a=failure(Kind.THROTTLED, status=429, retry_after=40.0),
            b=failure(Kind.THROTTLED, status=429, retry_after=40.0),
        ),
    )
    w.call()
    assert {e.deployment for e in w.events if isinstance(e, Throttled)} == {"a", "b"}


# ---- cooldowns as configured -----------------------------------------------------------------------------------


@pytest.mark.parametrize("allowed", [0, 2, 3])
def test_allowed_fails_means_what_it_says(allowed: int) -> None:
    """Scenario 34: the first failure beyond the figure, within the window, ejects."""
    health = HealthPolicy(AllowedFails(default=allowed), cooldown_time=30.0)
    w = world(["a", "b"], Script(a=BOOM), health=health)
    for _ in range(60):
        assert w.call().ok
        if any(isinstance(e, Ejected) for e in w.events):
            break
    assert w.sent["a"] == allowed + 1
    assert next(e.seconds for e in w.events if isinstance(e, Ejected)) == 30.0


def test_one_failure_in_one_call_ejects_nobody_and_five_in_a_row_do() -> None:
    """Scenario 36."""
    w = world(["a", "b"], Script(a=BOOM))
    while w.sent["a"] < 4:
        w.call()
    assert not any(isinstance(e, Ejected) for e in w.events)
    while w.sent["a"] < 5:
        w.call()
    assert any(isinstance(e, Ejected) for e in w.events)


@pytest.mark.parametrize(
    "health", [HealthPolicy(disable_cooldowns=True), HealthPolicy(cooldown_time=0.0)], ids=["disabled", "zero"]
)
def test_cooldowns_can_be_switched_off(health: HealthPolicy) -> None:
    """Scenario 37."""
    w = world(["a", "b"], Script(a=failure(Kind.THROTTLED, status=429, retry_after=50.0)), health=health)
    for _ in range(30):
        assert w.call().ok
    assert w.sent["a"] > 5


def test_a_callers_own_short_timeout_says_nothing_about_the_deployment() -> None:
    """Scenario 44."""
    w = world(["a", "b"], Script(a=(30.0, OK), b=(30.0, OK)))
    for _ in range(20):
        outcome = w.call(timeout=0.5, timeout_is_callers=True)
        assert isinstance(outcome.result, APITimeoutError)
    assert not any(isinstance(e, Ejected) for e in w.events)


@pytest.mark.parametrize("timeout", [1.0, 5.0, 20.0])
def test_control_returns_by_the_timeout_whatever_happens(timeout: float) -> None:
    """Scenario 45: hanging deployments, retries, and a fallback that hangs as well."""
    w = World(
        deployments("a", "b") + deployments("c", group="h"),
        Script(a=(9999.0, OK), b=(9999.0, OK), c=(9999.0, OK)),
        policy=Policy(fallbacks={"g": (Fallback("h"),)}),
    )
    outcome = w.call(timeout=timeout)
    assert isinstance(outcome.result, APITimeoutError)
    assert outcome.ended - outcome.started <= timeout + 0.01


def test_a_hanging_host_leaves_time_for_another() -> None:
    """DESIGN §4.5: the first attempt gets 80 % of the time, the second the rest."""
    w = world(["a", "b"], Script(a=(9999.0, OK), b=(1.0, OK)))
    outcomes = [w.call(timeout=10.0) for _ in range(4)]
    assert all(o.ok for o in outcomes)
    assert max(o.ended - o.started for o in outcomes) == pytest.approx(9.0, abs=0.1)


def test_an_attempt_that_nothing_can_follow_gets_all_the_time() -> None:
    """DESIGN §4.5: without a configured retry there is no other attempt to keep a fifth of the time for."""
    w = world(["a", "b"], Script(a=(9.0, OK), b=(9.0, OK)), policy=Policy(retries=Retries(default=0)))
    outcome = w.call(timeout=10.0)
    assert outcome.ok
    assert outcome.ended - outcome.started == pytest.approx(9.0, abs=0.1)


# ---- fallbacks -------------------------------------------------------------------------------------------------


def groups(script: Script, **policy: Any) -> World:
    fleet = deployments("a") + deployments("b", group="h") + deployments("c", group="i")
    return World(fleet, script, policy=Policy(**policy))


def test_a_fallback_answers_when_the_retries_are_used_up() -> None:
    """Scenario 46: 1 + 2 attempts on the first group, then the next."""
    w = groups(Script(a=BOOM), fallbacks={"g": (Fallback("h"),)})
    result = granted(w.call())
    assert (result.routing.group, result.routing.deployment, result.routing.fallbacks) == ("h", "b", 1)
    assert w.sent == {"a": 3, "b": 1}
    assert [(e.group, e.to) for e in w.events if isinstance(e, FellBack)] == [("g", "h")]


def test_fallbacks_are_tried_in_order_up_to_max_fallbacks() -> None:
    """Scenario 48."""
    plan = {"g": (Fallback("h"), Fallback("i"))}
    assert granted(groups(Script(a=BOOM, b=BOOM), fallbacks=plan).call()).routing.group == "i"
    bounded = groups(Script(a=BOOM, b=BOOM), fallbacks=plan, max_fallbacks=1)
    assert isinstance(bounded.call().result, InternalServerError)
    assert bounded.sent["c"] == 0


def test_mutual_fallbacks_end_by_themselves() -> None:
    w = groups(Script(a=BOOM, b=BOOM), fallbacks={"g": (Fallback("h"),), "h": (Fallback("g"),)})
    outcome = w.call()
    assert isinstance(outcome.result, InternalServerError)
    assert w.sent == {"a": 3, "b": 3}


def test_a_context_window_error_goes_to_its_own_list_without_a_retry() -> None:
    """Scenario 49."""
    too_long = failure(Kind.CONTEXT_WINDOW, status=400)
    w = groups(Script(a=too_long), context_window_fallbacks={"g": (Fallback("i"),)}, fallbacks={"g": (Fallback("h"),)})
    assert granted(w.call()).routing.group == "i"
    assert w.sent == {"a": 1, "c": 1}


def test_without_an_entry_of_its_own_the_ordinary_fallbacks_apply() -> None:
    """Scenario 49 (C)."""
    too_long = failure(Kind.CONTEXT_WINDOW, status=400)
    w = groups(Script(a=too_long), context_window_fallbacks={"i": (Fallback("h"),)}, fallbacks={"g": (Fallback("h"),)})
    assert granted(w.call()).routing.group == "h"
    alone = groups(Script(a=too_long))
    assert isinstance(alone.call().result, ContextWindowExceededError)


def test_a_filtered_prompt_goes_to_its_own_list() -> None:
    """Scenario 50."""
    filtered = failure(Kind.CONTENT_POLICY, status=400)
    w = groups(Script(a=filtered), content_policy_fallbacks={"g": (Fallback("i"),)})
    assert granted(w.call()).routing.group == "i"
    assert w.sent == {"a": 1, "c": 1}


def test_default_fallbacks_serve_groups_without_an_entry() -> None:
    """Scenario 51."""
    w = groups(Script(a=BOOM), default_fallbacks=(Fallback("i"),))
    assert granted(w.call()).routing.group == "i"
    own = groups(Script(a=BOOM), default_fallbacks=(Fallback("i"),), fallbacks={"g": (Fallback("h"),)})
    assert granted(own.call()).routing.group == "h"


def test_a_fallbacks_parameters_replace_the_callers() -> None:
    """Scenario 52."""
    w = groups(Script(a=BOOM), fallbacks={"g": (Fallback("h", {"temperature": 0}),)})
    assert granted(w.call()).lease.call.body == {"messages": [], "temperature": 0}


def test_a_simulated_failure_falls_back_without_a_request() -> None:
    """Scenario 53."""
    w = groups(Script(), fallbacks={"g": (Fallback("h"),)})
    result = granted(w.call(simulated=Failure(Kind.SIMULATED, "as asked")))
    assert result.routing.group == "h"
    assert w.sent == {"b": 1}


def test_when_every_fallback_fails_the_first_error_is_raised_with_all_attempts() -> None:
    """Scenario 54."""
    w = groups(Script(a=BOOM, b=failure(Kind.NOT_FOUND, status=404)), fallbacks={"g": (Fallback("h"),)})
    outcome = w.call()
    assert isinstance(outcome.result, InternalServerError)
    assert reasons(outcome) == [("a", "server_error")] * 3 + [("b", "not_found")]
    assert [e.error for e in w.events if isinstance(e, GaveUp)] == ["InternalServerError"]
