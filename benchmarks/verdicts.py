"""What was asked for, what was measured, and whether that is met."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .stats import Rows, Summary
from .tables import table


@dataclass(frozen=True)
class Figure:
    """One figure that was asked for.

    Args:
        asked: in words, the bound included.
        bound: the median must not exceed it; with `least`, not fall below it.
        measure: finds it in the rows of its bench; None if it was not measured.
        digits: behind the point.
        unit: behind the figure.
        least: the bound is a lower one.
    """

    asked: str
    bound: float
    measure: Callable[[Rows], Summary | None]
    digits: int = 0
    unit: str = ""
    least: bool = False

    def line(self, rows: Rows) -> tuple[str, str, str]:
        """A line of the table."""
        measured = self.measure(rows)
        if measured is None:
            return self.asked, "not measured", "–"
        met = measured.median >= self.bound if self.least else measured.median <= self.bound
        return self.asked, f"{measured.show(self.digits)}{self.unit}", "yes" if met else "**no**"


def verdict_table(parts: Iterable[tuple[Rows, Iterable[Figure]]]) -> str:
    """All figures of all benches, in their order."""
    return table(["asked", "measured", "met?"], [figure.line(rows) for rows, figures in parts for figure in figures])
