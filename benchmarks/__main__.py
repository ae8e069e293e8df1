"""One entry for all benches: `python -m benchmarks [QUESTION ...]`."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from types import ModuleType

from . import (
    bench_blocking,
    bench_calls,
    bench_engines,
    bench_import,
    bench_memory,
    bench_redis,
    bench_routing,
    bench_start,
    bench_streams,
    page,
)
from .lab import Lab, Settings
from .results import Results, described
from .service import ServiceError
from .stats import Rows
from .verdicts import verdict_table

BENCHES: dict[str, ModuleType] = {
    bench.NAME: bench
    for bench in (
        bench_calls, bench_blocking, bench_streams, bench_routing, bench_redis, bench_import, bench_start, bench_memory,
        bench_engines,
    )
}  # fmt: skip
PEERS = ("litellm", "openai", "switchboard", "pyreqwest")


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and keep what was asked to be kept.  Returns 1 if a contender fell out."""
    given = parser().parse_args(arguments)
    given.against = tuple(name for name in given.against.split(",") if name)
    unknown = sorted({*given.question} - {*BENCHES}) + sorted({*given.against} - {*PEERS})
    if unknown:
        print(f"nothing is called {', '.join(unknown)}; there are {', '.join((*BENCHES, *PEERS))}", file=sys.stderr)
        return 2
    try:
        results = Results.load(given.results) if given.results else measured(given)
    except (ServiceError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    show(Rows(results.rows))
    if given.json:
        results.save(given.json)
    if given.write_docs:
        print(f"\nwritten: {page.write(results, BENCHES, given.out)}", file=sys.stderr)
    for line in (*results.missing.values(), *(f"fell out: {line}" for line in results.failures)):
        print(line, file=sys.stderr)
    return 1 if results.failures else 0


def measured(given: argparse.Namespace) -> Results:
    """Run what was asked for.

    Raises:
        ServiceError: nothing can be measured here.
    """
    settings = Settings(rounds=3, seconds=0.2, scale=0.1) if given.quick else Settings()
    settings.against = given.against
    settings.rounds = given.rounds or settings.rounds
    settings.seconds = given.seconds or settings.seconds
    settings.scale = given.scale or settings.scale
    machine, lab = described(), Lab(settings)
    with lab.opened():
        for name in given.question or BENCHES:
            BENCHES[name].run(lab)
    return Results(machine, command(given), lab.versions, lab.missing, lab.failures, lab.rows)


def command(given: argparse.Namespace) -> str:
    """What measures the same again; where results went is left out, for it may be anybody's path."""
    words = ["python", "-m", "benchmarks", *given.question]
    if given.against:
        words += ["--against", ",".join(given.against)]
    if given.quick:
        words += ["--quick"]
    for name in ("rounds", "seconds", "scale"):
        if getattr(given, name):
            words += [f"--{name}", f"{getattr(given, name):g}"]
    return shlex.join([*words, "--write-docs"])


def show(rows: Rows) -> None:
    """All tables of what was measured."""
    measured = {row.bench for row in rows.rows}
    for name, bench in BENCHES.items():
        if name in measured:
            for title, table in bench.report(rows.of(name)).items():
                print(f"\n{title}\n\n{table}")
    print("\n" + verdict_table((rows.of(name), bench.FIGURES) for name, bench in BENCHES.items() if name in measured))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser("python -m benchmarks", description="What does the router cost?")
    made.add_argument("question", nargs="*", help=f"some of {', '.join(BENCHES)}; all if none is named")
    made.add_argument("--against", default="", metavar="NAMES", help=f"peers, with commas: {', '.join(PEERS)}")
    made.add_argument("--quick", action="store_true", help="a minute or two in all, for a first impression")
    made.add_argument("--rounds", type=int, help="turns of each contender (5; 3 with --quick)")
    made.add_argument("--seconds", type=float, help="of one measurement (1; 0.2 with --quick)")
    made.add_argument(
        "--scale", type=float, help="of what is counted and not timed, 100,000 calls (1; 0.1 with --quick)"
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="keep the raw rows")
    made.add_argument("--from", type=Path, dest="results", metavar="FILE", help="measure nothing, take these rows")
    made.add_argument("--write-docs", action="store_true", help="write benchmarks.md, its plots and its rows")
    made.add_argument("--out", type=Path, default=Path("docs"), metavar="DIR", help="where --write-docs writes (docs)")
    return made


if __name__ == "__main__":
    sys.exit(main())
