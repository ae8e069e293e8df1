"""What follows from the settings for a connection, and what cannot be meant?"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import redis
from redis.connection import parse_url

from .access import OURS, WHERE, Access, Address, Kind, accepted
from .handed_in import access_of
from .settings import RedisSettings

_UNREADABLE = (
    "redis_url: is no redis://, rediss:// or unix:// address that can be read; write the characters @ : / # ? % of a"
    " password as %40 %3A %2F %23 %3F %25, or give redis_host and redis_password"
)


def access(settings: RedisSettings) -> Access:
    """How Redis is reached.

    Raises:
        ValueError: the settings cannot be meant; the text begins with the name of a key and shows no value of it.
    """
    if settings.client is not None:
        return access_of(settings.client)
    told = _of_url(settings.url) if settings.url is not None else {}
    connection = _connection(settings, told.pop("connection_class", redis.Connection))
    db = told.pop("db", 0)
    path, host, port = told.pop("path", None), told.pop("host", settings.host), told.pop("port", settings.port)
    nodes: tuple[Address, ...] = settings.sentinels or settings.startup_nodes
    if not nodes:
        nodes = ((path, 0),) if path else ((host or "localhost", port),)
    if settings.sentinels:
        kind = Kind.SENTINEL
    else:
        kind = Kind.CLUSTER if settings.cluster or settings.startup_nodes else Kind.ONE
    db = db if settings.db is None else settings.db
    if kind is Kind.CLUSTER and path:
        raise ValueError("redis_cluster: cannot be reached through a socket file")
    if kind is Kind.CLUSTER and db:
        raise ValueError("redis_db: a cluster has only the database 0; remove it")
    tls = _tls(settings, connection)
    own = _credentials(settings.username, settings.password, settings.credential_provider)
    for key in own.keys() & {"username", "password", "credential_provider"}:
        if told.keys() & ({"username", "password"} if key == "credential_provider" else {key}):
            raise ValueError(f"redis_{key}: redis_url has the same already; remove one of them")
    options = {**tls, **told, **own, **({"db": db} if db else {})}
    secret = _credentials(settings.sentinel_username, settings.sentinel_password, None)
    return Access(kind, nodes, connection, settings.service_name or "", options, {**tls, **secret})


def _connection(settings: RedisSettings, found: type[Any]) -> type[Any]:
    if settings.ssl is False and found is redis.SSLConnection:
        raise ValueError("redis_ssl: is off, but redis_url says rediss://; remove one of them")
    if settings.ssl and found is redis.UnixDomainSocketConnection:
        raise ValueError("redis_ssl: a socket file is not encrypted; remove it")
    return redis.SSLConnection if settings.ssl else found


def _tls(settings: RedisSettings, connection: type[Any]) -> dict[str, Any]:
    if connection is not redis.SSLConnection:
        if settings.ssl_ca_certs:
            raise ValueError("redis_ssl_ca_certs: there is no TLS; set redis_ssl, or write rediss:// in redis_url")
        return {}
    authorities = {"ssl_ca_certs": settings.ssl_ca_certs} if settings.ssl_ca_certs else {}
    return {"ssl_check_hostname": settings.ssl_check_hostname, **authorities}


def _credentials(username: str | None, password: str | None, provider: Any) -> dict[str, Any]:
    if provider is None:
        return {key: value for key, value in (("username", username), ("password", password)) if value}
    if username is not None or password is not None:
        raise ValueError("redis_credential_provider: stands beside a user name or password; remove one of them")
    if not callable(getattr(provider, "get_credentials", None)):
        raise ValueError("redis_credential_provider: must have get_credentials(), such as redis-entraid's")
    return {"credential_provider": provider}


def _of_url(url: str) -> dict[str, Any]:
    """redis-py's reading of it, after a look at what it would take for something else."""
    try:
        parts = urlsplit(url)
        sound = parts.path if parts.scheme == "unix" else parts.hostname and parts.port != 0
    except ValueError:
        raise ValueError(_UNREADABLE) from None
    if not sound or parts.fragment or parts.scheme not in ("redis", "rediss", "unix"):
        raise ValueError(_UNREADABLE)
    if parts.scheme != "unix" and parts.path.strip("/") and not parts.path.strip("/").isdecimal():
        raise ValueError("redis_url: what follows the last / must be the number of a database")
    try:
        told: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError:
        raise ValueError("redis_url: has an option after its ? whose value cannot be read") from None
    known = accepted(told.get("connection_class", redis.Connection))
    if told.keys() - known.keys() - WHERE - OURS:
        raise ValueError("redis_url: has options after its ? that a connection does not know")
    return {key: value for key, value in told.items() if key not in OURS}
