"""A client of the caller's says where Redis is, and nothing else of it is used."""

from __future__ import annotations

from typing import Any

import fakeredis
import pytest
import redis
from redis import asyncio as aredis
from redis.asyncio.cluster import ClusterNode as AsyncNode
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import ExponentialBackoff
from redis.cluster import ClusterNode
from redis.retry import Retry
from redis.sentinel import Sentinel

from router.stores.reach.access import Kind
from router.stores.reach.handed_in import access_of
from tests.redis_servers import Cluster

CLIENT = {"username": "u", "password": "p", "db": 2, "decode_responses": True, "socket_timeout": 60}


@pytest.mark.parametrize("module", [redis, aredis])
def test_a_clients_settings_are_used_but_not_its_patience(module: Any) -> None:
    client = module.Redis(host="cache", port=1, ssl=True, ssl_ca_certs="/own.pem", retry=None, **CLIENT)
    made = access_of(client)
    assert (made.kind, made.nodes, made.shown) == (Kind.ONE, (("cache", 1),), "rediss://cache:1/2")
    for line in (made.line(("cache", 1), 0.2), made.aline(("cache", 1), 0.2)):
        assert (line.username, line.password, line.db, line.ca_certs) == ("u", "p", 2, "/own.pem")
        assert line.encoder.decode_responses is False
        assert line.retry.get_retries() == 0
        assert line.socket_connect_timeout == 0.2


def test_a_clients_retries_are_not_used() -> None:
    client = redis.Redis(retry=Retry(ExponentialBackoff(), 9), retry_on_error=[redis.TimeoutError])
    assert access_of(client).line(("localhost", 6379), 1.0).retry.get_retries() == 0


@pytest.mark.parametrize("module", [redis, aredis])
def test_a_clients_socket_file(module: Any) -> None:
    made = access_of(module.Redis(unix_socket_path="/run/s", password="p"))
    line = made.line(made.nodes[0], 1.0)
    assert (line.path, line.password, made.awaits) == ("/run/s", "p", True)


@pytest.mark.parametrize("kind", [Sentinel, AsyncSentinel])
def test_a_client_that_a_sentinel_made(kind: Any) -> None:
    sentinel = kind([("a", 1), ("b", 2)], sentinel_kwargs={"password": "s"}, password="d", db=3)
    made = access_of(sentinel.master_for("quota"))
    assert (made.kind, made.nodes, made.service) == (Kind.SENTINEL, (("a", 1), ("b", 2)), "quota")
    assert made.line(("x", 1), 1.0).password == "d"
    assert made.line(("a", 1), 1.0, sentinel=True).password == "s"
    assert made.awaits


def test_a_client_of_a_cluster(redis_cluster: Cluster) -> None:
    port = redis_cluster.servers[0].port
    with redis.RedisCluster(startup_nodes=[ClusterNode("127.0.0.1", port)], username="default") as client:
        made = access_of(client)
    awaiting = access_of(aredis.RedisCluster(startup_nodes=[AsyncNode("127.0.0.1", port)], username="default"))
    for one in (made, awaiting):
        assert one.kind is Kind.CLUSTER
        assert ("127.0.0.1", port) in one.nodes
        assert one.line(("127.0.0.1", port), 1.0).username == "default"
        assert one.awaits


def test_connections_of_ones_own_kind_serve_blocking() -> None:
    made = access_of(fakeredis.FakeRedis())
    assert not made.awaits
    assert type(made.line(made.nodes[0], 1.0)).__name__ == "FakeRedisConnection"


def test_an_option_that_only_blocking_connections_know_is_not_dropped_in_silence() -> None:
    client = redis.Redis(ssl=True, ssl_validate_ocsp=True)
    assert not access_of(client).awaits
