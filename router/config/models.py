"""The shape of a configuration, as LiteLLM's users write it.

pydantic models, whose field descriptions are the reference in docs/configuration.md.  They check types and ranges;
what depends on several fields is checked in `build.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MOST = 10**12


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


Count = Annotated[int, BeforeValidator(_no_bool), Field(ge=0, le=MOST)]
Limit = Annotated[int, BeforeValidator(_no_bool), Field(gt=0, le=MOST)]
Seconds = Annotated[float, BeforeValidator(_no_bool), Field(ge=0, le=86_400, allow_inf_nan=False)]
Timeout = Annotated[float, BeforeValidator(_no_bool), Field(gt=0, le=86_400, allow_inf_nan=False)]
Weight = Annotated[float, BeforeValidator(_no_bool), Field(ge=0, le=MOST, allow_inf_nan=False)]


class Shape(BaseModel):
    """Unknown keys are errors, and no message shows a value."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, frozen=True, arbitrary_types_allowed=True, protected_namespaces=()
    )


class RetryPolicy(Shape):
    """Retries by class of failure; what is not stated follows `num_retries`."""

    BadRequestErrorRetries: Count | None = Field(default=None, description="After a 400.")
    AuthenticationErrorRetries: Count | None = Field(default=None, description="After a 401 or 403, elsewhere only.")
    TimeoutErrorRetries: Count | None = Field(default=None, description="After a timeout.")
    RateLimitErrorRetries: Count | None = Field(default=None, description="After a 429.")
    ContentPolicyViolationErrorRetries: Count | None = Field(default=None, description="After a filtered prompt.")
    InternalServerErrorRetries: Count | None = Field(default=None, description="After a 5xx.")


class AllowedFailsPolicy(Shape):
    """Failures within the cooldown time that do not eject yet, by class."""

    BadRequestErrorAllowedFails: Count | None = Field(default=None, description="400s.")
    AuthenticationErrorAllowedFails: Count | None = Field(default=None, description="401s and 403s.")
    TimeoutErrorAllowedFails: Count | None = Field(default=None, description="Timeouts.")
    RateLimitErrorAllowedFails: Count | None = Field(default=None, description="429s.")
    ContentPolicyViolationErrorAllowedFails: Count | None = Field(default=None, description="Filtered prompts.")
    InternalServerErrorAllowedFails: Count | None = Field(default=None, description="5xx.")


class Params(Shape):
    """`litellm_params` (or `params`): how a deployment is reached and what it may take.

    Any parameter of the service (`temperature`, `max_tokens`, …) may stand here too, as a default for its calls.
    """

    model: str = Field(
        min_length=1,
        description="`azure/<deployment>`, `azure/o_series/<deployment>`, `azure/gpt5_series/<deployment>`,"
        " `openai/<model>` or a bare OpenAI model.",
    )
    api_base: str | None = Field(default=None, description="The resource's address; every form of docs/migrating.md works.")
    base_url: str | None = Field(default=None, description="The same as `api_base`.")
    api_key: str | None = Field(default=None, description="The resource's key.")
    api_version: str | None = Field(
        default=None, description="A date, or `v1`/`preview`/`latest` for the v1 API.  2025-02-01-preview if not given."
    )
    azure_ad_token: str | None = Field(default=None, description="An Entra token; wins over a key.")
    azure_ad_token_provider: Callable[[], Any] | None = Field(
        default=None, description="A callable that returns an Entra token, blocking or awaiting; wins over token and key."
    )
    organization: str | list[str] | None = Field(
        default=None, description="OpenAI's organization; a list makes one deployment of each."
    )
    tpm: Limit | None = Field(default=None, description="Tokens per minute.")
    rpm: Limit | None = Field(default=None, description="Requests per minute.")
    request_windows: list[tuple[Limit, Timeout]] | None = Field(
        default=None, description="Further request windows as [limit, seconds].  With `rpm` on Azure: [⌈rpm/6⌉, 10]."
    )
    weight: Weight | None = Field(default=None, description="Share under `simple-shuffle`.")
    order: Count | None = Field(default=None, description="Tier: a higher one serves when the lower ones cannot.")
    max_parallel_requests: Limit | None = Field(default=None, description="Calls that may be open at once.")
    timeout: Timeout | None = Field(default=None, description="Seconds for one attempt here.")
    stream_timeout: Timeout | None = Field(default=None, description="Seconds to a stream's first event, here.")
    num_retries: Count | None = Field(default=None, description="Retries of a call that failed here.")
    max_retries: Count | None = Field(default=None, description="The same as `num_retries`.")
    cooldown_time: Seconds | None = Field(default=None, description="Seconds of rest here; beats Retry-After; 0: never rests.")
    base_model: str | None = Field(default=None, description="The model behind the name, for parameters and prices.")
    drop_params: bool | None = Field(default=None, description="Accepted; parameters pass through to the service as they are.")
    custom_llm_provider: Literal["azure", "openai"] | None = Field(default=None, description="Instead of the model's prefix.")
    extra_body: dict[str, Any] | None = Field(default=None, description="Parameters for the service that are not known here.")


class ModelInfo(Shape):
    """`model_info`: what is known about a deployment."""

    id: str | None = Field(default=None, min_length=1, max_length=200, description="Its id; made from name and host if absent.")
    base_model: str | None = Field(default=None, description="As in `litellm_params`.")
    tpm: Limit | None = Field(default=None, description="As in `litellm_params`.")
    rpm: Limit | None = Field(default=None, description="As in `litellm_params`.")
    order: Count | None = Field(default=None, description="As in `litellm_params`.")
    cooldown_time: Seconds | None = Field(default=None, description="As in `litellm_params`.")
    allowed_fails: Count | None = Field(default=None, description="Failures within `cooldown_time` that do not eject yet.")
    allowed_fails_policy: AllowedFailsPolicy | None = Field(default=None, description="The same by class.")


class Entry(Shape):
    """One entry of `model_list`: one deployment."""

    model_name: str = Field(min_length=1, description="The group that callers ask for; may hold one `*`.")
    params: Params = Field(description="How it is reached; `litellm_params` is the same.")
    model_info: ModelInfo = Field(default=ModelInfo(), description="What is known about it.")
    tpm: Limit | None = Field(default=None, description="As in `litellm_params`.")
    rpm: Limit | None = Field(default=None, description="As in `litellm_params`.")


class Alias(Shape):
    """An alias that says more than its group."""

    model: str = Field(min_length=1, description="The group.")
    hidden: bool = Field(default=False, description="Keep it out of `router.models()`.")


FallbackList = list[dict[str, list[str | dict[str, Any]]]]


class Options(Shape):
    """Everything about a router but its deployments: keywords of `Router(...)`, or `router_settings` of a file."""

    routing_strategy: Any = Field(
        default=None, description="`least-loaded` (default), `simple-shuffle`, `round-robin`, or an object with `choose`."
    )
    routing_strategy_args: dict[str, Any] | None = Field(default=None, description="Accepted; our strategies take none.")
    num_retries: Count | None = Field(default=None, description="Further attempts in one group.  Default 2.")
    retry_policy: RetryPolicy | None = Field(default=None, description="The same by class of failure.")
    model_group_retry_policy: dict[str, RetryPolicy] | None = Field(default=None, description="The same for single groups.")
    retry_after: Seconds | None = Field(default=None, description="Least seconds before the same deployment is tried again.")
    timeout: Timeout | None = Field(
        default=None, description="Seconds for a whole call: attempts, waits and fallbacks.  Default 600."
    )
    request_timeout: Timeout | None = Field(default=None, description="The same as `timeout`.")
    attempt_timeout: Timeout | None = Field(default=None, description="Seconds for one attempt.")
    stream_timeout: Timeout | None = Field(
        default=None, description="Seconds to a stream's first event and between events.  Default: `timeout`."
    )
    max_wait: Seconds | None = Field(
        default=None, description="Seconds to queue when nothing has room.  Default 30, or 1 where a fallback exists; 0 refuses."
    )
    allowed_fails: Count | None = Field(default=None, description="Failures within `cooldown_time` that do not eject yet.")
    allowed_fails_policy: AllowedFailsPolicy | None = Field(default=None, description="The same by class.")
    cooldown_time: Seconds | None = Field(default=None, description="Seconds of rest; 0: nothing rests.")
    disable_cooldowns: bool | None = Field(default=None, description="Nothing rests.")
    fallbacks: FallbackList | None = Field(default=None, description='`[{"group": ["other", …]}]`; `"*"` is for all others.')
    context_window_fallbacks: FallbackList | None = Field(default=None, description="The same, first after a too long prompt.")
    content_policy_fallbacks: FallbackList | None = Field(default=None, description="The same, first after a filtered prompt.")
    default_fallbacks: list[str] | None = Field(default=None, description="For groups that `fallbacks` does not name.")
    max_fallbacks: Count | None = Field(default=None, description="Groups beyond the first for one call.  Default 5.")
    model_group_alias: dict[str, str | Alias] | None = Field(default=None, description="`{alias: group}`.")
    charge: Literal["auto", "max", "estimate", "actual"] | None = Field(
        default=None, description="What an attempt costs once its reply is known.  Default `auto`; see docs/concepts.md."
    )
    default_litellm_params: dict[str, Any] | None = Field(default=None, description="Request parameters for every call.")
    default_params: dict[str, Any] | None = Field(default=None, description="The same as `default_litellm_params`.")
    default_max_parallel_requests: Limit | None = Field(default=None, description="For deployments that state none.")
    drop_params: bool | None = Field(default=None, description="Accepted; parameters pass through to the service as they are.")
