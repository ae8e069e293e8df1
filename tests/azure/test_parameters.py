"""A family is told by a whole word, and its limit goes by the right name."""

import pytest

from router.azure.parameters import family_in, family_of, limits


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
        "gpt-50",
        "o2",
        "chat-east",
        "",
    ],
)
def test_ordinary_names_belong_to_no_family(name):
    assert family_in(name) is None


def test_a_prefix_wins_over_base_model_and_that_over_the_name():
    assert family_of("azure/o_series/gpt-5", "gpt-4o") == "o_series"
    assert family_of("azure/o3", "gpt-4o") is None
    assert family_of("azure/prod", "azure/gpt-5-mini") == "gpt5"
    assert family_of("azure/o3") == "o_series"


@pytest.mark.parametrize(
    ("family", "body", "defaults", "expected"),
    [
        (None, {"max_tokens": 5}, {}, {"max_tokens": 5}),
        (None, {"max_completion_tokens": 5}, {"max_tokens": 9}, {"max_completion_tokens": 5}),
        (None, {}, {"max_tokens": 9}, {"max_tokens": 9}),
        ("o_series", {"max_tokens": 5}, {}, {"max_completion_tokens": 5}),
        ("gpt5", {"max_tokens": 5, "max_completion_tokens": 7}, {}, {"max_completion_tokens": 7}),
        ("gpt5", {}, {"max_tokens": 9}, {"max_completion_tokens": 9}),
        ("gpt5", {"max_tokens": None}, {}, {}),
        (None, {}, {}, {}),
    ],
)
def test_the_limit_is_named_as_the_family_wants_it_and_the_callers_wins(family, body, defaults, expected):
    assert limits(family, body, defaults) == expected
