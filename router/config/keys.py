"""Which of LiteLLM's keys run here, and which belong to other products?

Three classes, so that nothing is dropped silently: keys that run (the fields of `models.py`), keys of other products
(one warning names them), and keys about routing that this version does not do yet (an error says so).
"""

from __future__ import annotations

OTHER_PRODUCTS: frozenset[str] = frozenset(
    # Router(...)
    "alerting_config assistants_config auto_router_capability_limit background_health_check_model_groups"
    " cache_kwargs cache_responses caching_groups client_ttl debug_level fallback_access_check fallback_budget_check"
    " guardrail_list health_check_ignore_transient_errors health_check_staleness_threshold plugins"
    " enable_health_check_routing polling_interval provider_budget_config router_general_settings search_tools"
    " set_verbose"
    # litellm_settings, general_settings
    " alert_types alerting alerting_threshold allowed_routes assistant_settings audit_logs background_health_checks"
    " cache cache_params callbacks custom_auth database_connection_pool_limit database_url disable_spend_logs"
    " enable_jwt_auth failure_callback guardrails health_check_details health_check_interval infer_model_from_keys"
    " json_logs langfuse_default_tags max_budget budget_duration mcp_aliases modify_params redact_user_api_key_info"
    " service_callbacks set_verbose spend_report_frequency store_model_in_db store_prompts_in_spend_logs"
    " success_callback telemetry turn_off_message_logging ui_access_mode use_client_credentials_pass_through_routes"
    " upperbound_key_generate_params enable_loadbalancing_on_batch_endpoints enable_azure_ad_token_refresh"
    # litellm_params, model_info
    " access_groups access_windows blocked configurable_clientside_auth_params cost_per_ptu_per_hour"
    " default_api_key_rpm_limit default_api_key_tpm_limit disable_background_health_check environments"
    " health_check_model health_check_timeout health_check_voice input_cost_per_second input_cost_per_token"
    " keepalive_seconds litellm_credential_name max_input_tokens max_output_tokens mode mock_response mock_timeout"
    " output_cost_per_second output_cost_per_token ptu_count ptu_effective_from ptu_effective_to silent_model"
    " supports_audio_input supports_function_calling supports_native_streaming supports_reasoning"
    " supports_response_schema supports_vision team_id team_public_model_name tier use_in_pass_through"
    " additional_drop_params allowed_openai_params".split()
)
"""Accepted and without effect; a warning names those that were found."""

NOT_YET: dict[str, str] = {
    **dict.fromkeys(
        ["tenant_id", "client_id", "client_secret", "azure_username", "azure_password", "azure_scope"],
        "signing in with a service principal or a user is not in this version; give `api_key`, `azure_ad_token` or"
        " `azure_ad_token_provider`",
    ),
    **dict.fromkeys(
        ["redis_url", "redis_host", "redis_port", "redis_password", "redis_username", "redis_db", "redis_ssl"],
        "shared state in Redis is not in this version; limits hold per process, so give each process its share",
    ),
    **dict.fromkeys(
        ["tags", "tag_regex", "enable_tag_filtering", "tag_filtering_match_any", "tag_routing_prefix"],
        "tag routing is not in this version; make one group per tag",
    ),
    **dict.fromkeys(
        ["region_name", "enable_pre_call_checks", "optional_pre_call_checks"],
        "checks before the call are not in this version; make one group per region or context length",
    ),
    **dict.fromkeys(
        ["deployment_affinity_ttl_seconds", "model_group_affinity_config", "routing_groups", "enable_weighted_failover"],
        "this kind of routing is not in this version; a failed call already goes to another deployment",
    ),
    **dict.fromkeys(["itpm", "otpm"], "separate limits for input and output are not in this version; give `tpm`"),
    "master_key": "the proxy is not in this version",
}
"""Would change what happens to calls, and is not built: an error, never silence."""

REQUEST_PARAMETERS: frozenset[str] = frozenset(
    "audio data_sources dataSources dimensions encoding_format enhancements frequency_penalty function_call functions"
    " logit_bias logprobs max_completion_tokens max_tokens modalities n parallel_tool_calls prediction"
    " presence_penalty prompt_cache_key reasoning_effort response_format safety_identifier seed service_tier stop"
    " store stream_options temperature tool_choice tools top_logprobs top_p user verbosity web_search_options".split()
)
"""Parameters of the service that an entry may set as defaults for its deployment."""
