"""The two doors that every operation goes through."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from router.question import Question

if TYPE_CHECKING:
    from router.owners import Owners


class Door:
    """What the files of this package are given by `router.router.Router`."""

    _owners: Owners
    _marks_ids = True
    """Ids go out with their deployment in them; False where there is but one, so that they stay as they are."""

    def _ask(self, question: Question) -> Any:
        """Carry a question out, blocking: a reply, or a `Stream` where it streams."""
        raise NotImplementedError

    def _aask(self, question: Question) -> Awaitable[Any]:
        """The same, awaiting: a reply, or an `AsyncStream`."""
        raise NotImplementedError
