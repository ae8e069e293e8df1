"""The heart of the emulator: a request and a moment in, a plan of what happens out.

No clock, no sockets, and no dice but the ones that it is given.  `server.py` carries plans out on real connections,
`in_process.py` without any.  It may be used from several threads: one lock guards everything.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from heapq import heappop, heappush
from random import Random
from typing import Any, NamedTuple

from . import auth, refusals
from .config import NO_LATENCY, EmulatedDeployment, EmulatorConfig, Latency
from .deployment import Running
from .dialects import error_body, speak
from .entra import Entra
from .exchange import Exchange
from .faults import Fault, FaultKind
from .forms import Body, parse_form
from .headers import gateway_headers
from .limiter import Charge
from .objects import models
from .objects.desk import HANDLERS, written
from .objects.request import Errand
from .operations import Call
from .pictures import PATH, picture_of
from .plan import Plan
from .refusals import Refusal
from .resources import Resources
from .routes import Route, route_of
from .spoil import spoil

LOG_LENGTH = 100_000
EPOCH = 1_790_000_000.0
"""What `now` 0 means on the calendar, unless said otherwise: the fall of 2026."""


class LogEntry(NamedTuple):
    """One request that named a deployment."""

    now: float
    deployment: str
    status: int
    """0: it ended below HTTP."""
    tokens: int
    """Charged; 0 if it was not admitted."""


class Emulator:
    """An Azure of several deployments.

    Args:
        config: which.
        rng: all dice; None: seeded from the configuration.
        epoch: seconds since 1970 at `now` 0, for `created` and the expiry of tokens.

    Attributes:
        deployments: by label: the name, or `resource/name` where a name is not unique.
        entra: the token endpoint.
        log: the last 100,000 requests.
        served: all requests, admitted or not.
    """

    def __init__(self, config: EmulatorConfig, rng: Random | None = None, *, epoch: float = EPOCH) -> None:
        self.config = config
        self.epoch = epoch
        self.rng = rng if rng is not None else Random(config.seed)
        self._lock = threading.RLock()
        self._now = float("-inf")
        self.reset()

    def reset(self) -> None:
        """Forget all use, faults, counters and changed limits.  The dice roll on."""
        with self._lock:
            self._resources = Resources(self.config, self.rng)
            self.deployments = self._resources.deployments
            self.entra = Entra(replace(self.config.entra))
            self.log: deque[LogEntry] = deque(maxlen=LOG_LENGTH)
            self.served = 0
            self._due: list[tuple[float, int, Running, tuple[Charge, Charge], float]] = []

    # ---- switches ------------------------------------------------------------------------------------------

    def set_fault(self, deployment: str, fault: Fault | None) -> None:
        """Switch a fault on, in place of what was on, or off with None.

        Args:
            deployment: a label, `resource/name`, `resource/*` for a whole resource, or `*`; `resource/` for its files,
                batches and other objects alone.
            fault: what goes wrong, and how often.

        Raises:
            KeyError: nothing is called so.
        """
        with self._lock:
            for running in self._resources.called(deployment):
                running.switch.set(fault)
            for switch in self._resources.switches(deployment):
                switch.set(fault)

    def clear_fault(self, deployment: str) -> None:
        """Switch the fault off.  Names and errors as in `set_fault`."""
        self.set_fault(deployment, None)

    def set_limit(self, deployment: str, tpm: int | None = None, rpm: int | None = None) -> None:
        """Change what a deployment really takes, from the next request on; None leaves a limit as it is.

        Raises:
            KeyError: nothing is called so.
            ValueError: a limit below 1.
        """
        if any(limit is not None and limit < 1 for limit in (tpm, rpm)):
            raise ValueError("tpm and rpm are 1 or more; to stop a deployment, give it a fault")
        with self._lock:
            for running in self._resources.called(deployment):
                running.admission.resize(max(self._now, 0.0), tpm, rpm)

    def status(self, now: float | None = None) -> dict[str, dict[str, Any]]:
        """Counters, limits and peaks of each deployment, as plain data, as of `now` (None: of the last request)."""
        with self._lock:
            if now is not None:
                self._now = max(now, self._now)
                self._settle_due(self._now)
            return {label: running.status(self._now) for label, running in self.deployments.items()}

    # ---- requests ------------------------------------------------------------------------------------------

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: Body, now: float) -> Plan:
        """What happens to a request.

        Args:
            method: of HTTP.
            target: path and query.
            headers: with lower-case names, or case-insensitive.
            body: as sent; large uploads may lie on disk.
            now: seconds on a clock that does not go back (if it does, it is taken to stand still).
        """
        with self._lock:
            self._now = now = max(now, self._now)
            self.served += 1
            self._settle_due(now)
            elsewhere = self._elsewhere(method, target, headers, body, now)
            if elsewhere is not None:
                return elsewhere
            route = route_of(target)
            if route is None or not route.allows(method):
                return self._refuse(refusals.not_found(), headers, route)
            if not route.version_known:
                return self._refuse(refusals.unknown_version(), headers, route)
            given = given_of(method, headers, body)
            running = self._resources.find(route, headers, given) if route.is_inference else None
            place = self._resources.place(route, headers)
            keys = self._resources.keys(place, running)
            stranger = auth.objection(headers, keys, self.config.tokens, self.epoch + now, route.dialect)
            if stranger is not None:
                return self._refuse(stranger, headers, route, running)
            if given is None:
                return self._refuse(refusals.unread(), headers, route)
            if not route.is_inference:
                return self._objects(method, route, place, headers, given, now)
            if running is None:
                return self._refuse(refusals.no_deployment(), headers, route)
            return self._exchange(running, route, place, headers, given, now)

    def _elsewhere(self, method: str, target: str, headers: Mapping[str, str], body: Body, now: float) -> Plan | None:
        """What is no API of models: tokens of Entra, and pictures that an answer gave the address of."""
        if method == "GET" and target.startswith(PATH):
            picture = picture_of(target.removeprefix(PATH))
            if picture is not None:
                return Plan(200, {"content-type": "image/png"}, picture)
        data = body if isinstance(body, bytes) else b""
        return self.entra.answer(method, target, headers, data, self.epoch + now, self.rng)

    def _objects(
        self, method: str, route: Route, place: str, headers: Mapping[str, str], given: dict[str, Any], now: float
    ) -> Plan:
        """What a resource keeps: no limit is charged."""

        def deployment(name: str) -> EmulatedDeployment | None:
            found = self._resources.at(place, name)
            return found.config if found is not None else None

        store, switch = self._resources.store(place), self._resources.switch(place)
        step, wall = self.config.step_s, self.epoch + now
        errand = Errand(method, route, given, store, now, wall, step, self.rng, deployment)
        delay = self.config.latency.error()
        front = gateway_headers(self.rng, headers)
        fault = switch.draw(self.rng, stream=False)
        if fault is not None and (fault.before_limiter or fault.kind is FaultKind.STATUS):
            refusal = refusals.busy() if fault.kind is FaultKind.BUSY else refusals.of_status(fault.status)
            return spoil(written(errand, refusal, front, delay), fault, self.rng)
        if route.operation == "models":
            handled = models.listed([d.model for d in self.config.deployments], errand)
        else:
            handled = HANDLERS[route.operation](errand)
        plan = written(errand, handled, front, delay)
        return spoil(plan, fault, self.rng) if fault is not None else plan

    def _exchange(
        self,
        running: Running,
        route: Route,
        place: str,
        headers: Mapping[str, str],
        given: dict[str, Any],
        now: float,
    ) -> Plan:
        call = Call(
            running.config,
            route,
            given,
            headers,
            self.rng,
            self.latency_of(running.config),
            self._resources.store(place),
            now,
            self.epoch + now,
            self.config.strict,
        )
        outcome = Exchange(running, call, self._settle_later).outcome()
        self.log.append(LogEntry(now, running.label, outcome.status, outcome.tokens))
        return outcome.plan

    def _refuse(
        self, refusal: Refusal, asked: Mapping[str, str], route: Route | None, running: Running | None = None
    ) -> Plan:
        """A plain refusal by the front door."""
        headers = {**gateway_headers(self.rng, asked), **refusal.headers}
        dialect = route.dialect if route is not None else "azure"
        speak(headers, dialect, self.rng)
        body = error_body(refusal, dialect, headers.get("request-id", ""))
        delay = self.latency_of(running.config).error() if running is not None else self.config.latency.error()
        return Plan(refusal.status, headers, body, delay, deployment=running.label if running is not None else "")

    def latency_of(self, d: EmulatedDeployment) -> Latency:
        """The deployment's latency, else the emulator's."""
        return d.latency if d.latency is not None else (self.config.latency or NO_LATENCY)

    def _settle_later(self, at: float, running: Running, ticket: tuple[Charge, Charge], tokens: float) -> None:
        """When `at` has come, correct a charge to what was really used."""
        heappush(self._due, (at, self.served, running, ticket, tokens))

    def _settle_due(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            at, _, running, ticket, tokens = heappop(self._due)
            running.admission.settle(at, ticket, tokens)


def given_of(method: str, headers: Mapping[str, str], body: Body) -> dict[str, Any] | None:
    """What a body says: a JSON object, or the fields and files of a form; None if it cannot be read."""
    if method != "POST" or not len(body):
        return {}
    kind = headers.get("content-type", "")
    try:
        value = parse_form(kind, body) if kind.startswith("multipart/") else json.loads(bytes(body))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
