"""Where does a file go, and whose files are there?

Files, batches and fine-tuning jobs belong to a resource, whatever deployments it has.  A list asks each resource once;
an upload goes to one, and what is made of it stays there.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .azure.endpoint import wire_name
from .configured import Deployment
from .errors import BadRequestError
from .ledger import Ledger

if TYPE_CHECKING:
    from .config import Settings

Look = Callable[[Callable[[Ledger, float], Any]], Any]
PROVIDERS = ("azure", "openai")


@dataclass(frozen=True, slots=True)
class Place:
    """A deployment, and the name under which a router is asked for it alone."""

    name: str
    deployment: Deployment

    @property
    def wire_name(self) -> str:
        """What the service calls it."""
        return wire_name(self.deployment.endpoint.endpoint, self.deployment.model)


class Places:
    """The deployments of one router, seen as the resources that they are on.

    Args:
        settings: of the router.
        resolve: from a name to its group, as `CallMaker.resolve`.
        opened: the deployments of wildcard entries and of ids that were asked for, by their group.
        look: asks the store's ledger.

    Attributes:
        rewrites: as `Settings.rewrites_batches`.
    """

    def __init__(
        self, settings: Settings, resolve: Callable[[str], str], opened: Mapping[str, Deployment], look: Look
    ) -> None:
        self._settings = settings
        self._resolve = resolve
        self._opened = opened
        self._look = look
        self.rewrites = settings.rewrites_batches
        self._homes: dict[Hashable, Place] | None = None
        self._sent: dict[str, int] = {}
        """Bytes uploaded by this router, by deployment."""

    # ---- whose -----------------------------------------------------------------------------------------------

    def resources(self, model: str | None = None, provider: str | None = None) -> list[Place]:
        """Each resource once, as its `home`, in the order of the configuration.

        Args:
            model: only the resources of this group.
            provider: only those of `azure` or of `openai`.

        Raises:
            NotFoundError: no such model.
            BadRequestError: no such provider, or none of its resources.
        """
        places = list(self._all_homes().values()) if model is None else [self.home(p) for p in self.of(model)]
        return self._only(provider, list({place.name: place for place in places}.values()))

    def home(self, place: Place) -> Place:
        """The place that stands for its resource: the first that is configured there.

        Ids of files, batches and jobs carry this one, so that a thing has one id whichever deployment was asked.
        """
        return self._all_homes().get(place.deployment.endpoint.keeper, place)

    def home_id(self, deployment: str) -> str:
        """The same, from the id of a deployment to the id of a deployment."""
        known = next((d for d in (*self._settings.deployments, *self._opened.values()) if d.id == deployment), None)
        return deployment if known is None else self.home(Place(known.id, known)).deployment.id

    def groups(self) -> int:
        """How many groups are configured."""
        return len({d.group for d in (*self._settings.deployments, *self._settings.wildcards)})

    def sole(self) -> str | None:
        """What to ask where there is but one resource; None where there are several."""
        homes = list(self._all_homes().values())
        return homes[0].name if len(homes) == 1 else None

    def of(self, model: str) -> list[Place]:
        """The places of a group, an alias, a deployment's id, or what a wildcard matches.  Raises NotFoundError."""
        group = self._resolve(model)
        if group in self._opened:
            return [Place(group, self._opened[group])]
        return [Place(d.id, d) for d in self._settings.deployments if d.group == group]

    def is_known(self, model: str) -> bool:
        """Whether the configuration itself has this name: a group, an alias, or a deployment's id."""
        return model in self._settings.aliases or any(model in (d.group, d.id) for d in self._settings.deployments)

    def named(self, model: str) -> list[Place]:
        """The places that the lines of a batch mean: a group's (as `of`), else those that the services call so.

        Raises:
            NotFoundError: nothing has this name; the message lists what exists.
        """
        if not self.is_known(model):
            exact = [p for p in self._listed() if p.wire_name == model]
            if exact:
                return exact
        return self.of(model)

    def names_of(self, places: Iterable[Place]) -> frozenset[str]:
        """Every name of these places and of the others in their groups: groups, aliases, ids, names on the wire."""
        known = {name for place in places for name in (place.name, place.deployment.group, place.wire_name)}
        known |= {n for p in self._listed() if p.deployment.group in known for n in (p.name, p.wire_name)}
        return frozenset(known | {alias for alias, target in self._settings.aliases.items() if target in known})

    def uploads(self, model: str | None, provider: str | None) -> list[Place]:
        """The places that an upload may go to, best first.  Raises as `resources` does."""
        everywhere = self._listed() or list(self._all_homes().values())
        return self.ranked(self._only(provider, everywhere if model is None else self.of(model)))

    def batch_uploads(self, model: str | None, provider: str | None) -> list[Place]:
        """The same for a batch whose lines name `model` (None: they name none)."""
        return self.uploads(None, provider) if model is None else self.ranked(self._only(provider, self.named(model)))

    # ---- where -----------------------------------------------------------------------------------------------

    def ranked(self, places: Iterable[Place]) -> list[Place]:
        """The places best first, one on each resource: the lowest `order`, the well, and of those the least used.

        Used is what this router has uploaded there, in proportion to the deployment's weight.
        """
        listed = list(places)

        def rank(ledger: Ledger, now: float) -> list[tuple[int, bool, float]]:
            ranks: list[tuple[int, bool, float]] = []
            for place in listed:
                account = ledger.accounts[place.deployment.id]
                well = account.health.usable(now) and account.resource.usable(now)
                weight = account.weight or 1e-9
                ranks.append((place.deployment.order, not well, self._sent.get(place.deployment.id, 0) / weight))
            return ranks

        for place in listed:
            self._resolve(place.name)  # a wildcard's deployment has an account from then on
        ranks = self._look(rank)
        found: dict[Hashable, Place] = {}
        for _, place in sorted(zip(ranks, listed, strict=True), key=lambda pair: pair[0]):
            found.setdefault(place.deployment.endpoint.keeper, place)
        return list(found.values())

    def sent(self, place: Place, size: int) -> None:
        """So many bytes were uploaded there."""
        self._sent[place.deployment.id] = self._sent.get(place.deployment.id, 0) + size

    def _all_homes(self) -> dict[Hashable, Place]:
        """By resource; a wildcard entry's may have no other deployment than the ones that it makes."""
        if self._homes is None:
            homes: dict[Hashable, Place] = {}
            for place in self._listed():
                homes.setdefault(place.deployment.endpoint.keeper, place)
            for pattern in self._settings.wildcards:
                if "*" in pattern.model and pattern.endpoint.keeper not in homes:
                    homes[pattern.endpoint.keeper] = self.of(pattern.group.replace("*", "files"))[0]
            self._homes = homes
        return self._homes

    def _only(self, provider: str | None, places: list[Place]) -> list[Place]:
        if provider is None:
            return places
        if provider not in PROVIDERS:
            raise BadRequestError(f"`custom_llm_provider` must be one of {', '.join(PROVIDERS)}")
        found = [p for p in places if (p.deployment.endpoint.endpoint.kind == "openai") == (provider == "openai")]
        if not found:
            raise BadRequestError(f"`custom_llm_provider`: no deployment that is meant here is on {provider}")
        return found

    def _listed(self) -> list[Place]:
        """Claude is left out: it keeps no files."""
        kept = (d for d in self._settings.deployments if d.endpoint.endpoint.kind != "anthropic")
        return [Place(d.id, d) for d in kept]
