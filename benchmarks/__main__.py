"""One entry for all benches: `python -m benchmarks [QUESTION ...]`."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from types import ModuleType

from . import bench_blocking, bench_calls, bench_import, bench_routing, bench_streams
from .lab import Lab, Settings
from .results import Results, described
from .service import ServiceError
from .stats import Rows
from .verdicts import verdict_table

BENCHES: dict[str, ModuleType] = {
    bench.NAME: bench for bench in (bench_calls, bench_blocking, bench_streams, bench_routing, bench_import)
}
PEERS = ("litellm", "openai", "switchboard", "pyreqwest")


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and keep what was asked to be kept.  Returns 1 if a contender fell out."""
    given = parser().parse_args(arguments)
    against = tuple(name for name in given.against.split(",") if name)
    unknown = sorted({*given.question} - {*BENCHES}) + sorted({*against} - {*PEERS})
    if unknown:
        print(f"nothing is called {', '.join(unknown)}; there are {', '.join((*BENCHES, *PEERS))}", file=sys.stderr)
        return 2
    settings = Settings(rounds=3, seconds=0.2, scale=0.1) if given.quick else Settings()
    settings.against = against
    settings.rounds = given.rounds or settings.rounds
    settings.seconds = given.seconds or settings.seconds
    lab = Lab(settings)
    try:
        with lab.opened():
            for name in given.question or BENCHES:
                BENCHES[name].run(lab)
    except ServiceError as error:
        print(error, file=sys.stderr)
        return 1
    command = shlex.join(["python", "-m", "benchmarks", *(sys.argv[1:] if arguments is None else arguments)])
    results = Results(described(), command, lab.versions, lab.missing, lab.failures, lab.rows)
    if given.json:
        results.save(given.json)
    show(Rows(results.rows))
    for line in lab.failures:
        print(f"fell out: {line}", file=sys.stderr)
    return 1 if lab.failures else 0


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
    made.add_argument("--json", type=Path, metavar="FILE", help="keep the raw rows")
    return made


if __name__ == "__main__":
    sys.exit(main())
