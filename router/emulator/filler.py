"""What do answers say?  Plain filler words, one token each, and JSON that fits a schema."""

from __future__ import annotations

import json
from random import Random
from typing import Any

_WORDS = (
    "the answer is that one region may rest while another serves and nobody notices because room was kept and the "
    "window slides on with every second so calls arrive where tokens remain and replies return in good time as a "
    "calm river finds its way around stones between green hills under a wide sky"
).split()
_RING = tuple(Random(0).choices(_WORDS, k=1021))


def words(rng: Random, tokens: int) -> list[str]:
    """So many words, each with its leading space but for the first: joined, they are the answer."""
    if tokens <= 0:
        return []
    start = rng.randrange(len(_RING))
    repeats = (start + tokens) // len(_RING) + 1
    chosen = (_RING * repeats)[start : start + tokens]
    return [chosen[0].capitalize(), *(" " + word for word in chosen[1:])]


def pieces_of(text: str) -> list[str]:
    """A given text cut into tokens of four characters."""
    return [text[i : i + 4] for i in range(0, len(text), 4)]


def json_for(schema: Any) -> str:
    """A JSON text that fits a simple JSON schema."""
    return json.dumps(_value(schema, 0))


def _value(schema: Any, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > 8:
        return "filler"
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    properties = schema.get("properties")
    if kind == "object" or isinstance(properties, dict):
        known = properties if isinstance(properties, dict) else {}
        required = schema.get("required")
        names = required if isinstance(required, list) else list(known)
        return {str(name): _value(known.get(name), depth + 1) for name in names}
    if kind == "array":
        return [_value(schema.get("items"), depth + 1)]
    simple: dict[Any, Any] = {"integer": 1, "number": 1.5, "boolean": True, "null": None}
    return simple.get(kind, "filler")
