"""Is there anything to work on?

What an operation other than a chat is given as its main input: refused here where it can only be refused there.  And
what a caller hands back of an earlier answer is made plain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import BadRequestError

INPUTS: dict[str, str] = {
    "embeddings": "input",
    "audio.speech": "input",
    "images.generations": "prompt",
    "images.edits": "prompt",
}
"""By the name of the operation: the field that it cannot do without."""


def check_input(operation: str, body: Mapping[str, Any]) -> None:
    """Raises BadRequestError if the field of `INPUTS` is missing, empty or of a type that no model takes."""
    name = INPUTS[operation]
    value = body.get(name)
    many = operation == "embeddings"
    wanted = "a text, a list of texts, or tokens" if many else "a text"
    if value is None or (isinstance(value, (str, list, tuple)) and not value):
        raise BadRequestError(f"`{name}` is empty: give {wanted}.  Nothing was sent.", param=name)
    if not isinstance(value, (str, list, tuple) if many else str):
        raise BadRequestError(f"`{name}` must be {wanted}, not {type(value).__name__}.  Nothing was sent.", param=name)
    if not isinstance(value, str) and not isinstance(value[0], int) and ("" in value or [] in value):
        raise BadRequestError(f"`{name}` holds an empty text: leave it out.  Nothing was sent.", param=name)


def plain(items: Any) -> Any:
    """Messages or items as objects: `messages.append(reply.choices[0].message)` is how a talk with tools goes on.

    Models, ours and those of other libraries, become dictionaries without their empty fields.  Where there are none,
    `items` is returned as it is, whatever it is.
    """
    if type(items) is not list and type(items) is not tuple:
        return items
    for item in items:
        if type(item) is not dict:
            break
    else:
        return items
    return [item.model_dump(exclude_none=True) if _is_model(item) else item for item in items]


def _is_model(item: Any) -> bool:
    return not isinstance(item, Mapping | type) and callable(getattr(item, "model_dump", None))
