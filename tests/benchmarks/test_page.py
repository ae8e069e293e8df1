from __future__ import annotations

import re
from pathlib import Path

from benchmarks import page
from benchmarks.__main__ import BENCHES, command, main, parser
from benchmarks.plots import PLOTS
from benchmarks.results import Results, described
from benchmarks.stats import Row, Rows

ALWAYS = {"verdicts", "machine", "versions", "command", "absent"}


def results() -> Results:
    rows = [
        Row("calls", case, contender, number, {"cpu_us": us * (1 + number), "wall_us": us, "per_second": 1e6 / us})
        for case in ("1 kB, one at a time", "1 kB, 64 at once", "1 kB, 512 at once")
        for contender, us in (("aiohttp", 100.0), ("router", 120.0))
        for number in range(3)
    ]
    rows += [Row("streams", "burst", "router", 0, {"cpu_us": 10.0})]
    rows += [Row("routing", "decision, N = 10", "router", 0, {"cpu_us": 4.0})]
    rows += [Row("engines", "one at a time", "our engine on aiohttp", 0, {"cpu_us": 4.0, "wall_us": 5.0})]
    rows += [Row("memory", f"{n} calls", "router", 0, {"resident_kb": 1e5, "calls": 10.0}) for n in range(5)]
    return Results(described(), "python -m benchmarks calls", {"router": "1"}, {"litellm": "…"}, [], rows)


def test_every_slot_of_the_prose_has_its_table_and_every_table_its_slot() -> None:
    slots = {slot.strip() for slot in page.SLOT.findall(page.PROSE.read_text(encoding="utf-8"))}
    made = {name for bench in BENCHES.values() for name in bench.report(Rows([]))}
    assert slots == ALWAYS | made | {f"plot {name}" for name in PLOTS}


def test_a_page_is_written_with_its_plots_and_its_rows(tmp_path: Path) -> None:
    written = page.write(results(), BENCHES, tmp_path).read_text(encoding="utf-8")
    assert "| router | 240 [120–360], ×1.20 |" in written
    assert "at most 1.3 × bare aiohttp | 1.20 [1.20–1.20] × | yes |" in written
    assert "- litellm: not installed" in written
    assert page.NOT_MEASURED in written  # blocking calls, for one
    assert "{{" not in written
    for linked in re.findall(r"\((benchmarks/[^)]*)\)", written):
        assert (tmp_path / linked).exists()
    assert {file.stem for file in (tmp_path / "benchmarks").glob("*.svg")} == set(PLOTS)


def test_the_same_rows_make_the_same_files(tmp_path: Path) -> None:
    same = results()
    for folder in ("one", "two"):
        page.write(same, BENCHES, tmp_path / folder)
    for file in (tmp_path / "one").rglob("*.*"):
        assert file.read_bytes() == (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes()


def test_results_come_back_as_they_were_kept(tmp_path: Path) -> None:
    kept = results()
    kept.save(tmp_path / "r.json")
    assert Results.load(tmp_path / "r.json") == kept


def test_kept_results_are_shown_without_measuring(tmp_path: Path, capsys) -> None:
    results().save(tmp_path / "r.json")
    assert main(["--from", str(tmp_path / "r.json"), "--write-docs", "--out", str(tmp_path)]) == 0
    assert "| router | 240 [120–360], ×1.20 |" in capsys.readouterr().out
    assert (tmp_path / "benchmarks.md").exists()


def test_the_command_that_is_told_names_no_path() -> None:
    given = parser().parse_args(["calls", "--quick", "--seconds", "0.5", "--write-docs", "--out", "/x", "--json", "/y"])
    given.against = ("litellm", "openai")
    assert command(given) == "python -m benchmarks calls --against litellm,openai --quick --seconds 0.5 --write-docs"


def test_an_unknown_question_is_refused_with_what_there_is(capsys) -> None:
    assert main(["callz", "--against", "litelm"]) == 2
    assert "nothing is called callz, litelm; there are calls, blocking" in capsys.readouterr().err


def test_the_machine_is_described_without_its_name() -> None:
    import platform

    assert platform.node() not in str(described())
