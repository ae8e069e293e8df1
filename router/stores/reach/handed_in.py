"""What does a client of redis-py that was handed in say about its connections?

Its servers, credentials and TLS are used.  Its retries and timeouts are not, and it is never called: it would count a
call twice (docs/decisions.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import redis
from redis import asyncio as aredis
from redis.asyncio import connection as aconnection
from redis.asyncio import sentinel as asentinel
from redis.sentinel import SentinelManagedConnection, SentinelManagedSSLConnection

from .access import OURS, TWINS, WHERE, Access, Address, Kind, accepted

_BLOCKING: dict[type[Any], type[Any]] = {
    **{one: one for one in TWINS},
    **{twin: one for one, twin in TWINS.items()},
    # Connections that ask sentinels themselves; here it is the route that asks.
    SentinelManagedConnection: redis.Connection,
    SentinelManagedSSLConnection: redis.SSLConnection,
    asentinel.SentinelManagedConnection: redis.Connection,
    asentinel.SentinelManagedSSLConnection: redis.SSLConnection,
}
"""From the connections of a client to the blocking ones of redis-py."""


def access_of(client: Any) -> Access:
    """How the client's servers are reached.

    Raises:
        ValueError: it is no client, or one whose connections cannot be made here.
    """
    if getattr(client, "nodes_manager", None) is not None:
        return _of_cluster(client)
    pool = getattr(client, "connection_pool", None)
    if pool is None or not isinstance(getattr(pool, "connection_kwargs", None), dict):
        raise ValueError("redis_client: must be a client of redis-py, such as redis.Redis(…)")
    given = pool.connection_kwargs
    if given.get("redis_connect_func") is not None:
        raise ValueError("redis_client: has a redis_connect_func, which is not called here; use a credential_provider")
    connection = _blocking(pool.connection_class)
    options = _options(given, connection)
    manager = getattr(pool, "sentinel_manager", None)
    if manager is None:
        nodes: tuple[Address, ...] = (_address(given),)
        return Access(Kind.ONE, nodes, connection, "", options)
    sentinels = [one.connection_pool.connection_kwargs for one in manager.sentinels]
    nodes = tuple(_address(one) for one in sentinels)
    return Access(Kind.SENTINEL, nodes, connection, pool.service_name, options, _options(sentinels[0], connection))


def _of_cluster(client: Any) -> Access:
    manager = client.nodes_manager
    given = getattr(client, "connection_kwargs", None) or manager.connection_kwargs
    tls = given.get("ssl") or given.get("connection_class") in (redis.SSLConnection, aredis.SSLConnection)
    connection = redis.SSLConnection if tls else redis.Connection
    nodes = tuple((str(node.host), int(node.port)) for node in manager.startup_nodes.values())
    return Access(Kind.CLUSTER, nodes, connection, "", _options(given, connection))


def _address(given: Mapping[str, Any]) -> Address:
    if given.get("path"):
        return str(given["path"]), 0
    return str(given.get("host") or "localhost"), int(given.get("port") or 6379)


def _blocking(found: type[Any]) -> type[Any]:
    """The blocking connection for a client's; one of the caller's own stays, if it blocks."""
    if found in _BLOCKING:
        return _BLOCKING[found]
    if issubclass(found, aconnection.AbstractConnection):
        raise ValueError("redis_client: has awaiting connections of its own kind; give a blocking client of that kind")
    return found


def _options(given: Mapping[str, Any], connection: type[Any]) -> dict[str, Any]:
    """What is said about the connections, and is not what they do anyhow.

    `redis_connect_func` is left out: where it comes to this, it is the cluster client's own.
    """
    usual = accepted(connection)
    return {
        key: value
        for key, value in given.items()
        if key not in OURS | WHERE | {"ssl", "redis_connect_func"}
        and value is not None
        and (key not in usual or usual[key] != value)
    }
