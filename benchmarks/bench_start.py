"""How long does a router of many deployments take to start, and what does each of them weigh?"""

from __future__ import annotations

from .lab import Case, Lab, Seat
from .stats import Rows
from .tables import by_contender, table
from .verdicts import Figure

NAME = "start"
SIZES = (3, 100, 1000)
WEIGHT = "one more deployment"


def run(lab: Lab) -> None:
    """A `model_list` is read, checked and opened, in a process that has done so before."""
    seats = [Seat("router"), *(Seat(name) for name in lab.settings.against if name in ("litellm", "switchboard"))]
    patient = ("router", "litellm") if lab.settings.is_whole else ("router",)  # switchboard takes half a minute each
    cases = [
        Case(f"{size:,} deployments", "start", {"deployments": size}, only=patient if size > 100 else None)
        for size in SIZES
    ]
    lab.compare(NAME, seats, cases)
    lab.compare(NAME, seats, [Case(WEIGHT, "weight", {"deployments": 50})], rounds=1)  # counted, so once is enough


def report(rows: Rows) -> dict[str, str]:
    """Tables by their names on the page."""
    return {
        "start": by_contender(rows, "wall_ms", digits=1, cases=[case for case in rows.cases if case != WEIGHT]),
        "start weight": table(
            ["", "kB for one more deployment"],
            [
                [name, f"{found.median:,.1f}"]
                for name in rows.contenders
                if (found := rows.summary(WEIGHT, name, "kb_each"))
            ],
        ),
    }


FIGURES = (
    Figure(
        "1,000 deployments start in at most 100 ms", 100,
        lambda rows: rows.summary("1,000 deployments", "router", "wall_ms"), 0, " ms",
    ),
)  # fmt: skip
