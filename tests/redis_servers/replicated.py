"""A primary, its copy, and a sentinel that promotes the copy when the primary is gone."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Self

from .binaries import Kind
from .server import Server, wait_until

SERVICE = "quota"
"""The name under which the sentinels know the primary."""


class _Sentinel(Server):
    def _mode(self) -> list[str]:
        return ["--sentinel"]


class Replicated:
    """Two servers under one sentinel; a failover takes about a second and a half.

    Args:
        kind: which program; the wheel's Valkey unless said otherwise.
        password: of the servers.
        sentinel_password: of the sentinel.
    """

    def __init__(
        self, kind: Kind | None = None, *, password: str | None = None, sentinel_password: str | None = None
    ) -> None:
        secret = {"masterauth": password} if password else {}
        self.servers = [Server(kind, password=password, options=secret) for _ in range(2)]
        self.sentinel = _Sentinel(kind, password=sentinel_password)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            for server in (*self.servers, self.sentinel):
                stack.enter_context(server)
            self.servers[1].replicate(self.servers[0])
            self._watch()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def sentinels(self) -> list[tuple[str, int]]:
        """As in `redis_sentinels`."""
        return [("127.0.0.1", self.sentinel.port)]

    @property
    def primary(self) -> Server:
        """Whom the sentinel names now."""
        answer = self.sentinel.client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        port = int(answer[1])
        return next(server for server in self.servers if server.port == port)

    def fail_over(self) -> Server:
        """Kill the primary and wait until its copy serves in its place."""
        old = self.primary
        new = next(server for server in self.servers if server is not old)
        old.kill()
        wait_until(lambda: self.primary is new and new.info("replication")["role"] == "master", "the copy serves")
        return new

    def _watch(self) -> None:
        ask = self.sentinel.client.execute_command
        primary = self.servers[0]
        ask("SENTINEL", "MONITOR", SERVICE, "127.0.0.1", primary.port, 1)
        if primary.password:
            ask("SENTINEL", "SET", SERVICE, "auth-pass", primary.password)
        ask("SENTINEL", "SET", SERVICE, "down-after-milliseconds", 200, "failover-timeout", 2000)
        wait_until(lambda: ask("SENTINEL", "REPLICAS", SERVICE), "the sentinel knows the copy")
