"""What is wrong with a configuration?  All of it, at once.

Each problem names its place, what is wrong and the way out.  No value is ever shown: a key that was pasted into the
wrong field is the likeliest secret of all.  Names of keys are shown, shortened if they are suspiciously long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from router.errors import ConfigError

from .yaml_text import Document

Path = tuple[str | int, ...]
"""Where something stands: keys and indices from the top."""

LONGEST_KEY = 48
"""LiteLLM's longest has 46 characters; anything longer may be a secret in the wrong place."""
SHOWN_PROBLEMS = 50


def spell(path: Path) -> str:
    """`("model_list", 1, "tpm")` as `model_list[1].tpm`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{shown(part)}" if text else shown(part)
    return text or "the configuration"


def shown(key: str) -> str:
    """A key as it may appear in a message: no control characters, and not long enough to give a secret away."""
    plain = key if key.isascii() and key.isprintable() else ascii(key)[1:-1]
    return plain if len(plain) <= LONGEST_KEY else f"{plain[:8]}…({len(key)} characters)"


def nearest(key: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    if len(key) > LONGEST_KEY:
        return None
    near = get_close_matches(key.lower(), list(known), n=1, cutoff=0.6)
    return near[0] if near else None


class Problems:
    """Collects problems, and raises them together.

    Args:
        document: the file, if the configuration came from one; its lines and columns are then named.
        moved: where an option stood in that file, if not at the top.
    """

    def __init__(self, document: Document | None = None, moved: Mapping[str, Path] | None = None) -> None:
        self._document = document
        self._moved = dict(moved or {})
        self._found: list[tuple[tuple[int, int], str]] = []

    def apart(self) -> Problems:
        """An empty collection for the same document."""
        return Problems(self._document, self._moved)

    def move(self, moved: Mapping[str, Path]) -> None:
        """Say where options stood, once that is known."""
        self._moved = dict(moved)

    def __len__(self) -> int:
        return len(self._found)

    def add(self, path: Path, problem: str) -> None:
        """Note one problem: what is wrong at `path`, and the way out."""
        path = self.place(path)
        line = f"{spell(path)}: {problem}"
        mark = (0, 0)
        if self._document is not None:
            mark = self._document.mark_of(path) or mark
            where = f"{self._document.name}:{mark[0]}:{mark[1]}" if mark[0] else self._document.name
            line = f"{where} {line}"
        if all(line != known for _, known in self._found):
            self._found.append((mark, line))

    def place(self, path: Path) -> Path:
        """Where `path` really stands in the file."""
        if path and isinstance(path[0], str) and path[0] in self._moved:
            return (*self._moved[path[0]], *path[1:])
        return path

    def lines(self) -> tuple[str, ...]:
        """Every problem: in the order of the file, or else as they were found."""
        return tuple(line for _, line in sorted(self._found, key=lambda found: found[0]))

    def raise_if_any(self) -> None:
        """Raises ConfigError with all that was found."""
        if not self._found:
            return
        lines = self.lines()
        head = "the configuration has a mistake" if len(lines) == 1 else f"the configuration has {len(lines)} mistakes"
        more = f"\n  … and {len(lines) - SHOWN_PROBLEMS} more" if len(lines) > SHOWN_PROBLEMS else ""
        raise ConfigError(f"{head}:\n  " + "\n  ".join(lines[:SHOWN_PROBLEMS]) + more, lines)
