"""What does a configuration file hold?

LiteLLM's shape: `model_list`, `router_settings`, `litellm_settings`, `general_settings`, `environment_variables`.  The
options of a router may stand in `router_settings`, or in `litellm_settings` where `router_settings` is silent.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from router.errors import ConfigError

from .build import build_settings
from .keys import is_ignored, is_off, not_yet
from .models import Options
from .problems import Path, Problems, nearest, shown
from .reading import BROKEN, Reading
from .settings import Settings
from .yaml_text import Document, plain, read_yaml

SECTIONS = ("model_list", "router_settings", "litellm_settings", "general_settings", "environment_variables")
_RENAMED = {"request_timeout": "timeout"}


def read_config(path: str | FilePath) -> dict[str, Any]:
    """The contents of a file as plain values, environment variables not replaced, nothing checked but the YAML.

    Raises:
        ConfigError: the file cannot be read, or is no YAML mapping; with line and column.
    """
    value: dict[str, Any] = plain(_mapping(read_yaml(path)))
    return value


def settings_from_file(path: str | FilePath, **options: Any) -> Settings:
    """Settings from a YAML file in LiteLLM's shape.

    Args:
        path: the file.
        options: keywords of `Router(...)` that win over the file's.

    Raises:
        ConfigError: with every mistake that was found, each with its line and column.
    """
    document = read_yaml(path)
    whole = _mapping(document)
    moved: dict[str, Path] = {}
    problems = Problems(document, moved)
    reading = Reading(problems, os.environ)
    for key, value in whole.items():
        _check_section(key, value, reading)
    reading.environment = {**os.environ, **_variables(whole.get("environment_variables"), reading)}
    stated = _router_options(whole, reading, moved)
    for key in options:
        moved.pop(key, None)
    master_key = _master_key(whole.get("general_settings"), reading)
    problems.move(moved)
    return build_settings(whole.get("model_list"), {**stated, **options}, reading, master_key)


def _mapping(document: Document) -> dict[str, Any]:
    if not isinstance(document.value, dict):
        raise ConfigError(f"{document.name}: must be a mapping with model_list at least.")
    return document.value


def _check_section(key: str, value: Any, reading: Reading) -> None:
    reason = not_yet("file", key)
    if key in SECTIONS:
        if key != "model_list" and value is not None and not isinstance(value, Mapping):
            reading.problems.add((key,), "must be a mapping of keys to values")
    elif reason is not None:
        if not is_off(key, value):
            reading.problems.add((key,), reason)
    elif is_ignored("file", key):
        reading.ignore((key,), value)
    else:
        near = nearest(key, SECTIONS)
        if key in Options.model_fields:
            hint = "it belongs in router_settings"
        else:
            hint = f"did you mean {near!r}?" if near else f"a file holds {', '.join(SECTIONS)}"
        reading.problems.add((key,), f"unknown section {shown(key)!r}; {hint}")


def _variables(raw: Any, reading: Reading) -> dict[str, str]:
    """Variables that the file sets, for its own values only: the process' environment stays as it is."""
    found: dict[str, str] = {}
    for name, value in raw.items() if isinstance(raw, Mapping) else ():
        path = ("environment_variables", name)
        if value is None:
            continue
        if isinstance(value, bool):
            value = str(value).lower()
        if not isinstance(value, str):
            reading.problems.add(path, "must be text")
            continue
        text = reading.expand(value, path)
        if text is not BROKEN:
            found[name] = str(text)
    return found


def _router_options(whole: Mapping[str, Any], reading: Reading, moved: dict[str, Path]) -> dict[str, Any]:
    """The options of the router, from both sections; `moved` learns where each stood."""
    found: dict[str, Any] = {}
    for section in ("litellm_settings", "router_settings"):
        raw = whole.get(section)
        for name, value in raw.items() if isinstance(raw, Mapping) else ():
            key = str(name)
            reason = None if key in Options.model_fields else not_yet(section, key)
            if value is None:
                continue
            if reason is not None:
                if not is_off(key, value):
                    reading.problems.add((section, key), reason)
            elif key not in Options.model_fields and is_ignored(section, key):
                reading.ignore((section, key), value)
            elif key not in Options.model_fields and key != "routing_strategy_args":
                reading.unknown((section, key), Options)
            else:
                ours = _RENAMED.get(key, key)
                found[ours] = value
                moved[ours] = (section, key)
    return found


def _master_key(raw: Any, reading: Reading) -> str | None:
    """The proxy's key; the other general settings are the proxy's own."""
    key_found: str | None = None
    for key, value in raw.items() if isinstance(raw, Mapping) else ():
        path = ("general_settings", key)
        reason = not_yet("general_settings", key)
        if value is None:
            continue
        if key == "master_key":
            text = reading.expand(value, path)
            if not isinstance(text, str) or not text.strip():
                reading.problems.add(path, "must be text that is not empty")
            else:
                key_found = str(text)
        elif reason is not None:
            if not is_off(key, value):
                reading.problems.add(path, reason)
        elif is_ignored("general_settings", key):
            reading.ignore(path, value)
        else:
            hint = "it belongs in router_settings" if key in Options.model_fields else "remove it"
            reading.problems.add(path, f"unknown key {shown(key)!r}; {hint}")
    return key_found
