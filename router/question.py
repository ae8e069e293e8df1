"""What a public method asks: its arguments as one value, the same for its blocking and its awaiting face."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import BadRequestError
from .values import Upload

Mend = Callable[[dict[str, Any], str], dict[str, Any]]
"""Takes the decoded JSON of an answer, or of one event of a stream, and the id of the deployment that gave it; returns
what the caller is to see."""


@dataclass(slots=True)
class Question:
    """One call as the caller stated it; `CallMaker.make` turns it into a `Call` and the `Policy` that holds for it."""

    operation: str
    """A key of `router.azure.operations.OPERATIONS`."""
    model: str
    """A group, an alias, a deployment's id, or a name that a wildcard entry matches."""
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What the method itself takes for the service; None means not stated and is left out."""
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Further arguments: for the router (`timeout`, `num_retries`, …), the rest for the service."""
    stream: bool = False
    path_id: str | None = None
    """Of the thing asked about, as the deployment knows it: `CallMaker.owners` takes ids apart."""
    query: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Of the URL; None is left out."""
    uploads: tuple[Upload, ...] = ()
    mend: Mend | None = None
    pinned: bool = False
    """Only this deployment has what is asked for, so there are no fallbacks."""


def streams(stream: bool | None) -> bool:
    """Whether a stream is asked for.  Raises BadRequestError for what is neither true nor false, such as "false"."""
    if stream is None or isinstance(stream, bool):
        return bool(stream)
    raise BadRequestError(
        f"`stream` must be True or False, not {type(stream).__name__}.  Nothing was sent.", param="stream"
    )
