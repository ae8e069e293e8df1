"""What can go wrong on purpose, switchable while the emulator runs."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

STATUS_FAULTS = ("status",)
BODY_FAULTS = ("html", "empty", "bad_json", "bad_shape")
STREAM_FAULTS = ("stream_error", "stream_no_finish", "stream_cut")
WIRE_FAULTS = ("hang", "reset", "reset_after_headers", "truncate", "refuse")
OTHER_FAULTS = ("slow",)
KINDS = STATUS_FAULTS + BODY_FAULTS + STREAM_FAULTS + WIRE_FAULTS + OTHER_FAULTS


@dataclass(slots=True)
class Fault:
    """One fault of one deployment.

    Attributes:
        kind: `status` (answer with `status`), `html`, `empty`, `bad_json`, `bad_shape`; in streams `stream_error` (an
            error frame inside a 200), `stream_no_finish` (a clean end without finish_reason), `stream_cut` (the
            connection breaks), each after `after_events` events; on the wire `hang`, `reset`, `reset_after_headers`,
            `truncate` (a shorter body than announced), `refuse` (the connection breaks at once); `slow` (`factor`
            times the latency).
        share: of the calls that it hits, 0.0 to 1.0.
        count: calls that it still hits; None: until it is cleared.
    """

    kind: str
    status: int = 500
    retry_after_s: float | None = None
    """With `status`: sent as `retry-after`."""
    share: float = 1.0
    count: int | None = None
    after_events: int = 0
    factor: float = 10.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault is called {self.kind!r}; there are {', '.join(KINDS)}")

    def strikes(self, rng: Random) -> bool:
        """Does it hit this call?  Counts down."""
        if self.count is not None and self.count <= 0:
            return False
        if self.share < 1.0 and rng.random() >= self.share:
            return False
        if self.count is not None:
            self.count -= 1
        return True
