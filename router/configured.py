"""What is configured: the deployments, and the policies that hold for their calls.

Frozen values that import the standard library only.  `config/` makes them once; nobody changes them.  Durations are
seconds, tokens are whole tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class RequestWindow:
    """At most `limit` requests in any `seconds`."""

    limit: int
    seconds: float


@dataclass(frozen=True, slots=True)
class AllowedFails:
    """How many failures of each kind a deployment may have within its cooldown time before it is ejected.

    `None` means: not stated, the next rule decides (kind, then `default`, then the built-in rule of `health.py`).
    The names follow LiteLLM's `AllowedFailsPolicy`.
    """

    default: int | None = None
    bad_request: int | None = None
    authentication: int | None = None
    timeout: int | None = None
    rate_limit: int | None = None
    content_policy: int | None = None
    internal_server: int | None = None


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a call may be tried again within one group, by kind of failure.

    `None` means: not stated, `default` decides.  The names follow LiteLLM's `RetryPolicy`.
    """

    default: int = 2
    bad_request: int | None = None
    authentication: int | None = None
    timeout: int | None = None
    rate_limit: int | None = None
    content_policy: int | None = None
    internal_server: int | None = None


@dataclass(frozen=True, slots=True)
class Fallback:
    """A group to go on in, with request parameters that replace the caller's there (`model` excepted)."""

    group: str
    overrides: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a router does about failures, as configured: retries, fallbacks, waiting.

    The three fallback maps go from a group's name to the groups to try after it, in order.
    """

    retries: Retries = Retries()
    group_retries: Mapping[str, Retries] = field(default_factory=dict)
    """Wins over `retries` for the groups that it names."""
    fallbacks: Mapping[str, tuple[Fallback, ...]] = field(default_factory=dict)
    context_window_fallbacks: Mapping[str, tuple[Fallback, ...]] = field(default_factory=dict)
    content_policy_fallbacks: Mapping[str, tuple[Fallback, ...]] = field(default_factory=dict)
    default_fallbacks: tuple[Fallback, ...] = ()
    """For groups that `fallbacks` does not name."""
    max_fallbacks: int = 5
    """Groups beyond the first that one call may try."""
    retry_after: float = 0.0
    """Least seconds of pause before the same deployment is tried again."""


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """When a deployment is taken out of service, as configured for the whole router."""

    allowed_fails: AllowedFails | None = None
    """None: the built-in rule of `health.py`.  Otherwise more failures than this within the cooldown time eject."""
    cooldown_time: float | None = None
    """Seconds of rest; None: `Retry-After` or 10 s for a 429, 5 s doubling for an ejection; 0: never."""
    disable_cooldowns: bool = False


@dataclass(frozen=True, slots=True)
class ParameterRules:
    """What becomes of parameters that a deployment's family of models refuses."""

    drop: bool | None = None
    """Leave them out instead of refusing the call; None: not stated here.  The call decides before the deployment."""
    unwanted: frozenset[str] = frozenset()
    """Parameters to leave out whatever the family takes (`additional_drop_params`)."""
    allowed: frozenset[str] = frozenset()
    """Parameters to send although the family is known to refuse them (`allowed_openai_params`)."""


NO_RULES = ParameterRules()


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment of a model, as configured.  Holds no run-time state."""

    id: str
    """Unique within a router: `model_info.id`, else made from the wire name and the host."""
    group: str
    """The name under which callers ask for it (`model_name`)."""
    model: str
    """Its name on the wire: the Azure deployment, or the model of an OpenAI endpoint."""
    resource: str = ""
    """The host behind it.  A host that cannot be reached counts against all its deployments."""
    order: int = 1
    """Tier: a higher number is used only when nothing in the lower ones is usable and has room."""
    weight: float | None = None
    tpm: int | None = None
    """Tokens per minute; None: no limit until a header or a 429 teaches one."""
    rpm: int | None = None
    """Requests per minute; None: no limit until a 429 teaches one."""
    windows: tuple[RequestWindow, ...] = ()
    """Further request windows, such as 10 s windows of ⌈rpm/6⌉ on Azure."""
    max_parallel_requests: int | None = None
    cooldown_time: float | None = None
    """Seconds of rest after a failure that calls for one; overrides `Retry-After` and the router's; 0 means never."""
    allowed_fails: AllowedFails | None = None
    num_retries: int | None = None
    timeout: float | None = None
    """Seconds that one attempt on it may take."""
    stream_timeout: float | None = None
    region: str | None = None
    tags: tuple[str, ...] = ()
    base_model: str | None = None
    prices: Any = field(default=None, repr=False)
    """Its own `router.costs.Prices`, which win over the list's."""
    provisioned: bool = False
    """Paid by the hour (PTU), so that a call costs nothing."""
    rules: ParameterRules = NO_RULES
    defaults: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Request parameters for every call that does not set them itself."""
    endpoint: Any = field(default=None, repr=False)
    """What the transport needs to reach it; opaque to everyone else."""
