"""The door: a router of many deployments behind one `completion()`.

Everything is wired here; what can be asked stands in `surface/`.  A question becomes a `Call`, its journey is run
with the driver of the caller's world, the reply is handed over.  Blocking methods need no event loop and work inside a
running one (they block it, as any blocking call does); the `a…` methods work on asyncio and on trio.  One router may
serve many threads and event loops at once, and survives a fork.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from .azure.transport import AzureTransport
from .billing import bill_for
from .calls import CallMaker
from .drivers import adrive, drive
from .errors import RouterClosed
from .events import Listener
from .fitness import Fitness
from .journey import Granted, journey
from .listeners import Listeners, log
from .question import Question
from .status import DeploymentStatus, fleet
from .steps import Journey
from .stores.opening import open_store
from .streams import AsyncStream, Stream
from .surface import Surface
from .values import Call

if TYPE_CHECKING:
    from .config import Settings


class Router(Surface):
    """Spreads calls over the deployments of a `model_list`.

    Args:
        model_list: deployments as LiteLLM spells them: `model_name`, `litellm_params` (or `params`), `tpm`, `rpm`,
            `model_info`; see docs/configuration.md.
        listeners: callables that get every event (`router.events`).
        client: an `httpx2.Client` (or `httpx.Client`) for blocking calls, instead of our own; not closed by us.
        async_client: an `httpx2.AsyncClient` (or `httpx.AsyncClient`) for awaiting calls; not closed by us.
        seed: of the routing dice; None for a different run each time.
        settings: every other keyword of docs/configuration.md (`routing_strategy`, `num_retries`, `timeout`, …).

    Raises:
        ConfigError: listing every mistake of the configuration with its place.
    """

    def __init__(
        self,
        model_list: Iterable[Mapping[str, Any]] | None = None,
        *,
        listeners: Iterable[Listener] = (),
        client: Any = None,
        async_client: Any = None,
        seed: int | None = None,
        **settings: Any,
    ) -> None:
        from .config import settings_from  # pydantic and YAML are imported when a router is made, not before

        self._wire(settings_from(list(model_list or ()), **settings), listeners, client, async_client, seed)

    @classmethod
    def from_config(
        cls,
        path: str | Path,
        *,
        listeners: Iterable[Listener] = (),
        client: Any = None,
        async_client: Any = None,
        seed: int | None = None,
    ) -> Self:
        """A router from a YAML file in LiteLLM's shape (`model_list`, `router_settings`, `litellm_settings`, …).

        Raises:
            ConfigError: listing every mistake with its file, line and column.
        """
        from .config import settings_from_file

        router = cls.__new__(cls)
        router._wire(settings_from_file(path), listeners, client, async_client, seed)
        return router

    def _wire(
        self, settings: Settings, listeners: Iterable[Listener], client: Any, async_client: Any, seed: int | None
    ) -> None:
        from .replies import reply_of  # pydantic's models take their time to build, so they wait for a router

        self._as_reply = reply_of
        self._settings = settings
        self._rng = Random(seed)
        self._listeners = Listeners(listeners)
        dice = Random(self._rng.random())
        self._store = open_store(
            settings.redis, settings.deployments, settings.strategy, dice, settings.health, settings.charge,
            self._listeners.tell,
        )  # fmt: skip
        ledger = self._store.ledger
        self._transport = AzureTransport(client=client, async_client=async_client)
        self._calls = CallMaker(settings, self._store)
        self._owners = self._calls.owners
        self._fitness = Fitness(lambda group: [a.deployment for a in ledger.groups[group].accounts])
        self._places = self._calls.places
        self._closed = False

    def __repr__(self) -> str:
        groups = len(self._store.ledger.groups)
        deployments = len(self._store.ledger.accounts)
        state = ", closed" if self._closed else ""
        return f"<Router: {deployments} deployments in {groups} groups, {self._transport!r}{state}>"

    # ---- looking on, closing -------------------------------------------------------------------------------

    def status(self) -> list[DeploymentStatus]:
        """Every deployment now: its state and why, since when, its room, its next opening, and its totals."""
        return cast("list[DeploymentStatus]", self._store.look(fleet))

    @property
    def questions(self) -> int:
        """How often Redis was asked so far; 0 where limits hold per process."""
        return self._store.questions

    def models(self) -> list[str]:
        """The names that callers may ask for: groups and aliases, hidden ones left out."""
        return self._calls.names()

    def close(self) -> None:
        """Close the connections of blocking calls.  Idempotent; later calls raise `RouterClosed`."""
        self._closed = True
        self._transport.close()
        self._store.close()

    async def aclose(self) -> None:
        """Close the connections of this event loop and of blocking calls.  Idempotent."""
        self._closed = True
        self._transport.close()
        await self._transport.aclose()
        await self._store.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.aclose()

    # ---- the doors that `surface/` goes through ---------------------------------------------------------------

    def _ask(self, question: Question) -> Any:
        call, trip = self._begun(question)
        granted = drive(trip, self._store, self._transport, self._listeners.tell)
        if call.stream:
            return Stream(granted, self._store, _gap(granted), question.mend)
        return self._whole(granted, question)

    async def _aask(self, question: Question) -> Any:
        call, trip = self._begun(question)
        granted = await adrive(trip, self._store, self._transport, self._listeners.tell)
        if call.stream:
            return AsyncStream(granted, self._store, _gap(granted), question.mend)
        return self._whole(granted, question)

    def _begun(self, question: Question) -> tuple[Call, Journey[Granted]]:
        if self._closed:
            raise RouterClosed("this router was closed; make a new one")
        call, policy = self._calls.make(question)
        call.watched = self._listeners.watch_attempts
        return call, journey(call, policy, self._rng, self._calls.resolve, self._fitness.unfit_for)

    def _whole(self, granted: Granted, question: Question) -> Any:
        reply = granted.reply
        if reply.usage_is_nonsense:
            log.warning("%s stated a usage that cannot be true; the estimate is charged", granted.lease.deployment.id)
        if question.mend is not None and isinstance(reply.body, dict):
            reply.body = question.mend(reply.body, granted.lease.deployment.id)
        granted.routing.bill = bill_for(
            granted.lease.call, granted.lease.deployment, reply.body, reply.usage, reply.headers, seconds=reply.seconds
        )
        return self._as_reply(question.operation, reply, granted.routing)


def _gap(granted: Granted) -> float:
    """Seconds that may pass between two events of a stream: the call's, else the deployment's, else the whole time."""
    lease = granted.lease
    for seconds in (lease.call.stream_timeout, lease.deployment.stream_timeout):
        if seconds is not None:
            return seconds
    return lease.call.timeout
