"""Several processes share one group through Redis, near or above its limits, and the service itself counts.

Each process is a replica of an application with a router of its own.  Together they ask for more than the fleet may
take; the emulator says how much of each limit was ever used within a minute, and how often it had to refuse.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from router.emulator import EmulatorServer

from .local_redis import local_redis
from .scene import MEAN_TOKENS, fleet, model_list

LOAD = 1.5


@dataclass(slots=True)
class SharedPlay:
    """One run.

    Args:
        replicas: processes.
        redis: a URL, or None for a server of its own.
        seconds: how long the traffic lasts.
        rps: calls per second of all replicas together.
        load: how much is asked for, as a share of what the fleet may take.
    """

    replicas: int
    redis: str | None
    seconds: float
    rps: float
    load: float = LOAD
    settings: dict[str, Any] = field(default_factory=dict)
    reports: list[dict[str, Any]] = field(default_factory=list)
    fleet_now: dict[str, dict[str, Any]] = field(default_factory=dict)
    started: float = 0.0
    ended: bool = False

    def run(self) -> None:
        """Play to the end, blocking."""
        config = fleet(self.seconds, self.rps, self.load)
        with (
            nullcontext(self.redis) if self.redis else local_redis() as url,
            EmulatorServer.in_thread(config) as server,
        ):
            self.reports = [{} for _ in range(self.replicas)]
            processes = [self._start(i, url, server) for i in range(self.replicas)]
            self.started = time.monotonic()
            readers = [
                threading.Thread(target=self._read, args=(i, process), daemon=True)
                for i, process in enumerate(processes)
            ]
            for reader in readers:
                reader.start()
            try:
                while any(process.poll() is None for process in processes):
                    self.fleet_now = server.emulator.status()
                    time.sleep(0.2)
            finally:
                for process in processes:
                    process.kill()
            for reader in readers:
                reader.join()
            self.fleet_now = server.emulator.status()
            self.ended = True

    def _start(self, number: int, url: str | None, server: EmulatorServer) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "router.demo.replica"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        orders = {
            "model_list": model_list(server),
            "redis_url": url,
            "seconds": self.seconds,
            "rps": self.rps / self.replicas,
            "seed": number + 1,
            "settings": self.settings,
        }
        assert process.stdin is not None
        process.stdin.write(json.dumps(orders))
        process.stdin.close()
        return process

    def _read(self, number: int, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.reports[number] = json.loads(line)

    # ---- figures -------------------------------------------------------------------------------------------

    def total(self, name: str) -> int:
        """A count over all replicas."""
        return sum(report.get(name, 0) for report in self.reports)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: everything that the run is judged by."""
        attempts = self.total("attempts")
        possible = sum(one["tpm"] for one in self.fleet_now.values()) * max(1.0, self.seconds / 60.0)
        served = sum(one["tokens"] for one in self.fleet_now.values())
        return {
            "replicas": self.replicas,
            "seconds": self.seconds,
            "asked_share": self.load,
            "calls": self.total("calls"),
            "answered": self.total("answered"),
            "attempts": attempts,
            "refused_by_service": self.total("throttled"),
            "highest_share_of_a_limit_in_a_minute": max(one["peak_share"] for one in self.fleet_now.values()),
            "goodput": round(served / possible, 4),
            "questions_per_attempt": round(self.total("questions") / max(1, attempts), 3),
            "outages_of_redis": self.total("outages"),
            "slowest_wait_s": max((report.get("slowest_wait_s", 0.0) for report in self.reports), default=0.0),
        }


def table(play: SharedPlay) -> Table:
    """Replicas above, deployments below."""
    view = Table(title=f"azure-router demo: {play.replicas} processes share one group through Redis", expand=False)
    for title, right in (
        ("deployment", False), ("limit", True), ("used, last minute", True), ("highest ever", True), ("429s", True),
    ):  # fmt: skip
        view.add_column(title, justify="right" if right else "left", no_wrap=True)
    for name, one in play.fleet_now.items():
        view.add_row(
            name,
            f"{one['tpm']:,}",
            f"{one['tokens_last_minute']:,}",
            f"{one['peak_tokens_per_minute']:,} ({one['peak_share'] or 0:.1%})",
            str(one["throttled"]),
        )
    view.add_section()
    for number, report in enumerate(play.reports):
        view.add_row(
            f"process {number + 1}: {report.get('limits', 'starting')}",
            f"{report.get('calls', 0)} calls",
            f"{report.get('answered', 0)} answered",
            f"{report.get('questions', 0)} asked Redis",
            str(report.get("throttled", 0)),
        )
    return view


def summary(play: SharedPlay) -> str:
    """What it came to."""
    it = play.as_dict()
    return (
        f"  {it['calls']} calls asked for {play.load:.0%} of what the fleet may take"
        f" (about {MEAN_TOKENS:.0f} tokens each); {it['answered']} were answered in time, the others waited\n"
        f"  highest use of any limit within a minute  {it['highest_share_of_a_limit_in_a_minute']:.2%}\n"
        f"  used of what could be used                {it['goodput']:.1%}\n"
        f"  refused by the service (429)              {it['refused_by_service']} of {it['attempts']} attempts\n"
        f"  questions to Redis per attempt            {it['questions_per_attempt']:.2f}"
    )


def show(play: SharedPlay, *, as_json: bool) -> None:
    """Play it and show it."""
    console = Console()
    if as_json:
        play.run()
        print(json.dumps(play.as_dict()))  # noqa: T201 - the output
        return
    thread = threading.Thread(target=play.run, daemon=True)
    thread.start()
    if console.is_terminal:
        with Live(table(play), console=console, refresh_per_second=5) as live:
            while thread.is_alive():
                thread.join(0.2)
                live.update(table(play))
    else:
        thread.join()
        console.print(table(play))
    console.print(summary(play), highlight=False)
