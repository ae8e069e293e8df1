"""What is everything called, and who answers to a name?

Ids that stay the same when a key is rotated or an entry is added, and the patterns of wildcard entries.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from router.configured import Deployment

_ADDRESS = re.compile(r"[0-9.]+|\[.*\]", re.ASCII)


def captured(pattern: str, name: str) -> str | None:
    """What stands for the one `*` of a pattern; None if the name does not match."""
    before, _, after = pattern.partition("*")
    fits = len(name) >= len(before) + len(after) and name.startswith(before) and name.endswith(after)
    return name[len(before) : len(name) - len(after)] if fits else None


def base_id(wire: str, host: str) -> str:
    """`<deployment>@<first label of the host>`; an address and a bare host name stay whole, with the port."""
    machine = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if _ADDRESS.fullmatch(machine) or "." not in machine:
        return f"{wire}@{host}"
    return f"{wire}@{machine.split('.')[0]}"


def unique_id(base: str, group: str, taken: Collection[str]) -> str:
    """The base, else with the group before it, else with a number after that.

    The first comer keeps its id, so that adding an entry at the end changes no other's.
    """
    if base not in taken:
        return base
    longer = f"{group}/{base}"
    number, name = 1, longer
    while name in taken:
        number += 1
        name = f"{longer}-{number}"
    return name


@dataclass(frozen=True, slots=True)
class Directory:
    """Every name that callers may use, aliases apart."""

    groups: tuple[str, ...]
    ids: frozenset[str]
    patterns: tuple[str, ...]

    @classmethod
    def of(cls, deployments: Iterable[Deployment], wildcards: Iterable[Deployment], stated: Iterable[str]) -> Directory:
        """The names of these deployments, and of the entries (`stated`) that could not be understood."""
        deployments, stated = list(deployments), list(stated)
        return cls(
            tuple(dict.fromkeys([*(d.group for d in deployments), *(name for name in stated if "*" not in name)])),
            frozenset(d.id for d in deployments),
            tuple(dict.fromkeys([*(w.group for w in wildcards), *(name for name in stated if "*" in name)])),
        )

    def serves(self, name: str) -> bool:
        """Does anything answer to this name?"""
        return name in self.groups or name in self.ids or any(captured(p, name) is not None for p in self.patterns)

    def hint(self, name: str, further: Iterable[str] = ()) -> str:
        """The way out for a name to which nothing answers; only names that exist are shown."""
        known = [*self.groups, *further]
        near = get_close_matches(name, known, n=1)
        if near:
            return f"did you mean {near[0]!r}?"
        listed = ", ".join(repr(group) for group in known[:10]) + (", …" if len(known) > 10 else "")
        return f"there are: {listed}" if known else "no group is configured"
