"""The plots of the page, as SVG files that are the same for the same rows.

matplotlib is imported when something is drawn: nothing else here needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from . import bench_calls, bench_engines, bench_memory, bench_routing, bench_streams
from .stats import Rows

OURS = ("#0b6e99", "#3f95bb", "#7ab9d6", "#b3d8e8")
OTHERS = ("#8a8f98", "#c4a35a", "#b5651d", "#7a9e7e", "#9d7ba8", "#5f6b7a", "#d08c8c", "#a3b18a", "#444444")
Draw = Callable[[Any, Rows], None]


def draw_all(rows: Rows, folder: Path) -> list[str]:
    """Draw what was measured into a folder; returns the names of the files."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "azure-router", "svg.fonttype": "path", "font.size": 9})
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, (bench, draw) in PLOTS.items():
        part = rows.of(bench)
        if not part.rows:
            continue
        figure = Figure(figsize=(7.5, 3.6), layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        draw(axes, part)
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        made.append(f"{name}.svg")
    return made


def colours(contenders: Sequence[str]) -> dict[str, str]:
    """Ours stand out, in shades of one colour; the others keep their order."""
    ours, others = cycle(OURS), cycle(OTHERS)
    return {name: next(ours if name == "router" or name.startswith("our ") else others) for name in contenders}


def _bars(axes: Any, rows: Rows, cases: Sequence[str], value: str, what: str) -> None:
    """Groups of bars, a case each, on a logarithmic scale; the whiskers are the lowest and the highest round."""
    shown = [name for name in rows.contenders if any(rows.summary(case, name, value) for case in cases)]
    groups = [[name for name in shown if rows.summary(case, name, value)] for case in cases]
    width = 0.8 / max(1, len(shown))
    colour = colours(shown)
    for name in shown:
        found = [(at, s) for at, case in enumerate(cases) if (s := rows.summary(case, name, value)) is not None]
        axes.bar(
            [at + (groups[at].index(name) + 0.5 - len(groups[at]) / 2) * width for at, _ in found],
            [s.median for _, s in found],
            width * 0.92,
            yerr=[[s.median - s.low for _, s in found], [s.high - s.median for _, s in found]],
            error_kw={"elinewidth": 0.7, "ecolor": "#333333"},
            color=colour[name],
            label=name,
        )
    axes.set_yscale("log")
    axes.set_xticks(range(len(cases)), [case.partition(", ")[2] or case for case in cases])
    axes.set_ylabel(what)


def _calls(axes: Any, rows: Rows) -> None:
    cases = [f"1 kB, {how}" for how in bench_calls.CONCURRENCIES]
    _bars(axes, rows, [case for case in cases if case in rows.cases], "cpu_us", "µs of CPU per call")


def _streams(axes: Any, rows: Rows) -> None:
    _bars(axes, rows, rows.cases, "cpu_us", "µs of CPU per chunk")


def _engines(axes: Any, rows: Rows) -> None:
    _bars(axes, rows, rows.cases, "cpu_us", "µs of CPU per call")


def _routing(axes: Any, rows: Rows) -> None:
    """One decision over the number of deployments, both logarithmic."""
    colour = colours(rows.contenders)
    for what, style in (("decision", "o-"), ("whole", "s--")):
        for name in rows.contenders:
            found = [
                (size, s.median)
                for size in bench_routing.SIZES
                if (s := rows.summary(f"{what}, N = {size:,}", name, "cpu_us")) is not None
            ]
            if found:
                label = f"{name}, {what}"
                axes.plot(
                    *zip(*found, strict=True), style, color=colour[name], markersize=4, linewidth=1.2, label=label
                )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("deployments")
    axes.set_ylabel("µs of CPU")


def _memory(axes: Any, rows: Rows) -> None:
    """Resident memory over the calls."""
    colour = colours(rows.contenders)
    for name in rows.contenders:
        found, calls = bench_memory.series(rows, name), 0.0
        points = []
        for row in found:
            calls += row.values["calls"]
            points.append((calls, row.values["resident_kb"] / 1024))
        axes.plot(*zip(*points, strict=True), "o-", color=colour[name], markersize=3, linewidth=1.2, label=name)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("calls")
    axes.set_ylabel("resident MB")


PLOTS: dict[str, tuple[str, Draw]] = {
    "calls": (bench_calls.NAME, _calls),
    "streams": (bench_streams.NAME, _streams),
    "routing": (bench_routing.NAME, _routing),
    "memory": (bench_memory.NAME, _memory),
    "engines": (bench_engines.NAME, _engines),
}
