"""Markdown tables of summaries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .stats import Rows, Summary


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """One Markdown table."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def shown(figure: Summary | None, digits: int = 0, scale: float = 1.0) -> str:
    """A summary, or a dash for what was not measured."""
    return "–" if figure is None else figure.show(digits, scale)


def by_contender(
    rows: Rows, value: str, *, digits: int = 0, cases: Sequence[str] = (), against: str = "", first: str = "contender"
) -> str:
    """One line for each contender, one column for each case; with `against`, the ratio to that contender behind it."""
    columns = list(cases) or rows.cases
    lines = []
    for contender in rows.contenders:
        cells = []
        for case in columns:
            cell = shown(rows.summary(case, contender, value), digits)
            ratio = rows.ratio(case, contender, against, value) if against else None
            cells.append(f"{cell}, ×{ratio.median:.2f}" if ratio and contender != against else cell)
        if any(cell != "–" for cell in cells):
            lines.append([contender, *cells])
    return table([first, *columns], lines)
