"""What did a call cost, and at whose prices?

A `Bill` is made when a reply is whole: a few small values, no prompt.  The dollars are worked out when somebody reads
`reply.routing.cost`.  Names are tried in this order: `base_model`; else the model that the reply names, then the
deployment's own name.  A deployment's own prices come first, the list's fill the gaps.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .amounts import Amounts, amounts_beside, take_usage
from .azure.parameters import traits_of
from .configured import Deployment
from .costs import Prices, cost, merged, tool_cost
from .prices import Provider, list_prices, package_is_missing
from .values import Call, Usage

log = logging.getLogger("router")

DESCRIBES_WORK = frozenset(
    f"{thing}.{deed}"
    for thing in ("responses", "batches", "fine_tuning.jobs")
    for deed in ("create", "retrieve", "cancel")
)
"""Operations that cost nothing themselves and whose replies say what some other work used, once that is known."""
ESTIMATED = frozenset({"chat.completions", "completions", "responses", "messages"})
"""Operations whose tokens the router can estimate by the text that came."""
BY_TOKENS = frozenset({"completions", "messages", "embeddings"})
"""Operations whose usage says all."""
WARNED_MOST = 1000

_warned: set[str] = set()


@dataclass(slots=True)
class Bill:
    """What one call used, and what is needed to price it."""

    deployment: str
    names: tuple[str, ...]
    """Of the model, the best first."""
    provider: Provider
    own: Prices | None
    tier: str | None = None
    free: bool = False
    """Its tokens cost nothing, whatever the reply says."""
    stated: Mapping[str, Any] | None = None
    """The usage, as the service sent it."""
    estimate: tuple[int, int] | None = None
    """Tokens of prompt and answer, where the service stated no usage."""
    beside: Amounts | None = None
    """What no usage states."""
    seconds: float | None = None
    """That the reply took."""
    later: bool = False
    """The reply describes work that may still be running, and says what it used when it is done."""
    known: tuple[float | None] | None = None
    """The cost, once it was worked out."""

    @property
    def is_estimate(self) -> bool:
        """The tokens are the router's estimate."""
        return self.estimate is not None

    @property
    def cost(self) -> float | None:
        """US dollars; None where the price is not known, with one warning for each model."""
        if self.known is None:
            self.known = (self._worked_out(self._amounts()),)
        return self.known[0]

    def _amounts(self) -> Amounts:
        amounts = Amounts() if self.beside is None else self.beside
        if amounts.seconds is None:
            amounts.seconds = self.seconds
        if self.stated is not None:
            take_usage(amounts, self.stated)
        elif self.estimate is not None:
            amounts.input, amounts.output = self.estimate
        return amounts

    def _worked_out(self, amounts: Amounts) -> float | None:
        if self.free and not amounts.tools:
            return 0.0
        own, costs = self.own, tool_cost if self.free else cost
        total = costs(amounts, own) if own is not None else None
        if total is not None:
            return total
        listed = next((p for name in self.names if (p := list_prices(name, self.provider, self.tier))), None)
        prices = merged(own, listed) if own is not None else listed
        total = costs(amounts, prices) if prices is not None else None
        if total is None and (amounts.tools or not (self.later and amounts.input is None)):
            self._warn(listed is not None, sorted(amounts.tools.keys() - (prices.tools if prices else {}).keys()))
        return total

    def _warn(self, listed: bool, tools: list[str]) -> None:
        name = self.names[0] if self.names else ""
        if name in _warned or len(_warned) >= WARNED_MOST:
            return
        _warned.add(name)
        if tools:
            why = f"no price of {', '.join(tools)} is known"
            way = "See docs/costs.md for what is billed by its uses; the usage of the reply has the tokens"
        elif listed:
            why = "the reply does not say how much it used of what the model is priced by"
            way = "See docs/costs.md for the operations that say so"
        elif package_is_missing():
            why, way = "the price list is not installed", "Install azure-router[prices], or state prices"
        else:
            why = "no price of this model is known"
            way = "State the model as base_model, or its prices (input_cost_per_token, …)"
        log.warning("the cost of %r on %s is unknown (None): %s.  %s.", name, self.deployment, why, way)


def bill_for(
    call: Call,
    deployment: Deployment,
    reply: Any,
    usage: Usage | None,
    headers: Mapping[str, str],
    *,
    seconds: float | None = None,
) -> Bill:
    """The bill of a call whose reply is whole.

    Args:
        call: what was asked.
        deployment: where it was served.
        reply: the decoded reply, if it is an object; for a stream, the `model` and `service_tier` that it named.
        usage: as stated, or as estimated.
        headers: of the reply; they tell whether a provisioned deployment passed the call on to a standard one.
        seconds: that the reply took.
    """
    answer: Mapping[str, Any] = reply if isinstance(reply, dict) else {}
    operation, endpoint = call.operation, getattr(deployment.endpoint, "endpoint", None)
    named, tier = answer.get("model"), answer.get("service_tier")
    named = named if isinstance(named, str) and named else deployment.model
    describes, trains = operation in DESCRIBES_WORK, operation.startswith("fine_tuning.")
    bill = Bill(
        deployment.id,
        (deployment.base_model,) if deployment.base_model and not trains else (named, deployment.model),
        "openai" if endpoint is not None and endpoint.kind == "openai" else "azure",
        deployment.prices,
        tier if isinstance(tier, str) else None,
        not (call.charged or describes) or (deployment.provisioned and not _spilled(headers)),
        usage.stated if usage is not None else _duration(answer.get("usage")),
        None,
        None if operation in BY_TOKENS else amounts_beside(operation, call.body, reply),
        None if operation.startswith("audio.") else seconds,
        describes,
    )
    if usage is not None and usage.stated is None and operation in ESTIMATED and not _thinks(deployment, named):
        bill.estimate = usage.prompt_tokens, usage.completion_tokens
    return bill


def _duration(usage: Any) -> Mapping[str, Any] | None:
    """A usage in seconds, which is none in tokens; any other that was not understood made no sense."""
    return usage if isinstance(usage, dict) and usage.get("type") == "duration" else None


def _thinks(deployment: Deployment, model: str) -> bool:
    """Reasoning is billed and not shown, so its tokens cannot be estimated."""
    stated = getattr(getattr(deployment.endpoint, "endpoint", None), "family", None)
    return traits_of(stated, deployment.base_model or model).family is not None


def _spilled(headers: Mapping[str, str]) -> bool:
    """Whether a provisioned deployment was full and a standard one served the call (azure.md §3.7)."""
    return headers.get("x-ms-is-spilled-over", "").lower() == "true" or any(
        name.lower().startswith("x-ms-spillover-from-") for name in headers
    )
