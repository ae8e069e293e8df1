"""What becomes of contenders that fail: the others go on, and the run says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks import lab as module
from benchmarks.lab import Case, Lab, Seat, Settings
from benchmarks.service import cores
from benchmarks.stats import Rows

FINE, BROKEN = Seat("aiohttp"), Seat("router")
CASES = [
    Case("known", "calls", {"shape": "b1000", "seconds": 0.001}),
    Case("of no group", "calls", {"shape": "b2000", "seconds": 0.001}),
    Case("again", "calls", {"shape": "b1000", "seconds": 0.001}, only=("aiohttp", "router")),
    Case("for nobody", "calls", {"shape": "b1000", "seconds": 0.001}, only=()),
]


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(Settings(rounds=2)).opened() as opened:
        yield opened


def test_a_contender_that_fails_falls_out_and_the_others_go_on(lab: Lab) -> None:
    lab.compare("calls", [FINE, BROKEN, Seat("no-such-contender")], CASES)
    rows = Rows(lab.rows)
    assert [sorted(rows.figures(case.name, "aiohttp", "cpu_us")) for case in CASES] == [[0, 1], [0, 1], [0, 1], []]
    assert [sorted(rows.figures(case.name, "router", "cpu_us")) for case in CASES] == [[0, 1], [], [], []]
    assert len(lab.failures) == 2
    assert "no-such-contender: its process ended" in lab.failures[0]
    assert "NotFoundError" in lab.failures[1]


def test_cases_that_are_held_against_each_other_are_measured_in_one_round(lab: Lab) -> None:
    short = {"shape": "b1000", "seconds": 0.001}
    lab.compare("calls", [FINE], [Case(name, "calls", short, beside="b" if name != "a" else "") for name in "abc"])
    assert [(row.case, row.round) for row in lab.rows] == [("a", 0), ("a", 1), ("b", 0), ("c", 0), ("b", 1), ("c", 1)]


def test_what_a_contender_does_not_offer_leaves_no_row_and_is_no_failure(lab: Lab) -> None:
    lab.compare("calls", [FINE], [Case("decision", "decisions", {"deployments": 3, "whole": False, "seconds": 0.01})])
    assert (lab.rows, lab.failures) == ([], [])


def test_one_that_hangs_is_ended(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0)
    lab.compare("calls", [FINE], CASES[:1])
    assert lab.failures == ["calls: aiohttp: no answer within 0 s"]


def test_the_process_is_where_it_was_before() -> None:
    before = cores()
    with Lab(Settings()).opened() as lab:
        assert cores() == before[:1]
        assert lab.place == before[1:2]
    assert cores() == before
