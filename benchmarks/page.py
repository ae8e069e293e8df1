"""docs/benchmarks.md, from the rows of a run and the prose of `page.md`.

The prose holds slots: `{{verdicts}}`, `{{calls cpu 1}}` for a table, `{{plot calls}}` for a picture.  A slot that the
run did not fill says so; one that no bench knows is a mistake in the prose.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from .plots import draw_all
from .results import Results
from .stats import Rows
from .tables import table
from .verdicts import verdict_table

PROSE = Path(__file__).parent / "page.md"
SLOT = re.compile(r"\{\{([^{}]+)\}\}")
NOT_MEASURED = "*Not measured in this run.*"


def write(results: Results, benches: Mapping[str, ModuleType], folder: Path) -> Path:
    """Write `benchmarks.md` into a folder, its plots and the raw rows into `benchmarks/` beside it."""
    plots = draw_all(Rows(results.rows), folder / "benchmarks")
    results.save(folder / "benchmarks" / "results.json")
    page = folder / "benchmarks.md"
    page.write_text(filled(PROSE.read_text(), slots(results, benches, plots)))
    return page


def slots(results: Results, benches: Mapping[str, ModuleType], plots: list[str]) -> dict[str, str]:
    """What stands in each slot."""
    rows = Rows(results.rows)
    parts = {name: rows.of(name) for name in benches}
    made = {
        "verdicts": verdict_table((parts[name], bench.FIGURES) for name, bench in benches.items()),
        "machine": _machine(results),
        "versions": table(["", "version"], sorted(results.versions.items())),
        "command": f"```\n{results.command}\n```",
        "absent": _absent(results),
    }
    for name, bench in benches.items():
        if parts[name].rows:
            made |= bench.report(parts[name])
    for plot in plots:
        name = plot.removesuffix(".svg")
        made[f"plot {name}"] = f"![{name}](benchmarks/{plot})"
    return made


def filled(prose: str, made: Mapping[str, str]) -> str:
    """The prose with its slots filled."""
    return SLOT.sub(lambda slot: made.get(slot[1].strip(), NOT_MEASURED), prose)


def _machine(results: Results) -> str:
    told = results.machine
    busy = "; the machine was busy with other things, so only the ratios say something" if told["load"] > 0.5 else ""
    return (
        f"{told['processor']}, {told['cores']} cores, {told['system']}, {told['python']}, on {told['day']}."
        f"  Load when the run began: {told['load']}{busy}."
    )


def _absent(results: Results) -> str:
    lines = [f"- {name}: not installed" for name in results.missing] + [f"- {line}" for line in results.failures]
    return "\n".join(lines) or "- nobody: all contenders took part to the end"
