"""How is a connection made?

`configured.py` reads it from the settings, `handed_in.py` from a client of the caller's.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import redis
from redis import asyncio as aredis

Address = tuple[str, int]
"""A host and a port; or the path of a socket file and 0."""


class Kind(Enum):
    """Who says which server is asked."""

    ONE = "one"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


TWINS: dict[type[Any], type[Any]] = {
    redis.Connection: aredis.Connection,
    redis.SSLConnection: aredis.SSLConnection,
    redis.UnixDomainSocketConnection: aredis.UnixDomainSocketConnection,
}
"""From a blocking connection to the awaiting one."""
OURS = frozenset(
    "retry retry_on_error retry_on_timeout socket_timeout socket_connect_timeout decode_responses"
    " encoding encoding_errors encoder_class health_check_interval protocol legacy_responses parser_class"
    " max_connections timeout connection_pool event_dispatcher himport_registry driver_info lib_name"
    " lib_version response_callbacks cache cache_config single_connection_client orig_host_address"
    " orig_socket_timeout orig_socket_connect_timeout maint_notifications_config maint_notifications_pool_handler"
    " oss_cluster_maint_notifications_handler maintenance_state maintenance_notification_hash".split()
)
"""Options that are set here and nowhere else: retries, timeouts, decoding, the protocol."""
WHERE = frozenset({"host", "port", "path", "connection_class"})
"""Options that say where the server is."""


@dataclass(frozen=True, slots=True)
class Access:
    """Makes connections.  Free of secrets when printed."""

    kind: Kind
    nodes: tuple[Address, ...]
    """The server, or some of the sentinels or of the cluster's servers."""
    connection: type[Any] = redis.Connection
    """The class of blocking connections."""
    service: str = ""
    """The name that sentinels are asked for."""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    sentinel_options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def line(self, address: Address, timeout: float, sentinel: bool = False) -> Any:
        """A blocking connection, not connected yet."""
        settings = self._settings(address, sentinel)
        return self.connection(**settings, socket_timeout=timeout, socket_connect_timeout=timeout)

    def aline(self, address: Address, timeout: float, sentinel: bool = False) -> Any:
        """An awaiting one, whose reads and writes are bounded by whoever uses it."""
        twin = TWINS[self.connection]
        return twin(**self._settings(address, sentinel), socket_timeout=None, socket_connect_timeout=timeout)

    @property
    def awaits(self) -> bool:
        """Whether there can be awaiting connections; else blocking ones are used in threads."""
        twin = TWINS.get(self.connection)
        return twin is not None and self.options.keys() <= accepted(twin).keys()

    @property
    def shown(self) -> str:
        """For people: `rediss://cache:6380/0`."""
        host, port = self.nodes[0]
        if not port:
            return f"unix://{host}"
        scheme = "rediss" if self.connection is redis.SSLConnection else "redis"
        if self.kind is Kind.SENTINEL:
            return f"{scheme}://{self.service} (by sentinel {host}:{port})"
        place = f"{scheme}://{host}:{port}"
        return f"{place} (cluster)" if self.kind is Kind.CLUSTER else f"{place}/{self.options.get('db', 0)}"

    def _settings(self, address: Address, sentinel: bool) -> dict[str, Any]:
        where = {"path": address[0]} if not address[1] else {"host": address[0], "port": address[1]}
        given = self.sentinel_options if sentinel else self.options
        # Without a `retry` a connection of redis-py tries nothing twice; it is its clients and pools that do.
        # Protocol 2 needs no greeting, and driver_info=None no introduction: a new connection costs no extra trip.
        return {**given, **where, "protocol": 2, "driver_info": None}


def accepted(connection: type[Any]) -> dict[str, Any]:
    """The options that a class of connections knows, and their defaults."""
    known: dict[str, Any] = {}
    for base in connection.__mro__:
        if "__init__" in vars(base):
            for name, parameter in inspect.signature(vars(base)["__init__"]).parameters.items():
                known.setdefault(name, parameter.default)
    return known
