"""What is asked of the objects of a resource, and what is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from router.emulator.config import EmulatedDeployment
from router.emulator.headers import JSON
from router.emulator.objects.store import Data, Store
from router.emulator.plan import Chunk
from router.emulator.refusals import Refusal
from router.emulator.routes import Route


@dataclass(slots=True)
class Errand:
    """One request for objects."""

    method: str
    route: Route
    given: dict[str, Any]
    """The JSON, or the fields and files of a form."""
    store: Store
    now: float
    """On the emulator's clock."""
    wall: float
    """Seconds since 1970 at `now`."""
    step_s: float
    """How long a state lasts."""
    rng: Random
    deployment: Callable[[str], EmulatedDeployment | None]
    """The deployment of a name on this resource."""

    def wall_at(self, moment: float) -> int:
        """Seconds since 1970 at a moment of the emulator's clock."""
        return int(self.wall - self.now + moment)

    def identity(self, prefix: str) -> str:
        """A new id."""
        return f"{prefix}{self.rng.getrandbits(128):032x}"


@dataclass(slots=True)
class Result:
    """An answer: an object as JSON, or bytes, or events."""

    value: dict[str, Any] | None = None
    status: int = 200
    data: Data = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[Chunk] | None = None


Handled = Result | Refusal
