"""What runs behind the door: everything that a router is made of, wired.

A question becomes a `Call`, its journey is run with the driver of the caller's world, the reply is handed over.
`router.py` imports this file when the first router is made, so that `import router` stays quick.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .azure.transport import AzureTransport
from .billing import bill_for
from .calls import CallMaker
from .drivers import adrive, drive
from .errors import RouterClosed
from .events import Listener
from .fitness import Fitness
from .forks import Dice
from .journey import Granted, journey
from .listeners import Listeners, log
from .question import Mend, Question
from .replies import reply_of
from .status import DeploymentStatus, fleet
from .steps import Journey
from .stores.opening import open_store
from .streams import AsyncStream, Stream
from .values import Call

if TYPE_CHECKING:
    from .config import Settings


class Works:
    """The parts of one router, and the way of a question through them.

    Args:
        settings: as configured.
        listeners, client, async_client, seed: see `router.router.Router`.
    """

    def __init__(
        self, settings: Settings, listeners: Iterable[Listener], client: Any, async_client: Any, seed: int | None
    ) -> None:
        self.settings = settings
        self.rng = Dice(seed)
        self.listeners = Listeners(listeners)
        dice = Dice(None if seed is None else self.rng.random())
        self.store = open_store(
            settings.redis, settings.deployments, settings.strategy, dice, settings.health, settings.charge,
            self.listeners.tell,
        )  # fmt: skip
        self.transport = AzureTransport(client=client, async_client=async_client)
        self.calls = CallMaker(settings, self.store)
        self.fitness = Fitness(self.store.ledger.deployments_of)
        self.closed = False
        # Bound once: every call hands them on, and the collector would walk three objects more for each.
        self._resolve, self._unfit_for, self._tell = self.calls.resolve, self.fitness.unfit_for, self.listeners.tell
        self._tokens_for = self.calls.estimates.tokens_for

    def __repr__(self) -> str:
        ledger = self.store.ledger
        state = ", closed" if self.closed else ""
        return f"{len(ledger.accounts)} deployments in {len(ledger.groups)} groups, {self.transport!r}{state}"

    def ask(self, question: Question) -> Any:
        """Carry a question out, blocking: a reply, or a `Stream` where it streams."""
        call, trip = self._begun(question)
        granted = drive(trip, self.store, self.transport, self._tell)
        if call.stream:
            return Stream(granted, self.store, _gap(granted), question.mend)
        return self._whole(granted, question.mend)

    async def aask(self, question: Question) -> Any:
        """The same, awaiting: a reply, or an `AsyncStream`."""
        call, trip = self._begun(question)
        mend = question.mend
        del question  # what waits with hundreds of calls, Python's collector walks again and again
        granted = await adrive(trip, self.store, self.transport, self._tell)
        if call.stream:
            return AsyncStream(granted, self.store, _gap(granted), mend)
        return self._whole(granted, mend)

    def status(self) -> list[DeploymentStatus]:
        """Every deployment now."""
        return self.store.look(fleet)  # type: ignore[no-any-return]

    def close(self) -> None:
        """Close what blocking calls have opened; later calls raise `RouterClosed`.  Idempotent."""
        self.closed = True
        self.transport.close()
        self.store.close()

    async def aclose(self) -> None:
        """Close that and what this event loop's calls have opened.  Idempotent."""
        self.closed = True
        self.transport.close()
        await self.transport.aclose()
        await self.store.aclose()

    def _begun(self, question: Question) -> tuple[Call, Journey[Granted]]:
        if self.closed:
            raise RouterClosed("this router was closed; make a new one")
        call, policy = self.calls.make(question)
        call.watched = self.listeners.watch_attempts
        return call, journey(call, policy, self.rng, self._resolve, self._unfit_for, self._tokens_for)

    def _whole(self, granted: Granted, mend: Mend | None) -> Any:
        reply = granted.reply
        if reply.usage_is_nonsense:
            log.warning("%s stated a usage that cannot be true; the estimate is charged", granted.lease.deployment.id)
        if mend is not None and isinstance(reply.body, dict):
            reply.body = mend(reply.body, granted.lease.deployment.id)
        granted.routing.bill = bill_for(
            granted.lease.call, granted.lease.deployment, reply.body, reply.usage, reply.headers, seconds=reply.seconds
        )
        return reply_of(granted.lease.call.operation, reply, granted.routing)


def _gap(granted: Granted) -> float:
    """Seconds that may pass between two events of a stream: the call's, else the deployment's, else the whole time."""
    lease = granted.lease
    for seconds in (lease.call.stream_timeout, lease.deployment.stream_timeout):
        if seconds is not None:
            return seconds
    return lease.call.timeout
