"""A configuration that has been understood: plain values, ready for the router."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from router.charge import ChargePolicy
from router.values import Deployment, HealthPolicy, Policy
from strategies import Strategy


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
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    hidden_aliases: frozenset[str] = frozenset()
    wildcards: tuple[Deployment, ...] = ()
    """Entries whose `model_name` is a pattern, most specific first."""
    default_params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Request parameters for every call that does not set them."""

    def from_wildcard(self, pattern: Deployment, name: str) -> Deployment:
        """The deployment that a wildcard entry makes of a name that its pattern matches.

        What stands for the `*` of the pattern stands for the `*` of its `model`: `azure/*` with the model `azure/*`
        turns `azure/foo` into the deployment `foo`.
        """
        before, _, after = pattern.group.partition("*")
        matched = name[len(before) : len(name) - len(after)]
        wire = pattern.model.replace("*", matched)
        return replace(pattern, group=name, model=wire, id=f"{wire}@{pattern.resource}")
