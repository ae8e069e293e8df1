"""What all models of a configuration have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field


def about(description: str) -> Any:
    """An optional key, and its line in the reference."""
    return Field(default=None, description=description)


class Shape(BaseModel):
    """Unknown keys are errors, and no message shows a value.  A null is the same as no key."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, frozen=True, arbitrary_types_allowed=True, protected_namespaces=()
    )
    section: ClassVar[str] = ""
    """Under which name `keys.py` lists the keys that do not run here."""
    nested: ClassVar[dict[str, type[Shape]]] = {}
    """Fields that are shapes themselves."""
    nested_by_name: ClassVar[dict[str, type[Shape]]] = {}
    """Fields that are mappings from a name to a shape."""
