"""Which deployments of a group can serve a call at all?

In a group whose deployments have models of different families, a call with `temperature` goes to those that take it.
Where none does, it fails before anything is reserved or sent.  In the same way Claude beside other models is asked for
what it serves alone, a text completion (`azure_text/…`) beside chats is not asked for tools, and pictures and sounds go
to the models that are not known to be blind or deaf.  A group of models that take the same costs one look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .azure.abilities import asks, lacks
from .azure.fitting import traits_for, unfit, unsupported
from .azure.operations import serves
from .azure.parameters import REFUSABLE
from .configured import Deployment
from .values import Call

_NONE: frozenset[str] = frozenset()


class Fitness:
    """Knows the picky deployments of each group.

    Args:
        deployments_of: the deployments of a group, by its name.
    """

    def __init__(self, deployments_of: Callable[[str], Iterable[Deployment]]) -> None:
        self._deployments_of = deployments_of
        self._groups: dict[str, _Picky | None] = {}

    def unfit_for(self, call: Call) -> frozenset[str]:
        """The ids of those in the call's group that cannot serve it.

        Raises:
            UnsupportedParamsError: none can.
        """
        try:
            picky = self._groups[call.group]
        except KeyError:
            picky = self._groups[call.group] = _picky(list(self._deployments_of(call.group)))
        return _NONE if picky is None else picky.unfit_for(call)


@dataclass(frozen=True, slots=True)
class _Kindred:
    """Deployments of one group that take and refuse the same."""

    first: Deployment
    ids: frozenset[str]
    lacks: frozenset[str]


class _Picky:
    """The deployments of one group that may be unfit for a call; alike ones are judged once."""

    def __init__(self, kinds: list[_Kindred], *, differ: bool, others: bool) -> None:
        self._kinds = kinds
        self._differ = differ
        """They do not all lack the same, so it is worth a look at what a call needs."""
        self._others = others

    def unfit_for(self, call: Call) -> frozenset[str]:
        found = unable = _NONE
        refusal: tuple[list[str], Deployment] | None = None
        fits = self._others
        asked = asks(call) if self._differ else _NONE
        for kindred in self._kinds:
            deployment, ids = kindred.first, kindred.ids
            endpoint = deployment.endpoint.endpoint
            if not serves(endpoint.kind, call.operation):
                found |= ids
                continue
            names = unfit(endpoint, deployment, call)
            if names:
                found |= ids
                refusal = refusal or (names, deployment)
            elif asked and not asked.isdisjoint(kindred.lacks):
                unable |= ids
            else:
                fits = True
        if fits:
            return found | unable
        if unable:
            return found  # not known to refuse it outright, so the service's answer decides
        if refusal is not None:
            names, deployment = refusal
            raise unsupported(names, deployment.endpoint.endpoint, deployment)
        return _NONE  # where nobody serves it, the attempt says so


def _picky(deployments: list[Deployment]) -> _Picky | None:
    known = [d for d in deployments if getattr(d.endpoint, "endpoint", None) is not None]
    lacking = {d.id: lacks(d.endpoint.endpoint, d) for d in known}
    differ = len(set(lacking.values())) > 1
    mixed = differ or any(map(_is_claude, known))
    kinds: dict[Any, list[Deployment]] = {}
    for deployment in known:
        traits, defaults = traits_for(deployment.endpoint.endpoint, deployment), deployment.defaults
        if _is_claude(deployment):
            key = (deployment.base_model or deployment.model, deployment.rules, repr(dict(defaults)))
            kinds.setdefault(key, []).append(deployment)
        elif mixed or traits.family is not None or deployment.endpoint.endpoint.text_only:
            stated = repr([(n, defaults[n]) for n in (*REFUSABLE, *_EFFORT) if n in defaults])
            kinds.setdefault((traits, deployment.rules, stated, lacking[deployment.id]), []).append(deployment)
    if not kinds:
        return None
    kindreds = [_Kindred(kind[0], frozenset(d.id for d in kind), lacking[kind[0].id]) for kind in kinds.values()]
    return _Picky(kindreds, differ=differ, others=sum(map(len, kinds.values())) < len(deployments))


def _is_claude(deployment: Deployment) -> bool:
    endpoint = getattr(deployment.endpoint, "endpoint", None)
    return getattr(endpoint, "kind", "") == "anthropic"


_EFFORT = ("reasoning_effort", "reasoning")
