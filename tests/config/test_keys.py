"""Every key of LiteLLM is in exactly one class, and no class is silent."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from router.config.keys import IGNORED, NOT_YET, REQUEST_PARAMETERS, is_ignored, not_yet, other_keys
from router.config.models import AllowedFailsPolicy, Entry, ModelInfo, Options, Params, RetryPolicy
from router.config.redis_models import CacheKwargs
from router.config.shape import Shape

from .entries import entry, problem, settings

# litellm.md §1.1 and §1.2: the constructor, `litellm_params` and `model_info` of LiteLLM 1.105.
ROUTER = (
    "assistants_config search_tools guardrail_list redis_url redis_host redis_port redis_password redis_db"
    " cache_responses cache_kwargs caching_groups client_ttl polling_interval default_priority num_retries"
    " max_fallbacks timeout stream_timeout default_litellm_params default_max_parallel_requests set_verbose"
    " debug_level default_fallbacks fallbacks context_window_fallbacks content_policy_fallbacks model_group_alias"
    " enable_pre_call_checks enable_tag_filtering tag_filtering_match_any tag_routing_prefix plugins retry_after"
    " retry_policy model_group_retry_policy allowed_fails allowed_fails_policy cooldown_time disable_cooldowns"
    " routing_strategy optional_pre_call_checks routing_groups provider_budget_config alerting_config"
    " router_general_settings deployment_affinity_ttl_seconds model_group_affinity_config ignore_invalid_deployments"
    " enable_health_check_routing health_check_staleness_threshold health_check_ignore_transient_errors"
    " background_health_check_model_groups enable_weighted_failover fallback_access_check fallback_budget_check"
    " auto_router_capability_limit"
).split()
PARAMS = (
    "model api_key api_base base_url api_version organization custom_llm_provider azure_ad_token"
    " azure_ad_token_provider tenant_id client_id client_secret azure_username azure_password azure_scope"
    " litellm_credential_name tpm rpm itpm otpm weight order max_parallel_requests timeout stream_timeout"
    " max_retries num_retries cooldown_time region_name tags tag_regex input_cost_per_token output_cost_per_token"
    " input_cost_per_second cache_read_input_token_cost base_model max_budget budget_duration drop_params"
    " additional_drop_params allowed_openai_params mock_response mock_timeout tools tool_choice dataSources"
    " configurable_clientside_auth_params use_in_pass_through keepalive_seconds default_api_key_tpm_limit"
    " default_api_key_rpm_limit silent_model"
).split()
MODEL_INFO = (
    "id base_model mode order tpm rpm cooldown_time allowed_fails allowed_fails_policy max_input_tokens max_tokens"
    " supports_native_streaming supports_vision access_groups access_windows blocked tier team_id"
    " team_public_model_name environments health_check_model health_check_timeout health_check_voice"
    " disable_background_health_check ptu_count cost_per_ptu_per_hour ptu_effective_from ptu_effective_to"
    " enable_tag_filtering allow_fail_open"
).split()

WITH_A_NUMBER_AS_KEY: dict[Any, Any] = {**entry(), 5: 1}


def classes(shape: type[Shape], key: str) -> list[str]:
    runs = key in shape.model_fields or (shape is Params and key in REQUEST_PARAMETERS)
    return [
        name
        for name, member in (
            ("runs", runs),
            ("ignored", not runs and is_ignored(shape.section, key)),
            ("not yet", not_yet(shape.section, key) is not None),
        )
        if member
    ]


@pytest.mark.parametrize(
    ("shape", "key"),
    [(Options, k) for k in ROUTER] + [(Params, k) for k in PARAMS] + [(ModelInfo, k) for k in MODEL_INFO],
)
def test_every_key_of_litellm_is_in_exactly_one_class(shape: type[Shape], key: str) -> None:
    assert len(classes(shape, key)) == 1


def test_no_key_of_ours_is_in_two_classes() -> None:
    shapes: dict[str, type[Shape]] = {
        s.section: s for s in (Options, Params, ModelInfo, RetryPolicy, AllowedFailsPolicy, Entry, CacheKwargs)
    }
    for section, key, _ in other_keys():
        if section in shapes:
            assert len(classes(shapes[section], key)) == 1, (section, key)
    for shape in shapes.values():
        for key in shape.model_fields:
            assert classes(shape, key) == ["runs"], key
    for section in IGNORED.keys() & NOT_YET.keys():
        assert not IGNORED[section] & NOT_YET[section].keys()


@pytest.mark.parametrize("key", sorted(NOT_YET["router_settings"]))
def test_a_key_that_would_change_routing_is_refused_with_a_way_out(key: str) -> None:
    value: Any = {"pass_through_all_models": True} if key == "router_general_settings" else ["x"]
    assert problem(**{key: value}) == f"{key}: {NOT_YET['router_settings'][key]}"


@pytest.mark.parametrize("key", sorted(NOT_YET["params"]))
def test_a_key_that_would_change_a_deployment_is_refused(key: str) -> None:
    assert problem(entry(**{key: "CANARY"})) == f"model_list[0].litellm_params.{key}: {NOT_YET['params'][key]}"


@pytest.mark.parametrize("key", sorted(NOT_YET["model_info"]))
def test_a_key_of_model_info_that_would_change_something_is_refused(key: str) -> None:
    text = problem({**entry(), "model_info": {key: True}})
    assert text == f"model_list[0].model_info.{key}: {NOT_YET['model_info'][key]}"


@pytest.mark.parametrize("off", [None, False, "", [], {}])
def test_a_value_that_switches_such_a_key_off_is_accepted(off: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings({**entry(mock_response=off), "model_info": {"blocked": off}}, enable_tag_filtering=off, set_verbose=off)
    assert caplog.text == ""


def test_litellms_own_defaults_are_accepted() -> None:
    settings(tag_filtering_match_any=True, router_general_settings={"async_only_mode": True})
    assert "tag routing" in problem(tag_filtering_match_any=False)


def test_keys_without_effect_are_named_in_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    info = {"supports_vision": True, "cost_per_ptu_per_hour": 5, "max_tokens": 9}
    settings(
        {**entry(search_context_cost_per_query=0.1, metadata={"a": 1}), "model_info": info},
        set_verbose=True,
        client_ttl=5,
    )
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("router", logging.WARNING)
    for place in (
        "set_verbose", "client_ttl", "model_list[0].model_info.cost_per_ptu_per_hour",
        "model_list[0].model_info.supports_vision",
        "model_list[0].litellm_params.search_context_cost_per_query", "model_list[0].litellm_params.metadata",
    ):  # fmt: skip
        assert place in record.getMessage()


@pytest.mark.parametrize(
    ("whole", "says"),
    [
        (entry(api_bse="CANARY"), "litellm_params.api_bse: unknown key 'api_bse'; did you mean 'api_base'?"),
        (entry(temprature=1), "unknown key 'temprature'; did you mean 'temperature'?"),
        (entry(fallbacks=[]), "unknown key 'fallbacks'; it belongs in router_settings"),
        (entry(id="x"), "unknown key 'id'; it belongs in model_info"),
        (entry(zzzzzz=1), "a parameter of the service that is not known here goes into extra_body"),
        ({**entry(), "model_info": {"bse_model": 1}}, "unknown key 'bse_model'; did you mean 'base_model'?"),
        ({**entry(), "modelname": 1}, "model_list[0].modelname: unknown key 'modelname'; did you mean 'model_name'?"),
        ({**entry(), "weight": 1}, "model_list[0].weight: unknown key 'weight'; it belongs in litellm_params"),
        (WITH_A_NUMBER_AS_KEY, "model_list[0]: has a key that is no text"),
        (entry(**{"sk-" + "C" * 60: 1}), "unknown key 'sk-CCCCC…(63 characters)'"),
    ],
)  # fmt: skip
def test_an_unknown_key_is_named_with_its_place_and_the_nearest_known_one(whole: Any, says: str) -> None:
    assert says in problem(whole)


def test_an_unknown_option_is_named_with_the_nearest_known_one() -> None:
    assert problem(num_retry=2) == "num_retry: unknown key 'num_retry'; did you mean 'num_retries'?"
    assert problem(tpm=2) == "tpm: unknown key 'tpm'; it belongs in litellm_params"
