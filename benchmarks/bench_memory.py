"""Does memory stay flat, call after call?"""

from __future__ import annotations

from .lab import Case, Lab, Seat
from .stats import Row, Rows, Summary, summary
from .tables import table
from .verdicts import Figure

NAME = "memory"
CALLS = 100_000
BLOCKS = 20
SETTLED = 4
"""Blocks after which all pools, rings and caches have their size."""


def run(lab: Lab) -> None:
    """100,000 calls, 64 at once, through the router and through the bare client, in one process each."""
    block = max(1, round(CALLS * lab.settings.scale / BLOCKS))
    arguments = {"shape": "b1000", "concurrency": min(64, lab.settings.most), "exactly": block}
    cases = [Case(f"{block * (number + 1):,} calls", "memory", arguments) for number in range(BLOCKS)]
    lab.compare(NAME, [Seat("aiohttp"), Seat("router")], cases, rounds=1)


def growth(rows: Rows, contender: str) -> Summary | None:
    """Megabytes between a fifth of the calls and all of them."""
    found = series(rows, contender)
    if len(found) <= SETTLED:
        return None
    return summary([(found[-1].values["resident_kb"] - found[SETTLED - 1].values["resident_kb"]) / 1024])


def series(rows: Rows, contender: str) -> list[Row]:
    """The rows of one contender, as they came."""
    return [row for row in rows.rows if row.contender == contender]


def report(rows: Rows) -> dict[str, str]:
    """Tables by their names on the page."""
    contenders = rows.contenders
    places = [place for place in (0, SETTLED - 1, BLOCKS // 2 - 1, BLOCKS - 1) if place < len(rows.cases)]
    lines = [
        [
            contender,
            *(f"{series(rows, contender)[place].values['resident_kb'] / 1024:.1f}" for place in places),
        ]
        for contender in contenders
    ]
    return {"memory": table(["resident MB after", *(rows.cases[place] for place in places)], lines)}


FIGURES = (
    Figure(
        "Memory flat: less than 1 MB more from 20,000 to 100,000 calls", 1.0,
        lambda rows: growth(rows, "router"), 2, " MB",
    ),
)  # fmt: skip
