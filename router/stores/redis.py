"""The ledger of one replica, with its limits kept in Redis together with all the others'.

Behind the same door as `memory.py`: a step is carried out under a lock that is never held across a wait.  Where the
ledger must ask (`router.shared.inquiry`), the question goes out between two such moments, as one call of one script.
A call waits for Redis at most once, for at most its timeout, and only before it is sent; nothing waits for Redis after
a reply.  What found no call to ride on, and the question whether Redis is back, are one background thread's business.

Redis holds numbers only, under `<prefix>:{<group>}:…`: see docs/redis.md.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from urllib.parse import quote

import anyio.to_thread

from router.events import Event
from router.shared.inquiry import Inquiry, arguments, read
from router.shared.ledger import SharedLedger
from router.steps import StoreStep

from .errands import Errands
from .memory import MemoryStore
from .reach.reasons import StoreUnavailable
from .reach.script import Script

RESERVE = Script.named("reserve")


class Client(Protocol):
    """How Redis is reached (`router.stores.reach`).  Raises StoreUnavailable and nothing else of its own."""

    def call(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """Run a script, blocking."""
        ...

    async def acall(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """The same, awaiting."""
        ...

    def close(self) -> None:
        """Close what blocking calls have opened."""
        ...

    async def aclose(self) -> None:
        """Close what this event loop's calls have opened."""
        ...


class RedisStore(MemoryStore):
    """Keeps one replica's ledger and asks Redis for what is shared.

    Args:
        ledger: the fleet.
        client: how Redis is reached.
        tell: gets every event, outside the lock.
        clock: seconds, monotonic; injected in tests.
        prefix: of every key.
        redis_ms: the clock of Redis in milliseconds, for tests under virtual time; None: its own.
        background: run errands in a thread; without it, somebody calls `run_errands`.
    """

    waits = True

    def __init__(
        self,
        ledger: SharedLedger,
        client: Client,
        tell: Callable[[Event], None],
        clock: Callable[[], float] = time.monotonic,
        *,
        prefix: str = "azure-router",
        redis_ms: Callable[[], int] | None = None,
        background: bool = True,
    ) -> None:
        self.client = client
        self.prefix = prefix
        self._redis_ms = redis_ms or (lambda: 0)
        self.replica = _new_name()
        self._errands = Errands(self) if background else None
        self._closed = False
        super().__init__(ledger, tell, clock)
        self._shared = ledger

    def apply(self, step: StoreStep) -> Any:
        """Carry a step out, blocking, and return its answer."""
        answer = super().apply(step)
        while type(answer) is Inquiry:
            answer = self._ask(answer)
        self._look_for_errands(step)
        return answer

    async def aapply(self, step: StoreStep) -> Any:
        """The same, awaiting."""
        answer = super().apply(step)
        while type(answer) is Inquiry:
            answer = await self._aask(answer)
        self._look_for_errands(step)
        return answer

    def run_errands(self) -> float | None:
        """Ask what is due without a call.  Returns the seconds until there is more to do; None: not as things stand."""
        for inquiry in self._locked(lambda ledger, now: ledger.errands(now)):
            answer: Any = inquiry
            while type(answer) is Inquiry:
                answer = self._ask(answer)
        return self._locked(lambda ledger, now: _seconds(ledger.next_errand(now), now))  # type: ignore[no-any-return]

    def close(self) -> None:
        """Idempotent.  Tell what waits to be told, if Redis answers, and close the connections of blocking calls."""
        if self._closed:
            return
        self._closed = True
        if self._errands is not None:
            self._errands.stop()
        while inquiries := self._locked(lambda ledger, now: ledger.farewell(now)):
            for inquiry in inquiries:
                self._ask(inquiry)
        self.client.close()

    async def aclose(self) -> None:
        """The same without blocking the event loop, whose connections it closes as well."""
        await self.client.aclose()
        await anyio.to_thread.run_sync(self.close)

    # ---- inside --------------------------------------------------------------------------------------------

    def _ask(self, inquiry: Inquiry) -> Any:
        try:
            raw = self.client.call(RESERVE, *self._request(inquiry))
        except StoreUnavailable as error:
            return self._unanswered(inquiry, error.reason)
        except BaseException:
            self._locked(lambda ledger, _now: ledger.abandoned(inquiry))
            raise
        return self._answered(inquiry, raw)

    async def _aask(self, inquiry: Inquiry) -> Any:
        try:
            raw = await self.client.acall(RESERVE, *self._request(inquiry))
        except StoreUnavailable as error:
            return self._unanswered(inquiry, error.reason)
        except BaseException:
            self._locked(lambda ledger, _now: ledger.abandoned(inquiry))
            if inquiry.step is not None:
                self._look_for_errands(inquiry.step)
            raise
        return self._answered(inquiry, raw)

    def _request(self, inquiry: Inquiry) -> tuple[list[str], list[str | int]]:
        self.questions += 1
        home = f"{self.prefix}:{{{quote(inquiry.group, safe='')}}}"
        keys = [f"{home}:group"]
        keys += [f"{home}:{quote(account.deployment.id, safe='@')}" for account in inquiry.accounts()]
        return keys, arguments(inquiry, self.replica, self.clock(), self._redis_ms())

    def _answered(self, inquiry: Inquiry, raw: list[int]) -> Any:
        try:
            answer = read(inquiry, raw)
        except ValueError:
            return self._unanswered(inquiry, "protocol")
        return self._locked(lambda ledger, now: ledger.answered(inquiry, answer, now))

    def _unanswered(self, inquiry: Inquiry, reason: str) -> Any:
        return self._locked(lambda ledger, now: ledger.unanswered(inquiry, reason, now))

    def _locked(self, deed: Callable[[SharedLedger, float], Any]) -> Any:
        """Do something with the ledger under the lock, and tell its events outside it."""
        with self._lock:
            now = self.clock()
            self._catch_up(now)
            result = deed(self._shared, now)
            events = self._shared.take_events()
        self._tell_all(events, result)
        return result

    def _nobody_gets(self, answer: Any) -> None:
        if isinstance(answer, Inquiry):
            self._locked(lambda ledger, _now: ledger.abandoned(answer))
        else:
            super()._nobody_gets(answer)

    def _catch_up(self, now: float) -> None:
        late = list(self._later)
        super()._catch_up(now)
        for step in late:
            self._look_for_errands(step)

    def _look_for_errands(self, step: StoreStep) -> None:
        """Only the step's own group can have something new to do: a fleet of many groups costs no more."""
        if self._errands is not None:
            when = self._shared.link_of(step).next_errand(0.0)
            if when is not None:
                self._errands.due(when)

    def forked(self) -> None:
        """The same; it is another replica, too."""
        super().forked()
        self.replica = _new_name()
        if self._errands is not None:
            self._errands = Errands(self)


def _new_name() -> str:
    return f"{os.getpid()}-{secrets.token_hex(4)}"


def _seconds(when: float | None, now: float) -> float | None:
    return None if when is None else max(0.0, when - now)
