"""What does a shared limit cost?"""

from __future__ import annotations

from tests.redis_servers import Server

from .lab import Case, Lab, Seat
from .stats import Rows
from .tables import by_contender, shown, table
from .verdicts import Figure

NAME = "redis"
SHAPE = "b1000"
PER_SECOND = 500
PACED = f"{PER_SECOND} a second"
MEMORY, LEASES, NO_LEASES = "memory", "Redis", "Redis, no leases"


def run(lab: Lab) -> None:
    """The same router with its limits in memory, in Redis, and in Redis without leases; Redis beside the service."""
    seconds = lab.settings.seconds
    with Server() as server:
        shared = {"redis_url": server.url}
        seats = [
            Seat("router", label=MEMORY),
            Seat("router", label=LEASES, options={**shared, "redis_prefix": "with"}),
            Seat("router", label=NO_LEASES, options={**shared, "redis_prefix": "without", "redis_leases": "off"}),
        ]
        cases = [
            Case("one at a time", "calls", {"shape": SHAPE, "seconds": seconds}),
            Case(
                "64 at once", "calls", {"shape": SHAPE, "concurrency": min(64, lab.settings.most), "seconds": seconds}
            ),
            Case(PACED, "paced", {"shape": SHAPE, "per_second": PER_SECOND, "seconds": 3 * seconds}),
        ]
        lab.compare(NAME, seats, cases)


def report(rows: Rows) -> dict[str, str]:
    """Tables by their names on the page."""
    paced = []
    for name in rows.contenders:
        share, ratio = rows.summary(PACED, name, "cpu_share"), rows.ratio(PACED, name, MEMORY, "cpu_us")
        paced.append([name, shown(share, 1, 100), shown(ratio, 2)])
    return {
        "redis cpu": by_contender(rows, "cpu_us", against=MEMORY, first="limits in"),
        "redis wall": by_contender(rows, "wall_us", cases=("one at a time",), against=MEMORY, first="limits in"),
        "redis rate": by_contender(rows, "per_second", cases=("one at a time", "64 at once"), first="limits in"),
        "redis questions": by_contender(rows, "questions_per_call", digits=3, first="limits in"),
        "redis paced": table(["limits in", f"% of a core at {PACED}", "× memory"], paced),
    }


FIGURES = (
    Figure(
        "Redis, no leases: at most one round trip per call", 1.0,
        lambda rows: rows.summary("one at a time", NO_LEASES, "questions_per_call"), 3,
    ),
    Figure(
        f"Redis with leases at {PER_SECOND} calls/s: less than 1.15 × the CPU of memory mode", 1.15,
        lambda rows: rows.ratio(PACED, LEASES, MEMORY, "cpu_us"), 2, " ×",
    ),
)  # fmt: skip
