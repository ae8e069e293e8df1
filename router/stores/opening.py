"""Which store does a configuration ask for?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from router.charge import ChargePolicy
from router.configured import Deployment, HealthPolicy
from router.errors import ConfigError
from router.events import Event
from router.ledger import Ledger
from strategies import Strategy

from .memory import MemoryStore
from .reach.settings import RedisSettings


def open_store(
    redis: RedisSettings | None,
    deployments: Iterable[Deployment],
    strategy: Strategy,
    rng: Random,
    health: HealthPolicy,
    charge: ChargePolicy,
    tell: Callable[[Event], None],
) -> MemoryStore:
    """A store of its own for this process, or one that shares limits through Redis.

    Args:
        redis: None: limits hold per process.
        deployments, strategy, rng, health, charge: of the ledger.
        tell: gets every event.

    Raises:
        ConfigError: Redis is required and does not answer.
    """
    if redis is None:
        return MemoryStore(Ledger(deployments, strategy, rng, health, charge), tell)
    # Only whoever configured Redis pays for importing it.
    from router.shared.ledger import SharedLedger

    from .reach.client import ScriptClient
    from .reach.configured import access
    from .reach.reasons import StoreUnavailable
    from .redis import RedisStore

    client = ScriptClient(access(redis), redis.timeout)
    if redis.required:
        try:
            client.ping()
        except StoreUnavailable as error:
            client.close()
            raise ConfigError(
                f"redis_required: {error}.  Start it, correct how it is reached, or leave `redis_required` out to begin"
                " with a share of each limit."
            ) from None
    ledger = SharedLedger(
        deployments,
        strategy,
        rng,
        health,
        charge,
        on_failure=redis.on_failure,
        expected=redis.replicas,
        leases=redis.leases,
    )
    return RedisStore(ledger, client, tell, prefix=redis.prefix)
