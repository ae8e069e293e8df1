"""Which HTTP client should carry the calls?"""

from __future__ import annotations

from .lab import Case, Lab, Seat
from .stats import Rows
from .tables import by_contender
from .verdicts import Figure

NAME = "engines"
SEATS = (
    Seat("aiohttp"),
    Seat("engine-aiohttp", label="our engine on aiohttp"),
    Seat("httpx2"),
    Seat("engine-httpx2", label="our engine on httpx2"),
    Seat("engine-httpx2", "trio", "our engine on httpx2, trio"),
    Seat("httpx-aiohttp"),
    Seat("pyreqwest"),
    Seat("httpx2", "blocking", "httpx2, blocking"),
    Seat("engine-httpx2", "blocking", "our engine on httpx2, blocking"),
    Seat("urllib3", "blocking", "urllib3, blocking"),
    Seat("pyreqwest", "blocking", "pyreqwest, blocking"),
)
QUICK = tuple(seat.name for seat in SEATS if seat.contender != "httpx2")
"""Bare, it needs several seconds for each round of 512 at once."""


def run(lab: Lab) -> None:
    """Clients by hand, and our engines on two of them; replies of 1 kB, one at a time and many, in threads or tasks."""
    cases = [
        Case(
            name,
            "calls",
            {"shape": "b1000", "concurrency": min(many, lab.settings.most), "seconds": lab.settings.seconds},
            only=None if many <= 64 or lab.settings.is_whole else QUICK,
        )
        for name, many in (("one at a time", 1), ("64 at once", 64), ("512 at once", 512))
    ]
    lab.compare(NAME, SEATS, cases)


def report(rows: Rows) -> dict[str, str]:
    """Tables by their names on the page."""
    return {
        "engines cpu": by_contender(rows, "cpu_us", against="aiohttp"),
        "engines wall": by_contender(rows, "wall_us"),
        "engines connections": by_contender(rows, "connections"),
    }


FIGURES: tuple[Figure, ...] = ()
