"""What follows from a failure?

One row per kind of failure: may the call be tried again and where, what does it say about the deployment's
health, is the reservation given back, what does trying again cost the retry budget, and which fallbacks come
next.  The table is the whole knowledge; everything else here looks things up.
Sources: algorithms.md §3.4, ecosystem.md §5.6 A, litellm.md §3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from .configured import AllowedFails, Retries
from .values import Failure, Kind

Retry = Literal["anywhere", "elsewhere", "never"]
Effect = Literal["none", "success", "throttle", "fail", "disable", "resource"]
Fallbacks = Literal["general", "context_window", "content_policy", "none"]

ROUTING_COST = 0.25
"""Of a retry, for going elsewhere after a 429: it is routing rather than retrying (algorithms.md §2.13)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from one kind of failure."""

    retry: Retry = "anywhere"
    """`anywhere`: also on the same deployment; `elsewhere`: only on another; `never`: not in this group."""
    effect: Effect = "fail"
    """On health: nothing, a sign of life, a rest, a failure, out until mended, a failure of the host."""
    weight: float = 1.0
    """Of the failure: 1.0 is hard, 0.5 soft."""
    refund: bool = False
    """The reservation is given back whole, because provably nothing reached the service's limiter."""
    retry_cost: float = 1.0
    """What the next attempt takes from the retry budget."""
    fallbacks: Fallbacks = "general"
    """Which fallbacks are asked first; the general ones follow, except after `none`."""


_HARD = Verdict()
_HARD_HERE = Verdict(retry="elsewhere")
_UNREACHABLE = Verdict(effect="resource", refund=True, retry_cost=0.0)
_THROTTLED = Verdict(effect="throttle", retry_cost=ROUTING_COST)
_REFUSED_HERE = Verdict(retry="elsewhere", effect="disable")
_CALLERS_FAULT = Verdict(retry="never", effect="success")

VERDICTS: dict[Kind, Verdict] = {
    # A host that cannot be reached is ill as a whole.  A bad certificate stays bad: not twice on the same.
    Kind.DNS: _UNREACHABLE,
    Kind.CONNECT: _UNREACHABLE,
    Kind.CONNECT_TIMEOUT: _UNREACHABLE,
    Kind.TLS: Verdict(retry="elsewhere", effect="resource"),
    Kind.RESET: _HARD,
    Kind.TRUNCATED: _HARD,
    Kind.PROTOCOL: _HARD,
    Kind.BAD_CONTENT_TYPE: _HARD,
    Kind.BAD_JSON: _HARD,
    Kind.BAD_SHAPE: _HARD,
    Kind.EMPTY: _HARD,
    # The same deployment would answer the same again.
    Kind.REDIRECT: _HARD_HERE,
    Kind.TOO_LARGE: _HARD_HERE,
    Kind.TIMEOUT: _HARD,
    Kind.FIRST_EVENT_TIMEOUT: _HARD,
    Kind.STREAM: _HARD,
    Kind.SERVER_ERROR: _HARD,
    Kind.REQUEST_TIMEOUT: Verdict(weight=0.5),
    # A 429 is a full deployment, not an ill one.
    Kind.THROTTLED: _THROTTLED,
    Kind.BUSY: _THROTTLED,
    # Some object of the caller's is in the wrong state: tried again as LiteLLM does, but no sign of illness.
    Kind.CONFLICT: Verdict(effect="none"),
    Kind.AUTHENTICATION: _REFUSED_HERE,
    Kind.SIGN_IN_REFUSED: _REFUSED_HERE,
    Kind.PERMISSION: _REFUSED_HERE,
    Kind.NOT_FOUND: _REFUSED_HERE,
    # The service worked: it said what is wrong with the request.
    Kind.BAD_REQUEST: _CALLERS_FAULT,
    Kind.UNPROCESSABLE: _CALLERS_FAULT,
    # Another resource may have it, and Azure has been seen to find a response a moment after it denied it
    # (dotnet/extensions#7704).  Another group's model would not know it either.
    Kind.MISSING: Verdict(effect="success", fallbacks="none"),
    Kind.CONTEXT_WINDOW: replace(_CALLERS_FAULT, fallbacks="context_window"),
    Kind.CONTENT_POLICY: replace(_CALLERS_FAULT, fallbacks="content_policy"),
    # A token provider has tried several times itself before it gives up, so this call leaves the deployment
    # alone.  But it often recovers within seconds, unlike a refused key: a failure, not five minutes out.
    Kind.CREDENTIALS: Verdict(retry="elsewhere", refund=True, retry_cost=0.0),
    Kind.CANCELLED: Verdict(retry="never", effect="none", fallbacks="none"),
    Kind.SIMULATED: Verdict(retry="never", effect="none", refund=True, retry_cost=0.0),
}
"""For failures of requests that were sent; `judge` amends them for requests that were not."""

_NOT_SENT = {kind: replace(verdict, refund=True, retry_cost=0.0) for kind, verdict in VERDICTS.items()}
# The time was used up before a connection was even sought, or all of ours were in use: no deployment can help that.
_NOT_SENT[Kind.TIMEOUT] = replace(_NOT_SENT[Kind.TIMEOUT], effect="none")
_SIMULATED_BY_CODE = {
    "context_window": replace(VERDICTS[Kind.SIMULATED], fallbacks="context_window"),
    "content_policy": replace(VERDICTS[Kind.SIMULATED], fallbacks="content_policy"),
}


def judge(failure: Failure) -> Verdict:
    """What follows from this failure.

    A request that was provably not sent is refunded and its repetition is free.  A simulated failure asks for
    the fallbacks that its `code` names: `context_window`, `content_policy`, anything else the general ones.
    """
    if failure.kind is Kind.SIMULATED and failure.code:
        return _SIMULATED_BY_CODE.get(failure.code, VERDICTS[Kind.SIMULATED])
    return (VERDICTS if failure.sent else _NOT_SENT)[failure.kind]


CLASSES: dict[Kind, str] = {
    Kind.BAD_REQUEST: "bad_request",
    Kind.UNPROCESSABLE: "bad_request",
    Kind.MISSING: "bad_request",
    Kind.AUTHENTICATION: "authentication",
    Kind.SIGN_IN_REFUSED: "authentication",
    Kind.PERMISSION: "authentication",
    Kind.CREDENTIALS: "authentication",
    Kind.TIMEOUT: "timeout",
    Kind.FIRST_EVENT_TIMEOUT: "timeout",
    Kind.CONNECT_TIMEOUT: "timeout",
    Kind.REQUEST_TIMEOUT: "timeout",
    Kind.THROTTLED: "rate_limit",
    Kind.BUSY: "rate_limit",
    Kind.CONTENT_POLICY: "content_policy",
    Kind.SERVER_ERROR: "internal_server",
}
"""LiteLLM's error classes, as fields of `Retries` and `AllowedFails`; other kinds have only the default."""


def stated(kind: Kind, settings: Retries | AllowedFails) -> int | None:
    """The figure that the settings state for the very class of this kind, or None."""
    name = CLASSES.get(kind)
    figure: int | None = getattr(settings, name) if name else None
    return figure


def retries_allowed(kind: Kind, retries: Retries) -> int:
    """How often a call may be tried again in its group after a failure of this kind.

    A figure stated for the class decides, even over a verdict of `never` (as LiteLLM's `RetryPolicy` can
    retry a 400); else 0 where the verdict is `never`; else the default.
    """
    figure = stated(kind, retries)
    if figure is not None:
        return figure
    return 0 if VERDICTS[kind].retry == "never" else retries.default


def allowed_fails_for(kind: Kind, allowed: AllowedFails) -> int | None:
    """How many failures of this kind a deployment may have within its cooldown time; None if not stated."""
    figure = stated(kind, allowed)
    return allowed.default if figure is None else figure
