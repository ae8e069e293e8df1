"""What does a 429 look like?  Three generations of wording, and four habits of saying when to come back."""

from __future__ import annotations

import math

from .admission import Decision, retry_seconds
from .config import EmulatedDeployment
from .limiter import NEVER
from .refusals import Refusal


def throttled(d: EmulatedDeployment, decision: Decision, operation: str, api_version: str) -> Refusal:
    """The refusal of a request that the limiter rejected.

    Args:
        d: whose wording and headers to use.
        decision: which rate, and for how long.
        operation: for the text, `ChatCompletions_Create`.
        api_version: for the text; `v1` has a wording of its own.
    """
    seconds = retry_seconds(decision.wait)
    code, text = _words(d, decision.reason, operation, api_version, seconds)
    return Refusal(429, code, text, headers=_headers(d, decision, seconds))


def _words(d: EmulatedDeployment, rate: str, operation: str, version: str, seconds: int) -> tuple[str, str]:
    if d.throttle_body == "short":
        return "429", f"Rate limit is exceeded. Try again in {seconds} seconds."
    api = "OpenAI Language Model Instance API" if version == "v1" else f"Azure OpenAI API version {version}"
    if d.throttle_body == "2024":
        return "429", (
            f"Requests to the {operation} Operation under {api} have exceeded {rate} rate limit of your current OpenAI "
            f"S0 pricing tier. Please retry after {seconds} seconds. Please go here: "
            "https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit."
        )
    return "RateLimitReached", (
        f"Your requests to {d.name} for {d.model} in {d.region} have exceeded the {rate} rate limit for your current "
        f"AIServices S0 pricing tier. This request was for {operation} under {api}. Please retry after {seconds} "
        "seconds. To increase your default rate limit, visit: https://aka.ms/oai/quotaincrease."
    )


def _headers(d: EmulatedDeployment, decision: Decision, seconds: int) -> dict[str, str]:
    kind = "Token" if decision.reason == "token" else "Call"
    headers = {"policy-id": f"DeploymentRatelimit-{kind}"}
    match d.throttle_headers:
        case "both":
            milliseconds = seconds * 1000 if decision.wait == NEVER else math.ceil(decision.wait * 1000)
            headers["retry-after"] = str(seconds)
            headers["retry-after-ms"] = str(max(1, milliseconds))
        case "seconds":
            headers["retry-after"] = str(seconds)
        case "reset":
            what = "tokens" if decision.reason == "token" else "requests"
            headers[f"x-ratelimit-reset-{what}"] = str(seconds)
        case "none":
            del headers["policy-id"]
    return headers
