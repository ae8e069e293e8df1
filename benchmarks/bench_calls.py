"""What does a call cost over the HTTP client that carries it?"""

from __future__ import annotations

from .lab import Case, Lab, Seat
from .stats import Rows
from .tables import by_contender
from .verdicts import Figure

NAME = "calls"
SIZES = {"1 kB": "b1000", "50 kB": "b50000"}
LATER = {"1 kB 20 ms later": "b1000-d20"}
"""A service that takes its time, as every real one does: then 64 at once leave the client idle, and 512 do not."""
CONCURRENCIES = {"one at a time": 1, "64 at once": 64, "512 at once": 512}
CROWDS = {"64 at once": (64, 0), "512 at once": (512, 0), "512 at once, collector at 10,000": (512, 10_000)}
"""Calls at once, and the threshold of Python's garbage collector, 0 for its own."""
OURS = ("aiohttp", "router")


def run(lab: Lab) -> None:
    """Replies of 1 and 50 kB, one at a time and many; 512 at once, and of a slow service, of our client and us."""
    seats = [Seat(name) for name in (*OURS, *lab.settings.against)]
    cases = [
        Case(
            f"{size}, {how}",
            "calls",
            {"shape": shape, "concurrency": min(many, lab.settings.most), "seconds": lab.settings.seconds},
            only=OURS if many > 64 or size in LATER else None,
            beside=size if many > 1 else "",
        )
        for size, shape in (SIZES | LATER).items()
        for how, many in CONCURRENCIES.items()
        if many > 1 or size not in LATER
    ]
    tasks = int(6_000 * lab.settings.seconds)
    cases += [
        Case(
            f"tasks, {name}",
            "crowd",
            {"shape": "b1000", "tasks": tasks, "concurrency": min(many, lab.settings.most), "threshold": threshold},
            only=OURS,
            beside="tasks",
        )
        for name, (many, threshold) in CROWDS.items()
    ]
    lab.compare(NAME, seats, cases)


def report(rows: Rows) -> dict[str, str]:
    """Tables by their names on the page."""
    made = {}
    for size in SIZES:
        cases = [case for case in rows.cases if case.startswith(f"{size},")]
        key = size.split()[0]
        made[f"calls cpu {key}"] = by_contender(rows, "cpu_us", cases=cases, against="aiohttp")
    cases = [case for case in rows.cases if case.partition(",")[0] in LATER]
    made["calls later"] = by_contender(rows, "per_second", cases=cases)
    cases = [case for case in rows.cases if case.startswith("tasks,")]
    made["calls tasks"] = by_contender(rows, "cpu_us", cases=cases, against="aiohttp")
    cases = [f"1 kB, {how}" for how in CONCURRENCIES]
    made["calls wall"] = by_contender(rows, "wall_us", cases=cases, against="aiohttp")
    made["calls rate"] = by_contender(rows, "per_second", cases=cases)
    return made


FIGURES = (
    Figure(
        "CPU per call, 64 at once, 1 kB: at most 1.3 × bare aiohttp", 1.3,
        lambda rows: rows.ratio("1 kB, 64 at once", "router", "aiohttp", "cpu_us"), 2, " ×",
    ),
    Figure(
        "… at most an eighth (0.125) of azure-switchboard's", 0.125,
        lambda rows: rows.ratio("1 kB, 64 at once", "router", "switchboard", "cpu_us"), 3, " ×",
    ),
    Figure(
        "… at most a twentieth (0.05) of LiteLLM's", 0.05,
        lambda rows: rows.ratio("1 kB, 64 at once", "router", "litellm", "cpu_us"), 3, " ×",
    ),
    Figure(
        "CPU per call, 512 at once, 1 kB: at most 1.3 × bare aiohttp", 1.3,
        lambda rows: rows.ratio("1 kB, 512 at once", "router", "aiohttp", "cpu_us"), 2, " ×",
    ),
    Figure(
        "Calls a second, 512 at once: not below 64 at once", 1.0,
        lambda rows: rows.between("per_second", "router", "1 kB, 512 at once", "1 kB, 64 at once"), 2, " ×", least=True,
    ),
    Figure(
        "… of a service that takes 20 ms", 1.0,
        lambda rows: rows.between(
            "per_second", "router", "1 kB 20 ms later, 512 at once", "1 kB 20 ms later, 64 at once"
        ), 2, " ×", least=True,
    ),
)  # fmt: skip
