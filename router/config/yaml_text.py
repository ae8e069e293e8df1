"""What does a configuration file say, exactly?

YAML guesses: an unquoted `2024-10-21` becomes a date, `no` becomes False, `0123` becomes 83, and a key given twice
silently loses its first value.  This reader guesses nothing.  Unquoted scalars other than true, false and null stay
text (`Plain`) until something that wants a number asks for one; duplicate keys, tags, deep nesting and alias bombs
are refused; and every value remembers its line and column for the error messages.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from router.errors import ConfigError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_NODES = 100_000
"""After the expansion of aliases, so that a few lines of them cannot become a million values."""

_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}
_INT = re.compile(r"[-+]?[0-9][0-9_]*", re.ASCII)
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?", re.ASCII)

Mark = tuple[int, int]
"""Line and column, counted from 1."""


class Plain(str):
    """An unquoted scalar: text that may be meant as a number."""

    __slots__ = ()

    def number(self) -> int | float | str:
        """The number that it spells, else the text.  A leading zero spells no number, as in `0123`."""
        if _INT.fullmatch(self) and not re.match(r"[-+]?0[0-9]", self):
            return int(self.replace("_", ""))
        if _FLOAT.fullmatch(self) and not re.match(r"[-+]?0[0-9]", self):
            return float(self)
        return str(self)


class Document:
    """A parsed file: its value, and where each part of it stands."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.value: Any = None
        self._marks: dict[int, dict[Any, Mark]] = {}
        self._kept: list[Any] = []

    def note(self, container: Any, key: Any, mark: Mark) -> None:
        """Remember where an item of a container stands."""
        if id(container) not in self._marks:
            self._marks[id(container)] = {}
            self._kept.append(container)  # so that its id is not used again
        self._marks[id(container)][key] = mark

    def mark_of(self, path: tuple[Any, ...]) -> Mark | None:
        """Where the value at `path` stands, or its nearest parent."""
        value, mark = self.value, None
        for key in path:
            mark = self._marks.get(id(value), {}).get(key, mark)
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                break
        return mark


def read_yaml(path: str | Path) -> Document:
    """Read a file.

    Raises:
        ConfigError: it cannot be read, is too large, is not UTF-8, or is no YAML that we accept; the message names
            the line and column, never a value.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES // 1024} KiB; a configuration of this size is a mistake")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, name: str = "config") -> Document:
    """Parse text.  Raises ConfigError as `read_yaml` does."""
    document = Document(name)
    builder = _Builder(document)
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        # PyYAML's own text may quote the line, and the line may hold a key.
        raise ConfigError(f"{name}{place}: not valid YAML: {_harmless(error.problem)}") from None
    except yaml.YAMLError:
        raise ConfigError(f"{name}: not valid YAML: it holds a character that YAML does not allow") from None
    return document


def _harmless(problem: str | None) -> str:
    text = problem or "the structure is broken here"
    if "'\\t'" in text:
        return "a tab where spaces are needed for indentation"
    return re.sub(r"['\"].*['\"]", "…", text)


class _Builder:
    """Builds values from parser events, without recursion."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.stack: list[tuple[Any, Any, str | None]] = []
        """(container, key that waits for its value or _NO_KEY, anchor)."""
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.nodes = 0
        self.sizes: list[int] = []

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._check_tag(event)
            value = _scalar(event)
            if event.anchor:
                self.anchors[event.anchor] = (value, 1)
            self._add(value, event, 1)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._check_tag(event)
            if len(self.stack) >= MAX_DEPTH:
                raise self._error(event, f"nested more than {MAX_DEPTH} deep")
            container: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._add(container, event, 1)
            self.stack.append((container, _NO_KEY, event.anchor))
            self.sizes.append(self.nodes)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            container, _, anchor = self.stack.pop()
            size = self.nodes - self.sizes.pop() + 1
            if anchor:
                self.anchors[anchor] = (container, size)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise self._error(event, "an alias without its anchor, or inside it")
            value, size = self.anchors[event.anchor]
            self._add(value, event, size)
        elif isinstance(event, yaml.DocumentStartEvent) and self.document.value is not None:
            raise self._error(event, "a second document; a configuration is one")

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None and event.tag != "!":
            raise self._error(event, "a tag (`!…`); tags are not allowed")

    def _add(self, value: Any, event: Any, size: int) -> None:
        self.nodes += size
        if self.nodes > MAX_NODES:
            raise self._error(event, f"more than {MAX_NODES:,} values once its aliases are followed")
        mark = (event.start_mark.line + 1, event.start_mark.column + 1)
        if not self.stack:
            self.document.value = value
            return
        container, key, anchor = self.stack[-1]
        if isinstance(container, list):
            self.document.note(container, len(container), mark)
            container.append(value)
        elif key is _NO_KEY:
            self.stack[-1] = (container, self._key(container, value, event), anchor)
            self.document.note(container, self.stack[-1][1], mark)
        else:
            self._put(container, key, value, event)
            self.stack[-1] = (container, _NO_KEY, anchor)

    def _key(self, container: dict[Any, Any], value: Any, event: Any) -> str:
        if not isinstance(value, str):
            raise self._error(event, "a key that is not text")
        if value in container and value != "<<":
            raise self._error(event, "a key that stands here twice; the first value would be lost")
        return str(value)

    def _put(self, container: dict[Any, Any], key: str, value: Any, event: Any) -> None:
        if key != "<<":
            container[key] = value
            return
        for source in value if isinstance(value, list) else [value]:
            if not isinstance(source, dict):
                raise self._error(event, "a merge (`<<`) of something that is no mapping")
            for name, item in source.items():
                container.setdefault(name, item)

    def _error(self, event: Any, problem: str) -> ConfigError:
        mark = event.start_mark
        return ConfigError(f"{self.document.name}:{mark.line + 1}:{mark.column + 1}: {problem}")


_NO_KEY: Any = object()


def _scalar(event: Any) -> Any:
    if event.style is not None:  # quoted, or a block
        return event.value
    if event.value.lower() in _CONSTANTS and event.value in (event.value.lower(), event.value.capitalize()):
        return _CONSTANTS[event.value.lower()]
    return Plain(event.value)
