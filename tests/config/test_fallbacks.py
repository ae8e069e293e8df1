"""Fallbacks and aliases name what exists."""

from __future__ import annotations

from typing import Any

import pytest

from router.configured import Fallback

from .entries import entry, problem, problems, settings

GROUPS = (
    entry("a"),
    entry("b"),
    entry("c"),
    {**entry("d"), "model_info": {"id": "d-1"}},
    entry("azure/*", model="azure/*"),
)


def policy(**options: Any) -> Any:
    return settings(*GROUPS, **options).policy


@pytest.mark.parametrize("name", ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"])
def test_a_list_goes_from_a_group_to_groups_in_order(name: str) -> None:
    assert getattr(policy(**{name: [{"a": ["b", "c"]}, {"b": ["a"]}]}), name) == {
        "a": (Fallback("b"), Fallback("c")),
        "b": (Fallback("a"),),
    }


def test_an_entry_may_hold_parameters_that_replace_the_callers() -> None:
    made = policy(fallbacks=[{"a": [{"model": "b", "temperature": 0, "extra_body": {"new": 1}}]}])
    assert made.fallbacks["a"][0].overrides == {"temperature": 0, "new": 1}


def test_a_star_and_default_fallbacks_are_for_groups_without_an_entry() -> None:
    made = policy(fallbacks=[{"*": ["b"]}, {"a": ["c"]}], default_fallbacks=["c", "b"])
    assert made.fallbacks == {"a": (Fallback("c"),)}
    assert made.default_fallbacks == (Fallback("b"), Fallback("c"))


def test_a_star_of_the_special_lists_stays_a_star() -> None:
    assert policy(context_window_fallbacks=[{"*": ["b"]}]).context_window_fallbacks == {"*": (Fallback("b"),)}


def test_two_groups_may_name_each_other() -> None:
    assert set(policy(fallbacks=[{"a": ["b"]}, {"b": ["a"]}]).fallbacks) == {"a", "b"}


@pytest.mark.parametrize("target", ["d-1", "chat@east", "azure/anything", "other-name"])
def test_a_target_may_be_an_id_a_wildcards_name_or_an_alias(target: str) -> None:
    made = policy(fallbacks=[{"a": [target]}], model_group_alias={"other-name": "c"})
    assert made.fallbacks["a"] == (Fallback("c" if target == "other-name" else target),)


def test_an_entry_for_an_alias_is_one_for_its_group() -> None:
    assert policy(fallbacks=[{"al": ["b"]}], model_group_alias={"al": "a"}).fallbacks == {"a": (Fallback("b"),)}


@pytest.mark.parametrize(
    ("fallbacks", "says"),
    [
        ([{"a": ["a"]}], "fallbacks[0].a[0]: falls back to the group itself"),
        ([{"a": ["zzz"]}], "fallbacks[0].a[0]: names no group, alias, id or wildcard that exists; there are: 'a', 'b'"),
        ([{"aa": ["b"]}], "fallbacks[0].aa: names no group"),
        ([{"a": ["b"], "b": ["a"]}], "fallbacks[0]: must be a mapping with one key"),
        ([{}], "fallbacks[0]: must be a mapping with one key"),
        (["a"], "fallbacks[0]: must be a mapping with one key"),
        ({"a": ["b"]}, "fallbacks: must be a list"),
        ([{"a": "b"}], "fallbacks[0].a: must be a list of groups"),
        ([{"a": [5]}], "fallbacks[0].a[0]: must be a group's name"),
        ([{"a": [{"temperature": 1}]}], "fallbacks[0].a[0]: must be a group's name"),
        ([{"a": [{"model": "b", "temprature": 1}]}], "unknown parameter 'temprature'; did you mean 'temperature'?"),
        ([{"a": [{"model": "b", "api_key": "CANARY"}]}], "a[0].api_key: belongs to a deployment"),
        ([{"a": ["b"]}, {"a": ["c"]}], "fallbacks[1].a: has an entry before this one"),
    ],
)
def test_a_fallback_that_could_not_work_is_refused(fallbacks: Any, says: str) -> None:
    assert says in problem(*GROUPS, fallbacks=fallbacks)


def test_a_fallback_to_itself_by_an_alias_is_found() -> None:
    assert "falls back to the group itself" in problem(
        *GROUPS, fallbacks=[{"a": ["al"]}], model_group_alias={"al": "a"}
    )


def test_a_near_miss_is_named() -> None:
    text = problem(entry("gpt-4o"), entry("gpt-4o-mini"), default_fallbacks=["gpt-4o-mni"])
    assert text.endswith("did you mean 'gpt-4o-mini'?")


def test_a_group_whose_entry_is_broken_is_no_second_mistake() -> None:
    assert len(problems(entry("a", tpm=-1), entry("b"), fallbacks=[{"b": ["a"]}])) == 1


def test_aliases_lead_to_groups_ids_and_wildcards_and_may_be_hidden() -> None:
    made = settings(*GROUPS, model_group_alias={"x": "a", "y": {"model": "d-1", "hidden": True}, "z": "azure/foo"})
    assert made.aliases == {"x": "a", "y": "d-1", "z": "azure/foo"}
    assert made.hidden_aliases == {"y"}


@pytest.mark.parametrize(
    ("alias", "says"),
    [
        ({"x": "nowhere"}, "model_group_alias.x: names no group, id or wildcard that exists"),
        ({"a": "b"}, "model_group_alias.a: is a model_name too"),
        ({"x": {"hidden": True}}, "model_group_alias.x: must be a group's name"),
        ({"x": {"model": "a", "hide": True}}, "model_group_alias.x: may hold model (a group) and hidden"),
        ({"x": ["a"]}, "model_group_alias.x: must be a group's name"),
        ({"x": "y", "y": "a"}, "model_group_alias.x: names no group"),
        ({" ": "a"}, "model_group_alias: has an alias that is no name"),
        (["x"], "model_group_alias: must be a mapping"),
    ],
)
def test_an_alias_that_leads_nowhere_is_refused(alias: Any, says: str) -> None:
    assert says in problem(*GROUPS, model_group_alias=alias)
