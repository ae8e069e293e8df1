"""Which keys are there about Redis?"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import PlainValidator

from .fields import (
    Count,
    CredentialSource,
    Flag,
    Limit,
    Name,
    Port,
    Prefix,
    RedisClient,
    Servers,
    Shown,
    StoreTimeout,
    Text,
    one_of,
)
from .shape import Shape, about


class CacheKwargs(Shape):
    """`cache_kwargs`: where LiteLLM has those settings of Redis that are no keywords of its own."""

    section = "cache_kwargs"
    url: Text = about("As `redis_url`.")
    host: Text = about("As `redis_host`.")
    port: Port = about("As `redis_port`.")
    username: Text = about("As `redis_username`.")
    password: Text = about("As `redis_password`.")
    db: Count = about("As `redis_db`.")
    ssl: Flag = about("As `redis_ssl`.")
    ssl_ca_certs: Text = about("As `redis_ssl_ca_certs`.")
    ssl_check_hostname: Flag = about("As `redis_ssl_check_hostname`.")
    credential_provider: CredentialSource = about("As `redis_credential_provider`.")
    sentinel_nodes: Servers = about("As `redis_sentinels`.")
    service_name: Name = about("As `redis_service_name`.")
    sentinel_password: Text = about("As `redis_sentinel_password`.")
    startup_nodes: Servers = about("As `redis_startup_nodes`.")
    namespace: Prefix = about("As `redis_prefix`.")


class RedisOptions(Shape):
    """Further keywords, for limits that hold for all replicas together: where Redis is, and how it is used."""

    section = "router_settings"
    nested: ClassVar[dict[str, type[Shape]]] = {"cache_kwargs": CacheKwargs}
    redis_url: Text = about(
        "Where the limits are kept for all replicas: `redis://…`, `rediss://…` (TLS) or `unix://…`; see docs/redis.md."
    )
    redis_host: Text = about("Instead of `redis_url`.")
    redis_port: Port = about("Default 6379.")
    redis_username: Text = about("The user.")
    redis_password: Text = about("The password, as it is; in `redis_url` it must be percent-encoded.")
    redis_db: Count = about("The number of the database.  Default 0.")
    redis_ssl: Flag = about("TLS.  Default: as `redis_url` says, else false.")
    redis_ssl_ca_certs: Text = about("A file of certificate authorities.  Default: those of the system.")
    redis_ssl_check_hostname: Flag = about(
        "Whether the certificate must be made out to the name that was connected to.  Default true; a cluster whose"
        " servers give their addresses as numbers may need false."
    )
    redis_credential_provider: CredentialSource = about(
        "An object with `get_credentials()` instead of a user and a password, such as redis-entraid's for Azure Managed"
        " Redis."
    )
    redis_client: RedisClient = about(
        "A client of redis-py (blocking, asyncio, Sentinel's or a cluster's) instead of all the above: its servers,"
        " credentials and TLS are used, its retries and timeouts are not."
    )
    redis_sentinels: Servers = about(
        "The sentinels, instead of `redis_url`: `[host:26379, …]`; they say which server is the primary."
    )
    redis_service_name: Name = about("The name under which the sentinels know it.")
    redis_sentinel_username: Text = about("The user of the sentinels.")
    redis_sentinel_password: Text = about("The password of the sentinels.")
    redis_startup_nodes: Servers = about("Some servers of a Redis Cluster, instead of `redis_url`.")
    redis_cluster: Flag = about("Whether `redis_url` or `redis_host` is a server of a Redis Cluster.  Default false.")
    redis_prefix: Prefix = about("With what every key begins.  Default `azure-router`.")
    redis_timeout: StoreTimeout = about("Seconds that a call waits for Redis at most.  Default 0.25.")
    redis_required: Flag = about("Refuse to start without Redis; cannot be granted in this version.")
    redis_replicas: Limit = about("How many replicas there are, for as long as Redis has not told it.")
    redis_leases: Annotated[str | None, PlainValidator(one_of("auto", "off")), Shown("auto or off")] = about(
        "Whether a busy replica may take a part of a limit in advance, for a second, and so ask Redis less often."
        "  Default `auto`."
    )
    on_store_failure: Annotated[
        str | None, PlainValidator(one_of("share", "strict", "open")), Shown("share, strict or open")
    ] = about(
        "While Redis cannot be asked: each replica keeps to its share of every limit (`share`, default), nothing that"
        " has a limit is sent (`strict`), or each replica uses the whole limit (`open`)."
    )
    cache_kwargs: CacheKwargs | None = about("LiteLLM's further settings of Redis.")
