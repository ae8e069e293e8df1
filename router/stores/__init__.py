"""Where the ledger lives.

A store carries out the steps that concern shared state, and owns the clock by which they are judged.  `memory.py`
is the one that needs nothing.
"""

from __future__ import annotations

from typing import Any, Protocol

from router.steps import Leave, Settle, StoreStep


class Store(Protocol):
    """One door with two handles."""

    waits: bool
    """Whether a step may take another machine's time; where not, `apply` will do in an event loop as well."""

    def apply(self, step: StoreStep) -> Any:
        """Carry a step out, blocking, and return its answer (see the step's type)."""
        ...

    async def aapply(self, step: StoreStep) -> Any:
        """The same, awaiting."""
        ...

    def apply_later(self, step: Settle | Leave) -> None:
        """Carry a step out together with the next one.

        For whoever may neither wait nor take a lock: what the garbage collector runs may run inside the store itself.
        """
        ...
