"""Where is the thing that this id names?

An id that a router handed out tells (`ids.py`).  A service's own id, made elsewhere, is good where only one place is
possible: with `model=`, or where there is but one deployment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .configured import Deployment
from .errors import BadRequestError, NotFoundError
from .ids import owner_of

if TYPE_CHECKING:
    from .config import Settings


_RAW = re.compile(r"[A-Za-z0-9._~:-]{1,512}", re.ASCII)
"""What may stand in a URL and be nothing but an id."""


class Owners:
    """Finds the owner of an id among the deployments of one router.

    Args:
        settings: of the router.
        resolve: from a name to its group, as `CallMaker.resolve`.
        opened: the deployments of wildcard entries and of ids that were asked for, by their group.
    """

    def __init__(self, settings: Settings, resolve: Callable[[str], str], opened: Mapping[str, Deployment]) -> None:
        self._settings = settings
        self._deployments = {d.id: d for d in settings.deployments}
        self._resolve = resolve
        self._opened = opened

    def owner(self, what: str, given: object, model: str | None) -> tuple[str, str]:
        """The name to ask for (`Question.model`) and the id as that deployment knows it.

        Args:
            what: the argument's name, for messages.
            given: the id.
            model: as the caller stated it; it decides for ids that say nothing themselves.

        Raises:
            BadRequestError: no id, or one that does not tell where it belongs.
            NotFoundError: it belongs to a deployment that is not configured here.
        """
        if not isinstance(given, str) or not given:
            raise BadRequestError(f"`{what}` must be an id, a non-empty string")
        deployment, raw = owner_of(given)
        if not _RAW.fullmatch(raw) or not raw.strip("."):
            raise BadRequestError(f"`{what}` holds a character that no id has.  Nothing was sent.")
        if deployment is not None:
            name = self._known(deployment)
            if name is None:
                raise NotFoundError(
                    f"`{what}` belongs to the deployment {deployment[:100]!r}, which is not configured here.  Add it to"
                    " `model_list` under that id."
                )
            return name, raw
        if model:
            return model, raw
        if len(self._deployments) == 1 and not self._settings.wildcards:
            return next(iter(self._deployments)), raw
        raise BadRequestError(
            f"`{what}` was not handed out by this router, so it does not tell which deployment has it.  Give `model=`"
            " with the group or the deployment's id."
        )

    def beside(self, owner: str, model: str) -> str:
        """What to ask for so that `model` answers on the resource of `owner`: the owner itself where it may.

        Args:
            owner: from `owner`.
            model: as the caller stated it.

        Raises:
            NotFoundError: no such model.
            BadRequestError: no deployment of the model is on that resource.
        """
        home, group = self._members(self._resolve(owner))[0].endpoint, self._resolve(model)
        near = [d.id for d in self._members(group) if d.endpoint.keeper == home.keeper]
        if owner in near or owner == group:
            return owner
        if group in self._opened and near:
            return group
        if near:
            return near[0]
        raise BadRequestError(
            f"what the call goes on from is kept on {home.endpoint.base}, where {model[:100]!r} has no deployment."
            "  Ask the model that began it, or send the whole input."
        )

    def _members(self, group: str) -> list[Deployment]:
        if group in self._opened:
            return [self._opened[group]]
        return [d for d in self._settings.deployments if d.group == group]

    def _known(self, deployment: str) -> str | None:
        """The name to ask for: the id itself, or what a wildcard entry would have been asked for."""
        if deployment in self._deployments:
            return deployment
        names = (self._settings.wildcard_name(pattern, deployment) for pattern in self._settings.wildcards)
        return next((name for name in names if name is not None), None)
