"""Everything that is wrong with a configuration, at once.

Each problem names its place, what is wrong and how to mend it.  No value is ever shown: a misplaced key is the
likeliest secret of all.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from router.errors import ConfigError

from .yaml_text import Document

Path = tuple[Any, ...]


def spell(path: Path) -> str:
    """`("model_list", 1, "tpm")` as `model_list[1].tpm`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else str(part))
    return text


class Problems:
    """Collects problems, and raises them together."""

    def __init__(self, document: Document | None = None) -> None:
        self.document = document
        self.found: list[str] = []

    def add(self, path: Path, problem: str) -> None:
        """Note one problem at a place."""
        place = spell(path) or "the configuration"
        mark = self.document.mark_of(path) if self.document is not None else None
        if self.document is not None:
            where = f"{self.document.name}:{mark[0]}:{mark[1]} " if mark else f"{self.document.name} "
            place = where + place
        line = f"{place}: {problem}"
        if line not in self.found:
            self.found.append(line)

    def unknown(self, path: Path, known: Iterable[str]) -> None:
        """Note a key that means nothing here, with the nearest one that does."""
        key = str(path[-1])
        near = get_close_matches(key, list(known), n=1, cutoff=0.6)
        hint = f"did you mean `{near[0]}`?" if near else "remove it"
        if not near and "litellm_params" in path or "params" in path:
            hint += "; a parameter for the service that is not known here goes into `extra_body`"
        self.add(path, f"unknown key; {hint}")

    def raise_if_any(self) -> None:
        """Raises ConfigError with all that was found."""
        if self.found:
            count = len(self.found)
            head = "the configuration has a problem" if count == 1 else f"the configuration has {count} problems"
            raise ConfigError(head + ":\n  " + "\n  ".join(self.found), tuple(self.found))
