"""Which deployments of a group can serve a call at all?

In a group whose deployments have models of different families, a call with `temperature` goes to those that take it.
Where none does, it fails before anything is reserved or sent.  In the same way Claude beside other models is asked for
what it serves alone.  A group without reasoning models and without Claude costs one look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .azure.fitting import traits_for, unfit, unsupported
from .azure.operations import serves
from .azure.parameters import REFUSABLE
from .values import Call, Deployment

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


class _Picky:
    """The deployments of one group that may refuse parameters; alike ones are judged once."""

    def __init__(self, kinds: list[list[Deployment]], *, others: bool) -> None:
        self._kinds = [(kind[0], frozenset(d.id for d in kind)) for kind in kinds]
        self._others = others

    def unfit_for(self, call: Call) -> frozenset[str]:
        found = _NONE
        refusal: tuple[list[str], Deployment] | None = None
        fits = self._others
        for deployment, ids in self._kinds:
            if not serves(deployment.endpoint.endpoint.kind, call.operation):
                found |= ids
                continue
            names = unfit(deployment.endpoint.endpoint, deployment, call)
            if names:
                found |= ids
                refusal = refusal or (names, deployment)
            else:
                fits = True
        if refusal is not None and not fits:
            names, deployment = refusal
            raise unsupported(names, deployment.endpoint.endpoint, deployment)
        return found if fits else _NONE  # where nobody serves it, the attempt says so


def _picky(deployments: list[Deployment]) -> _Picky | None:
    kinds: dict[Any, list[Deployment]] = {}
    with_claude = any(_is_claude(deployment) for deployment in deployments)
    for deployment in deployments:
        endpoint = getattr(deployment.endpoint, "endpoint", None)
        if endpoint is None:
            continue
        traits, defaults = traits_for(endpoint, deployment), deployment.defaults
        if _is_claude(deployment):
            key = (deployment.base_model or deployment.model, deployment.rules, repr(dict(defaults)))
            kinds.setdefault(key, []).append(deployment)
        elif with_claude or traits.family is not None:
            stated = repr([(n, defaults[n]) for n in (*REFUSABLE, *_EFFORT) if n in defaults])
            kinds.setdefault((traits, deployment.rules, stated), []).append(deployment)
    if not kinds:
        return None
    return _Picky(list(kinds.values()), others=sum(map(len, kinds.values())) < len(deployments))


def _is_claude(deployment: Deployment) -> bool:
    endpoint = getattr(deployment.endpoint, "endpoint", None)
    return getattr(endpoint, "kind", "") == "anthropic"


_EFFORT = ("reasoning_effort", "reasoning")
