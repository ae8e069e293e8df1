"""What does a streamed chunk cost?"""

from __future__ import annotations

from collections.abc import Callable

from .lab import Case, Lab, Seat
from .stats import Rows, Summary
from .tables import by_contender
from .verdicts import Figure

NAME = "streams"
PIECES = 200
CASES = {"burst": "n200", "2 ms apart": "n200-i2000"}


def run(lab: Lab) -> None:
    """Streams of 200 pieces of text, all at once and 2 ms apart."""
    seats = [Seat(name) for name in ("aiohttp", "router", *lab.settings.against)]
    cases = [
        Case(name, "streams", {"shape": shape, "pieces": PIECES, "seconds": lab.settings.seconds})
        for name, shape in CASES.items()
    ]
    lab.compare(NAME, seats, cases)


def report(rows: Rows) -> dict[str, str]:
    """Tables by their names on the page."""
    return {"streams cpu": by_contender(rows, "cpu_us", digits=1, against="aiohttp")}


def _ratio(case: str) -> Callable[[Rows], Summary | None]:
    return lambda rows: rows.ratio(case, "router", "aiohttp", "cpu_us")


FIGURES = tuple(
    Figure(f"CPU per streamed chunk, {case}: at most 1.3 × bare aiohttp", 1.3, _ratio(case), 2, " ×") for case in CASES
)
