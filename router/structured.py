"""How does a class become the shape of an answer?

`response_format=Weather`, a pydantic class, goes to the service as a strict JSON schema.  Strict schemas know fewer
words than pydantic writes: every object must list all its properties as required and allow no others, and nothing may
stand beside a `$ref`.  Source: OpenAI's guide to structured outputs, "Supported schemas".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from .errors import BadRequestError

_NAME = re.compile(r"[^A-Za-z0-9_-]")


def is_class(given: object) -> bool:
    """Is this a pydantic class?"""
    return isinstance(given, type) and callable(getattr(given, "model_json_schema", None))


def response_format(given: Any) -> Any:
    """What to send for a `response_format`: a class as its strict schema, anything else as it is.

    Raises:
        BadRequestError: a class that pydantic has no schema for.
    """
    if not isinstance(given, type):
        return given
    if not is_class(given):
        raise BadRequestError(
            f"`response_format` must be a pydantic class or an object, not the class {given.__name__}"
        )
    return _of_class(given)


@lru_cache(maxsize=256)
def _of_class(cls: Any) -> dict[str, Any]:
    try:
        schema = strict(cls.model_json_schema())
    except Exception as error:  # pydantic's own, which is not imported for this, or a class that holds itself
        raise BadRequestError(
            f"`response_format`: {cls.__name__} has no JSON schema ({type(error).__name__}); send a schema instead"
        ) from None
    name = _NAME.sub("_", cls.__name__)[:64]
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": schema}}


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a JSON schema as strict answers need it."""
    made: dict[str, Any] = _strict(schema, schema)
    return made


def _strict(value: Any, root: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_strict(item, root) for item in value]
    if not isinstance(value, Mapping):
        return value
    node = dict(value)
    if "$ref" in node and len(node) > 1:  # nothing may stand beside a reference, so what it names takes its place
        node = {**_resolved(node.pop("$ref"), root), **node}
        return _strict(node, root)
    whole = node.get("allOf")
    if isinstance(whole, list) and len(whole) == 1:
        node.pop("allOf")
        return _strict({**whole[0], **node}, root)
    if node.get("default", 0) is None:  # pydantic's way to say "may be left out"; everything is required here
        node.pop("default")
    made: dict[str, Any] = {}
    for key, part in node.items():
        # The keys of these two are names that the class chose; one may be called `default` or `allOf`.
        named = key in ("properties", "$defs")
        made[key] = {name: _strict(item, root) for name, item in part.items()} if named else _strict(part, root)
    if made.get("type") == "object":
        made.setdefault("additionalProperties", False)
        if "properties" in made:
            made["required"] = list(made["properties"])
    return made


def _resolved(reference: str, root: Mapping[str, Any]) -> dict[str, Any]:
    node: Any = root
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return dict(node)
