"""Who is meant?  The resource and the deployment that a request names, by its path, its host or its body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from .config import EmulatedDeployment, EmulatorConfig
from .deployment import Running
from .faults import FaultSwitch
from .objects.store import Store
from .routes import Route, resource_of_host


class Resources:
    """All deployments, and what their resources keep.

    Args:
        config: which.
        rng: dice for the limiters.

    Attributes:
        deployments: by label: the name, or `resource/name` where a name is not unique.
    """

    def __init__(self, config: EmulatorConfig, rng: Random) -> None:
        self._strict = config.strict
        self._keys = config.keys
        self.deployments: dict[str, Running] = {}
        self._by_place: dict[tuple[str, str], Running] = {}
        self._by_name: dict[str, list[Running]] = {}
        names = [d.name for d in config.deployments]
        for d in config.deployments:
            label = d.name if names.count(d.name) == 1 else f"{d.resource}/{d.name}"
            running = Running(d, label, rng)
            self.deployments[label] = running
            self._by_place[resource_label(d), d.name] = running
            self._by_name.setdefault(d.name, []).append(running)
        self.names = {resource_label(d) for d in config.deployments}
        self._stores = {name: Store() for name in ("", *self.names)}
        self._switches = {name: FaultSwitch() for name in ("", *self.names)}

    def called(self, name: str) -> list[Running]:
        """The deployments that a switch names: a label, `resource/name`, `resource/*` or `*`.

        Raises:
            KeyError: nothing is called so.
        """
        if name == "*":
            return list(self.deployments.values())
        resource, _, rest = name.rpartition("/")
        found = [
            running
            for label, running in self.deployments.items()
            if label == name or (running.config.resource == resource and rest in ("*", running.config.name))
        ]
        if not found and not self.switches(name):
            raise KeyError(f"no deployment is called {name}; there are {', '.join(self.deployments)}")
        return found

    def switches(self, name: str) -> list[FaultSwitch]:
        """The faults of stored objects that a name means: `east/` and `east/*` those of one resource, `*` all."""
        if name == "*":
            return list(self._switches.values())
        resource, slash, rest = name.rpartition("/")
        switch = self._switches.get(resource.partition(".")[0].lower()) if slash and rest in ("", "*") else None
        return [switch] if switch is not None else []

    def place(self, route: Route, headers: Mapping[str, str]) -> str:
        """The resource that a request is for; "" if it names none that exists and there are several."""
        named = (route.resource or resource_of_host(headers.get("host", ""))).partition(".")[0].lower()
        if named in self.names:
            return named
        return next(iter(self.names)) if len(self.names) == 1 else ""

    def is_unknown(self, route: Route) -> bool:
        """The path names a resource that does not exist."""
        return route.resource is not None and route.resource.partition(".")[0].lower() not in self.names

    def store(self, place: str) -> Store:
        """What a resource keeps."""
        return self._stores[place]

    def switch(self, place: str) -> FaultSwitch:
        """The fault of what a resource keeps."""
        return self._switches[place]

    def keys(self, place: str, running: Running | None) -> Sequence[str]:
        """The keys that open a deployment, or a resource."""
        if running is not None:
            return self._keys if running.config.keys is None else running.config.keys
        own = [r.config.keys for r in self.deployments.values() if resource_label(r.config) == place]
        more = [key for keys in own if keys is not None for key in keys]
        return [*self._keys, *more] if self._keys or (more and None not in own) else ()

    def find(self, route: Route, headers: Mapping[str, str], body: Mapping[str, Any] | None) -> Running | None:
        """The deployment that a request names, by its path or by the `model` of its body."""
        name = route.deployment if route.deployment is not None else (body or {}).get("model")
        if not isinstance(name, str):
            return None
        resource = (route.resource or resource_of_host(headers.get("host", ""))).partition(".")[0].lower()
        found = self._by_place.get((resource, name))
        if found is not None or (self._strict and (route.resource or resource in self.names)):
            return found
        same = self._by_name.get(name, ())
        return same[0] if len(same) == 1 else None

    def at(self, place: str, name: str) -> Running | None:
        """The deployment of this name on a resource; on none, if the name is unique."""
        same = self._by_name.get(name, ())
        if place:
            return self._by_place.get((place, name))
        return same[0] if len(same) == 1 else None


def resource_label(d: EmulatedDeployment) -> str:
    """`east` of `east` and of `east.openai.azure.com`."""
    return d.resource.partition(".")[0].lower()
