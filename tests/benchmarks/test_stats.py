from __future__ import annotations

import pytest

from benchmarks.stats import Row, Rows, Summary, paired, rotated, summary


def rows() -> Rows:
    return Rows(
        Row("calls", case, contender, number, {"cpu_us": figure})
        for case, contender, figures in (
            ("1 kB", "bare", (100.0, 200.0, 400.0)),
            ("1 kB", "router", (130.0, 240.0, 600.0)),
            ("50 kB", "router", (260.0, 240.0, 900.0)),
        )
        for number, figure in enumerate(figures)
    )


def test_a_summary_is_the_median_and_the_ends() -> None:
    assert summary([3.0, 1.0, 2.0, 10.0]) == Summary(2.5, 1.0, 10.0)
    assert summary([]) is None


def test_a_summary_is_shown_with_its_spread() -> None:
    assert Summary(1234.56, 1000.0, 2000.0).show(1) == "1,234.6 [1,000.0–2,000.0]"
    assert Summary(0.5, 0.25, 1.0).show(0, scale=100) == "50 [25–100]"


def test_a_ratio_pairs_the_rounds_and_is_no_ratio_of_medians() -> None:
    ratio = rows().ratio("1 kB", "router", "bare", "cpu_us")
    assert ratio is not None
    assert ratio.median == pytest.approx(1.3)  # of 1.3, 1.2 and 1.5; the medians' ratio is 1.2
    assert ratio.high == pytest.approx(1.5)


def test_a_ratio_between_cases_is_the_contenders_own() -> None:
    ratio = rows().between("cpu_us", "router", "50 kB", "1 kB")
    assert ratio == Summary(1.5, 1.0, 2.0)


def test_what_was_not_measured_is_none() -> None:
    assert rows().ratio("1 kB", "router", "nobody", "cpu_us") is None
    assert rows().summary("1 kB", "router", "wall_us") is None


def test_pairs_leave_out_lonely_rounds_and_zeros() -> None:
    assert paired({0: 1.0, 1: 2.0, 2: 3.0}, {0: 2.0, 2: 0.0, 3: 1.0}) == [0.5]


def test_rows_are_found_by_bench_in_their_order() -> None:
    mixed = Rows([*rows().rows, Row("streams", "burst", "router", 0)])
    assert mixed.of("streams").cases == ["burst"]
    assert mixed.of("calls").contenders == ["bare", "router"]


def test_everyone_comes_first_once() -> None:
    assert [rotated("abc", n)[0] for n in range(4)] == ["a", "b", "c", "a"]
    assert sorted(rotated("abc", 1)) == ["a", "b", "c"]
    assert rotated([], 3) == []
