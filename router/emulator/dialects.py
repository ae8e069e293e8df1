"""In whose words is something said?  Azure's, plain OpenAI's, and Anthropic's, for errors and for headers."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from .refusals import INVALID, Refusal
from .routes import Dialect

_ANTHROPIC_TYPES = {
    400: INVALID,
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}
_OPENAI_WORDS: dict[str | None, tuple[str, str]] = {
    "401": ("invalid_api_key", "Incorrect API key provided. You can find your API key in your account."),
    "Unauthorized": ("invalid_api_key", "Incorrect API key provided. You can find your API key in your account."),
    "404": ("unknown_url", "Invalid URL. Check the path and the method."),
    "DeploymentNotFound": ("model_not_found", "The model does not exist or you do not have access to it."),
    "RateLimitReached": ("rate_limit_exceeded", "Rate limit reached for requests or tokens per minute."),
    "429": ("rate_limit_exceeded", "Rate limit reached for requests or tokens per minute."),
}


def compact(value: Any) -> bytes:
    """JSON without blanks."""
    return json.dumps(value, separators=(",", ":")).encode()


def event(name: str, value: dict[str, Any]) -> bytes:
    """A named server-sent event, as Responses and Anthropic send them."""
    return b"event: " + name.encode() + b"\ndata: " + compact(value) + b"\n\n"


def error_body(refusal: Refusal, dialect: Dialect, request_id: str = "") -> bytes:
    """The body of an error in the words of the API that was called."""
    if dialect == "anthropic":
        kind = _ANTHROPIC_TYPES.get(refusal.status, "api_error")
        error = {"type": kind, "message": refusal.message}
        return compact({"type": "error", "error": error, "request_id": request_id})
    if dialect == "openai":
        return compact({"error": _openai_error(refusal)})
    return compact(refusal.payload())


def _openai_error(refusal: Refusal) -> dict[str, Any]:
    code, message = _OPENAI_WORDS.get(refusal.code, (refusal.code, refusal.message))
    kind = "server_error" if refusal.status >= 500 else "tokens" if refusal.status == 429 else INVALID
    kind = refusal.more.get("type") or kind
    return {"message": message, "type": kind, "param": refusal.more.get("param"), "code": code}


def speak(headers: dict[str, str], dialect: Dialect, rng: Random) -> None:
    """Replace Azure's headers by those of another API, in place."""
    if dialect == "azure":
        return
    identity = f"req_{rng.getrandbits(96):024x}"
    milliseconds = headers.get("cmp-upstream-response-duration")
    for name in [name for name in headers if name.startswith(_AZURE_ONLY)]:
        del headers[name]
    if dialect == "openai":
        headers["x-request-id"] = identity
        headers["openai-version"] = "2020-10-01"
        headers["openai-organization"] = "emulator"
        if milliseconds is not None:
            headers["openai-processing-ms"] = milliseconds
        return
    headers.pop("x-request-id", None)
    headers["request-id"] = identity
    for name in ("requests", "tokens"):
        for what in ("limit", "remaining"):
            value = headers.pop(f"x-ratelimit-{what}-{name}", None)
            if value is not None:
                headers[f"anthropic-ratelimit-{name}-{what}"] = value


_AZURE_ONLY = (
    "apim-",
    "azureml-",
    "cmp-",
    "ms-azureml-",
    "policy-id",
    "x-accel-",
    "x-aml-",
    "x-envoy-",
    "x-ms-",
)
