"""Which of LiteLLM's keys do not run here, and what follows?

Every key falls in one of four classes, so that nothing is dropped silently:

- it runs: a field of `models.py`, or a parameter of the service (`REQUEST_PARAMETERS`);
- it belongs to another product, or tunes LiteLLM's own machinery (`IGNORED`): one warning names it;
- it would change where a call goes, what is sent, or who may call, and is not built yet (`NOT_YET`): an error says so.
  Doors that are configured as guarded are never left open.  A value that switches the thing off is accepted;
- nobody knows it: an error that names the nearest known key.

Sources: litellm.md §1.1, §1.2, §5, and LiteLLM's own reference of its settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

REQUEST_PARAMETERS: frozenset[str] = frozenset(
    "audio background data_sources dataSources dimensions encoding_format enhancements frequency_penalty function_call"
    " functions include input_fidelity instructions language logit_bias logprobs max_completion_tokens"
    " max_output_tokens max_tokens modalities n output_compression output_format parallel_tool_calls prediction"
    " presence_penalty prompt_cache_key prompt_cache_retention quality reasoning reasoning_effort response_format"
    " safety_identifier seed service_tier size speed stop store stream_options style suffix temperature text"
    " timestamp_granularities tool_choice tools top_k top_logprobs top_p truncation user verbosity voice"
    " web_search_options".split()
)
"""Parameters of the service that may stand beside a deployment's keys, as defaults for its calls."""
PROMPTS: frozenset[str] = frozenset({"messages", "prompt", "input"})
"""What a fallback may replace besides parameters."""

_ROUTER_IGNORED = (
    "alerting_config assistants_config auto_router_capability_limit cache_responses caching_groups client_ttl"
    " debug_level guardrail_list health_check_ignore_transient_errors health_check_staleness_threshold"
    " background_health_check_model_groups enable_weighted_failover polling_interval search_tools set_verbose"
)
_PROXY_IGNORED = (
    " add_function_to_prompt alert_to_webhook_url alert_types alerting alerting_args alerting_threshold"
    " allow_requests_on_db_unavailable audit_log_callbacks background_health_checks cache cache_params callbacks"
    " completion_model custom_key_generate custom_sso database_connection_pool_limit database_connection_timeout"
    " database_url datadog_params default_internal_user_params default_redis_batch_cache_expiry"
    " default_team_disabled default_team_params default_team_settings disable_add_transform_inline_image_block"
    " disable_adding_master_key_hash_to_db disable_copilot_system_to_assistant disable_end_user_cost_tracking"
    " disable_end_user_cost_tracking_prometheus_only disable_hf_tokenizer_download disable_master_key_return"
    " disable_prisma_schema_update disable_reset_budget disable_retry_on_max_parallel_request_limit_error"
    " disable_spend_logs disable_spend_updates embedding_model enable_json_schema_validation"
    " enable_key_alias_format_validation enable_preview_features failure_callback force_ipv4 forward_openai_org_id"
    " forward_traceparent_to_llm_provider health_check_concurrency health_check_details health_check_interval"
    " image_generation_model infer_model_from_keys json_logs key_generation_settings langfuse_default_tags"
    " litellm_license max_internal_user_budget maximum_spend_logs_retention_interval"
    " maximum_spend_logs_retention_period mcp_aliases moderation_model post_call_rules"
    " prometheus_initialize_budget_metrics prometheus_metrics_config proxy_batch_polling_interval"
    " proxy_batch_write_at proxy_budget_rescheduler_max_time"
    " proxy_budget_rescheduler_min_time public_model_groups redact_user_api_key_info s3_callback_params"
    " service_callbacks spend_report_frequency store_audit_logs store_model_in_db store_prompts_in_spend_logs"
    " success_callback supported_db_objects telemetry turn_off_message_logging ui_access_mode ui_theme_config"
    " upperbound_key_generate_params user_api_key_cache_ttl user_header_mappings user_mcp_management_mode"
)
IGNORED: Mapping[str, frozenset[str]] = {
    "file": frozenset(
        "assistant_settings callback_settings files_settings finetune_settings guardrails mcp_servers mcp_tools prompts"
        " search_tools vector_store_registry".split()
    ),
    "router_settings": frozenset(_ROUTER_IGNORED.split()),
    "litellm_settings": frozenset((_ROUTER_IGNORED + _PROXY_IGNORED).split()),
    "general_settings": frozenset(_PROXY_IGNORED.split()),
    "routing_strategy_args": frozenset({"ttl", "max_latency_list_size"}),
    "cache_kwargs": frozenset(
        "client_name decode_responses default_ttl encoding encoding_errors health_check_interval lib_name lib_version"
        " max_connections protocol redis_flush_size retry retry_on_error retry_on_timeout socket_connect_timeout"
        " socket_keepalive socket_keepalive_options socket_timeout ttl type".split()
    ),
    "params": frozenset(
        "bucket_name gcs_bucket_name keepalive_seconds litellm_trace_id max_file_size_mb"
        " merge_reasoning_content_in_choices metadata use_in_pass_through".split()
    ),
    "model_info": frozenset(
        "created_at created_by db_model disable_background_health_check discoverable health_check_model"
        " health_check_timeout health_check_voice internal_router_model max_input_tokens max_output_tokens max_tokens"
        " metadata tier updated_at updated_by".split()
    ),
}
"""By section.  Accepted and without effect; a warning names those that were found."""

_PRICE = re.compile(r"\w+_cost|(\w+_)?cost_per_\w+|ptu_\w+", re.ASCII)
_CAPABILITY = re.compile(r"supports_\w+")


def is_ignored(section: str, key: str) -> bool:
    """Whether a key is accepted and has no effect."""
    if key in IGNORED.get(section, ()):
        return True
    if section in ("params", "model_info") and _PRICE.fullmatch(key):
        return True  # prices of what is not bought here: the hour of a PTU, a search, a long context
    return section == "model_info" and bool(_CAPABILITY.fullmatch(key))


def _each(keys: str, reason: str) -> dict[str, str]:
    return dict.fromkeys(keys.split(), reason)


_AFFINITY = "keeping a conversation on one deployment is not in this version; remove it"
_GUARDS = "guards the proxy's door, and no code here would obey it; remove it, or keep such a proxy in front"
_MONEY = "budgets of money are not in this version; limit use by `tpm` and `rpm`"
_TAGS = "tag routing is not in this version; make one group per tag"
_CHECKS = "checks of the prompt or the region before a call are not in this version; make one group per limit or region"
_PARAMETERS = "changing the parameters of a request is not in this version; remove it"
_TEAMS = "teams and their rights are not in this version; remove it"

NOT_YET: Mapping[str, Mapping[str, str]] = {
    "file": {
        "include": "further files are not read in this version; write everything into one",
        "credential_list": "named credentials are not in this version; write them into each deployment",
    },
    "router_settings": {
        **_each("enable_tag_filtering tag_filtering_match_any tag_routing_prefix", _TAGS),
        **_each("enable_pre_call_check enable_pre_call_checks optional_pre_call_checks", _CHECKS),
        **_each("deployment_affinity_ttl_seconds model_group_affinity_config", _AFFINITY),
        **_each("max_budget budget_duration provider_budget_config", _MONEY),
        "default_priority": "give `priority` with each call",
        "enable_health_check_routing": "health checks by extra calls are not made; failures of real calls eject",
        **_each(
            "fallback_access_check fallback_budget_check plugins", "callbacks into routing are not in this version"
        ),
        "router_general_settings": "`pass_through_all_models` is not in this version; add a wildcard deployment",
        "routing_groups": "one strategy serves all groups in this version; make several routers",
        "weights": "give `weight` at each deployment",
    },
    "litellm_settings": {
        "modify_params": _PARAMETERS,
        "ssl_verify": "TLS is always verified; give an own `client` where another certificate authority is needed",
    },
    "general_settings": {
        **_each(
            "admin_only_routes allow_client_side_credentials allow_user_auth allowed_ips allowed_routes custom_auth"
            " disable_responses_id_security enable_jwt_auth enable_oauth2_auth enable_oauth2_proxy_auth"
            " enforce_user_param enforced_params litellm_jwtauth litellm_key_header_name max_request_size_mb"
            " max_response_size_mb"
            " oauth2_config_mappings pass_through_endpoints public_routes reject_clientside_metadata_tags"
            " service_account_settings use_client_credentials_pass_through_routes use_x_forwarded_for",
            _GUARDS,
        ),
        **_each(
            "max_parallel_requests global_max_parallel_requests", "give `max_parallel_requests` at each deployment"
        ),
        **_each(
            "key_management_settings key_management_system use_azure_key_vault use_google_kms",
            "vaults are not read in this version; put the keys into environment variables",
        ),
        "forward_client_headers_to_llm_api": "headers of callers are not passed on in this version; remove it",
    },
    "routing_strategy_args": {
        "lowest_latency_buffer": "choosing by latency is not in this version; remove it",
    },
    "cache_kwargs": {
        **_each(
            "gcp_service_account gcp_ssl_ca_certs redis_connect_func",
            "give an object with `get_credentials()` as `redis_credential_provider`",
        ),
        **_each(
            "ssl_cert_reqs ssl_certfile ssl_keyfile ssl_ca_data ssl_ca_path ssl_min_version",
            "TLS is always verified; give `redis_ssl_ca_certs`, or a client of your own as `redis_client`",
        ),
    },
    "retry_policy": _each(
        "ServiceUnavailableErrorRetries NotFoundErrorRetries",
        "this class has no figure of its own in this version; 503 follows InternalServerErrorRetries, 404 is not"
        " retried on the same deployment",
    ),
    "allowed_fails_policy": _each(
        "ServiceUnavailableErrorAllowedFails BadGatewayErrorAllowedFails NotFoundErrorAllowedFails",
        "this class has no figure of its own in this version; 502 and 503 follow InternalServerErrorAllowedFails, a 404"
        " ejects at once",
    ),
    "params": {
        **_each("itpm otpm", "separate limits for input and output are not in this version; give `tpm`"),
        **_each("max_budget budget_duration", _MONEY),
        **_each("use_chat_completions_api", _PARAMETERS),
        **_each(
            "allow_client_keepalive_override configurable_clientside_auth_params default_api_key_rpm_limit"
            " default_api_key_tpm_limit",
            _GUARDS,
        ),
        **_each(
            "headers extra_headers", "headers of a deployment are not in this version; give `extra_headers` per call"
        ),
        "litellm_credential_name": "named credentials are not in this version; write them here",
        **_each("mock_response mock_timeout", "answers without a request are not in this version; use the emulator"),
        "provider_affinity_header": _AFFINITY,
        "silent_model": "mirroring calls to another group is not in this version; remove it",
        "stream": "each call says itself whether it streams; remove it",
        "tag_regex": _TAGS,
    },
    "model_info": {
        **_each("access_groups access_windows member_auto_router team_id team_public_model_name", _TEAMS),
        **_each("allow_fail_open enable_tag_filtering", _TAGS),
        "blocked": "a blocked deployment would still be used; remove the entry",
        "environments": "environments are not in this version; keep one file for each",
    },
}
"""By section.  What would change a call and is not built."""

_SECTION_PARENTS = {"litellm_settings": "router_settings"}


def not_yet(section: str, key: str) -> str | None:
    """Why a key cannot be used in this version, and the way out; None if it is none of these."""
    for name in (section, _SECTION_PARENTS.get(section, section)):
        reason = NOT_YET.get(name, {}).get(key)
        if reason is not None:
            return reason
    return None


def is_off(key: str, value: Any) -> bool:
    """Whether a value switches its key off, so that it changes nothing."""
    if key == "ssl_cert_reqs":
        return value in ("required", None)
    if key in ("tag_filtering_match_any", "ssl_verify"):
        return value is True  # LiteLLM's default, and what happens here
    if key == "router_general_settings" and isinstance(value, Mapping):
        return not value.get("pass_through_all_models")
    if isinstance(value, (str, list, tuple, dict)):
        return not value or (isinstance(value, str) and value.lower() == "false")
    return value is None or value is False


def other_keys() -> Iterable[tuple[str, str, str]]:
    """Section, key and consequence of every key that does not run; for the reference."""
    for section, reasons in NOT_YET.items():
        yield from ((section, key, reason) for key, reason in sorted(reasons.items()))
    for section, keys in IGNORED.items():
        yield from ((section, key, "") for key in sorted(keys))
