"""What is said about Redis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from router.shared.on_failure import OnStoreFailure


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """Where Redis is and how it is used.  One of `url`, `host`, `client`, `sentinels` and `startup_nodes` is set."""

    url: str | None = field(default=None, repr=False)
    """`redis://`, `rediss://` or `unix://`.  May hold a password."""
    host: str | None = None
    port: int = 6379
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    db: int | None = None
    ssl: bool | None = None
    """None: as `url` says, else no."""
    ssl_ca_certs: str | None = None
    """A file of authorities; None: those of the system."""
    ssl_check_hostname: bool = True
    credential_provider: Any = field(default=None, repr=False)
    """An object with `get_credentials()`, such as redis-entraid's."""
    client: Any = field(default=None, repr=False)
    """A client of redis-py, whose connection settings are used."""
    sentinels: tuple[tuple[str, int], ...] = ()
    service_name: str | None = None
    """The name under which the sentinels know the primary."""
    sentinel_username: str | None = field(default=None, repr=False)
    sentinel_password: str | None = field(default=None, repr=False)
    startup_nodes: tuple[tuple[str, int], ...] = ()
    """Some servers of a cluster."""
    cluster: bool = False
    """Whether `url` or `host` is a server of a cluster."""
    prefix: str = "azure-router"
    """Of every key."""
    timeout: float = 0.25
    """Seconds that a call waits for Redis at most."""
    on_failure: OnStoreFailure = OnStoreFailure.SHARE
    replicas: int | None = None
    """How many are expected, until Redis has told how many there are."""
    leases: bool = True
    """Whether a busy replica may take a part of a limit in advance, for a second."""
    required: bool = False
    """Refuse to start without it."""
