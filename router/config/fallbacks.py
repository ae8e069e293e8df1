"""Where may a call go on, and by which names may it be asked for?

Fallbacks and aliases, checked against what exists: a name that nothing answers to would only show when everything
else has failed already.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from router.configured import Fallback

from .fields import LONGEST_NAME
from .keys import PROMPTS, REQUEST_PARAMETERS
from .models import Params
from .names import Directory
from .problems import Path, Problems, nearest, shown
from .yaml_text import plain

log = logging.getLogger("router")

EVERY = "*"
"""As a group's name: all groups that have no entry of their own."""


def read_aliases(
    raw: Mapping[str, Any], directory: Directory, path: Path, problems: Problems
) -> tuple[dict[str, str], frozenset[str]]:
    """Aliases with their targets, and those that are hidden."""
    aliases: dict[str, str] = {}
    hidden: set[str] = set()
    for alias, target in raw.items():
        place = (*path, alias)
        if isinstance(target, Mapping):
            if set(target) - {"model", "hidden"} or not isinstance(target.get("hidden", False), bool):
                problems.add(place, "may hold model (a group) and hidden (true or false), nothing else")
                continue
            if target.get("hidden"):
                hidden.add(alias)
            target = target.get("model")
        if not alias.strip() or not alias.isprintable() or len(alias) > LONGEST_NAME:
            problems.add(path, "has an alias that is no name")
        elif not isinstance(target, str) or not target:
            problems.add(place, "must be a group's name, or a mapping with model and hidden")
        elif not directory.serves(target):
            problems.add(place, "names no group, id or wildcard that exists; " + directory.hint(target))
        else:
            aliases[alias] = target
    for alias in aliases:
        if alias in directory.groups and aliases[alias] != alias:
            problems.add((*path, alias), "is a model_name too; choose another alias")
    return aliases, frozenset(hidden & aliases.keys())


class FallbackReader:
    """Reads LiteLLM's lists of fallbacks.

    Args:
        directory: what exists.
        aliases: from alias to target; entries for an alias count for its group.
        problems: collects what is wrong.
    """

    def __init__(self, directory: Directory, aliases: Mapping[str, str], problems: Problems) -> None:
        self.directory = directory
        self.aliases = aliases
        self.problems = problems

    def read(self, raw: list[Any] | None, path: Path) -> dict[str, tuple[Fallback, ...]]:
        """From a group (or `"*"`) to where its calls go on."""
        found: dict[str, tuple[Fallback, ...]] = {}
        for number, entry in enumerate(raw or ()):
            place = (*path, number)
            if not isinstance(entry, Mapping) or len(entry) != 1:
                self.problems.add(place, 'must be a mapping with one key, such as {"my-group": ["other-group"]}')
                continue
            name, targets = next(iter(entry.items()))
            group = self.aliases.get(name, name)
            if name != EVERY and not self._exists(name, (*place, name)):
                continue
            if not isinstance(targets, list):
                self.problems.add((*place, name), "must be a list of groups")
                continue
            if group in found:
                self.problems.add((*place, name), "has an entry before this one; write one list")
            found[group] = self.targets(targets, group, (*place, name))
        return found

    def targets(self, raw: list[Any], group: str, path: Path) -> tuple[Fallback, ...]:
        """The groups of one list, in order and once each."""
        found: dict[str, Fallback] = {}
        for number, target in enumerate(raw):
            place = (*path, number)
            overrides: Mapping[str, Any] = {}
            name = target
            if isinstance(target, Mapping):
                name = target.get("model")
                overrides = self._overrides(target, place)
            if not isinstance(name, str) or not name:
                self.problems.add(place, "must be a group's name, or a mapping with model and parameters")
            elif self._exists(name, place):
                name = self.aliases.get(name, name)
                if name == group:
                    self.problems.add(place, "falls back to the group itself; name another, or raise num_retries")
                found.setdefault(name, Fallback(name, overrides))
        return tuple(found.values())

    def _exists(self, name: Any, place: Path) -> bool:
        if isinstance(name, str) and (name in self.aliases or self.directory.serves(name)):
            return True
        hint = self.directory.hint(str(name), self.aliases)
        self.problems.add(place, "names no group, alias, id or wildcard that exists; " + hint)
        return False

    def _overrides(self, target: Mapping[str, Any], path: Path) -> dict[str, Any]:
        """Request parameters that replace the caller's in that group."""
        found: dict[str, Any] = {}
        for key, value in target.items():
            if key == "model":
                continue
            if key in REQUEST_PARAMETERS or key in PROMPTS:
                found[key] = plain(value)
            elif key == "extra_body" and isinstance(value, Mapping):
                found.update(plain(dict(value)))
            elif key in Params.model_fields:
                self.problems.add(
                    (*path, key), "belongs to a deployment; add one to model_list and name its group here"
                )
            else:
                near = nearest(str(key), REQUEST_PARAMETERS)
                hint = f"did you mean {near!r}?" if near else "further parameters go into extra_body"
                self.problems.add((*path, key), f"unknown parameter {shown(str(key))!r}; {hint}")
        return found
