"""One request to one deployment, on its way through the door, the limiter and the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import refusals
from .admission import Decision
from .deployment import Running
from .dialects import error_body, speak
from .estimate import charge, provisioned_charge
from .faults import Fault, FaultKind
from .headers import gateway_headers, model_headers, rate_headers
from .limiter import Charge
from .operations import OPERATIONS, Call, Operation
from .plan import Plan, Wire
from .refusals import Refusal
from .spoil import spoil
from .throttles import throttled

SettleLater = Callable[[float, Running, tuple[Charge, Charge], float], None]


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    plan: Plan
    status: int
    """0: it ended below HTTP."""
    tokens: int
    """Charged; 0 if it was not admitted."""


class Exchange:
    """The whole way of one request.

    Args:
        running: the deployment.
        call: the request.
        settle_later: told when a charge is to be corrected, and to what.
    """

    __slots__ = ("_call", "_d", "_headers", "_operation", "_running", "_settle_later", "_tokens")

    def __init__(self, running: Running, call: Call, settle_later: SettleLater) -> None:
        self._running = running
        self._call = call
        self._d = running.config
        self._operation: Operation = OPERATIONS[call.route.operation]
        self._settle_later = settle_later
        self._tokens = 0
        self._headers = gateway_headers(call.rng, call.asked)

    def outcome(self) -> Outcome:
        """Go through, and keep the books."""
        rng, running, call = self._call.rng, self._running, self._call
        fault = running.switch.draw(rng, stream=call.asks_for_stream)
        call.fault = FaultKind(fault.kind) if fault is not None else None
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
        return Outcome(plan, status, self._tokens)

    def _admitted(self, fault: Fault | None) -> Plan:
        running, call = self._running, self._call
        cost = self._cost()
        decision = running.admission.decide(call.now, cost)
        if decision.reason != "admitted":
            return self._refusal(throttled(self._d, decision, self._operation.label, call.route.api_version))
        running.admitted += 1
        running.tokens += cost
        self._tokens = cost
        if fault is not None and fault.kind is FaultKind.STATUS:
            return spoil(self._faulty(fault), fault, call.rng)
        wrong = self._objection()
        plan = self._refusal(wrong) if wrong is not None else self._answer(decision)
        return spoil(plan, fault, call.rng) if fault is not None else plan

    def _cost(self) -> int:
        demand = self._operation.demand(self._call.body)
        if self._d.limiter == "ptu":
            return provisioned_charge(demand, self._d.output_weight)
        return charge(demand, self._d.estimate)

    def _objection(self) -> Refusal | None:
        kind, call = self._d.kind, self._call
        foreign = kind not in self._operation.families
        if foreign and (call.strict or kind == "embeddings"):
            return refusals.wrong_operation(call.route.operation, self._d.model)
        return self._operation.objection(call)

    def _refusal(self, refusal: Refusal) -> Plan:
        call, seconds = self._call, self._call.latency.error()
        rate_headers(self._headers, self._d, self._running.admission, call.now)
        if refusal.status == 400:
            model_headers(self._headers, self._d, call.rng, seconds)
            self._headers["ms-azureml-model-error-reason"] = "model_error"
            self._headers["ms-azureml-model-error-statuscode"] = "400"
        return self._said(refusal)

    def _faulty(self, fault: Fault) -> Plan:
        """The answer that a fault asks for in place of any other."""
        refusal = refusals.busy() if fault.kind is FaultKind.BUSY else refusals.of_status(fault.status)
        if fault.kind is FaultKind.STATUS:
            rate_headers(self._headers, self._d, self._running.admission, self._call.now)
            if fault.retry_after_s is not None:
                self._headers["retry-after"] = str(max(1, round(fault.retry_after_s)))
                self._headers["retry-after-ms"] = str(round(fault.retry_after_s * 1000))
        plan = self._said(refusal)
        if fault.body is not None:
            plan.body = fault.body.encode()
        return plan

    def _said(self, refusal: Refusal) -> Plan:
        call, dialect = self._call, self._call.route.dialect
        self._headers.update(refusal.headers)
        speak(self._headers, dialect, call.rng)
        body = error_body(refusal, dialect, self._headers.get("request-id", ""))
        return Plan(refusal.status, self._headers, body, call.latency.error())

    def _answer(self, decision: Decision) -> Plan:
        call, d, headers = self._call, self._d, self._headers
        reply = self._operation.answer(call)
        headers["content-type"] = reply.content_type
        headers.update(reply.headers)
        plan = Plan(200, headers, reply.body, reply.delay, reply.chunks, reply.content, reply.manner)
        if decision.ticket is not None and (d.release_unused or d.limiter == "ptu"):
            self._settle_later(call.now + plan.seconds, self._running, decision.ticket, reply.used)
        rate_headers(headers, d, self._running.admission, call.now)
        model_headers(headers, d, call.rng, plan.delay, filtered=self._operation.filtered)
        speak(headers, call.route.dialect, call.rng)
        return plan
