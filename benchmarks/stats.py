"""Medians, spreads and paired ratios: what becomes of the rows of a run.

A machine that does other things as well moves every figure by a third.  So contenders take turns, and a ratio is made
of two figures of the same round; the median of those ratios is what counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Row:
    """One contender's measurement in one round."""

    bench: str
    case: str
    contender: str
    round: int
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """The middle of some figures, and how far they lay apart."""

    median: float
    low: float
    high: float

    def show(self, digits: int = 0, scale: float = 1.0) -> str:
        """`12 [11–14]`, each multiplied by `scale`."""
        middle, low, high = (f"{figure * scale:,.{digits}f}" for figure in (self.median, self.low, self.high))
        return f"{middle} [{low}–{high}]"


def summary(figures: Iterable[float]) -> Summary | None:
    """Of some figures; None if there are none."""
    known = list(figures)
    return Summary(median(known), min(known), max(known)) if known else None


class Rows:
    """The rows of one bench, looked up by case and contender."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)

    @property
    def contenders(self) -> list[str]:
        """In the order in which they first appear."""
        return list(dict.fromkeys(row.contender for row in self.rows))

    @property
    def cases(self) -> list[str]:
        """In the order in which they first appear."""
        return list(dict.fromkeys(row.case for row in self.rows))

    def of(self, bench: str) -> Rows:
        """One bench's alone."""
        return Rows(row for row in self.rows if row.bench == bench)

    def figures(self, case: str, contender: str, value: str) -> dict[int, float]:
        """By round."""
        return {
            row.round: row.values[value]
            for row in self.rows
            if row.case == case and row.contender == contender and value in row.values
        }

    def summary(self, case: str, contender: str, value: str) -> Summary | None:
        """Of one value over the rounds; None if it was not measured."""
        return summary(self.figures(case, contender, value).values())

    def ratio(self, case: str, contender: str, other: str, value: str) -> Summary | None:
        """How many times `other`'s value the contender's is, round by round."""
        return summary(paired(self.figures(case, contender, value), self.figures(case, other, value)))

    def between(self, value: str, contender: str, case: str, other: str) -> Summary | None:
        """How many times its value in the case `other` a contender's value in `case` is, round by round."""
        return summary(paired(self.figures(case, contender, value), self.figures(other, contender, value)))


def paired(these: dict[int, float], those: dict[int, float]) -> list[float]:
    """The ratios of two series by round; a round that one of them lacks, or a division by zero, is left out."""
    return [figure / those[number] for number, figure in these.items() if those.get(number)]


def rotated(seats: Sequence[str], number: int) -> list[str]:
    """Who comes first changes with each round, so that nobody always follows the same neighbour."""
    start = number % len(seats) if seats else 0
    return [*seats[start:], *seats[:start]]
