"""Options of the router: policies and strategy."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from pydantic import BaseModel

from router.charge import ChargePolicy
from router.configured import NO_RULES, AllowedFails, HealthPolicy, ParameterRules, Policy, Retries
from strategies.by_name import ALIASES, ELSEWHERE, NAMES
from strategies.round_robin import RoundRobin

from .entries import entry, problem, problems, settings


def test_without_options_everything_has_its_default() -> None:
    made = settings()
    assert (made.policy, made.health, made.charge) == (Policy(), HealthPolicy(), ChargePolicy.AUTO)
    assert (made.timeout, made.attempt_timeout, made.stream_timeout, made.max_wait) == (600.0, None, None, None)
    assert (made.aliases, made.default_params, made.redis, made.deployments[0].rules) == ({}, {}, None, NO_RULES)


def test_times_and_figures_are_taken_as_stated() -> None:
    made = settings(timeout=60, attempt_timeout=9, stream_timeout=5, max_wait=2, charge="actual", retry_after=1.5)
    assert (made.timeout, made.attempt_timeout, made.stream_timeout, made.max_wait) == (60.0, 9.0, 5.0, 2.0)
    assert (made.charge, made.policy.retry_after) == (ChargePolicy.ACTUAL, 1.5)
    assert settings(request_timeout=7).timeout == 7.0
    assert "charge: must be one of auto, max, estimate, actual" in problem(charge="all")


# ---- policies ------------------------------------------------------------------------------------------------------


def test_a_retry_policy_sets_classes_and_leaves_the_rest_to_the_default() -> None:
    made = settings(num_retries=3, retry_policy={"RateLimitErrorRetries": 0, "TimeoutErrorRetries": 5}).policy
    assert made.retries == Retries(3, rate_limit=0, timeout=5)
    assert settings(num_retries=3, retry_policy={"DefaultRetries": 1}).policy.retries == Retries(1)


def test_a_groups_retry_policy_starts_from_the_routers_default() -> None:
    policies = {"gpt-4o": {"AuthenticationErrorRetries": 0}, "al": {"BadRequestErrorRetries": 1}}
    made = settings(
        entry(), entry("b"), num_retries=4, model_group_retry_policy=policies, model_group_alias={"al": "b"}
    ).policy
    assert made.group_retries == {"gpt-4o": Retries(4, authentication=0), "b": Retries(4, bad_request=1)}
    assert "model_group_retry_policy.gpt-4: names no group" in problem(model_group_retry_policy={"gpt-4": {}})
    text = problem(model_group_retry_policy={"gpt-4o": {"RateLimitErrorRetrys": 1}})
    assert "model_group_retry_policy.gpt-4o.RateLimitErrorRetrys" in text
    assert "did you mean 'RateLimitErrorRetries'?" in text
    assert "must be a mapping" in problem(model_group_retry_policy=[1])


def test_an_allowed_fails_policy_stands_beside_the_figure_for_all() -> None:
    made = settings(allowed_fails=2, allowed_fails_policy={"ContentPolicyViolationErrorAllowedFails": 1000}).health
    assert made.allowed_fails == AllowedFails(2, content_policy=1000)
    assert settings(allowed_fails_policy={"RateLimitErrorAllowedFails": 0}).health.allowed_fails == AllowedFails(
        rate_limit=0
    )


def test_a_policy_may_be_a_pydantic_model_such_as_litellms() -> None:
    class RetryPolicy(BaseModel):
        RateLimitErrorRetries: int | None = None
        TimeoutErrorRetries: int | None = None

    assert settings(retry_policy=RetryPolicy(RateLimitErrorRetries=4)).policy.retries.rate_limit == 4


def test_cooldowns_may_be_switched_off() -> None:
    assert settings(disable_cooldowns=True).health.disable_cooldowns
    assert settings(cooldown_time=0).health.cooldown_time == 0.0


# ---- strategy ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*NAMES, *ALIASES])
def test_a_strategy_is_named(name: str) -> None:
    assert type(settings(routing_strategy=name).strategy) is NAMES[ALIASES.get(name, name)]


def test_a_strategy_may_be_ones_own_object() -> None:
    class Own:
        def choose(self, candidates: Any, situation: Any) -> Any:
            return candidates[0]

    own = Own()
    assert settings(routing_strategy=own).strategy is own


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("round_robbin", "is no strategy that exists; did you mean 'round-robin'?; there are: least-loaded"),
        ("CANARY", "is no strategy that exists; there are"),
        (5, "must be the name of a strategy, or an object with choose"),
        (RoundRobin, "must be the name of a strategy, or an object with choose"),
        *[(name, f"{name} is not in this version") for name in ELSEWHERE],
    ],
)
def test_a_strategy_that_does_not_exist_is_refused(given: Any, says: str) -> None:
    assert problem(routing_strategy=given).startswith(f"routing_strategy: {says}")


def test_arguments_of_a_strategy_are_refused_unless_they_only_tune_litellm(caplog: pytest.LogCaptureFixture) -> None:
    settings(routing_strategy_args={"ttl": 60})
    assert "routing_strategy_args.ttl" in caplog.text
    assert "choosing by latency" in problem(routing_strategy_args={"lowest_latency_buffer": 0.5})
    assert "strategies take no arguments" in problem(routing_strategy_args={"x": 1})
    assert "must be a mapping" in problem(routing_strategy_args=5)


# ---- the rest ------------------------------------------------------------------------------------------------------


def test_a_deployment_says_what_is_dropped_before_the_router_does() -> None:
    made = settings(entry(), entry("b", drop_params=False, additional_drop_params=["user"]), drop_params=True)
    assert [d.rules for d in made.deployments] == [
        ParameterRules(drop=True),
        ParameterRules(drop=False, unwanted=frozenset({"user"})),
    ]
    shared = settings(default_litellm_params={"allowed_openai_params": ["temperature"]})
    assert shared.deployments[0].rules == ParameterRules(allowed=frozenset({"temperature"}))


def test_environment_variables_are_replaced_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "east")
    monkeypatch.setenv("RETRIES", "5")
    made = settings(
        entry(
            api_base="https://${NAME}.openai.azure.com", user="os.environ/NAME", tpm="${LIMIT:-100}", stop=["${NAME}!"]
        ),
        num_retries="os.environ/RETRIES",
    )
    deployment = made.deployments[0]
    assert (deployment.resource, deployment.tpm) == ("east.openai.azure.com", 100)
    assert deployment.defaults == {"user": "east", "stop": ["east!"]}
    assert made.policy.retries.default == 5


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("os.environ/MISSING", "the environment variable MISSING is not set; set it"),
        ("os.environ/EMPTY", "the environment variable EMPTY is empty; set it"),
        ("${MISSING}", "the environment variable MISSING is not set; set it"),
        ("a${EMPTY}b", "the environment variable EMPTY is empty; set it"),
        ("os.environ/sk-CANARY", "names no valid environment variable; write os.environ/NAME"),
        ("${sk-CANARY}", "names no valid environment variable; write ${NAME} or ${NAME:-default}"),
        ("os.environ/", "names no valid environment variable"),
    ],
)
def test_a_variable_that_is_not_there_is_named_with_its_place(
    written: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMPTY", "")
    assert problem(entry(api_key=written)).startswith(f"model_list[0].litellm_params.api_key: {says}")


def test_variables_of_ignored_keys_need_not_exist() -> None:
    settings(entry(metadata={"a": "os.environ/MISSING"}))


def test_a_structure_that_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert "nested more than 32 deep" in problem(entry(extra_body={"x": endless}))


def test_a_long_list_of_problems_is_shortened_in_the_message_and_whole_in_the_attribute() -> None:
    found = problems(*[{}] * 40)
    assert len(found) == 80


def test_importing_the_router_imports_neither_this_package_nor_its_libraries() -> None:
    import subprocess
    import sys

    code = inspect.cleandoc("""
        import sys, router
        print([name for name in ("yaml", "router.config") if name in sys.modules])
    """)
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
