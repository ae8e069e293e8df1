"""How do raw keys become a checked model?

`Reading` goes through one configuration: it sorts the keys of each mapping by their class (`keys.py`), replaces
environment variables, lets the model check the values, and turns what the model says into problems with places.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from .keys import REQUEST_PARAMETERS, is_ignored, is_off, not_yet
from .models import AllowedFailsPolicy, Entry, ModelInfo, Options, Params, RetryPolicy
from .problems import Path, Problems, nearest, shown, spell
from .shape import Shape
from .yaml_text import MAX_DEPTH, Plain

log = logging.getLogger("router")
S = TypeVar("S", bound=Shape)

MAX_VALUES = 2_000_000
"""Of a whole configuration.  Ten thousand deployments have some 200,000."""

_WHOLE = re.compile(r"os\.environ/(.*)", re.DOTALL)
_INSIDE = re.compile(r"\$\{([^}]*)\}")
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,100})(?::-(.*))?", re.ASCII | re.DOTALL)
_HOMES: tuple[type[Shape], ...] = (Params, ModelInfo, Options, RetryPolicy, AllowedFailsPolicy, Entry)

_HAVE_DEFAULTS = {"azure_scope": "AZURE_SCOPE", "api_version": "AZURE_API_VERSION"}
"""Keys with a default, and the variable that is read anyway where they are not stated: naming that states nothing."""


class _Broken:
    """Stands for a value about which a problem was noted already."""

    def __repr__(self) -> str:
        return "BROKEN"


BROKEN = _Broken()


class Reading:
    """One pass over a configuration.

    Args:
        problems: collects what is wrong.
        environment: the variables that values may name.
    """

    def __init__(self, problems: Problems, environment: Mapping[str, str]) -> None:
        self.problems = problems
        self.environment = environment
        self.ignored: dict[str, None] = {}
        """Places of keys that have no effect."""
        self._values = 0

    def shape(self, cls: type[S], raw: Any, path: Path) -> tuple[S | None, dict[str, Any]]:
        """A model of a mapping, and the request parameters that stood in it.

        The model is None if anything in it is wrong; then the problems are noted.
        """
        before = len(self.problems)
        if not isinstance(raw, Mapping):
            self.problems.add(path, "must be a mapping of keys to values")
            return None, {}
        given: dict[str, Any] = {}
        parameters: dict[str, Any] = {}
        for key, value in raw.items():
            if not isinstance(key, str):
                self.problems.add(path, "has a key that is no text; keys are text")
            elif value is not None and not self._says_nothing(cls, key, value):
                self._sort(cls, key, value, path, given, parameters)
        broken = [key for key, value in given.items() if value is BROKEN]
        for key in broken:
            del given[key]
        model = self._checked(cls, given, broken, path)
        return (model if len(self.problems) == before else None), parameters

    def _says_nothing(self, cls: type[Shape], key: str, value: Any) -> bool:
        """`azure_scope: os.environ/AZURE_SCOPE` where that is not set: LiteLLM's page promises the default for it."""
        name = _HAVE_DEFAULTS.get(key) if cls is Params else None
        return name is not None and value == f"os.environ/{name}" and not self.environment.get(name)

    def _sort(
        self, cls: type[Shape], key: str, value: Any, path: Path, given: dict[str, Any], parameters: dict[str, Any]
    ) -> None:
        """Put one key where its class belongs."""
        place = (*path, key)
        known = key in cls.__pydantic_fields__  # `model_fields` is a property that costs ten times as much
        reason = None if known else not_yet(cls.section, key)
        if known:
            given[key] = self._nested(cls, key, value, place)
        elif cls is Params and key in REQUEST_PARAMETERS:
            parameters[key] = self.expand(value, place)
        elif reason is not None:
            if not is_off(key, value):
                self.problems.add(place, reason)
        elif is_ignored(cls.section, key):
            self.ignore(place, value)
        else:
            self.unknown(place, cls)

    def _nested(self, cls: type[Shape], key: str, value: Any, place: Path) -> Any:
        inner = cls.nested.get(key)
        if inner is not None:
            return self.shape(inner, _dumped(value), place)[0] or BROKEN
        inner = cls.nested_by_name.get(key)
        if inner is None:
            return self.expand(value, place)
        value = _dumped(value)
        if not isinstance(value, Mapping):
            self.problems.add(place, "must be a mapping from a group's name to a mapping")
            return BROKEN
        models = {str(name): self.shape(inner, _dumped(part), (*place, str(name)))[0] for name, part in value.items()}
        return BROKEN if None in models.values() else models

    def _checked(self, cls: type[S], given: dict[str, Any], broken: list[str], path: Path) -> S | None:
        """The model of sorted keys; what it refuses becomes problems."""
        ready = {key: value for key, value in given.items() if not _is_made(value)}
        made = {key: value for key, value in given.items() if key not in ready}
        try:
            model = cls.model_validate(ready)
        except ValidationError as error:
            for found in error.errors(include_url=False, include_context=False, include_input=False):
                key = str(found["loc"][0]) if found["loc"] else ""
                if key not in broken:
                    self.problems.add((*path, key), "is missing" if found["type"] == "missing" else found["msg"])
            return None
        return model.model_copy(update=made) if made else model

    def expand(self, value: Any, path: Path, depth: int = 0) -> Any:
        """A copy of a value with `os.environ/NAME` and `${NAME}` replaced, everywhere inside it."""
        self._values += 1
        if depth > MAX_DEPTH or self._values > MAX_VALUES:
            self.problems.add(
                path[: MAX_DEPTH // 4], f"is nested more than {MAX_DEPTH} deep, or holds far too many values"
            )
            return BROKEN
        if isinstance(value, str):
            return self._expand_text(value, path)
        if isinstance(value, Mapping):
            copy: dict[str, Any] = {}
            for key, item in value.items():
                if not isinstance(key, str):
                    self.problems.add(path, "has a key that is no text; keys are text")
                    return BROKEN
                copy[str(key)] = self.expand(item, (*path, key), depth + 1)
            return BROKEN if any(item is BROKEN for item in copy.values()) else copy
        if isinstance(value, (list, tuple)):
            items = [self.expand(item, (*path, i), depth + 1) for i, item in enumerate(value)]
            return BROKEN if any(item is BROKEN for item in items) else items
        return value

    def _expand_text(self, value: str, path: Path) -> Any:
        kind = Plain if isinstance(value, Plain) else str
        text = str.__str__(value)
        whole = _WHOLE.fullmatch(text.strip())
        if whole is not None:
            found = self._variable(whole[1], path, "os.environ/NAME")
            return BROKEN if found is None else kind(found)
        if "${" not in text:
            return kind(text)
        failed = False

        def replace(match: re.Match[str]) -> str:
            nonlocal failed
            found = self._variable(match[1], path, "${NAME} or ${NAME:-default}")
            failed = failed or found is None
            return found or ""

        text = _INSIDE.sub(replace, text)
        return BROKEN if failed else kind(text)

    def _variable(self, stated: str, path: Path, form: str) -> str | None:
        match = _VARIABLE.fullmatch(stated)
        if match is None or (match[2] is not None and not form.startswith("$")):
            self.problems.add(path, f"names no valid environment variable; write {form}")
            return None
        found = self.environment.get(match[1]) or match[2]
        if not found:
            state = "empty" if match[1] in self.environment else "not set"
            self.problems.add(path, f"the environment variable {match[1]} is {state}; set it")
            return None
        return found

    def ignore(self, place: Path, value: Any) -> None:
        """Note a key that has no effect, for the one warning; a value that switches it off needs none."""
        if not is_off("", value):
            self.ignored[spell(self.problems.place(place))] = None

    def unknown(self, place: Path, cls: type[Shape]) -> None:
        """Note a key that nobody knows."""
        key = str(place[-1])
        home = next((c.section for c in _HOMES if c is not cls and key in c.model_fields), None)
        known = [*cls.model_fields, *(REQUEST_PARAMETERS if cls is Params else ())]
        near = nearest(key, known)
        if home is not None:
            hint = f"it belongs in {'litellm_params' if home == 'params' else home}"
        elif near is not None:
            hint = f"did you mean {near!r}?"
        elif cls is Params:
            hint = "a parameter of the service that is not known here goes into extra_body; else remove it"
        else:
            hint = "remove it"
        self.problems.add(place, f"unknown key {shown(key)!r}; {hint}")

    def warn_of_ignored(self) -> None:
        """The one warning."""
        if self.ignored:
            log.warning(
                "these settings belong to other products or only tune LiteLLM, and have no effect here: %s",
                ", ".join(self.ignored),
            )


def _dumped(value: Any) -> Any:
    """A policy may be given as a pydantic model, such as LiteLLM's own `RetryPolicy`."""
    return value.model_dump(exclude_none=True) if isinstance(value, BaseModel) else value


def _is_made(value: Any) -> bool:
    """Whether a value was checked already, as a model of its own."""
    return isinstance(value, Shape) or (
        isinstance(value, dict) and bool(value) and all(isinstance(v, Shape) for v in value.values())
    )
