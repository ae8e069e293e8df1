"""Many journeys under virtual time.

The real ledger and the real journeys run against a service that is only a function of time, so that ten minutes of
traffic take a second and every run with one seed is the same.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from router.configured import Deployment, HealthPolicy, Policy
from router.errors import APIError
from router.events import Event
from router.journey import Granted, journey
from router.ledger import Ledger
from router.steps import Journey, Send, Tell, Wait
from router.stores.memory import MemoryStore
from router.values import Call, Failure, Lease, Reply
from strategies import Strategy
from strategies.least_loaded import LeastLoaded

Service = Callable[[float, Lease], tuple[float, Reply | Failure]]
"""What a deployment does with an attempt at a moment: seconds until the result, and the result."""


@dataclass
class Outcome:
    """One call's end."""

    started: float
    ended: float
    result: Granted | APIError

    @property
    def ok(self) -> bool:
        return isinstance(self.result, Granted)


@dataclass
class World:
    """A fleet, a service, a clock and what happened."""

    deployments: list[Deployment]
    service: Service
    strategy: Strategy = field(default_factory=LeastLoaded)
    policy: Policy = field(default_factory=Policy)
    health: HealthPolicy = field(default_factory=HealthPolicy)
    seed: int = 1
    now: float = 1000.0
    outcomes: list[Outcome] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    results: list[tuple[float, str, int | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = 0
        self.rng = Random(self.seed)
        self.ledger = Ledger(self.deployments, self.strategy, Random(self.seed + 1), self.health)
        self.store = MemoryStore(self.ledger, self.events.append, clock=lambda: self.now)

    def at(self, when: float, deed: Callable[[], None]) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (when, self._serial, deed))

    def start(self, when: float, call: Call, store: MemoryStore | None = None) -> None:
        """Start a call's journey at a moment, in the world's own store or in another replica's."""

        def begin() -> None:
            trip = journey(call, self.policy, self.rng)
            self._go_on(trip, self.now, None, store or self.store)

        self.at(when, begin)

    def run(self, until: float) -> None:
        """Let time pass."""
        while self._heap and self._heap[0][0] <= until:
            when, _, deed = heapq.heappop(self._heap)
            self.now = max(self.now, when)
            deed()
        self.now = max(self.now, until)

    def call(self, tokens: int = 100, group: str = "g", **options: Any) -> Outcome:
        """One call by itself, to its end."""
        before = len(self.outcomes)
        self.start(self.now, Call("chat.completions", group, {"messages": []}, tokens, **options))
        while len(self.outcomes) == before:
            when, _, deed = heapq.heappop(self._heap)
            self.now = max(self.now, when)
            deed()
        return self.outcomes[-1]

    def _go_on(self, trip: Journey[Granted], started: float, answer: Any, store: MemoryStore) -> None:
        while True:
            try:
                step = trip.send(answer)
            except StopIteration as stop:
                self.outcomes.append(Outcome(started, self.now, stop.value))
                return
            except APIError as error:
                self.outcomes.append(Outcome(started, self.now, error))
                return
            if isinstance(step, Send):
                self._send(trip, started, step, store)
                return
            if isinstance(step, Wait):
                self._wait(trip, started, step, store)
                return
            if isinstance(step, Tell):
                self.events.append(step.event)
                answer = None
            else:
                answer = store.apply(step)  # type: ignore[arg-type]

    def _send(self, trip: Journey[Granted], started: float, step: Send, store: MemoryStore) -> None:
        name = step.lease.deployment.id
        self.sent[name] += 1
        seconds, result = self.service(self.now, step.lease)
        self.results.append((self.now, name, result.status))
        if seconds > step.timeout:
            from router.values import Kind

            seconds, result = step.timeout, Failure(Kind.TIMEOUT, "no answer")
        result.seconds = seconds
        self.at(self.now + seconds, lambda: self._go_on(trip, started, result, store))

    def _wait(self, trip: Journey[Granted], started: float, step: Wait, store: MemoryStore) -> None:
        slept_at = self.now
        done = False

        def wake() -> None:
            nonlocal done
            if not done:
                done = True
                if step.ticket is not None:
                    step.ticket.bell = None
                self._go_on(trip, started, self.now - slept_at, store)

        if step.ticket is not None:
            if step.ticket.rung:
                self.at(self.now, wake)
                return
            step.ticket.bell = lambda: self.at(self.now, wake)
        self.at(self.now + step.seconds, wake)
