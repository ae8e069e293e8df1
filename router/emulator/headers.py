"""Which headers does an answer carry?  The set of public captures of 2025 and 2026, and its older generations."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from uuid import UUID

from .admission import Admission
from .config import EmulatedDeployment

JSON = "application/json"
EVENTS = "text/event-stream; charset=utf-8"
_COMMON = {
    "content-type": JSON,
    "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
    "x-content-type-options": "nosniff",
}


def gateway_headers(rng: Random, asked: Mapping[str, str]) -> dict[str, str]:
    """Of every answer, also of those that never reach a model.

    Args:
        rng: makes the id.
        asked: the request's headers; its `x-ms-client-request-id` comes back.
    """
    return {
        **_COMMON,
        "apim-request-id": str(UUID(int=rng.getrandbits(128))),
        "x-ms-client-request-id": asked.get("x-ms-client-request-id", "Not-Set"),
    }


def model_headers(
    headers: dict[str, str], d: EmulatedDeployment, rng: Random, seconds: float, *, filtered: bool = True
) -> None:
    """Add what the model's side adds.

    Args:
        headers: to add to.
        d: the deployment.
        rng: makes the id.
        seconds: what the model took.
        filtered: the content filter has looked at it; it does not at sounds.
    """
    milliseconds = round(seconds * 1000)
    headers["x-request-id"] = str(UUID(int=rng.getrandbits(128)))
    headers["x-ms-rai-invoked"] = "true" if filtered else "false"
    headers["x-accel-buffering"] = "no"
    headers["azureml-model-session"] = "d008-20260101000000"
    headers["x-aml-cluster"] = f"emulator-{d.resource}"
    headers["cmp-upstream-response-duration"] = str(milliseconds)
    headers["ms-azureml-model-time"] = str(milliseconds + 1)
    headers["x-envoy-upstream-service-time"] = str(milliseconds + 3)


def rate_headers(headers: dict[str, str], d: EmulatedDeployment, admission: Admission, now: float) -> None:
    """Add place and limits: to successes, to 429s and to refusals by the model alike."""
    headers["x-ms-region"] = d.region
    headers["x-ms-deployment-name"] = d.name
    utilisation = admission.utilisation(now)
    if utilisation is not None:
        headers["azure-openai-deployment-utilization"] = f"{utilisation:.1f}%"
        return
    if d.rate_headers == "none":
        return
    requests = admission.requests[0] if admission.requests else None
    for name, limiter in (("requests", requests), ("tokens", admission.tokens)):
        if limiter is not None:
            headers[f"x-ratelimit-remaining-{name}"] = str(limiter.room(now))
            if d.rate_headers == "full":
                headers[f"x-ratelimit-limit-{name}"] = str(limiter.limit)
