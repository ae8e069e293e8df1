"""What an operation is to the emulator: what it charges, what it refuses, what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from router.emulator.config import EmulatedDeployment, Latency
from router.emulator.estimate import Demand
from router.emulator.faults import FaultKind
from router.emulator.headers import JSON
from router.emulator.objects.store import Store
from router.emulator.plan import Chunk, Manner
from router.emulator.refusals import Refusal
from router.emulator.routes import Route


@dataclass(slots=True)
class Call:
    """One request to one deployment, as its operation sees it."""

    d: EmulatedDeployment
    route: Route
    body: dict[str, Any]
    """The JSON, or the fields and files of a form."""
    asked: Mapping[str, str]
    """Its headers."""
    rng: Random
    latency: Latency
    store: Store
    """What the resource keeps."""
    now: float
    wall: float
    """Seconds since 1970."""
    strict: bool
    fault: FaultKind | None = None
    """What has struck this call, for those that change what is said."""

    @property
    def annotated(self) -> bool:
        """Azure adds what its content filter found; others do not."""
        return self.route.dialect == "azure"

    @property
    def asks_for_stream(self) -> bool:
        """Events are asked for; a form says so in a word."""
        return self.body.get("stream") in (True, "true", "True")

    @property
    def streams(self) -> bool:
        """The answer goes out as events."""
        return self.asks_for_stream and self.fault is not FaultKind.STREAM_AS_JSON


@dataclass(slots=True)
class Reply:
    """What the model answers."""

    body: bytes = b""
    delay: float = 0.0
    """Seconds before the headers."""
    used: float = 0.0
    """Tokens that it really took, outputs by the deployment's weight."""
    chunks: list[Chunk] | None = None
    content: range = range(0)
    """As in a `Plan`."""
    manner: Manner = "chat"
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation."""

    label: str
    """In the text of a 429: `ChatCompletions_Create`."""
    families: tuple[str, ...]
    """Of the models that do it; all others refuse, where the emulator is strict."""
    demand: Callable[[dict[str, Any]], Demand | None]
    """What it asks of the token limit; None: requests only."""
    objection: Callable[[Call], Refusal | None]
    """Why the model does not take it, if it does not."""
    answer: Callable[[Call], Reply]
    filtered: bool = True
    """The content filter looks at it."""


def weight_of(d: EmulatedDeployment) -> float:
    """What an output token weighs in the limiter."""
    return d.output_weight if d.limiter == "ptu" else 1.0


def nothing(_: dict[str, Any]) -> None:
    """The demand of operations that only requests limit."""
