"""Classes become schemas that strict answers take."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, Field

from router.errors import BadRequestError
from router.structured import response_format, strict


class Leaf(BaseModel):
    value: int


class Tree(BaseModel):
    first: Leaf = Field(description="the first")
    more: list[Tree] = Field(description="below")
    default: str | None = None
    allOf: int = 3


def objects(schema: Any) -> list[dict[str, Any]]:
    found = []
    if isinstance(schema, dict):
        found = [schema] if schema.get("type") == "object" else []
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            found += objects(part)
    return found


def test_every_object_is_closed_and_requires_all_it_has() -> None:
    schema = response_format(Tree)["json_schema"]["schema"]
    assert len(objects(schema)) >= 3
    for item in objects(schema):
        assert item["additionalProperties"] is False
        assert item["required"] == list(item["properties"])
    assert "default" in schema["$defs"]["Tree"]["properties"]


def test_nothing_stands_beside_a_reference_and_one_of_all_is_itself() -> None:
    given = {"$defs": {"A": {"type": "string"}}, "properties": {
        "a": {"$ref": "#/$defs/A", "description": "d"}, "b": {"allOf": [{"$ref": "#/$defs/A"}], "title": "t"},
        "c": {"$ref": "#/$defs/A"},
    }}  # fmt: skip
    made = strict(given)["properties"]
    assert made == {
        "a": {"type": "string", "description": "d"},
        "b": {"type": "string", "title": "t"},
        "c": {"$ref": "#/$defs/A"},
    }
    assert "required" not in given


def test_what_is_no_class_stays_and_what_has_no_schema_is_refused() -> None:
    assert response_format({"type": "json_object"}) == {"type": "json_object"}

    class Odd(BaseModel):
        model_config = {"arbitrary_types_allowed": True}
        thing: EndlessType

    with pytest.raises(BadRequestError, match="Odd has no JSON schema"):
        response_format(Odd)


class EndlessType:
    pass
