"""What the settings and an address mean for a connection, and what is refused."""

from __future__ import annotations

from typing import Any

import fakeredis
import pytest
import redis
from redis import asyncio as aredis

from router.stores.reach.access import Access, Kind
from router.stores.reach.configured import access
from router.stores.reach.settings import RedisSettings


def reached(**settings: Any) -> Access:
    return access(RedisSettings(**settings))


@pytest.mark.parametrize(
    ("settings", "nodes", "shown"),
    [
        ({"host": "cache"}, (("cache", 6379),), "redis://cache:6379/0"),
        ({"host": "cache", "port": 1, "db": 2, "ssl": True}, (("cache", 1),), "rediss://cache:1/2"),
        ({"url": "redis://cache"}, (("cache", 6379),), "redis://cache:6379/0"),
        ({"url": "redis://cache:6380/3"}, (("cache", 6380),), "redis://cache:6380/3"),
        ({"url": "redis://cache/3", "db": 4}, (("cache", 6379),), "redis://cache:6379/4"),
        ({"url": "redis://cache", "ssl": True}, (("cache", 6379),), "rediss://cache:6379/0"),
        ({"url": "rediss://u:p%40%2F@cache:1"}, (("cache", 1),), "rediss://cache:1/0"),
        ({"url": "redis://[::1]:1"}, (("::1", 1),), "redis://::1:1/0"),
        ({"url": "unix:///run/redis.sock?db=1"}, (("/run/redis.sock", 0),), "unix:///run/redis.sock"),
        ({"url": "redis://cache", "cluster": True}, (("cache", 6379),), "redis://cache:6379 (cluster)"),
        ({"startup_nodes": (("a", 1), ("b", 2))}, (("a", 1), ("b", 2)), "redis://a:1 (cluster)"),
        (
            {"sentinels": (("a", 1), ("b", 2)), "service_name": "quota"},
            (("a", 1), ("b", 2)),
            "redis://quota (by sentinel a:1)",
        ),
    ],
)
def test_where_it_is(settings: dict[str, Any], nodes: Any, shown: str) -> None:
    made = reached(**settings)
    assert (made.nodes, made.shown) == (nodes, shown)


def test_a_connection_tries_nothing_twice_and_waits_no_longer_than_asked() -> None:
    made = reached(
        url="redis://user:CANARY@cache:6380/3?socket_timeout=60&retry_on_timeout=yes&health_check_interval=9"
    )
    line, aline = made.line(("cache", 6380), 0.2), made.aline(("cache", 6380), 0.2)
    for one in (line, aline):
        assert (one.host, one.port, one.db, one.username, one.password) == ("cache", 6380, 3, "user", "CANARY")
        assert one.retry.get_retries() == 0
        assert (one.protocol, one.health_check_interval, one.socket_connect_timeout) == (2, 0, 0.2)
        assert one.encoder.decode_responses is False
    assert line.socket_timeout == 0.2
    assert "CANARY" not in repr(made)


def test_tls_is_verified_by_the_systems_or_ones_own_authorities() -> None:
    made = reached(url="rediss://cache", ssl_ca_certs="/own.pem").line(("cache", 6379), 1.0)
    assert isinstance(made, redis.SSLConnection)
    assert (made.cert_reqs.name, made.check_hostname, made.ca_certs) == ("CERT_REQUIRED", True, "/own.pem")
    loose = reached(url="rediss://cache", ssl_check_hostname=False).aline(("cache", 6379), 1.0)
    assert isinstance(loose, aredis.SSLConnection)
    assert loose.check_hostname is False


def test_a_sentinel_has_a_password_of_its_own() -> None:
    made = reached(
        sentinels=(("a", 1),),
        service_name="q",
        username="u",
        password="data",
        db=2,
        sentinel_password="sentinel",
        ssl=True,
    )
    data, sentinel = made.line(("d", 1), 1.0), made.line(("a", 1), 1.0, sentinel=True)
    assert made.kind is Kind.SENTINEL
    assert (data.username, data.password, data.db) == ("u", "data", 2)
    assert (sentinel.username, sentinel.password, sentinel.db) == (None, "sentinel", 0)
    assert isinstance(sentinel, redis.SSLConnection)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": "http://CANARY"}, "redis_url: is no redis://, rediss:// or unix:// address"),
        ({"url": "redis://:CAN@:/#ARY@cache:6379/0"}, "redis_url: is no .* of a password as %40"),
        ({"url": "redis://:CANARY/x@cache:6379/0"}, "redis_url: is no"),
        ({"url": "redis://cache:99999"}, "redis_url: is no"),
        ({"url": "redis://"}, "redis_url: is no"),
        ({"url": "unix://"}, "redis_url: is no"),
        ({"url": "redis://cache/CANARY"}, "redis_url: what follows the last /"),
        ({"url": "redis://cache?CANARY=1"}, r"redis_url: has options after its \? that a connection does not know"),
        ({"url": "rediss://cache", "ssl": False}, "redis_ssl: is off, but redis_url says rediss://"),
        ({"url": "redis://cache?db=CANARY"}, r"redis_url: has an option after its \? whose value cannot be read"),
        ({"url": "unix:///s", "ssl": True}, "redis_ssl: a socket file is not encrypted"),
        ({"url": "unix:///s", "cluster": True}, "redis_cluster: cannot be reached through a socket file"),
        ({"url": "redis://cache/1", "cluster": True}, "redis_db: a cluster has only the database 0"),
        ({"host": "a", "password": "CANARY", "credential_provider": 5}, "redis_credential_provider: stands beside"),
        ({"host": "a", "credential_provider": "CANARY"}, r"redis_credential_provider: must have get_credentials\(\)"),
        ({"url": "redis://u:CANARY@a", "password": "x"}, "redis_password: redis_url has the same already"),
        (
            {"url": "redis://u@a", "credential_provider": redis.CredentialProvider()},
            "redis_credential_provider: redis_u",
        ),
        ({"url": "redis://a", "ssl_ca_certs": "/own.pem"}, "redis_ssl_ca_certs: there is no TLS; set redis_ssl"),
        ({"client": "CANARY"}, "redis_client: must be a client of redis-py"),
        ({"client": redis.Redis(redis_connect_func=print)}, "redis_client: has a redis_connect_func"),
        ({"client": fakeredis.FakeAsyncRedis()}, "redis_client: has awaiting connections of its own kind"),
    ],
)
def test_what_cannot_be_meant_is_refused_without_showing_it(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        reached(**settings)
    assert "CANARY" not in str(caught.value)
