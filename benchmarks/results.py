"""A run as it is kept: its rows, the machine, the versions, the command."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .stats import Row


@dataclass
class Results:
    """What a run leaves behind.  Names no host and no path."""

    machine: dict[str, Any]
    command: str
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """As JSON, a line for each row."""
        told = {key: value for key, value in asdict(self).items() if key != "rows"}
        lines = ",\n".join(json.dumps(asdict(row)) for row in self.rows)
        path.write_text(json.dumps(told, indent=1)[:-2] + f',\n "rows": [\n{lines}\n]}}\n')

    @classmethod
    def load(cls, path: Path) -> Results:
        """What `save` wrote."""
        found = json.loads(path.read_text())
        found["rows"] = [Row(**row) for row in found["rows"]]
        return cls(**found)


def described() -> dict[str, Any]:
    """This machine and how busy it is."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "day": datetime.now(UTC).date().isoformat(),
        "load": round(os.getloadavg()[0], 1),
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
