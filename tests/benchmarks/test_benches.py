"""Does every bench run and yield what its tables and verdicts need?  No figure is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from types import ModuleType

import pytest

from benchmarks import bench_engines, bench_import, bench_memory
from benchmarks.__main__ import BENCHES
from benchmarks.environments import PACKAGES
from benchmarks.lab import Lab, Settings
from benchmarks.stats import Rows


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(Settings(rounds=1, seconds=0.002, scale=0.001, most=4)).opened() as opened:
        yield opened


@pytest.mark.parametrize("bench", BENCHES.values(), ids=BENCHES.keys())
def test_a_bench_yields_its_rows(bench: ModuleType, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_import, "OURS", ("(interpreter)", "router"))
    monkeypatch.setattr(bench_memory, "BLOCKS", 5)
    monkeypatch.setattr(
        bench_engines, "SEATS", [seat for seat in bench_engines.SEATS if seat.contender not in PACKAGES]
    )

    bench.run(lab)

    assert not lab.failures
    rows = Rows(lab.rows).of(bench.NAME)
    assert rows.rows
    assert all(isfinite(figure) and figure >= 0 for row in rows.rows for figure in row.values.values())
    tables = bench.report(rows)
    assert all("router" in table or "our engine" in table or "memory" in table for table in tables.values())
    unmeasured = [figure.asked for figure in bench.FIGURES if figure.line(rows)[1] == "not measured"]
    assert all(asked.startswith("…") for asked in unmeasured)  # those that speak of peers


def test_the_service_answers_as_it_is_asked(lab: Lab) -> None:
    before = lab.service.stats()
    assert lab.service.stats() == {"calls": before["calls"], "connections": before["connections"] + 1}
