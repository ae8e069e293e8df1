"""Documents fit the schemas that they are made for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter

from router.emulator.documents import json_for


class Node(BaseModel):
    """Refers to itself."""

    value: int = Field(ge=10, lt=20)
    next: Node | None
    children: list[Node]
    label: str = Field(min_length=12, max_length=14)
    half: float = Field(gt=0.0, le=0.5)


def test_a_recursive_model_is_filled():
    Node.model_validate_json(json_for(Node.model_json_schema()))


@pytest.mark.parametrize("kind", [bool, int, str, float, dict[str, int], list[int], int | None])
def test_plain_kinds(kind):
    adapter = TypeAdapter(kind)
    adapter.validate_json(json_for(adapter.json_schema()), strict=True)


@given(
    st.recursive(
        st.booleans() | st.text() | st.none() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["type", "properties", "items", "anyOf", "$ref", "enum", "required", "allOf"])
                | st.text(),
                inner,
            )
        ),
        max_leaves=20,
    )
)
def test_whatever_is_called_a_schema_gives_json(schema):
    json.loads(json_for(schema))


@given(st.integers(-50, 50), st.integers(0, 50), st.integers(1, 7))
def test_whole_numbers_keep_their_bounds(least, width, step):
    made = json.loads(
        json_for({"type": "integer", "minimum": least, "maximum": least + width + step, "multipleOf": step})
    )
    assert least <= made <= least + width + step
    assert made % step == 0
