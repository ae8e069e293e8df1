from __future__ import annotations

import pytest

from benchmarks.stats import Row, Rows
from benchmarks.verdicts import Figure, verdict_table

ROWS = Rows([Row("calls", "x", "router", n, {"us": us}) for n, us in enumerate((4.0, 5.0, 9.0))])


def figure(bound: float, *, least: bool = False, value: str = "us") -> Figure:
    return Figure("Asked", bound, lambda rows: rows.summary("x", "router", value), 1, " µs", least)


@pytest.mark.parametrize(
    ("bound", "least", "met"),
    [(5.0, False, "yes"), (4.9, False, "**no**"), (5.0, True, "yes"), (5.1, True, "**no**")],
)
def test_the_median_decides(bound: float, least: bool, met: str) -> None:
    assert figure(bound, least=least).line(ROWS) == ("Asked", "5.0 [4.0–9.0] µs", met)


def test_what_was_not_measured_is_not_met() -> None:
    assert figure(5.0, value="ms").line(ROWS) == ("Asked", "not measured", "–")


def test_the_table_has_a_line_for_each_figure() -> None:
    made = verdict_table([(ROWS, [figure(5.0)]), (ROWS, [figure(1.0)])])
    assert made.splitlines()[0] == "| asked | measured | met? |"
    assert [line.split(" | ")[2] for line in made.splitlines()[2:]] == ["yes |", "**no** |"]
