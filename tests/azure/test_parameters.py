"""A family is told by a whole word, its limit goes by the right name, and what it refuses is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.azure.parameters import REFUSABLE, family_in, limits, refused, traits_of, with_roles

O_SERIES = traits_of(None, "o3")
GPT5 = traits_of(None, "gpt-5-mini")
GPT51 = traits_of(None, "gpt-5.1")
ORDINARY = traits_of(None, "gpt-4o")
UNKNOWN = traits_of(None, "prod")


@pytest.mark.parametrize("name", ["o1", "o3-mini", "my-o4-mini", "prod_o3", "O3", "o1-2024-12-17", "azure/o3"])
def test_o_series_names_are_known_by_a_whole_word(name):
    assert family_in(name) == "o_series"


@pytest.mark.parametrize(
    "name", ["gpt-5", "gpt5-mini", "my-gpt-5-nano", "gpt-5.1", "gpt_5_prod", "GPT-5", "azure/gpt-6"]
)
def test_gpt5_names_are_known_by_a_whole_word(name):
    assert family_in(name) == "gpt5"


@pytest.mark.parametrize(
    "name",
    [
        "demo3",
        "turbo1",
        "pro1",
        "gpt-4o1-prod",
        "gpt-4o",
        "gpt-5-chat",
        "gpt-5-chat-prod",
        "gpt-5.1-chat",
        "gpt-50",
        "gpt-35-turbo",
        "o2",
        "chat-east",
        "",
    ],
)
def test_ordinary_names_belong_to_no_family(name):
    assert family_in(name) is None


def test_a_prefix_wins_over_the_name():
    assert traits_of("o_series", "gpt-5").family == "o_series"
    assert traits_of("gpt5", "o3").family == "gpt5"
    assert traits_of("gpt5", "gpt-5-chat").family == "gpt5"


@pytest.mark.parametrize(
    ("name", "body", "defaults", "expected"),
    [
        ("gpt-4o", {"max_tokens": 5}, {}, {"max_tokens": 5}),
        ("gpt-4o", {"max_completion_tokens": 5}, {"max_tokens": 9}, {"max_completion_tokens": 5}),
        ("prod", {}, {"max_tokens": 9}, {"max_tokens": 9}),
        ("o3", {"max_tokens": 5}, {}, {"max_completion_tokens": 5}),
        ("gpt-5-chat", {"max_tokens": 5}, {}, {"max_completion_tokens": 5}),
        ("gpt-5", {"max_tokens": 5, "max_completion_tokens": 7}, {}, {"max_completion_tokens": 7}),
        ("gpt-5", {}, {"max_tokens": 9}, {"max_completion_tokens": 9}),
        ("gpt-5", {"max_tokens": None}, {}, {}),
        ("gpt-4o", {}, {}, {}),
    ],
)
def test_the_limit_is_named_as_the_model_wants_it_and_the_callers_wins(name, body, defaults, expected):
    assert limits(traits_of(None, name).renames_limit, body, defaults) == expected


@pytest.mark.parametrize(
    ("traits", "body", "expected"),
    [
        (O_SERIES, {"temperature": 0.2, "top_p": 0.5}, ["temperature", "top_p"]),
        (O_SERIES, {"temperature": 1, "top_p": 1.0, "presence_penalty": 0, "logprobs": False}, []),
        (O_SERIES, {"temperature": None, "logit_bias": {}}, []),
        (O_SERIES, {"logprobs": True, "logit_bias": {"5": 1}}, ["logprobs", "logit_bias"]),
        (O_SERIES, {"parallel_tool_calls": True}, ["parallel_tool_calls"]),
        (O_SERIES, {"parallel_tool_calls": False, "reasoning_effort": "low", "brand_new": 7}, []),
        (GPT5, {"temperature": 0, "parallel_tool_calls": True}, ["temperature"]),
        (GPT5, {"temperature": 0, "reasoning_effort": "none"}, ["temperature"]),
        (GPT51, {"temperature": 0, "top_p": 0.5, "logprobs": True}, []),
        (GPT51, {"temperature": 0, "reasoning_effort": "none"}, []),
        (GPT51, {"temperature": 0, "reasoning_effort": "low"}, ["temperature"]),
        (GPT51, {"temperature": 0, "reasoning": {"effort": "low"}}, ["temperature"]),
        (GPT51, {"presence_penalty": 0.5}, ["presence_penalty"]),
        (ORDINARY, {"temperature": 0, "logit_bias": {"5": 1}}, []),
        (UNKNOWN, {"temperature": 0, "logprobs": True}, []),
    ],
)
def test_only_what_a_family_is_known_to_refuse_is_refused(traits, body, expected):
    assert refused(traits, body, {}) == expected


def test_a_default_of_the_deployment_counts_where_the_call_is_silent():
    assert refused(GPT5, {}, {"temperature": 0}) == ["temperature"]
    assert refused(GPT5, {"temperature": 1}, {"temperature": 0}) == []
    assert refused(GPT51, {"temperature": 0}, {"reasoning_effort": "high"}) == ["temperature"]


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers()))


@given(st.sampled_from([O_SERIES, GPT5, GPT51, ORDINARY, UNKNOWN]), st.dictionaries(st.text(), VALUES))
def test_nothing_is_refused_that_is_not_in_the_table(traits, body):
    assert set(refused(traits, body, {})) <= set(REFUSABLE)


def roles(traits, *given):
    messages = [{"role": role, "content": "…"} for role in given]
    return [message["role"] for message in with_roles(traits, messages)]


def test_a_reasoning_model_is_never_given_both_roles():
    assert roles(O_SERIES, "system", "developer", "user") == ["developer", "developer", "user"]
    assert roles(GPT5, "developer", "system") == ["developer", "developer"]
    assert roles(O_SERIES, "system", "user") == ["system", "user"]
    assert roles(O_SERIES, "developer", "user") == ["developer", "user"]


def test_an_older_model_knows_system_only_and_an_unknown_one_gets_what_was_given():
    assert roles(ORDINARY, "developer", "user") == ["system", "user"]
    assert roles(UNKNOWN, "developer", "system") == ["developer", "system"]


def test_messages_are_not_changed_and_not_copied_without_need():
    messages = [{"role": "system", "content": "a"}, {"role": "developer", "content": "b"}]
    assert with_roles(UNKNOWN, messages) is messages
    assert with_roles(O_SERIES, messages) is not messages
    assert messages[0]["role"] == "system"
    assert with_roles(O_SERIES, "no list") == "no list"
