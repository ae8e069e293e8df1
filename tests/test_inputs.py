"""What an operation cannot do without, and what is made plain of an earlier answer."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from router import BadRequestError
from router.inputs import check_input, plain


class Said(BaseModel):
    role: str = "assistant"
    content: str | None = None
    refusal: str | None = None


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("embeddings", {"input": "a"}),
        ("embeddings", {"input": ["a", "b"]}),
        ("embeddings", {"input": [1, 0]}),
        ("embeddings", {"input": [[1], [2, 3]]}),
        ("audio.speech", {"input": "a"}),
        ("images.generations", {"prompt": "a"}),
        ("images.edits", {"prompt": "a"}),
    ],
)
def test_what_a_model_takes_passes(operation: str, body: dict[str, Any]) -> None:
    check_input(operation, body)


@pytest.mark.parametrize("value", [None, "", [], (), ["a", ""], [[1], []], 5, 5.0, {"a": 1}, b"a"])
def test_what_no_model_takes_is_named(value: Any) -> None:
    for operation, name in (("embeddings", "input"), ("images.edits", "prompt")):
        with pytest.raises(BadRequestError, match=f"`{name}` ") as caught:
            check_input(operation, {name: value})
        assert caught.value.param == name


def test_models_become_objects_and_nothing_else_changes() -> None:
    said = Said(content="Hello")
    given = [{"role": "user", "content": None}, said]
    assert plain(given) == [{"role": "user", "content": None}, {"role": "assistant", "content": "Hello"}]
    assert given[1] is said


@pytest.mark.parametrize("given", ["text", None, 5, [{"a": 1}], ({"a": 1},), [5], [Said], Said()])
def test_what_holds_no_model_is_left_as_it_is(given: Any) -> None:
    assert plain(given) == given
