"""What a child of `os.fork` must not take over from its parent: locks that others may hold, work under way, dice."""

from __future__ import annotations

import os
from random import Random
from typing import Protocol
from weakref import WeakKeyDictionary


class Forked(Protocol):
    """Whoever has something of that kind."""

    def forked(self) -> None:
        """This is a child process now: begin clean, and take no lock of before."""
        ...


_owners: WeakKeyDictionary[Forked, None] = WeakKeyDictionary()


def after_fork(owner: Forked) -> None:
    """Have `owner.forked()` called in every child process, as long as it lives; this does not keep it alive.

    Who came first is called first, so dice fall anew before those who throw them begin.
    """
    _owners[owner] = None


class Dice(Random):
    """Dice that fall differently in a child process.

    The workers of a server that forks would otherwise draw the same deployments in the same order, and what is even for
    each of them would add up to crowds; their pauses before a retry would be equally long.

    Args:
        seed: for dice that can be thrown again, by children too; None for others in each process.
    """

    def __init__(self, seed: float | None = None) -> None:
        super().__init__(seed)
        if seed is None:
            after_fork(self)

    def forked(self) -> None:
        """Begin anew, from the system's entropy."""
        self.seed()


def _in_child() -> None:
    for owner in list(_owners):
        owner.forked()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_in_child)  # once, since nothing takes it back
