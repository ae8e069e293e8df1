"""What a child of `os.fork` must not take over from its parent: locks that another thread may hold, work under way."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forked(Protocol):
    """Whoever has something of that kind."""

    def forked(self) -> None:
        """This is a child process now: begin clean, and take no lock of before."""
        ...


def after_fork(owner: Forked) -> None:
    """Have `owner.forked()` called in every child process, as long as it lives; this does not keep it alive."""
    reference = weakref.ref(owner)

    def in_child() -> None:
        alive = reference()
        if alive is not None:
            alive.forked()

    if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
        os.register_at_fork(after_in_child=in_child)
