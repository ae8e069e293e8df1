"""Numbers, texts and flags: what each field takes and refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.fields import number
from router.configured import RequestWindow

from .entries import entry, only, problem, settings

NO_NUMBERS: list[Any] = [
    True,
    False,
    "lots",
    "",
    "1,000",
    "1e",
    [],
    {},
    float("nan"),
    float("inf"),
    -float("inf"),
    "nan",
]
LIMITS = ("tpm", "rpm", "max_parallel_requests")


@pytest.mark.parametrize("key", [*LIMITS, "weight", "order", "num_retries", "timeout", "cooldown_time"])
@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_what_is_no_number_is_refused_by_its_place(key: str, value: Any) -> None:
    assert problem(entry(**{key: value})).startswith(f"model_list[0].litellm_params.{key}: must be a ")


@pytest.mark.parametrize("key", LIMITS)
@pytest.mark.parametrize("value", [0, -1, 1e30, 10**13, 1.5, "0", "-3"])
def test_a_limit_is_a_whole_number_from_1_to_a_million_million(key: str, value: Any) -> None:
    assert f"{key}: must be a whole number from 1 to 10^12" in problem(entry(**{key: value}))


@pytest.mark.parametrize(
    ("value", "means"), [(240_000, 240_000), ("240000", 240_000), ("240_000", 240_000), (1e5, 100_000)]
)
def test_a_number_may_be_written_as_text_because_the_environment_holds_text(value: Any, means: int) -> None:
    tpm = only(tpm=value).tpm
    assert tpm == means
    assert type(tpm) is int


@pytest.mark.parametrize("value", [0, "0", -1, -0.5, 86_401, 1e30])
def test_a_timeout_is_above_zero_and_at_most_a_day(value: Any) -> None:
    assert "from 0.001 to 86,400" in problem(entry(timeout=value))
    assert "from 0.001 to 86,400" in problem(timeout=value)


def test_zero_is_a_number_where_it_has_a_meaning() -> None:
    deployment = only(cooldown_time=0, num_retries=0, weight=0, order=0)
    assert (deployment.cooldown_time, deployment.num_retries, deployment.weight, deployment.order) == (0.0, 0, 0.0, 0)
    made = settings(cooldown_time=0, num_retries=0, allowed_fails=0, max_wait=0, max_fallbacks=0, retry_after=0)
    assert made.health.cooldown_time == 0.0
    assert made.health.allowed_fails is not None
    assert made.health.allowed_fails.default == 0
    assert (made.policy.retries.default, made.policy.max_fallbacks, made.max_wait) == (0, 0, 0.0)


def test_three_allowed_fails_are_three_and_not_the_default() -> None:
    """LiteLLM takes an explicit 3 for "not stated"."""
    assert settings().health.allowed_fails is None
    stated = settings(allowed_fails=3).health.allowed_fails
    assert stated is not None
    assert stated.default == 3


@pytest.mark.parametrize("value", ["yes", 1, 0, "", [], "on"])
def test_a_flag_is_true_or_false(value: Any) -> None:
    assert problem(disable_cooldowns=value) == "disable_cooldowns: must be true or false"


@pytest.mark.parametrize(
    ("value", "means"), [(True, True), ("true", True), ("False", False), (False, False), (None, False)]
)
def test_a_flag_may_be_written_as_text(value: Any, means: bool) -> None:
    assert settings(disable_cooldowns=value).health.disable_cooldowns is means


@pytest.mark.parametrize("value", [5, True, [], {}, 1.5])
def test_a_text_is_text(value: Any) -> None:
    assert "model_name: must be text" in problem({**entry(), "model_name": value})


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_text_is_no_value(value: str) -> None:
    assert (
        problem(entry(api_base=value))
        == "model_list[0].litellm_params.api_base: is empty; give it a value, or leave it out"
    )


@pytest.mark.parametrize("value", [" gpt", "gpt\n4", "x" * 201, "a\x00b"])
def test_a_name_is_one_line_of_moderate_length(value: str) -> None:
    assert "model_name: must be a name" in problem(entry(value))


def test_null_is_the_same_as_no_key() -> None:
    made = settings(entry(tpm=None, api_version=None), timeout=None, fallbacks=None, redis_host=None, redis_port=None)
    assert made.timeout == 600.0
    assert made.redis is None


@pytest.mark.parametrize(
    "value", [5, [5], [[5]], [[5, 1, 2]], [[0, 1]], [[5, 0]], [[5, 4000]], [[1.5, 1]], [["x", 1]], "5/1"]
)
def test_request_windows_are_pairs(value: Any) -> None:
    assert "must be a list of pairs [limit, seconds]" in problem(entry(request_windows=value))


def test_request_windows_that_are_stated_replace_the_implied_one() -> None:
    stated = only(rpm=1800, request_windows=[[300, 10], ("30", 1)])
    assert stated.windows == (RequestWindow(300, 10.0), RequestWindow(30, 1.0))
    assert only(rpm=1800, request_windows=[]).windows == ()


@given(st.floats() | st.integers() | st.text(max_size=12) | st.none())
def test_a_number_that_is_accepted_is_finite(value: Any) -> None:
    try:
        found = number(value, "must be a number")
    except ValueError as error:
        found = 0.0
        assert_only_says(error)
    assert abs(found) <= 10**13


def assert_only_says(error: ValueError) -> None:
    assert str(error) == "must be a number"
