"""Peers live in environments of their own, so that nobody's dependencies bend anybody else's.

python -m benchmarks.environments [NAME ...]        makes them all, or those named, in benchmarks/.envs/
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

FOLDER = Path(__file__).parent / ".envs"
PACKAGES = {
    "litellm": ["litellm"],
    "openai": ["openai"],
    "switchboard": ["azure-switchboard"],
    "pyreqwest": ["pyreqwest"],
    "httpx-aiohttp": ["httpx-aiohttp"],
}
"""By contender; those that are not named here run in our own environment.  What was installed stands in the results."""


def interpreter(contender: str) -> Path | None:
    """Where a contender runs; None if its environment was not made."""
    if contender not in PACKAGES:
        return Path(sys.executable)
    python = FOLDER / contender / "bin" / "python"
    return python if python.exists() and (FOLDER / contender / ".ready").exists() else None


def how_to_install(contender: str) -> str:
    """What to say about one that is missing."""
    return f"{contender} is not installed: `python -m benchmarks.environments {contender}` (or `make bench-envs`)"


def make(contender: str) -> None:
    """Make one environment anew.

    Raises:
        subprocess.CalledProcessError: pip says why.
    """
    folder = FOLDER / contender
    venv.create(folder, clear=True, with_pip=True)
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", *PACKAGES[contender]], check=True)
    (folder / ".ready").touch()


def main(names: list[str]) -> int:
    """Make what is asked for; returns the exit code."""
    unknown = sorted(set(names) - set(PACKAGES))
    if unknown:
        print(f"no environment is called {', '.join(unknown)}; there are {', '.join(PACKAGES)}", file=sys.stderr)
        return 2
    for name in names or PACKAGES:
        print(f"{name}: {' '.join(PACKAGES[name])}", flush=True)
        try:
            make(name)
        except subprocess.CalledProcessError:
            print(f"{name} could not be installed; what pip said stands above", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
