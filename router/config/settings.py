"""A configuration that has been understood: plain values, ready for the router."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from router.azure.endpoint import opened, url_for
from router.charge import ChargePolicy
from router.configured import Deployment, HealthPolicy, Policy
from router.errors import NotFoundError
from router.stores.reach.settings import RedisSettings
from strategies import Strategy

from .names import captured


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a router is made of."""

    deployments: tuple[Deployment, ...]
    strategy: Strategy
    policy: Policy = Policy()
    health: HealthPolicy = HealthPolicy()
    charge: ChargePolicy = ChargePolicy.AUTO
    timeout: float = 600.0
    """Seconds for a whole call."""
    attempt_timeout: float | None = None
    stream_timeout: float | None = None
    max_wait: float | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    """From an alias to its group, deployment's id, or name that a wildcard serves."""
    hidden_aliases: frozenset[str] = frozenset()
    """Aliases that are not listed."""
    wildcards: tuple[Deployment, ...] = ()
    """Entries whose `model_name` is a pattern, most specific first."""
    default_params: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Request parameters for every call that does not set them."""
    rewrites_batches: bool = True
    """Lines of a batch file that name a group get the name of the deployment that the file goes to."""
    redis: RedisSettings | None = None
    """None: not configured."""
    master_key: str | None = field(default=None, repr=False)
    """The proxy's key (`general_settings`); the router itself asks nobody for one."""

    def from_wildcard(self, pattern: Deployment, name: str) -> Deployment:
        """The deployment that a wildcard entry makes of a name that its pattern matches.

        What stands for the `*` of the pattern stands for the `*` of its `model`: `azure/*` with the model `azure/*`
        turns `azure/foo` into the deployment `foo`, `azure/o_series/foo` into one of that family, and `azure/claude-x`
        into Claude.

        Raises:
            NotFoundError: no deployment can have the name that results.
        """
        wire = pattern.model.replace("*", captured(pattern.group, name) or "")
        endpoint, called = opened(pattern.endpoint.endpoint, wire)
        target = replace(pattern.endpoint, endpoint=endpoint)
        made = replace(
            pattern, group=name, model=called, id=f"{wire}@{pattern.resource}", resource=endpoint.host, endpoint=target
        )
        try:
            if not wire.strip("./") or not wire.isprintable():
                raise ValueError
            url_for(endpoint, called, "chat.completions")
        except ValueError:
            raise NotFoundError(
                f"no deployment can be called {wire[:80]!r}, which the wildcard {pattern.group!r} makes of the name."
                "  Letters, digits, dots, hyphens and underscores are allowed, up to 64."
            ) from None
        return made

    def wildcard_name(self, pattern: Deployment, deployment: str) -> str | None:
        """The name under which a wildcard entry makes the deployment with this id; None: it makes no such."""
        wire, _, resource = deployment.rpartition("@")
        star = captured(pattern.model, wire) if "*" in pattern.model else None
        if resource != pattern.resource or star is None:
            return None
        return pattern.group.replace("*", star)
