"""What does a blocking call cost over a bare blocking client?"""

from __future__ import annotations

from .lab import Case, Lab, Seat
from .stats import Rows
from .tables import by_contender
from .verdicts import Figure

NAME = "blocking"
PIECES = 200
THREADS = 64


def run(lab: Lab) -> None:
    """One call at a time, two sizes; in threads; and streams in a burst."""
    seats = [Seat(name, "blocking") for name in ("httpx2", "router", *lab.settings.against)]
    seconds = lab.settings.seconds
    cases = [
        Case("1 kB", "calls", {"shape": "b1000", "seconds": seconds}),
        Case(f"1 kB, {THREADS} threads", "calls", {"shape": "b1000", "concurrency": THREADS, "seconds": seconds}),
        Case("50 kB", "calls", {"shape": "b50000", "seconds": seconds}),
        Case("streamed, per chunk", "streams", {"shape": f"n{PIECES}", "pieces": PIECES, "seconds": seconds}),
    ]
    lab.compare(NAME, seats, cases)


def report(rows: Rows) -> dict[str, str]:
    """Tables by their names on the page."""
    return {"blocking cpu": by_contender(rows, "cpu_us", digits=0, against="httpx2")}


FIGURES = (
    Figure(
        "CPU per blocking call, 1 kB: at most 1.3 × bare httpx2", 1.3,
        lambda rows: rows.ratio("1 kB", "router", "httpx2", "cpu_us"), 2, " ×",
    ),
    Figure(
        "… at most a twentieth (0.05) of LiteLLM's", 0.05,
        lambda rows: rows.ratio("1 kB", "router", "litellm", "cpu_us"), 3, " ×",
    ),
    Figure(
        "CPU per chunk of a blocking stream, burst: at most 1.3 × bare httpx2", 1.3,
        lambda rows: rows.ratio("streamed, per chunk", "router", "httpx2", "cpu_us"), 2, " ×",
    ),
)  # fmt: skip
