"""Where contenders are compared: side by side, in turns, on one core, with the service on another."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from .environments import how_to_install, interpreter
from .service import Service, cores, kept_awake, pin
from .stats import Row, rotated

ROOT = Path(__file__).parent.parent
PATIENCE_S = 300
"""The longest measurement takes half a minute; what takes this long hangs."""


@dataclass(frozen=True)
class Seat:
    """A contender in the world in which it is asked: `asyncio`, `trio` or `blocking`."""

    contender: str
    world: str = "asyncio"
    label: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As the tables call it."""
        return self.label or self.contender


@dataclass(frozen=True)
class Case:
    """One thing to measure, the same for all."""

    name: str
    deed: str
    arguments: dict[str, Any]
    only: tuple[str, ...] | None = None
    """The names of the seats that take part; None: all."""
    beside: str = ""
    """Cases in a row that state the same here are measured in each round, one after the other, since they are held
    against each other: on a shared machine the minutes between two cases can make more of a difference than they do."""


@dataclass
class Settings:
    """How long and how often."""

    rounds: int = 5
    seconds: float = 1.0
    """For one measurement, warming up not included."""
    scale: float = 1.0
    """Of what is counted and not timed: 100,000 calls, 1,000 deployments stay as they are at 1."""
    most: int = 512
    """Calls at once; smoke tests make do with fewer."""
    against: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Nothing is cut short: peers are asked for 1,000 deployments too, which takes some of them half a minute."""
        return self.scale >= 1


class WorkerError(Exception):
    """A contender failed; the message is what it said."""


class Worker:
    """One contender's process."""

    def __init__(self, seat: Seat, python: Path, port: int, place: list[int]) -> None:
        options = {**seat.options, "port": port, "place": place}
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.worker", seat.contender, seat.world, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        try:
            self.version = str(self._answer()["version"])
        except WorkerError:
            self.close()
            raise

    def ask(self, deed: str, arguments: dict[str, Any]) -> dict[str, float] | None:
        """Figures; None if the contender does not do such a thing.

        Raises:
            WorkerError: it failed.
        """
        assert self._process.stdin is not None
        print(json.dumps({"deed": deed, **arguments}), file=self._process.stdin, flush=True)
        answer = self._answer()
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer.get("values")

    def close(self) -> None:
        """Let it end by itself; what does not is ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], PATIENCE_S)[0]:
            self._process.kill()
            raise WorkerError(f"no answer within {PATIENCE_S} s")
        line = self._process.stdout.readline()
        if not line:
            raise WorkerError("its process ended; what it said stands above")
        return dict(json.loads(line))


class Lab:
    """Holds the service and collects rows.

    Args:
        settings: rounds, seconds, peers.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.rows: list[Row] = []
        self.versions: dict[str, str] = {}
        self.missing: dict[str, str] = {}
        """Who did not take part, and how that could be changed."""
        self.failures: list[str] = []
        self._began = time.monotonic()
        self._cores = cores()

    @contextmanager
    def opened(self) -> Iterator[Lab]:
        """With the service running."""
        pin(self._cores[:1])
        try:
            with Service() as self.service, kept_awake(self.place):
                yield self
        finally:
            pin(self._cores)

    @property
    def place(self) -> list[int]:
        """The core on which contenders run, beside the service's; empty where there is only one."""
        return self._cores[1:2]

    def worker(self, seat: Seat) -> Worker | None:
        """A process for one contender; None, and a note, if it is not installed."""
        python = interpreter(seat.contender)
        if python is None:
            if seat.contender not in self.missing:
                self.tell(how_to_install(seat.contender))
            self.missing[seat.contender] = how_to_install(seat.contender)
            return None
        worker = Worker(seat, python, self.service.port, self.place)
        self.versions[seat.contender] = worker.version
        return worker

    def tell(self, line: str) -> None:
        """A line of progress, with the seconds since the beginning."""
        print(f"[{time.monotonic() - self._began:5.0f} s] {line}", file=sys.stderr, flush=True)

    def note(self, row: Row) -> None:
        """Keep a row."""
        self.rows.append(row)

    def fail(self, bench: str, who: str, error: object) -> None:
        """A contender fell out; the others go on, and the run says so at its end."""
        self.failures.append(f"{bench}: {who}: {str(error).strip().splitlines()[-1]}")
        self.tell(f"{bench}: {who} fell out:\n{error}")

    def compare(self, bench: str, seats: Sequence[Seat], cases: Sequence[Case], rounds: int = 0) -> None:
        """Measure each case in turns, one contender at a time, all in processes that stay for the whole bench.

        Args:
            bench: the rows' name.
            seats: who takes part, if installed.
            cases: what is measured.
            rounds: 0 for the settings'.
        """
        with ExitStack() as stack:
            workers: dict[str, Worker] = {}
            for seat in seats:
                try:
                    worker = self.worker(seat)
                except WorkerError as error:
                    self.fail(bench, seat.name, error)
                    continue
                if worker is not None:
                    stack.callback(worker.close)
                    workers[seat.name] = worker
            for _, beside in groupby(cases, lambda case: case.beside or case.name):
                together = list(beside)
                self.tell(f"{bench}: {'; '.join(case.name for case in together)}")
                for number in range(rounds or self.settings.rounds):
                    for case in together:
                        takes_part = [name for name in workers if case.only is None or name in case.only]
                        for name in rotated(takes_part, number):
                            self._measure(bench, case, name, number, workers)

    def _measure(self, bench: str, case: Case, name: str, number: int, workers: dict[str, Worker]) -> None:
        before = self.service.stats()["connections"]
        try:
            values = workers[name].ask(case.deed, case.arguments)
        except WorkerError as error:
            self.fail(bench, name, error)
            del workers[name]
            return
        if values is not None:
            values["connections"] = self.service.stats()["connections"] - before - 1  # our own question is one
            self.rows.append(Row(bench, case.name, name, number, values))
