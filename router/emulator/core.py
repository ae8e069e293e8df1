"""The heart of the emulator: a request and a moment in, a plan of what happens out.

No clock, no sockets, and no dice but the ones that it is given.  `server.py` carries plans out on real connections,
`in_process.py` without any.  It may be used from several threads: one lock guards everything.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping
from heapq import heappop, heappush
from random import Random
from typing import Any, NamedTuple

from . import auth, chat, checks, embeddings, refusals, replies
from .admission import Decision
from .config import NO_LATENCY, EmulatedDeployment, EmulatorConfig, Latency
from .deployment import Running
from .estimate import charge, provisioned_charge
from .faults import Fault, FaultKind
from .headers import EVENTS, gateway_headers, model_headers, rate_headers
from .limiter import Charge
from .plan import Chunk, Plan, Wire
from .refusals import Refusal
from .routes import Route, resource_of_host, route_of
from .spoil import spoil
from .throttles import throttled

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
            names = [d.name for d in self.config.deployments]
            self.deployments: dict[str, Running] = {}
            self._by_place: dict[tuple[str, str], Running] = {}
            self._by_name: dict[str, list[Running]] = {}
            for d in self.config.deployments:
                label = d.name if names.count(d.name) == 1 else f"{d.resource}/{d.name}"
                running = Running(d, label, self.rng)
                self.deployments[label] = running
                self._by_place[resource_label(d), d.name] = running
                self._by_name.setdefault(d.name, []).append(running)
            self._resources = {resource_label(d) for d in self.config.deployments}
            self.log: deque[LogEntry] = deque(maxlen=LOG_LENGTH)
            self.served = 0
            self._due: list[tuple[float, int, Running, tuple[Charge, Charge], float]] = []

    # ---- switches ------------------------------------------------------------------------------------------

    def set_fault(self, deployment: str, fault: Fault | None) -> None:
        """Switch a fault on, in place of what was on, or off with None.

        Args:
            deployment: a label, `resource/name`, `resource/*` for a whole resource, or `*`.
            fault: what goes wrong, and how often.

        Raises:
            KeyError: nothing is called so.
        """
        with self._lock:
            for running in self._called(deployment):
                running.switch.set(fault)

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
            for running in self._called(deployment):
                running.admission.resize(max(self._now, 0.0), tpm, rpm)

    def status(self, now: float | None = None) -> dict[str, dict[str, Any]]:
        """Counters, limits and peaks of each deployment, as plain data, as of `now` (None: of the last request)."""
        with self._lock:
            if now is not None:
                self._now = max(now, self._now)
                self._settle_due(self._now)
            return {label: running.status(self._now) for label, running in self.deployments.items()}

    def _called(self, name: str) -> list[Running]:
        if name == "*":
            return list(self.deployments.values())
        resource, _, rest = name.rpartition("/")
        found = [
            running
            for label, running in self.deployments.items()
            if label == name or (running.config.resource == resource and rest in ("*", running.config.name))
        ]
        if not found:
            raise KeyError(f"no deployment is called {name}; there are {', '.join(self.deployments)}")
        return found

    # ---- requests ------------------------------------------------------------------------------------------

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes, now: float) -> Plan:
        """What happens to a request.

        Args:
            method: of HTTP.
            target: path and query.
            headers: with lower-case names, or case-insensitive.
            body: as sent.
            now: seconds on a clock that does not go back (if it does, it is taken to stand still).
        """
        with self._lock:
            self._now = now = max(now, self._now)
            self.served += 1
            self._settle_due(now)
            route = route_of(target)
            if route is None or method != ("GET" if route.operation == "models" else "POST"):
                return self._refuse(refusals.not_found(), headers)
            given = _json(body) if route.operation != "models" else {}
            running = self._find(route, headers, given)
            keys = self.config.keys if running is None or running.config.keys is None else running.config.keys
            stranger = auth.objection(headers, keys, self.config.tokens, self.epoch + now)
            if stranger is not None:
                return self._refuse(stranger, headers, running)
            if route.operation == "models":
                return self._models(headers)
            if given is None:
                return self._refuse(refusals.invalid("We could not parse the JSON body of your request."), headers)
            if running is None:
                return self._refuse(refusals.no_deployment(), headers)
            return _Exchange(self, running, route, headers, given, now).plan()

    def _find(self, route: Route, headers: Mapping[str, str], given: dict[str, Any] | None) -> Running | None:
        name = route.deployment if route.deployment is not None else (given or {}).get("model")
        if not isinstance(name, str):
            return None
        resource = route.resource or resource_of_host(headers.get("host", ""))
        found = self._by_place.get((resource, name))
        if found is not None or (self.config.strict and (route.resource or resource in self._resources)):
            return found
        same = self._by_name.get(name, ())
        return same[0] if len(same) == 1 else None

    def _refuse(self, refusal: Refusal, asked: Mapping[str, str], running: Running | None = None) -> Plan:
        """A plain refusal by the front door."""
        headers = {**gateway_headers(self.rng, asked), **refusal.headers}
        delay = self.latency_of(running.config).error() if running is not None else self.config.latency.error()
        label = running.label if running is not None else ""
        return Plan(refusal.status, headers, replies.compact(refusal.payload()), delay, deployment=label)

    def _models(self, asked: Mapping[str, str]) -> Plan:
        models = dict.fromkeys(d.model for d in self.config.deployments)
        data = [{"id": m, "object": "model", "status": "succeeded", "created_at": int(EPOCH)} for m in models]
        body = replies.compact({"object": "list", "data": data})
        return Plan(200, gateway_headers(self.rng, asked), body, self.config.latency.error())

    def latency_of(self, d: EmulatedDeployment) -> Latency:
        """The deployment's latency, else the emulator's."""
        return d.latency if d.latency is not None else (self.config.latency or NO_LATENCY)

    def settle_later(self, at: float, running: Running, ticket: tuple[Charge, Charge], tokens: float) -> None:
        """When `at` has come, correct a charge to what was really used."""
        heappush(self._due, (at, self.served, running, ticket, tokens))

    def _settle_due(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            at, _, running, ticket, tokens = heappop(self._due)
            running.admission.settle(at, ticket, tokens)


class _Exchange:
    """One request to one deployment, on its way through the door, the limiter and the model."""

    __slots__ = ("asked", "body", "d", "emulator", "headers", "latency", "now", "route", "running", "tokens")

    def __init__(
        self,
        emulator: Emulator,
        running: Running,
        route: Route,
        asked: Mapping[str, str],
        body: dict[str, Any],
        now: float,
    ) -> None:
        self.emulator = emulator
        self.running = running
        self.d = running.config
        self.route = route
        self.body = body
        self.now = now
        self.tokens = 0
        self.latency = emulator.latency_of(self.d)
        self.headers = gateway_headers(emulator.rng, asked)

    def plan(self) -> Plan:
        """Go through, and keep the books."""
        rng, running = self.emulator.rng, self.running
        fault = running.switch.draw(rng, stream=bool(self.body.get("stream")))
        if fault is not None and fault.before_limiter:
            plan = spoil(self._faulty(fault), fault, rng)
        else:
            plan = self._admitted(fault)
        running.faulted += fault is not None
        plan.deployment = running.label
        status = plan.status if plan.wire in (Wire.CLEAN, Wire.CLOSE_AFTER) else 0
        if plan.status == 429:
            running.throttled += 1
        elif fault is not None or status != 200:
            running.failed += 1
        self.emulator.log.append(LogEntry(self.now, running.label, status, self.tokens))
        return plan

    def _admitted(self, fault: Fault | None) -> Plan:
        running, rng = self.running, self.emulator.rng
        cost = self._cost()
        decision = running.admission.decide(self.now, cost)
        if decision.reason != "admitted":
            return self._refusal(throttled(self.d, decision, self.route.operation, self.route.api_version))
        running.admitted += 1
        running.tokens += cost
        self.tokens = cost
        if fault is not None and fault.kind is FaultKind.STATUS:
            return spoil(self._faulty(fault), fault, rng)
        wrong = checks.objection(self.d, self.route.operation, self.body, strict=self.emulator.config.strict)
        plan = self._refusal(wrong) if wrong is not None else self._answer(decision, fault)
        return spoil(plan, fault, rng) if fault is not None else plan

    def _cost(self) -> int:
        is_embedding = self.route.operation == "embeddings"
        if self.d.limiter == "ptu":
            return provisioned_charge(self.body, embeddings=is_embedding, output_weight=self.d.output_weight)
        return charge(self.body, embeddings=is_embedding, profile=self.d.estimate)

    def _refusal(self, refusal: Refusal) -> Plan:
        rate_headers(self.headers, self.d, self.running.admission, self.now)
        if refusal.status == 400:
            model_headers(self.headers, self.d, self.emulator.rng, self.latency.error())
            self.headers["ms-azureml-model-error-reason"] = "model_error"
            self.headers["ms-azureml-model-error-statuscode"] = "400"
        self.headers.update(refusal.headers)
        return Plan(refusal.status, self.headers, replies.compact(refusal.payload()), self.latency.error())

    def _faulty(self, fault: Fault) -> Plan:
        """The answer that a fault asks for in place of any other."""
        refusal = refusals.busy() if fault.kind is FaultKind.BUSY else refusals.of_status(fault.status)
        if fault.kind is FaultKind.STATUS:
            rate_headers(self.headers, self.d, self.running.admission, self.now)
            if fault.retry_after_s is not None:
                self.headers["retry-after"] = str(max(1, round(fault.retry_after_s)))
                self.headers["retry-after-ms"] = str(round(fault.retry_after_s * 1000))
        self.headers.update(refusal.headers)
        body = fault.body.encode() if fault.body is not None else replies.compact(refusal.payload())
        return Plan(refusal.status, self.headers, body, self.latency.error())

    def _answer(self, decision: Decision, fault: Fault | None) -> Plan:
        if self.route.operation == "embeddings":
            whole = embeddings.reply(self.d, self.body)
            plan = Plan(200, self.headers, replies.compact(whole), self.latency.embedding(self.emulator.rng))
            used = float(whole["usage"]["prompt_tokens"])
        else:
            plan, used = self._chat(fault)
        if decision.ticket is not None and (self.d.release_unused or self.d.limiter == "ptu"):
            self.emulator.settle_later(self.now + plan.seconds, self.running, decision.ticket, used)
        rate_headers(self.headers, self.d, self.running.admission, self.now)
        model_headers(self.headers, self.d, self.emulator.rng, plan.delay)
        return plan

    def _chat(self, fault: Fault | None) -> tuple[Plan, float]:
        """The plan, and the tokens that the answer really used."""
        rng, kind = self.emulator.rng, fault.kind if fault is not None else None
        created = int(self.emulator.epoch + self.now)
        made = chat.answer(self.d, self.body, rng, created, overrun=kind is FaultKind.OVERRUN)
        weight = self.d.output_weight if self.d.limiter == "ptu" else 1.0
        used = made.prompt_tokens + weight * made.completion_tokens
        per_token = self.latency.token(rng)
        first = self.latency.first(rng, made.prompt_tokens) + per_token * made.reasoning_tokens / len(made.choices)
        if self.body.get("stream") and kind is not FaultKind.STREAM_AS_JSON:
            return self._stream(made, first, per_token / len(made.choices)), used
        longest = max(len(choice.pieces) for choice in made.choices)
        return Plan(200, self.headers, replies.compact(replies.completion(made)), first + per_token * longest), used

    def _stream(self, made: chat.Answer, first: float, per_token: float) -> Plan:
        options = self.body.get("stream_options")
        include_usage = isinstance(options, dict) and bool(options.get("include_usage"))
        events, content = replies.events(made, self.d.burst_tokens, include_usage=include_usage)
        chunks: list[Chunk] = [(tokens * per_token, data) for tokens, data in events]
        self.headers["content-type"] = EVENTS
        return Plan(200, self.headers, delay=first, chunks=chunks, content=content)


def resource_label(d: EmulatedDeployment) -> str:
    """`east` of `east` and of `east.openai.azure.com`."""
    return d.resource.partition(".")[0].lower()


def _json(body: bytes) -> dict[str, Any] | None:
    """The object in a body, or None."""
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
