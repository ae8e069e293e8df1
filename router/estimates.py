"""What will a call be charged in its group, where deployments add parameters of their own?

A deployment may state `max_tokens` or `n` for calls that do not.  They are sent with the request, so Azure charges
them, and they belong into the estimate.  A group whose deployments state different ones is charged by the largest: a
deployment that states less is charged too much until its reply is settled, which wastes a little room and never
exceeds a limit.  A group without such parameters costs one look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .configured import Deployment
from .tokens import LIMITS, MULTIPLES, estimate
from .values import Call


class Estimates:
    """Knows what the deployments of each group add.

    Args:
        deployments_of: the deployments of a group, by its name.
    """

    def __init__(self, deployments_of: Callable[[str], Iterable[Deployment]]) -> None:
        self._deployments_of = deployments_of
        self._groups: dict[str, list[dict[str, Any]]] = {}

    def tokens_for(self, call: Call) -> int:
        """The tokens that a deployment of the call's group will charge at admission."""
        try:
            stated = self._groups[call.group]
        except KeyError:
            stated = self._groups[call.group] = _stated(self._deployments_of(call.group))
        if not stated:
            return estimate(call.operation, call.body)
        return max(estimate(call.operation, _with(defaults, call.body)) for defaults in stated)


def _stated(deployments: Iterable[Deployment]) -> list[dict[str, Any]]:
    """The different parameters that multiply or limit the answer, nothing among them; empty where there are none."""
    found: list[dict[str, Any]] = []
    for deployment in deployments:
        theirs = {name: deployment.defaults[name] for name in (*LIMITS, *MULTIPLES) if name in deployment.defaults}
        if theirs not in found:
            found.append(theirs)
    return found if any(found) else []


def _with(defaults: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The body as it is sent: one limit of its own silences all those of the deployment."""
    if any(body.get(name) is not None for name in LIMITS):
        defaults = {name: value for name, value in defaults.items() if name not in LIMITS}
    return {**defaults, **body}
