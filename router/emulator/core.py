"""The heart of the emulator: a request and a moment in, a plan of what happens out.

Pure: no clock, no sockets, and no dice but its own seeded ones.  `server.py` carries a plan out on real connections,
`in_process.py` without any.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

from . import replies
from .config import EmulatedDeployment, EmulatorConfig
from .estimate import charge_of, prompt_tokens
from .faults import STREAM_FAULTS, WIRE_FAULTS, Fault
from .limiter import Limiter, ProvisionedBucket, limiter_named, whole_seconds

GATEWAY_S = 0.01
"""What a refusal by the gateway takes."""


@dataclass(slots=True)
class Plan:
    """What happens to one request."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    delay: float = 0.0
    """Seconds before the headers."""
    chunks: list[tuple[float, bytes]] | None = None
    """For a stream: seconds before each piece, and the piece."""
    wire: str | None = None
    """A fault of the connection: one of WIRE_FAULTS, or `cut` (after the last chunk)."""


@dataclass(slots=True)
class Tally:
    """What happened to one deployment."""

    admitted: int = 0
    throttled: int = 0
    faulted: int = 0
    refused: int = 0
    tokens: int = 0
    peak_tokens: int = 0
    """The most tokens admitted in any 60 s, exactly."""
    _log: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])
    _used: int = 0

    def admit(self, now: float, tokens: int) -> None:
        """Count an admitted request."""
        self.admitted += 1
        self.tokens += tokens
        while self._log and self._log[0][0] <= now - 60.0:
            self._used -= self._log.popleft()[1]
        self._log.append((now, tokens))
        self._used += tokens
        self.peak_tokens = max(self.peak_tokens, self._used)


class Emulated:
    """One deployment's state."""

    def __init__(self, config: EmulatedDeployment, rng: Random) -> None:
        self.config = config
        self.fault: Fault | None = None
        self.tally = Tally()
        phase = rng.random() * 60.0
        self.tokens: Limiter | None = None
        self.requests: Limiter | None = None
        if config.tpm:
            self.tokens = limiter_named(config.limiter, config.tpm, 60.0, phase)
        if config.rpm:
            share = config.request_window_s / 60.0
            kind = "sliding" if config.limiter == "ptu" else config.limiter
            self.requests = limiter_named(kind, max(1.0, config.rpm * share), config.request_window_s, phase)

    def set_limit(self, tpm: int | None, rpm: int | None) -> None:
        """Cut or raise a limit while running, as Azure does silently."""
        if tpm is not None and self.tokens is not None:
            self.tokens.limit = tpm
        if rpm is not None and self.requests is not None:
            self.requests.limit = max(1.0, rpm * self.config.request_window_s / 60.0)


class Emulator:
    """An Azure of several deployments.

    Args:
        config: which.
        rng: dice for lengths, latencies and shares of faults; seeded from the configuration if not given.
    """

    def __init__(self, config: EmulatorConfig, rng: Random | None = None) -> None:
        self.config = config
        self.rng = rng or Random(config.seed)
        self.deployments = {d.name: Emulated(d, self.rng) for d in config.deployments}
        self.served = 0

    # ---- switches ------------------------------------------------------------------------------------------

    def set_fault(self, deployment: str, fault: Fault | None) -> None:
        """Switch a fault on, or off with None.  Raises KeyError for an unknown deployment."""
        self.deployments[deployment].fault = fault

    def set_limit(self, deployment: str, tpm: int | None = None, rpm: int | None = None) -> None:
        """Change what a deployment really takes.  Raises KeyError for an unknown deployment."""
        self.deployments[deployment].set_limit(tpm, rpm)

    def reset(self) -> None:
        """Forget all use, faults and tallies."""
        self.__init__(self.config)  # type: ignore[misc]

    def status(self) -> dict[str, dict[str, Any]]:
        """The tally of each deployment."""
        return {
            name: {
                "admitted": d.tally.admitted,
                "throttled": d.tally.throttled,
                "faulted": d.tally.faulted,
                "refused": d.tally.refused,
                "tokens": d.tally.tokens,
                "peak_tokens_per_minute": d.tally.peak_tokens,
                "tpm": d.config.tpm,
                "fault": d.fault.kind if d.fault else None,
            }
            for name, d in self.deployments.items()
        }

    # ---- requests ------------------------------------------------------------------------------------------

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes, now: float) -> Plan:
        """What happens to a request.

        Args:
            method: `POST`.
            target: path and query.
            headers: with lower-case names.
            body: as sent.
            now: seconds on any monotonic clock.
        """
        self.served += 1
        url = urlsplit(target)
        parts = [p for p in url.path.split("/") if p]
        if "openai" not in parts or method != "POST":
            return self._refusal(404, replies.NO_RESOURCE)
        parts = parts[parts.index("openai") + 1 :]
        if not self._knows(headers):
            return self._refusal(401, replies.WRONG_KEY)
        try:
            given = json.loads(body)
        except ValueError:
            given = None
        if not isinstance(given, dict):
            return self._refusal(400, replies.error("BadRequest", "The request body is no JSON object."))
        if parts[0] == "v1":
            name, operation = str(given.get("model", "")), "/".join(parts[1:])
        elif parts[0] == "deployments" and len(parts) > 2 and parse_qs(url.query).get("api-version"):
            name, operation = parts[1], "/".join(p for p in parts[2:] if p != "extensions")
        else:
            return self._refusal(404, replies.NO_RESOURCE)
        deployment = self.deployments.get(name)
        if deployment is None:
            return self._refusal(404, replies.NO_DEPLOYMENT)
        if operation not in ("chat/completions", "embeddings"):
            return self._refusal(404, replies.NO_RESOURCE)
        return self._serve(deployment, operation, given, now)

    def _knows(self, headers: Mapping[str, str]) -> bool:
        key = headers.get("api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        return bool(key) and (not self.config.keys or key in self.config.keys)

    def _refusal(self, status: int, body: dict[str, Any]) -> Plan:
        return Plan(status, self._headers(None), json.dumps(body).encode(), GATEWAY_S if self._is_slow() else 0.0)

    def _is_slow(self) -> bool:
        return any(d.config.latency.first_ms for d in self.deployments.values())

    def _headers(self, deployment: Emulated | None) -> dict[str, str]:
        number = f"{self.served:032x}"
        headers = {
            "content-type": "application/json",
            "apim-request-id": number,
            "x-request-id": f"model-{number}",
            "x-ms-region": self.config.region,
            "x-content-type-options": "nosniff",
        }
        if deployment is not None:
            headers["x-ms-deployment-name"] = deployment.config.name
        return headers

    def _serve(self, d: Emulated, operation: str, body: dict[str, Any], now: float) -> Plan:
        fault = d.fault if d.fault is not None and d.fault.strikes(self.rng) else None
        if fault is not None and fault.kind not in ("slow", *STREAM_FAULTS, "reset_after_headers", "truncate"):
            d.tally.faulted += 1
            return self._broken(d, fault, now)
        cost = charge_of(operation, body, d.config.estimate)
        refused = self._admission(d, cost, now)
        if refused is not None:
            d.tally.throttled += 1
            return refused
        d.tally.admit(now, cost)
        wrong = self._objection(d, operation, body)
        if wrong is not None:
            d.tally.refused += 1
            return Plan(400, self._rate_headers(d, now), json.dumps(wrong).encode())
        plan = self._answer(d, operation, body, cost, now)
        if fault is not None:
            d.tally.faulted += 1
            self._spoil(plan, fault)
        return plan

    def _admission(self, d: Emulated, cost: int, now: float) -> Plan | None:
        token_wait = d.tokens.wait(now, cost) if d.tokens is not None else 0.0
        call_wait = d.requests.wait(now, 1) if d.requests is not None else 0.0
        if not token_wait and not call_wait:
            if d.tokens is not None:
                d.tokens.charge(now, cost)
            if d.requests is not None:
                d.requests.charge(now, 1)
            return None
        if d.requests is not None and d.config.rejected_count and not call_wait:
            d.requests.charge(now, 1)
        if d.tokens is not None and cost > d.tokens.limit and not isinstance(d.tokens, ProvisionedBucket):
            token_wait = 86_400.0  # larger than the whole limit: seen as a day (azure.md §3.5)
        seconds = max(token_wait, call_wait)
        what = "token" if token_wait >= call_wait else "call"
        form, config = d.config.throttle_form, d.config
        headers = self._rate_headers(d, now)
        if form == "reset-only":
            headers["x-ratelimit-reset-tokens" if what == "token" else "x-ratelimit-reset-requests"] = str(
                whole_seconds(seconds)
            )
        elif form != "bare":
            headers["retry-after"] = str(whole_seconds(seconds))
            headers["retry-after-ms"] = str(max(1, ceil(seconds * 1000)))
        if form == "2024":
            headers["policy-id"] = "DeploymentRatelimit-Token"
        body = replies.throttled(form, config.name, config.model, self.config.region, what, whole_seconds(seconds))
        return Plan(429, headers, json.dumps(body).encode(), GATEWAY_S if self._is_slow() else 0.0)

    def _rate_headers(self, d: Emulated, now: float) -> dict[str, str]:
        headers = self._headers(d)
        if isinstance(d.tokens, ProvisionedBucket):
            headers["azure-openai-deployment-utilization"] = f"{d.tokens.utilisation(now):.1f}%"
            return headers
        if d.config.headers == "none":
            return headers
        for name, limiter in (("tokens", d.tokens), ("requests", d.requests)):
            if limiter is not None:
                headers[f"x-ratelimit-remaining-{name}"] = str(int(limiter.remaining(now)))
                if d.config.headers == "full":
                    headers[f"x-ratelimit-limit-{name}"] = str(int(limiter.limit))
        return headers

    def _objection(self, d: Emulated, operation: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """What the model says against the request, if anything."""
        if operation != "chat/completions":
            return None if body.get("input") else replies.error("BadRequest", "'input' is a required property")
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            return replies.error("BadRequest", "[] is too short - 'messages'", type="invalid_request_error")
        if d.config.reasoning and body.get("max_tokens") is not None:
            text = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'."
            return replies.unsupported("max_tokens", "unsupported_parameter", text)
        if d.config.reasoning and body.get("temperature") not in (None, 1, 1.0):
            text = "Unsupported value: 'temperature' does not support this value with this model. Only 1 is supported."
            return replies.unsupported("temperature", "unsupported_value", text)
        said = json.dumps(messages)
        if "emulate:content_filter" in said:
            return replies.FILTERED
        prompt = prompt_tokens(body)
        if prompt > d.config.context_window or "emulate:context_length" in said:
            return replies.too_long(d.config.context_window, max(prompt, d.config.context_window + 1))
        return None

    def _answer(self, d: Emulated, operation: str, body: dict[str, Any], cost: int, now: float) -> Plan:
        headers = self._rate_headers(d, now)
        prompt = prompt_tokens(body)
        latency = d.config.latency
        first = latency.first_ms / 1000 * self.rng.lognormvariate(0.0, latency.sigma) if latency.first_ms else 0.0
        if operation == "embeddings":
            whole = replies.embeddings(body, d.config.model, prompt, self.rng)
            return Plan(200, headers, json.dumps(whole).encode(), first)
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        wanted = max(1, round(d.config.answer_tokens * self.rng.lognormvariate(0.0, 0.4)))
        cut = isinstance(limit, int) and limit < wanted
        length = limit if cut and isinstance(limit, int) else wanted
        texts = [replies.text_of(length, self.rng) for _ in range(max(1, int(body.get("n") or 1)))]
        created = 1_790_000_000 + int(now)
        whole = replies.chat(body, d.config.model, self.served, created, prompt, texts, cut)
        if d.config.release_unused and d.tokens is not None:
            d.tokens.charge(now, min(0, whole["usage"]["total_tokens"] - cost))
        per_token = latency.per_token_ms / 1000
        if not body.get("stream"):
            return Plan(200, headers, json.dumps(whole).encode(), first + per_token * length)
        return self._stream(headers, body, whole, first, per_token * replies.TOKENS_PER_EVENT)

    @staticmethod
    def _stream(headers: dict[str, str], body: dict[str, Any], whole: dict[str, Any], first: float, gap: float) -> Plan:
        options = body.get("stream_options")
        include = isinstance(options, dict) and bool(options.get("include_usage"))
        events = [json.dumps(e) for e in replies.chat_events(whole, include)] + ["[DONE]"]
        chunks = [(gap if i > 1 else 0.0, f"data: {event}\n\n".encode()) for i, event in enumerate(events)]
        headers["content-type"] = "text/event-stream; charset=utf-8"
        return Plan(200, headers, b"", first, chunks)

    # ---- faults --------------------------------------------------------------------------------------------

    def _broken(self, d: Emulated, fault: Fault, now: float) -> Plan:
        headers = self._rate_headers(d, now)
        if fault.kind in WIRE_FAULTS:
            return Plan(200, headers, wire=fault.kind)
        if fault.kind == "status":
            if fault.retry_after_s is not None:
                headers["retry-after"] = str(whole_seconds(fault.retry_after_s))
                headers["retry-after-ms"] = str(round(fault.retry_after_s * 1000))
            text = "The server had an error while processing your request. Sorry about that!"
            return Plan(fault.status, headers, json.dumps(replies.error(str(fault.status), text)).encode())
        if fault.kind == "html":
            headers["content-type"] = "text/html"
            return Plan(200, headers, b"<html><body>Our services are not available right now</body></html>")
        bodies = {"empty": b"", "bad_json": b'{"id": "chatcmpl-1", "choices": [{"ind', "bad_shape": b"{}"}
        return Plan(200, headers, bodies[fault.kind])

    @staticmethod
    def _spoil(plan: Plan, fault: Fault) -> None:
        """Spoil a good answer on its way."""
        if fault.kind == "slow":
            plan.delay *= fault.factor
            if plan.chunks is not None:
                plan.chunks = [(delay * fault.factor, chunk) for delay, chunk in plan.chunks]
        elif fault.kind in WIRE_FAULTS and plan.chunks is None:
            plan.wire = fault.kind
        elif plan.chunks is not None:
            plan.chunks = plan.chunks[: fault.after_events]
            if fault.kind == "stream_error":
                frame = {"error": {"message": "The server had an error.", "type": "server_error", "code": "500"}}
                plan.chunks.append((0.0, f"data: {json.dumps(frame)}\n\n".encode()))
            elif fault.kind != "stream_no_finish":
                plan.wire = "cut"
