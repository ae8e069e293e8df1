"""What does a configuration file say, exactly?

YAML guesses: an unquoted `2024-10-21` becomes a date, `no` becomes False, `0123` becomes 83, `1.10` becomes 1.1, and
a key given twice silently loses its first value.  This reader guesses nothing.  Unquoted scalars other than true,
false and null (YAML 1.2's) stay text (`Plain`) until something that wants a number asks for one; duplicate keys, tags,
deep nesting and alias bombs are refused; and every value remembers its line and column for the messages.

It builds from PyYAML's events, not from its nodes, so nothing recurses.  PyYAML's habits: ecosystem.md §2.6.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from router.errors import ConfigError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_NODES = 200_000
"""After the expansion of aliases, so that a few lines of them cannot become a million values."""

_CONSTANTS: Mapping[str, Any] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
_INT = re.compile(r"[-+]?(0|[1-9][0-9_]{0,30})", re.ASCII)
_FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]{0,30})(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][-+]?[0-9]{1,3})?", re.ASCII)
_INDENTING_TAB = re.compile(r"^ *\t", re.MULTILINE)
_QUOTED = re.compile(r"(['\"])(?!<)(?:(?!\1).){2,}\1")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Mark = tuple[int, int]
"""Line and column, counted from 1."""


class Plain(str):
    """An unquoted scalar: text that may be meant as a number."""

    __slots__ = ()

    def number(self) -> int | float | str:
        """The number that it spells, else the text.  A leading zero spells no number, as in `0123`."""
        if _INT.fullmatch(self):
            return int(self.replace("_", ""))
        if _FLOAT.fullmatch(self):
            return float(self)
        return str(self)


def plain(value: Any) -> Any:
    """A value of a document with its unquoted scalars as the numbers that they spell; for values of no known type."""
    if isinstance(value, Plain):
        return value.number()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


class Document:
    """A parsed file: its value, and where each part stands."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.value: Any = None
        self._marks: dict[int, dict[str | int, Mark]] = {}
        self._kept: list[Any] = []

    def note(self, container: Any, key: str | int, mark: Mark) -> None:
        """Remember where an item of a container stands."""
        if id(container) not in self._marks:
            self._marks[id(container)] = {}
            self._kept.append(container)  # so that its id is not used again
        self._marks[id(container)][key] = mark

    def mark_of(self, path: tuple[str | int, ...]) -> Mark | None:
        """Where the key or item at `path` stands, or its nearest parent."""
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
    name = path.name
    if path.exists() and not path.is_file():  # a pipe could keep us waiting for ever
        raise ConfigError(f"{name}: is no ordinary file.  Give the path of a YAML file.")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the path is not valid"
        raise ConfigError(f"{name}: cannot be read: {reason}.") from None
    return parse_yaml(data, name)


def parse_yaml(data: bytes | str, name: str = "config.yaml") -> Document:
    """Parse the contents of a file.  Raises ConfigError as `read_yaml` does."""
    text = _decoded(data, name) if isinstance(data, bytes) else data
    document = Document(name)
    builder = _Builder(document)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(name, text, error) from None
    except yaml.YAMLError:
        raise ConfigError(
            f"{name}: holds a control character.  Remove it, or write it as an escape in quotes."
        ) from None
    if not builder.documents:
        raise ConfigError(f"{name}: is empty.  It must hold at least `model_list`.")
    return document


def _decoded(data: bytes, name: str) -> str:
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{name}: is larger than {MAX_BYTES // 1024} KiB.  Is it the right file?")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:4096]:
        raise ConfigError(f"{name}: is UTF-16 or binary.  Save it as UTF-8.")
    if data.startswith(b"\xef\xbb\xbf"):
        raise ConfigError(f"{name}:1:1: begins with a byte order mark.  Save it as UTF-8 without BOM.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise ConfigError(f"{name}:{line}:{column}: is not UTF-8 (Latin-1?).  Save it as UTF-8.") from None


def _syntax_error(name: str, text: str, error: yaml.MarkedYAMLError) -> ConfigError:
    """PyYAML's problem, without what it may quote: an unquoted key that begins with `*`, `&` or `!` is an alias, an
    anchor or a tag to it."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    where = f"{name}:{line}:{column}"
    lines = text.splitlines()
    if any(_INDENTING_TAB.match(near) for near in lines[max(0, line - 2) : line]):
        return ConfigError(f"{where}: a tab where YAML wants spaces.  Indent with spaces.")
    if "nesting depth" in (error.problem or ""):  # libyaml counts too, and reads ahead of us
        return ConfigError(f"{where}: nested more than {MAX_DEPTH} deep.")
    problem = _QUOTED.sub("…", error.problem or "the structure is broken here")
    return ConfigError(f"{where}: no valid YAML: {problem}.  Quote texts that hold : # * & ! % @ or brackets.")


@dataclass(slots=True)
class _Frame:
    """A mapping or sequence that is not finished."""

    container: Any
    anchor: str | None
    nodes_before: int
    deepest: int
    """Greatest depth below the top that was reached inside."""
    key: str | None = None
    """Waits for its value."""
    merging: bool = False
    """The value of a `<<` comes next."""
    merges: list[dict[str, Any]] = field(default_factory=list)


class _Builder:
    """Builds values from events, one after the other, without recursion."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.documents = 0
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, int, int]] = {}
        """Value, number of nodes and height of each finished anchor."""
        self.nodes = 0

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._begin(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._end()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self._error(event, "a second document begins.  A configuration is one.")

    def _scalar(self, event: Any) -> None:
        self._check_tag(event)
        text = event.value
        if self._wants_key():
            self._take_key(text, event)
            return
        value = text if event.style else _CONSTANTS.get(text, _UNKNOWN)
        if value is _UNKNOWN:
            value = Plain(text)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1, 0)
        self._add(value, event, 1)

    def _begin(self, event: Any) -> None:
        self._check_tag(event)
        if self._wants_key():
            raise self._error(event, "a list or mapping stands where a key belongs.  Keys are text.")
        if len(self.stack) >= MAX_DEPTH:
            raise self._error(event, f"nested more than {MAX_DEPTH} deep.")
        container: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        before = self.nodes
        self._add(container, event, 1)
        self.stack.append(_Frame(container, event.anchor, before, len(self.stack) + 1))

    def _end(self) -> None:
        frame = self.stack.pop()
        for source in frame.merges:
            for name, item in source.items():
                frame.container.setdefault(name, item)
        if self.stack:
            self.stack[-1].deepest = max(self.stack[-1].deepest, frame.deepest)
        if frame.anchor:
            height = frame.deepest - len(self.stack)
            self.anchors[frame.anchor] = (frame.container, self.nodes - frame.nodes_before, height)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self.anchors:
            raise self._error(event, "an alias (`*…`) without its anchor, or inside it.  Quote the text if it is none.")
        if self._wants_key():
            raise self._error(event, "an alias stands where a key belongs.  Keys are text.")
        value, size, height = self.anchors[event.anchor]
        if len(self.stack) + height > MAX_DEPTH:
            raise self._error(event, f"nested more than {MAX_DEPTH} deep, once its aliases are followed.")
        if self.stack:
            self.stack[-1].deepest = max(self.stack[-1].deepest, len(self.stack) + height)
        self._add(value, event, size)

    def _wants_key(self) -> bool:
        if not self.stack:
            return False
        frame = self.stack[-1]
        return isinstance(frame.container, dict) and frame.key is None and not frame.merging

    def _take_key(self, key: str, event: Any) -> None:
        frame = self.stack[-1]
        if key == "<<" and not event.style:
            frame.merging = True
            return
        if key in frame.container:
            raise self._error(event, "a key that stands here twice; the first value would be lost.  Remove one.")
        frame.container[key] = None
        self.document.note(frame.container, key, _mark(event))
        frame.key = key

    def _add(self, value: Any, event: Any, size: int) -> None:
        self.nodes += size
        if self.nodes > MAX_NODES:
            raise self._error(event, f"more than {MAX_NODES:,} values, once its aliases are followed.")
        if not self.stack:
            self.document.value = value
            return
        frame = self.stack[-1]
        if isinstance(frame.container, list):
            self.document.note(frame.container, len(frame.container), _mark(event))
            frame.container.append(value)
            return
        if frame.merging:
            if not isinstance(event, yaml.AliasEvent) or not isinstance(value, dict):
                raise self._error(event, "a merge (`<<`) of something that is no alias of a mapping.")
            frame.merges.append(value)
            frame.merging = False
        elif frame.key is not None:
            frame.container[frame.key] = value
        frame.key = None

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None and event.tag != "!":
            raise self._error(event, "a tag (`!…`).  Tags are not allowed; quote the text if it is none.")

    def _error(self, event: Any, problem: str) -> ConfigError:
        line, column = _mark(event)
        return ConfigError(f"{self.document.name}:{line}:{column}: {problem}")


_UNKNOWN: Any = object()


def _mark(event: Any) -> Mark:
    return event.start_mark.line + 1, event.start_mark.column + 1
