"""Which keys run, and what do they mean?

The shape of a configuration as LiteLLM's users write it.  The descriptions of the fields are the reference in
docs/configuration.md (`reference.py`).  The models check single fields; what depends on several is checked by those
who build from them.  Keys that do not run are in `keys.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainValidator

from .fields import (
    Count,
    CredentialObject,
    Dollars,
    Flag,
    Id,
    Limit,
    Listed,
    Mapped,
    Name,
    Names,
    NeededName,
    OneOrMore,
    Seconds,
    Shown,
    Text,
    Timeout,
    TokenCallable,
    Weight,
    Windows,
    one_of,
)
from .redis_models import RedisOptions
from .shape import Shape
from .shape import about as _about


class RetryPolicy(Shape):
    """Retries by class of failure.  What is not stated follows the default, and that follows `num_retries`."""

    section = "retry_policy"
    BadRequestErrorRetries: Count = _about("After a 400 or 422.")
    AuthenticationErrorRetries: Count = _about("After a 401 or 403; another deployment is tried.")
    TimeoutErrorRetries: Count = _about("After time ran out.")
    RateLimitErrorRetries: Count = _about("After a 429.")
    ContentPolicyViolationErrorRetries: Count = _about("After a filtered prompt.")
    InternalServerErrorRetries: Count = _about("After a 5xx.")
    DefaultRetries: Count = _about("After everything else.")


class AllowedFailsPolicy(Shape):
    """Failures within the cooldown time that do not eject yet, by class; `allowed_fails` for what is not stated."""

    section = "allowed_fails_policy"
    BadRequestErrorAllowedFails: Count = _about("400s and 422s.")
    AuthenticationErrorAllowedFails: Count = _about("401s and 403s.")
    TimeoutErrorAllowedFails: Count = _about("Timeouts.")
    RateLimitErrorAllowedFails: Count = _about("429s.")
    ContentPolicyViolationErrorAllowedFails: Count = _about("Filtered prompts.")
    InternalServerErrorAllowedFails: Count = _about("5xx.")


class PriceKeys(Shape):
    """In `litellm_params` or in `model_info`, in US dollars; they win over the list's prices, see docs/costs.md."""

    section = "params"
    input_cost_per_token: Dollars = _about("A token of the prompt; cached and audio tokens too, unless stated.")
    output_cost_per_token: Dollars = _about("A token of the answer; reasoning and audio tokens too, unless stated.")
    cache_read_input_token_cost: Dollars = _about("A token of the prompt that was read from the cache.")
    cache_creation_input_token_cost: Dollars = _about("A token of the prompt that was written into the cache.")
    input_cost_per_audio_token: Dollars = _about("A token of audio in the prompt.")
    output_cost_per_audio_token: Dollars = _about("A token of audio in the answer.")
    cache_read_input_audio_token_cost: Dollars = _about("A token of audio that was read from the cache.")
    input_cost_per_image_token: Dollars = _about("A token of an image in the prompt.")
    output_cost_per_image_token: Dollars = _about("A token of an image that was made.")
    output_cost_per_reasoning_token: Dollars = _about("A token of reasoning.")
    input_cost_per_token_batches: Dollars = _about("As `input_cost_per_token`, in a batch.  Default: half of it.")
    output_cost_per_token_batches: Dollars = _about("As `output_cost_per_token`, in a batch.  Default: half of it.")
    input_cost_per_character: Dollars = _about("A character of text that is spoken.")
    input_cost_per_second: Dollars = _about(
        "A second of audio that is written down; where no tokens are priced, a second that the reply took."
    )
    output_cost_per_second: Dollars = _about("The same; both are added where both are stated.")
    output_cost_per_image: Dollars = _about("An image that was made, whatever its size.")
    input_cost_per_image: Dollars = _about("The same, in LiteLLM's older spelling.")
    output_cost_per_pixel: Dollars = _about("A pixel of an image that was made.")
    input_cost_per_pixel: Dollars = _about("The same, in LiteLLM's older spelling.")
    input_cost_per_query: Dollars = _about("A call, besides what it uses.")


class Params(PriceKeys):
    """`litellm_params` (or `params`): how a deployment is reached and what it may take.

    Parameters of the service (`temperature`, `max_tokens`, …) may stand here too, as defaults for its calls.
    """

    section = "params"
    model: Name = _about(
        "`azure/<deployment>`, `azure/o_series/<deployment>`, `azure/gpt5_series/<deployment>`, `openai/<model>`, or a"
        " bare model of OpenAI.  Required."
    )
    api_base: Text = _about(
        "The resource's address, or any longer form up to a whole operation's URL.  Default: `AZURE_API_BASE`,"
        " `AZURE_OPENAI_ENDPOINT`; OpenAI: `OPENAI_BASE_URL`, else api.openai.com."
    )
    base_url: Text = _about("The same as `api_base`.")
    api_key: Text = _about(
        "The resource's key.  Default: `AZURE_API_KEY`, `AZURE_OPENAI_API_KEY`; OpenAI: `OPENAI_API_KEY`."
    )
    api_version: Text = _about(
        "A date such as `2024-10-21`, or `v1`, `preview`, `latest` for the v1 API.  Default: the one in `api_base`,"
        " `AZURE_API_VERSION`, `OPENAI_API_VERSION`, else `2025-02-01-preview`."
    )
    azure_ad_token: Text = _about(
        "An Entra token; wins over a key, only one of them is sent.  Default where no key is given either:"
        " `AZURE_AD_TOKEN`, `AZURE_OPENAI_AD_TOKEN`.  Or `oidc/…`: where another platform's token for us is, which"
        " Entra exchanges; see docs/signing-in.md."
    )
    azure_ad_token_provider: TokenCallable = _about(
        "Returns an Entra token, blocking or awaiting; wins over a token and a key."
    )
    azure_credential: CredentialObject = _about(
        "A credential of azure-identity or alike, blocking or asynchronous (then for awaiting calls only); wins over"
        " everything else."
    )
    tenant_id: Name = _about(
        "The Entra tenant of the application that signs in.  Default beside any of the following: `AZURE_TENANT_ID`."
    )
    client_id: Name = _about(
        "The application that signs in, or the user-assigned identity with `enable_azure_ad_token_refresh`.  Default"
        " beside any of the following: `AZURE_CLIENT_ID`."
    )
    client_secret: Text = _about(
        "The application's secret.  With `tenant_id` and `client_id` it signs in where no token and no key is given."
        "  Default: `AZURE_CLIENT_SECRET`."
    )
    azure_username: Text = _about(
        "Signs in with `client_id` and `azure_password` (`tenant_id` may be left out).  Default: `AZURE_USERNAME`."
    )
    azure_password: Text = _about("The user's password.  Default: `AZURE_PASSWORD`.")
    azure_scope: Text = _about(
        "What tokens are for.  Default: `AZURE_SCOPE`, else `https://cognitiveservices.azure.com/.default`, or what"
        " corresponds to it in the cloud of `azure_authority_host`."
    )
    azure_authority_host: Text = _about(
        "Entra of another cloud, such as `login.microsoftonline.us`.  Default: `AZURE_AUTHORITY_HOST`, else the public"
        " cloud's."
    )
    enable_azure_ad_token_refresh: Flag = _about("As among the router's settings, for this deployment.")
    organization: OneOrMore = _about("OpenAI's organization.  A list makes one deployment of each.")
    custom_llm_provider: Annotated[
        str | None, PlainValidator(one_of("azure", "azure_text", "azure_ai", "openai")), Shown("azure or openai")
    ] = _about("Instead of the prefix of `model`.")
    allow_http: Flag = _about("Accept `http://` for a host other than this machine.  The key travels unencrypted then.")
    tpm: Limit = _about("Tokens per minute.  Default: no limit until a header or a 429 teaches one.")
    rpm: Limit = _about("Requests per minute.  On Azure it implies a window of ⌈rpm/6⌉ requests in 10 seconds.")
    request_windows: Windows = _about("Further request windows, instead of the implied one; `[]` for none.")
    weight: Weight = _about(
        "Share under `simple-shuffle`; 0: only when no other can.  Default: `rpm`, else `tpm`, else 1."
    )
    order: Count = _about("Tier: a higher one serves when nothing in the lower ones can.  Default 1.")
    max_parallel_requests: Limit = _about("Calls that may be open at once.")
    timeout: Timeout = _about("Seconds that one attempt may take here.")
    stream_timeout: Timeout = _about("Seconds to a stream's first event and between events, here.")
    num_retries: Count = _about("Retries of a call that failed here.")
    max_retries: Count = _about("The same as `num_retries`.")
    cooldown_time: Seconds = _about("Seconds of rest here; wins over `Retry-After`; 0: never rests.")
    region_name: Name = _about("Where it is.  Informative.")
    tags: Names = _about("Informative in this version; see `enable_tag_filtering`.")
    base_model: Name = _about(
        "The model behind the deployment's name (`gpt-5-mini`); decides which parameters it takes and what it costs."
    )
    drop_params: Flag = _about(
        "Leave out parameters that the model's family refuses, rather than refuse the call.  Default: the router's; see"
        " docs/parameters.md."
    )
    additional_drop_params: Names = _about("Parameters that are never sent here.")
    allowed_openai_params: Names = _about("Parameters that are sent here although the model's family refuses them.")
    extra_body: Mapped = _about("Parameters for the service that are not known here.")


class ModelInfo(PriceKeys):
    """`model_info`: what is known about a deployment."""

    section = "model_info"
    nested: ClassVar[dict[str, type[Shape]]] = {"allowed_fails_policy": AllowedFailsPolicy}
    id: Id = _about("Its id.  Default: `<deployment>@<first part of the host>`, with the group before it where needed.")
    base_model: Name = _about("As in `litellm_params`, and wins over it.")
    tpm: Limit = _about("As in `litellm_params`.")
    rpm: Limit = _about("As in `litellm_params`.")
    order: Count = _about("As in `litellm_params`.")
    cooldown_time: Seconds = _about("As in `litellm_params`.")
    allowed_fails: Count = _about("Failures within `cooldown_time` that do not eject yet; wins over the router's.")
    allowed_fails_policy: AllowedFailsPolicy | None = _about("The same by class of failure.")
    ptu: Flag = _about(
        "Provisioned throughput: paid by the hour, so a call costs 0.  Default: true with a `ptu_count`."
    )
    ptu_count: Count = _about("Units of provisioned throughput.")
    mode: Name = _about("What it is for: `chat`, `embedding`, `batch`, ….  Informative.")


class Entry(Shape):
    """One entry of `model_list`: one deployment."""

    section = "model_list"
    nested: ClassVar[dict[str, type[Shape]]] = {"model_info": ModelInfo}
    model_name: NeededName = Field(
        description="The group that callers ask for.  May hold one `*`: then it serves every name that matches, and"
        " what stands for the `*` replaces the one in `model`."
    )
    litellm_params: Params | None = _about("How it is reached.  This or `params` is required.")
    params: Params | None = _about("The same as `litellm_params`.")
    model_info: ModelInfo | None = _about("What is known about it.")
    tpm: Limit = _about("As in `litellm_params`.")
    rpm: Limit = _about("As in `litellm_params`.")


class Options(RedisOptions):
    """Everything about a router but its deployments.

    Keywords of `Router(...)`, and in a file `router_settings`, or `litellm_settings` where `router_settings` is silent.
    """

    section = "router_settings"
    nested: ClassVar[dict[str, type[Shape]]] = {
        "retry_policy": RetryPolicy,
        "allowed_fails_policy": AllowedFailsPolicy,
        **RedisOptions.nested,
    }
    nested_by_name: ClassVar[dict[str, type[Shape]]] = {"model_group_retry_policy": RetryPolicy}
    routing_strategy: Any = _about(
        "How a deployment is chosen: a name of docs/strategies.md, or an object with `choose(candidates, situation)`."
        "  Default `least-loaded`."
    )
    num_retries: Count = _about("Further attempts within one group.  Default 2.")
    retry_policy: RetryPolicy | None = _about("The same by class of failure.")
    model_group_retry_policy: Mapped = _about("The same for single groups: `{group: {…}}`.")
    retry_after: Seconds = _about("Least seconds before the same deployment is tried again.  Default 0.")
    timeout: Timeout = _about("Seconds for a whole call: attempts, waits and fallbacks.  Default 600.")
    request_timeout: Timeout = _about("The same as `timeout`.")
    attempt_timeout: Timeout = _about("Seconds for one attempt.  Default: 80 % of what is left of the call.")
    stream_timeout: Timeout = _about("Seconds to a stream's first event and between events.")
    max_wait: Seconds = _about(
        "Seconds to queue when nothing has room.  Default 30, or 1 where a fallback exists; 0 refuses at once."
    )
    allowed_fails: Count = _about(
        "Failures within `cooldown_time` that do not eject yet.  Default: see docs/concepts.md."
    )
    allowed_fails_policy: AllowedFailsPolicy | None = _about("The same by class of failure.")
    cooldown_time: Seconds = _about("Seconds of rest; 0: nothing rests.  Default: as the failure asks for.")
    disable_cooldowns: Flag = _about("Nothing rests.")
    fallbacks: Listed = _about(
        '`[{"group": ["other", {"model": "third", "temperature": 0}]}]`; the group `"*"` stands for all others.'
    )
    context_window_fallbacks: Listed = _about("The same; tried first after a prompt that is too long.")
    content_policy_fallbacks: Listed = _about("The same; tried first after a filtered prompt.")
    default_fallbacks: Listed = _about("Groups for those that `fallbacks` does not name.")
    max_fallbacks: Count = _about("Groups beyond the first that one call may try.  Default 5.")
    model_group_alias: Mapped = _about('`{alias: group}` or `{alias: {"model": group, "hidden": true}}`.')
    charge: Annotated[
        str | None, PlainValidator(one_of("auto", "max", "estimate", "actual")), Shown("auto, max, estimate or actual")
    ] = _about("What an attempt costs once its reply is known.  Default `auto`; see docs/concepts.md.")
    default_litellm_params: Mapped = _about(
        "Request parameters for every call, and keys of `litellm_params` for every deployment that does not state them."
    )
    default_params: Mapped = _about("The same as `default_litellm_params`.")
    default_max_parallel_requests: Limit = _about("For deployments that state neither this nor `rpm` nor `tpm`.")
    enable_azure_ad_token_refresh: Flag = _about(
        "Where no key, token or sign-in is given, sign in as whoever this machine, pod or developer is: by the service"
        " principal of the environment, else by azure-identity's `DefaultAzureCredential`; see docs/signing-in.md."
    )
    enable_loadbalancing_on_batch_endpoints: Flag = _about(
        "Write the deployment's name on each line of a batch file that names its group.  Default true; false uploads"
        " the lines as they are."
    )
    drop_params: Flag = _about("Leave out parameters that a model's family refuses, rather than refuse the call.")
    ignore_invalid_deployments: Flag = _about(
        "Leave out deployments with mistakes, with a warning, rather than refuse all."
    )
