"""Is there anything to work on?

What an operation other than a chat is given as its main input: refused here where it can only be refused there.
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
