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

from .azure.parameters import family_in
from .costs import Amounts, Prices, amounts_of, cost, merged
from .prices import Provider, list_prices, package_is_missing
from .values import Call, Deployment, Usage

log = logging.getLogger("router")

DESCRIBES_WORK = frozenset(
    f"{thing}.{deed}"
    for thing in ("responses", "batches", "fine_tuning.jobs")
    for deed in ("create", "retrieve", "cancel")
)
"""Operations that cost nothing themselves and whose replies say what some other work used, once that is known."""
ESTIMATED = ("chat.completions", "completions", "responses")
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
    amounts: Amounts | None
    """None: the call costs nothing."""
    tier: str | None = None
    later: bool = False
    """The reply describes work that may still be running, and says what it used when it is done."""
    known: tuple[float | None] | None = None
    """The cost, once it was worked out."""

    @property
    def is_estimate(self) -> bool:
        """The tokens are the router's estimate."""
        return self.amounts is not None and self.amounts.estimated

    @property
    def cost(self) -> float | None:
        """US dollars; None where the price is not known, with one warning for each model."""
        if self.known is None:
            self.known = (0.0 if self.amounts is None else self._worked_out(self.amounts),)
        return self.known[0]

    def _worked_out(self, amounts: Amounts) -> float | None:
        own = self.own
        total = cost(amounts, own) if own is not None else None
        if total is not None:
            return total
        listed = next((p for name in self.names if (p := list_prices(name, self.provider, self.tier))), None)
        prices = merged(own, listed) if own is not None else listed
        total = cost(amounts, prices) if prices is not None else None
        if total is None and not (self.later and amounts.input is None):
            self._warn(listed is not None)
        return total

    def _warn(self, listed: bool) -> None:
        name = self.names[0] if self.names else ""
        if name in _warned or len(_warned) >= WARNED_MOST:
            return
        _warned.add(name)
        if listed:
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
    provider: Provider = "openai" if getattr(_endpoint(deployment), "kind", "") == "openai" else "azure"
    named = answer.get("model")
    names = (deployment.base_model,) if deployment.base_model else (named, deployment.model)
    bill = Bill(
        deployment.id,
        tuple([name for name in names if isinstance(name, str) and name]),
        provider,
        deployment.prices,
        None,
        answer.get("service_tier") if isinstance(answer.get("service_tier"), str) else None,
    )
    describes = call.operation in DESCRIBES_WORK
    if not (call.charged or describes) or (deployment.provisioned and not _spilled(headers)):
        return bill
    stated = usage.stated if usage is not None else _duration(answer.get("usage"))
    amounts = amounts_of(call.operation, call.body, reply, stated)
    if usage is not None and usage.stated is None and call.operation in ESTIMATED and not _thinks(deployment, named):
        amounts.input, amounts.output, amounts.estimated = usage.prompt_tokens, usage.completion_tokens, True
    if amounts.seconds is None and not call.operation.startswith("audio."):
        amounts.seconds = seconds
    bill.amounts = amounts
    bill.later = describes
    return bill


def _duration(usage: Any) -> Mapping[str, Any] | None:
    """A usage in seconds, which is none in tokens; any other that was not understood made no sense."""
    return usage if isinstance(usage, dict) and usage.get("type") == "duration" else None


def _endpoint(deployment: Deployment) -> Any:
    return getattr(deployment.endpoint, "endpoint", None)


def _thinks(deployment: Deployment, model: Any) -> bool:
    """Reasoning is billed and not shown, so its tokens cannot be estimated."""
    name = deployment.base_model or (model if isinstance(model, str) else "") or deployment.model
    family = getattr(_endpoint(deployment), "family", None) or family_in(name)
    return family in ("o_series", "gpt5")


def _spilled(headers: Mapping[str, str]) -> bool:
    """Whether a provisioned deployment was full and a standard one served the call (azure.md §3.7)."""
    return headers.get("x-ms-is-spilled-over", "").lower() == "true" or any(
        name.startswith("x-ms-spillover-from-") for name in headers
    )
