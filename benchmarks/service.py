"""The native chat service of `native/server.c`: compiled when first used, started, asked for its counts, stopped."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

SOURCES = [Path(__file__).parent / "native" / name for name in ("server.c", "texts.h")]
CACHE = Path(__file__).parent / ".cache"


class ServiceError(Exception):
    """The service cannot be had here; the message says what to do."""


def compiled() -> Path:
    """The program, made anew when its source has changed.

    Raises:
        ServiceError: no compiler, or no Linux (it waits by epoll).
    """
    if sys.platform != "linux":
        raise ServiceError("the benchmark's server waits by epoll, so benchmarks run on Linux only")
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in SOURCES))
    program = CACHE / f"server-{digest.hexdigest()[:12]}"
    if program.exists():
        return program
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise ServiceError(
            "no C compiler: install gcc (`apt-get install gcc libc6-dev`), which the server is made with"
        )
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:  # two runs may come here at once
        made = Path(folder) / "server"
        done = subprocess.run([compiler, "-O2", "-o", made, SOURCES[0]], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServiceError(f"{SOURCES[0].name} does not compile:\n{done.stderr}")
        made.replace(program)
    return program


class Service:
    """One running server; a context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([compiled()], stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline() or 0)
        if not self.port:
            raise ServiceError("the benchmark's server did not start; what it said stands above")

    def stats(self) -> dict[str, int]:
        """`calls` answered and `connections` accepted so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats", timeout=10) as answer:
            return dict(json.load(answer))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


def cores() -> list[int]:
    """Where this process may run; empty where that cannot be said."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def pin(place: Collection[int]) -> None:
    """Keep this process, and what it starts from now on, on these cores.  Empty: leave it as it is."""
    if place:
        os.sched_setaffinity(0, place)


_AWAKE = """
import os
parent = os.getppid()
while os.getppid() == parent:
    pass
"""


@contextmanager
def kept_awake(place: Collection[int]) -> Iterator[None]:
    """Keep these cores from halting: a process runs there which gives way to every other.  Empty: leave them alone.

    In a virtual machine whoever is woken on a core that has halted pays for its waking, and for what other guests have
    done to its caches: a chunk 2 ms after the one before took aiohttp 42 to 133 µs from round to round, and 35 to 41
    on a core that is kept awake.
    """
    if not place:
        yield
        return
    process = subprocess.Popen([sys.executable, "-S", "-c", _AWAKE])
    try:
        try:
            os.sched_setaffinity(process.pid, place)
            os.sched_setscheduler(process.pid, os.SCHED_IDLE, os.sched_param(0))
        except PermissionError:  # where it may not be the lowest it would be in the way
            process.kill()
        yield
    finally:
        process.kill()
        process.wait()
