"""What is said about Redis: by our names, by LiteLLM's, and with a client of one's own."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import redis

from router.config.keys import NOT_YET
from router.shared.on_failure import OnStoreFailure
from router.stores.reach.settings import RedisSettings

from .entries import problem, problems, settings


def said(**options: Any) -> RedisSettings:
    made = settings(**options).redis
    assert made is not None
    return made


def test_where_redis_is_is_kept_and_its_password_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    made = settings(redis_host="cache", redis_port="6380", redis_password="CANARY", redis_ssl=True, redis_db=2)
    assert made.redis == RedisSettings(host="cache", port=6380, password="CANARY", ssl=True, db=2)
    assert "CANARY" not in caplog.text + repr(made)


def test_an_url_may_hold_a_password_that_is_not_shown() -> None:
    made = said(redis_url="rediss://user:CANARY@cache:6379/0")
    assert made == RedisSettings(url="rediss://user:CANARY@cache:6379/0")
    assert "CANARY" not in repr(made)


def test_how_it_is_used_is_kept() -> None:
    made = said(
        redis_url="redis://cache",
        redis_prefix="team-a:router",
        redis_timeout="0.1",
        redis_replicas=8,
        redis_leases="off",
        on_store_failure="strict",
    )
    assert (made.prefix, made.timeout, made.replicas, made.leases) == ("team-a:router", 0.1, 8, False)
    assert made.on_failure is OnStoreFailure.STRICT
    usual = said(redis_url="redis://cache", redis_leases="auto")
    assert (usual.prefix, usual.timeout, usual.replicas, usual.leases) == ("azure-router", 0.25, None, True)
    assert usual.on_failure is OnStoreFailure.SHARE


@pytest.mark.parametrize(
    "servers",
    [["a:1", "[::1]:2"], [["a", 1], ("::1", "2")], [{"host": "a", "port": 1}, {"port": 2, "host": "::1"}]],
)
def test_servers_are_written_in_three_ways(servers: list[Any]) -> None:
    assert said(redis_startup_nodes=servers).startup_nodes == (("a", 1), ("::1", 2))
    made = said(redis_sentinels=servers, redis_service_name="quota", redis_sentinel_password="CANARY")
    assert (made.sentinels, made.service_name, made.sentinel_password) == ((("a", 1), ("::1", 2)), "quota", "CANARY")
    assert "CANARY" not in repr(made)


@pytest.mark.parametrize(
    "servers", [[], "a:1", ["a"], [["a"]], [[1, 1]], [{"host": "a"}], ["a:0"], ["a:65536"], [":1"]]
)
def test_servers_that_are_none(servers: Any) -> None:
    text = problem(redis_startup_nodes=servers)
    assert text.startswith("redis_startup_nodes: must be a list")


def test_a_client_of_ones_own() -> None:
    client = redis.Redis(host="cache")
    assert said(redis_client=client, redis_prefix="a").client is client
    assert problem(redis_client="CANARY").startswith("redis_client: must be a client of redis-py")
    assert problem(redis_client=client, redis_db=1).startswith("redis_db: stands beside redis_client")


def test_credentials_may_come_from_an_object() -> None:
    provider = redis.UsernamePasswordCredentialProvider("u", "CANARY")
    made = said(redis_host="cache", redis_ssl=True, redis_credential_provider=provider)
    assert made.credential_provider is provider
    assert "UsernamePassword" not in repr(made)


def test_litellms_cache_kwargs_mean_the_same() -> None:
    kwargs = {"host": "cache", "port": 6380, "username": "u", "ssl": True, "namespace": "team", "db": 1}
    assert said(cache_kwargs=kwargs) == said(
        redis_host="cache", redis_port=6380, redis_username="u", redis_ssl=True, redis_prefix="team", redis_db=1
    )
    assert said(redis_host="cache", cache_kwargs={"ssl": True}).ssl
    nodes = {"sentinel_nodes": [["a", 26379]], "service_name": "quota", "sentinel_password": "s"}
    assert said(cache_kwargs=nodes).sentinels == (("a", 26379),)
    assert said(cache_kwargs={"startup_nodes": [{"host": "a", "port": 1}]}).startup_nodes == (("a", 1),)


def test_cache_kwargs_that_only_tune_litellms_client_are_named_in_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert said(redis_host="a", cache_kwargs={"max_connections": 100, "socket_timeout": 5}) == RedisSettings(host="a")
    assert "cache_kwargs.max_connections, cache_kwargs.socket_timeout" in caplog.text
    settings(cache_kwargs={})
    settings(redis_host="a", cache_kwargs={"ssl_cert_reqs": "required"})


@pytest.mark.parametrize("key", sorted(NOT_YET["cache_kwargs"]))
def test_cache_kwargs_that_would_change_who_is_trusted_are_refused(key: str) -> None:
    text = problem(redis_host="a", cache_kwargs={key: "none"})
    assert text == f"cache_kwargs.{key}: {NOT_YET['cache_kwargs'][key]}"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"redis_url": "redis://a", "redis_host": "a"}, "redis_host: stands beside redis_url"),
        ({"redis_url": "http://CANARY"}, "redis_url: is no redis://, rediss:// or unix:// address"),
        ({"redis_url": "redis://:p@/#:CANARY@host/0"}, "redis_url: is no redis://"),
        ({"redis_url": "redis://:CANARY@host/x"}, "redis_url: what follows the last /"),
        ({"redis_port": 6379}, "redis_port: needs redis_url or redis_host"),
        ({"redis_password": "CANARY"}, "redis_password: needs redis_url or redis_host"),
        ({"on_store_failure": "open"}, "on_store_failure: needs redis_url or redis_host"),
        ({"redis_host": "a", "redis_port": 65_536}, "redis_port: must be a whole number from 1 to 65,535"),
        ({"redis_url": "redis://a", "redis_port": 6379}, "redis_port: has no meaning without redis_host; remove it"),
        ({"redis_host": "a", "redis_service_name": "q"}, "redis_service_name: has no meaning without redis_sentinels"),
        ({"redis_sentinels": ["a:1"]}, "redis_sentinels: needs redis_service_name"),
        ({"redis_startup_nodes": ["a:1"], "redis_url": "redis://a"}, "redis_startup_nodes: stands beside redis_url"),
        ({"redis_host": "a", "redis_timeout": 0}, "redis_timeout: must be a number of seconds from 0.01 to 60"),
        ({"redis_host": "a", "redis_prefix": "a{b}"}, "redis_prefix: must be at most 100 letters"),
        ({"redis_host": "a", "redis_replicas": 0}, "redis_replicas: must be a whole number from 1"),
        ({"redis_host": "a", "redis_leases": "on"}, "redis_leases: must be one of auto, off"),
        ({"redis_host": "a", "on_store_failure": "panic"}, "on_store_failure: must be one of share, strict, open"),
        ({"redis_host": "a", "redis_cluster": True, "redis_db": 1}, "redis_db: a cluster has only the database 0"),
        ({"redis_host": "a", "redis_credential_provider": 5}, "redis_credential_provider: must have get_credentials"),
        ({"redis_host": "a", "cache_kwargs": {"host": "b"}}, "cache_kwargs.host: means the same as redis_host"),
        ({"cache_kwargs": {"hots": "CANARY"}}, "cache_kwargs.hots: unknown key 'hots'; did you mean 'host'?"),
    ],
)
def test_redis_that_cannot_be_meant_is_refused(options: dict[str, Any], says: str) -> None:
    text = problem(**options)
    assert text.startswith(says)
    assert "CANARY" not in text


def test_all_that_stands_beside_a_client_is_named() -> None:
    found = problems(redis_client=redis.Redis(), redis_host="a", redis_ssl=True, redis_username="u")
    assert {text.partition(":")[0] for text in found} == {"redis_client", "redis_ssl", "redis_username"}


def test_redis_that_comes_from_variables_that_are_not_set_is_none() -> None:
    """LiteLLM's page passes `os.getenv("REDIS_HOST")`."""
    assert settings(redis_host=None, redis_password=None, redis_port=None, redis_required=False).redis is None


def test_a_configuration_without_redis_does_not_import_it() -> None:
    code = (
        "import sys; from router.config import settings_from;"
        "settings_from([{'model_name': 'a', 'params': {'model': 'openai/a', 'api_key': 'k'}}]);"
        "print('redis' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
