"""What a child of `os.fork` must not take over from its parent: locks that another thread may hold, work under way."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forked(Protocol):
    """Whoever has something of that kind."""

    def forked(self) -> None:
        """This is a child process now: begin clean, and take no lock of before."""
        ...


_owners: WeakSet[Forked] = WeakSet()


def after_fork(owner: Forked) -> None:
    """Have `owner.forked()` called in every child process, as long as it lives; this does not keep it alive."""
    _owners.add(owner)


def _in_child() -> None:
    for owner in list(_owners):
        owner.forked()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_in_child)  # once, since nothing takes it back
