"""What does an import cost?"""

from __future__ import annotations

import json
import subprocess

from .environments import interpreter
from .lab import ROOT, Lab
from .service import pin
from .stats import Row, Rows, rotated
from .tables import shown, table
from .verdicts import Figure

NAME = "import"
STATEMENTS = {
    "(interpreter)": "pass",
    "aiohttp": "import aiohttp",
    "httpx2": "import httpx2",
    "router": "import router",
    "a first Router of 3": "from benchmarks.contenders import router as r; r.Entry(0).build(3)",
    "a first Router of 1,000": "from benchmarks.contenders import router as r; r.Entry(0).build(1000)",
    "a first call on asyncio": "import asyncio; from benchmarks.contenders import router as r; "
    "asyncio.run(r.first_call({port}))",
    "a first blocking call": "from benchmarks.contenders import router as r; r.first_blocking_call({port})",
    "openai": "import openai",
    "litellm": "os.environ['LITELLM_LOCAL_MODEL_COST_MAP'] = 'True'; import litellm",  # else it asks the network
    "switchboard": "import azure_switchboard",
    "pyreqwest": "import pyreqwest.client",
}
OURS = (
    "(interpreter)",
    "aiohttp",
    "httpx2",
    "router",
    "a first Router of 3",
    "a first Router of 1,000",
    "a first call on asyncio",
    "a first blocking call",
)
PROBE = """
import json, os, sys, time
before = len(sys.modules)
started, cpu = time.perf_counter(), time.process_time()
{statement}
took, cpu = time.perf_counter() - started, time.process_time() - cpu
modules = len(sys.modules) - before
resident = int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6
print("\\n" + json.dumps({{"wall_ms": took * 1e3, "cpu_ms": cpu * 1e3, "resident_mb": resident, "modules": modules}}))
"""


def run(lab: Lab) -> None:
    """Each statement in a fresh interpreter, files in the page cache."""
    names = [*OURS, *(name for name in lab.settings.against if name in STATEMENTS and _python(name) is not None)]
    for name in names:
        _probe(lab, name)  # compiles the bytecode, fills the page cache
    for number in range(lab.settings.rounds):
        base: dict[str, float] = {}
        for name in rotated(names, number):
            found = _probe(lab, name)
            if name == "(interpreter)":
                base = found
            lab.note(Row(NAME, NAME, name, number, found))
        for row in lab.rows:
            if row.bench == NAME and row.round == number:
                row.values["adds_mb"] = row.values["resident_mb"] - base["resident_mb"]


def _python(name: str) -> str | None:
    found = interpreter(name)
    return None if found is None else str(found)


def _probe(lab: Lab, name: str) -> dict[str, float]:
    done = subprocess.run(
        [_python(name) or "", "-c", PROBE.format(statement=STATEMENTS[name].format(port=lab.service.port))],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, preexec_fn=lambda: pin(lab.place),
    )  # fmt: skip
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def report(rows: Rows) -> dict[str, str]:
    """Tables by their names on the page."""
    lines = [
        [
            name,
            shown(rows.summary(NAME, name, "wall_ms")),
            shown(rows.summary(NAME, name, "cpu_ms")),
            shown(rows.summary(NAME, name, "adds_mb"), 1),
            shown(rows.summary(NAME, name, "modules")),
        ]
        for name in rows.contenders
        if name != "(interpreter)"
    ]
    return {"import": table(["", "ms", "ms of CPU", "adds MB to the interpreter", "modules"], lines)}


FIGURES = (
    Figure("`import router`: at most 150 ms", 150, lambda rows: rows.summary(NAME, "router", "wall_ms"), 0, " ms"),
    Figure(
        "`import router`: at most 20 MB over the interpreter", 20,
        lambda rows: rows.summary(NAME, "router", "adds_mb"), 1, " MB",
    ),
)  # fmt: skip
