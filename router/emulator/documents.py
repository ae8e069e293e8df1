"""Which JSON document fits a schema?  The smallest honest one: required members, first choices, least bounds."""

from __future__ import annotations

import json
from typing import Any

MAX_DEPTH = 12
"""Recursive schemas end here."""
FILLER = "filler"
_FORMATS = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "filler@example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "https://example.com/filler",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}


def json_for(schema: Any) -> str:
    """A JSON text that fits a JSON schema: of the keywords that structured outputs allow, all but `pattern`."""
    return json.dumps(_value(schema, schema, 0))


def _value(schema: Any, root: Any, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return FILLER
    if "$ref" in schema:
        return _value(_resolved(str(schema["$ref"]), root), root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    for name in ("anyOf", "oneOf", "allOf"):
        options = schema.get(name)
        if isinstance(options, list) and options:
            chosen = _merged(schema, options) if name == "allOf" else _shallowest(options, depth)
            return _value(chosen, root, depth + 1)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[-1] if depth == MAX_DEPTH else kind[0] if kind else None
    if kind == "object" or isinstance(schema.get("properties"), dict):
        return _object(schema, root, depth)
    if kind == "array":
        least = schema.get("minItems", 0 if depth > MAX_DEPTH // 2 else 1)
        return [_value(schema.get("items"), root, depth + 1) for _ in range(least)]
    if kind in ("integer", "number"):
        return _number(schema, whole=kind == "integer")
    return _text(schema) if kind == "string" else {"boolean": True, "null": None}.get(str(kind), FILLER)


def _object(schema: dict[str, Any], root: Any, depth: int) -> dict[str, Any]:
    properties = schema.get("properties")
    known: dict[str, Any] = properties if isinstance(properties, dict) else {}
    required = schema.get("required")
    names = required if isinstance(required, list) else list(known) if depth <= MAX_DEPTH // 2 else []
    return {str(name): _value(known.get(name), root, depth + 1) for name in names}


def _number(schema: dict[str, Any], *, whole: bool) -> float:
    """Within its bounds, a multiple where one is asked for."""
    step = schema.get("multipleOf") or (1 if whole else 0.5)
    least, most = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum")
    if most is None:
        most = schema.get("exclusiveMaximum")
    usual = step if whole else 3 * step
    if least is not None and usual <= least:
        usual = (least // step + 1) * step if "exclusiveMinimum" in schema else -(-least // step) * step
    if most is not None and usual >= most:
        usual = (most // step) * step if "exclusiveMaximum" not in schema else (-(-most // step) - 1) * step
    return int(usual) if whole else usual


def _text(schema: dict[str, Any]) -> str:
    text = _FORMATS.get(str(schema.get("format")), FILLER)
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    text = text.ljust(least, ".")
    return text[:most] if isinstance(most, int) else text


def _resolved(reference: str, root: Any) -> Any:
    """What `#/$defs/Name` means."""
    found = root
    for name in reference.removeprefix("#").strip("/").split("/") if reference != "#" else ():
        found = found.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found


def _shallowest(options: list[Any], depth: int) -> Any:
    """The first choice; deep within a recursion, null where that is one."""
    if depth > MAX_DEPTH // 2:
        return next((o for o in options if isinstance(o, dict) and o.get("type") == "null"), options[0])
    return options[0]


def _merged(schema: dict[str, Any], options: list[Any]) -> dict[str, Any]:
    """`allOf` of one or more, with what stands beside it."""
    merged = {name: value for name, value in schema.items() if name != "allOf"}
    for option in options:
        if isinstance(option, dict):
            both = {**merged.get("properties", {}), **option.get("properties", {})}
            merged = {**option, **merged, **({"properties": both} if both else {})}
    return merged
