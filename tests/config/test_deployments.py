"""From entries to deployments: limits, windows, ids, wildcards, what one mistake costs."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from router.configured import AllowedFails, RequestWindow
from router.errors import NotFoundError

from .entries import EAST, KEY, entry, only, problem, problems, settings


def ids(*entries: Any, **options: Any) -> list[str]:
    return [d.id for d in settings(*entries, **options).deployments]


# ---- meanings ------------------------------------------------------------------------------------------------------


def test_an_entry_becomes_a_deployment_with_everything_that_it_states() -> None:
    made = only(
        tpm=240_000, rpm=1800, weight=2, order=3, max_parallel_requests=9, timeout=20, stream_timeout=5, max_retries=1,
        cooldown_time=7, region_name="eu", tags=["paid"], base_model="azure/gpt-4o", temperature=0.2,
        extra_body={"new_thing": [1]},
    )  # fmt: skip
    assert (made.group, made.model, made.resource, made.id) == ("gpt-4o", "chat", "east.openai.azure.com", "chat@east")
    assert (made.tpm, made.rpm, made.weight, made.order, made.max_parallel_requests) == (240_000, 1800, 2.0, 3, 9)
    assert (made.timeout, made.stream_timeout, made.num_retries, made.cooldown_time) == (20.0, 5.0, 1, 7.0)
    assert (made.region, made.tags, made.base_model) == ("eu", ("paid",), "azure/gpt-4o")
    assert made.defaults == {"temperature": 0.2, "new_thing": [1]}


def test_what_is_not_stated_has_no_value() -> None:
    made = only()
    assert (made.tpm, made.rpm, made.weight, made.max_parallel_requests, made.cooldown_time) == (None,) * 5
    assert (made.order, made.windows, made.allowed_fails, made.num_retries, made.timeout) == (1, (), None, None, None)


def test_params_is_the_native_name_of_litellm_params() -> None:
    native = {"model_name": "gpt-4o", "params": entry()["litellm_params"]}
    assert ids(native) == ["chat@east"]
    assert "params: means the same as litellm_params" in problem({**entry(), "params": {}})


def test_an_entry_without_params_or_without_a_name_says_what_is_missing() -> None:
    assert problems({}) == (
        "model_list[0].model_name: is missing",
        "model_list[0].litellm_params: is missing; it says how the deployment is reached (model, api_base, api_key, …)",
    )
    assert "litellm_params.model: is missing" in problem(entry(model=None))
    assert "litellm_params: must be a mapping" in problem({"model_name": "x", "litellm_params": 5})
    assert problem(5) == "model_list[0]: must be a mapping with model_name and litellm_params"


@pytest.mark.parametrize("rpm", [1, 6, 7, 1800])
def test_rpm_on_azure_implies_a_window_of_ten_seconds(rpm: int) -> None:
    """Azure judges requests over 10 s: 1,800 a minute are 300 in ten seconds."""
    assert only(rpm=rpm).windows == (RequestWindow(-(-rpm // 6), 10.0),)


def test_rpm_at_openai_implies_no_window() -> None:
    assert only(model="gpt-4o", api_base=None, rpm=1800).windows == ()


def test_limits_may_stand_at_the_entry_in_model_info_or_in_the_params() -> None:
    assert settings({**entry(), "tpm": 5, "rpm": 6}).deployments[0].tpm == 5
    assert settings({**entry(), "model_info": {"tpm": 7, "order": 2, "cooldown_time": 0}}).deployments[0].tpm == 7


def test_two_different_statements_give_a_warning_and_the_nearer_one_counts(caplog: pytest.LogCaptureFixture) -> None:
    made = settings({**entry(tpm=1), "tpm": 2, "model_info": {"tpm": 3}}).deployments[0]
    assert made.tpm == 1
    assert "model_list[0] states tpm twice" in caplog.text


def test_the_same_statement_twice_gives_none(caplog: pytest.LogCaptureFixture) -> None:
    settings({**entry(tpm=1), "tpm": 1})
    assert caplog.text == ""


def test_allowed_fails_of_a_deployment_stand_in_its_model_info() -> None:
    info = {"allowed_fails": 0, "allowed_fails_policy": {"RateLimitErrorAllowedFails": 3}}
    assert settings({**entry(), "model_info": info}).deployments[0].allowed_fails == AllowedFails(0, rate_limit=3)
    assert "it belongs in model_info" in problem(entry(allowed_fails=1))


def test_the_default_of_open_calls_is_for_deployments_without_any_limit() -> None:
    made = settings(entry("a"), entry("b", rpm=5), entry("c", max_parallel_requests=2), default_max_parallel_requests=9)
    assert [d.max_parallel_requests for d in made.deployments] == [9, None, 2]


def test_shared_keys_are_for_deployments_that_do_not_state_them() -> None:
    shared = {"api_version": "2024-10-21", "timeout": 9, "temperature": 0.5, "max_tokens": 10}
    made = settings(entry("a"), entry("b", timeout=3, temperature=1), default_litellm_params=shared)
    assert [d.timeout for d in made.deployments] == [9.0, 3.0]
    assert [d.endpoint.endpoint.api_version for d in made.deployments] == ["2024-10-21"] * 2
    assert made.default_params == {"temperature": 0.5, "max_tokens": 10}
    assert [dict(d.defaults) for d in made.deployments] == [{}, {"temperature": 1}]
    assert "default_params.modle: unknown key" in problem(default_params={"modle": 1})
    assert "default_litellm_params.model: belongs to one deployment" in problem(default_litellm_params={"model": "x"})


# ---- ids -----------------------------------------------------------------------------------------------------------


def test_an_id_stays_when_the_key_is_rotated() -> None:
    assert ids(entry(api_key="old")) == ids(entry(api_key="new"))


def test_a_stated_id_wins_and_may_be_a_number() -> None:
    assert ids({**entry(), "model_info": {"id": "mine"}}) == ["mine"]
    assert ids({**entry(), "model_info": {"id": 7}}) == ["7"]


def test_ids_are_unique_and_an_entry_at_the_end_changes_no_other() -> None:
    entries = [entry("a"), entry("b"), entry("b"), entry("b"), entry("b", api_base="https://west.openai.azure.com")]
    expected = ["chat@east", "b/chat@east", "b/chat@east-2", "b/chat@east-3", "chat@west"]
    assert ids(*entries) == expected
    assert ids(*entries[:3]) == expected[:3]


def test_a_made_id_gives_way_to_a_stated_one() -> None:
    assert ids(entry("a"), {**entry("b"), "model_info": {"id": "chat@east"}}) == ["a/chat@east", "chat@east"]


def test_hosts_without_a_domain_stay_whole_in_an_id() -> None:
    bases = ["http://127.0.0.1:8001", "http://127.0.0.1:8002", "http://localhost:8003"]
    assert ids(*(entry(api_base=b) for b in bases)) == [
        "chat@127.0.0.1:8001",
        "chat@127.0.0.1:8002",
        "chat@localhost:8003",
    ]


def test_one_id_for_two_entries_is_a_mistake() -> None:
    twice = [{**entry(name), "model_info": {"id": "same"}} for name in "ab"]
    assert problem(*twice) == "model_list[1].model_info.id: is the id of model_list[0] too; ids are unique"


def test_an_id_that_is_a_groups_name_is_a_mistake() -> None:
    assert "is a model_name too" in problem({**entry("a"), "model_info": {"id": "b"}}, entry("b"))


def test_the_same_deployment_twice_in_a_group_gives_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    settings(entry("a"), entry("b"), entry("a", api_base=EAST + "/", api_key="another"))
    assert [r.getMessage() for r in caplog.records] == [
        "model_list[0] and model_list[2] are the same deployment in the same group; both draw on one quota"
    ]


def test_each_organization_of_a_list_is_a_deployment() -> None:
    openai = entry(model="gpt-4o", api_base=None, organization=["org-1", "org-2"])
    made = settings(openai).deployments
    assert [d.id for d in made] == ["gpt-4o@api", "gpt-4o/gpt-4o@api"]
    assert [d.endpoint.endpoint.organization for d in made] == ["org-1", "org-2"]
    assert [d.id for d in settings({**openai, "model_info": {"id": "x"}}).deployments] == ["x", "gpt-4o/x"]


# ---- wildcards -----------------------------------------------------------------------------------------------------


def test_wildcards_are_kept_apart_the_most_specific_first() -> None:
    made = settings(entry("*", model="azure/*"), entry("azure/*", model="azure/*"), entry("exact"))
    assert [d.group for d in made.wildcards] == ["azure/*", "*"]
    assert [d.group for d in made.deployments] == ["exact"]


def test_a_wildcard_makes_a_deployment_of_what_stands_for_the_star() -> None:
    made = settings(entry("azure/*", model="azure/*", rpm=60), entry("my-*-model", model="azure/prod-*"))
    whole, part = sorted(made.wildcards, key=lambda d: d.group)
    chat = made.from_wildcard(whole, "azure/chat")
    assert (chat.group, chat.model, chat.id, chat.rpm) == ("azure/chat", "chat", "chat@east.openai.azure.com", 60)
    assert made.from_wildcard(part, "my-nice-model").model == "prod-nice"


@pytest.mark.parametrize(
    ("asked", "base", "kind", "wire", "family"),
    [
        ("azure/chat", "https://east.openai.azure.com", "azure", "chat", None),
        ("azure/o_series/chat", "https://east.openai.azure.com", "azure", "chat", "o_series"),
        ("azure/gpt5_series/chat", "https://east.openai.azure.com/openai/v1", "azure_v1", "chat", "gpt5"),
        ("azure/claude-x", "https://east.openai.azure.com", "anthropic", "claude-x", None),
        ("azure/claude-x", "https://east.openai.azure.com/openai/v1", "azure_v1", "claude-x", None),
        ("azure/claudette", "https://east.openai.azure.com", "azure", "claudette", None),
    ],
)
def test_a_wildcards_name_says_what_a_configured_model_says(
    asked: str, base: str, kind: str, wire: str, family: str | None
) -> None:
    made = settings(entry("azure/*", model="azure/*", api_base=base))
    opened = made.from_wildcard(made.wildcards[0], asked)
    endpoint = opened.endpoint.endpoint
    assert (endpoint.kind, opened.model, endpoint.family) == (kind, wire, family)
    if kind == "anthropic":
        assert opened.resource == endpoint.host == "east.services.ai.azure.com"
    assert made.wildcard_name(made.wildcards[0], opened.id) == asked


def test_a_wildcard_may_lead_to_one_fixed_deployment() -> None:
    made = settings(entry("claude-*"))
    assert made.from_wildcard(made.wildcards[0], "claude-x").model == "chat"


@pytest.mark.parametrize(
    "name", ["azure/../../openai/files", "azure/a?api-version=evil", "azure/", "azure/ä", "azure/.."]
)
def test_a_wildcard_makes_no_deployment_of_a_name_that_could_change_the_path(name: str) -> None:
    made = settings(entry("azure/*", model="azure/*"))
    with pytest.raises(NotFoundError, match="no deployment can be called"):
        made.from_wildcard(made.wildcards[0], name)


@pytest.mark.parametrize(
    ("name", "model", "says"),
    [
        ("a", "azure/*", "holds a * that model_name does not"),
        ("*a*", "azure/x", "may hold one *"),
        ("[a]*", "azure/x", "may hold one *"),
        ("a*", "azure/*-*", "more than one *"),
    ],
)
def test_a_pattern_has_one_star_and_both_sides_agree(name: str, model: str, says: str) -> None:
    assert says in problem(entry(name, model=model))


# ---- many, some of them wrong --------------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [[], None, (), {}, "x", 5])
def test_an_empty_model_list_is_a_mistake(nothing: Any) -> None:
    from router.config import settings_from

    with pytest.raises(ValueError, match="model_list: must be a list of at least one deployment"):
        settings_from(nothing)


def test_all_mistakes_of_all_entries_are_found_at_once() -> None:
    found = problems(
        entry(api_bse="x", tpm="lots"),
        {"model_name": "b"},
        entry(api_key="k\n"),
        num_retry=1,
        fallbacks=[{"gpt-4o": ["x"]}],
    )
    assert [text.split(":")[0] for text in found] == [
        "num_retry",
        "model_list[0].litellm_params.api_bse",
        "model_list[0].litellm_params.tpm",
        "model_list[1].litellm_params",
        "model_list[2].litellm_params.api_key",
        "fallbacks[0].gpt-4o[0]",
    ]


def test_broken_entries_may_be_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    made = settings(entry("a"), entry("b", tpm=-1), ignore_invalid_deployments=True)
    assert [d.group for d in made.deployments] == ["a"]
    assert "model_list[1].litellm_params.tpm: must be a whole number" in caplog.text
    assert KEY not in caplog.text


def test_if_all_entries_are_broken_none_can_be_left_out() -> None:
    assert "no deployment that could be used" in problem(entry(tpm=-1), ignore_invalid_deployments=True)


def test_the_callers_objects_are_not_changed() -> None:
    given = entry(extra_body={"a": [1]}, tags=["x"])
    before = repr(given)
    options: dict[str, Any] = {"fallbacks": [{"gpt-4o": [{"model": "b", "temperature": 0}]}]}
    settings(given, entry("b"), **options)
    assert repr(given) == before
    assert options == {"fallbacks": [{"gpt-4o": [{"model": "b", "temperature": 0}]}]}


def test_a_thousand_deployments_are_read(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    made = settings(*(entry("g", api_base=f"https://r{i}.openai.azure.com", rpm=6) for i in range(1000)))
    assert len({d.id for d in made.deployments}) == 1000
