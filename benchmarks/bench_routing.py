"""What does a decision cost, among few deployments and among many?"""

from __future__ import annotations

from collections.abc import Callable

from .lab import Case, Lab, Seat
from .stats import Rows, Summary
from .tables import by_contender
from .verdicts import Figure

NAME = "routing"
SIZES = (3, 10, 100, 1000)


def run(lab: Lab) -> None:
    """One decision alone, then the whole of routing without HTTP."""
    seats = [Seat("router"), *(Seat(name) for name in lab.settings.against if name in ("litellm", "switchboard"))]
    cases = [
        Case(
            f"{'whole' if whole else 'decision'}, N = {size:,}",
            "decisions",
            {"deployments": size, "whole": whole, "seconds": lab.settings.seconds / 4},
            only=("router",) if whole or (size > 100 and not lab.settings.is_whole) else None,
        )
        for whole in (False, True)
        for size in SIZES
    ]
    lab.compare(NAME, seats, cases)


def report(rows: Rows) -> dict[str, str]:
    """Tables by their names on the page."""
    return {
        f"routing {what}": by_contender(
            rows, "cpu_us", digits=1, cases=[case for case in rows.cases if case.startswith(what)]
        )
        for what in ("decision", "whole")
    }


def _cpu(case: str) -> Callable[[Rows], Summary | None]:
    return lambda rows: rows.summary(case, "router", "cpu_us")


FIGURES = tuple(
    Figure(f"{name} with {size:,} deployments: at most {most} µs", most, _cpu(f"{what}, N = {size:,}"), 1, " µs")
    for name, what, size, most in (
        ("One decision", "decision", 10, 5),
        ("One decision", "decision", 1000, 10),
        ("The whole of routing", "whole", 3, 30),
        ("The whole of routing", "whole", 1000, 45),
    )
)
