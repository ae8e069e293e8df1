"""Where is Redis, and how is it used?"""

from __future__ import annotations

from typing import Any

from router.shared.on_failure import OnStoreFailure
from router.stores.reach.settings import RedisSettings

from .problems import Problems
from .redis_models import CacheKwargs, RedisOptions

_PLACES = ("redis_url", "redis_host", "redis_client", "redis_sentinels", "redis_startup_nodes")
_SAME = {"sentinel_nodes": "redis_sentinels", "namespace": "redis_prefix"}
"""LiteLLM's names in `cache_kwargs` that are not ours without `redis_`."""
_BESIDE = {
    "redis_port": ("redis_host",),
    "redis_ssl": ("redis_url", "redis_host", "redis_sentinels", "redis_startup_nodes"),
    "redis_cluster": ("redis_url", "redis_host"),
    "redis_service_name": ("redis_sentinels",),
    "redis_sentinel_username": ("redis_sentinels",),
    "redis_sentinel_password": ("redis_sentinels",),
}
"""What makes no sense without one of these."""
_OF_CONNECTIONS = frozenset(
    "redis_port redis_username redis_password redis_db redis_ssl redis_ssl_ca_certs redis_ssl_check_hostname"
    " redis_credential_provider redis_cluster".split()
)
"""What a client that is handed in says itself."""


def redis_settings(options: RedisOptions, problems: Problems) -> RedisSettings | None:
    """What is said about Redis; None if nothing is."""
    said = _said(options, problems)
    if not said or said == {"redis_required": False}:
        return None
    before = len(problems)
    _check(said, problems)
    if len(problems) != before:
        return None
    known = {key.removeprefix("redis_"): value for key, value in said.items()}
    leases, on_failure = known.pop("leases", "auto"), known.pop("on_store_failure", "share")
    made = RedisSettings(**known, leases=leases == "auto", on_failure=OnStoreFailure(on_failure))
    _try(made, said, problems)
    return made


def _said(options: RedisOptions, problems: Problems) -> dict[str, Any]:
    """Keys and values, those of `cache_kwargs` under our names."""
    said = {key: getattr(options, key) for key in RedisOptions.model_fields if key != "cache_kwargs"}
    for theirs in CacheKwargs.model_fields if options.cache_kwargs is not None else ():
        value, key = getattr(options.cache_kwargs, theirs), _SAME.get(theirs, f"redis_{theirs}")
        if value is not None and said[key] is not None:
            problems.add(("cache_kwargs", theirs), f"means the same as {key}; remove one of them")
        elif value is not None:
            said[key] = value
    return {key: value for key, value in said.items() if value is not None}


def _check(said: dict[str, Any], problems: Problems) -> None:
    places = [key for key in _PLACES if key in said]
    if not places:
        problems.add((next(iter(said)),), "needs redis_url or redis_host beside it")
        return
    for other in places[1:]:
        problems.add((other,), f"stands beside {places[0]}; remove one of them")
    for key, needed in _BESIDE.items():
        if key in said and not said.keys() & set(needed) and "redis_client" not in said:
            problems.add((key,), f"has no meaning without {' or '.join(needed)}; remove it")
    if "redis_client" in said:
        for key in said.keys() & (_OF_CONNECTIONS | _BESIDE.keys()):
            problems.add((key,), "stands beside redis_client, which says it itself; remove one of them")
    if "redis_sentinels" in said and "redis_service_name" not in said:
        problems.add(("redis_sentinels",), "needs redis_service_name beside it")


def _try(made: RedisSettings, said: dict[str, Any], problems: Problems) -> None:
    """Make everything that a connection needs, but the connection."""
    from router.stores.reach.configured import access  # imports redis, which nobody pays for who has none

    try:
        access(made)
    except ValueError as error:
        key, _, text = str(error).partition(": ")
        problems.add((key,), text)
