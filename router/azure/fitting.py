"""How does a request become one that the deployment takes?

Parameters that the model's family is known to refuse are an error before anything is sent, or are left out where
`drop_params` says so; those in `additional_drop_params` are always left out, those in `allowed_openai_params` always
sent.  Names of limits and roles follow the family (`parameters.py`).  The caller's objects are never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.configured import NO_RULES, Deployment
from router.errors import UnsupportedParamsError
from router.values import Call

from .anthropic.request import HINTS, refused_by_claude
from .endpoint import Endpoint
from .parameters import OPERATIONS_WITH_RULES, ORDINARY, Traits, refused, traits_of, with_roles
from .text_only import needs_chat, refusal

NOTHING: Mapping[str, Any] = {}


def traits_for(endpoint: Endpoint, deployment: Deployment) -> Traits:
    """What is known of a deployment's model."""
    return traits_of(endpoint.family, deployment.base_model or deployment.model)


def unfit(endpoint: Endpoint, deployment: Deployment, call: Call) -> list[str]:
    """The parameters of a call because of which this deployment cannot serve it; none if it can."""
    if endpoint.text_only and call.operation == "chat.completions":
        return needs_chat(call.body)  # never left out: the answer would mean something else
    found = _refused(endpoint, deployment, call)
    if not found:
        return found
    ours, callers = deployment.rules, call.rules
    drop = ours.drop if callers.drop is None else callers.drop
    let = ours.allowed | callers.allowed | ours.unwanted | callers.unwanted
    return [] if drop else [name for name in found if name not in let]


def fitted(
    endpoint: Endpoint, deployment: Deployment, call: Call
) -> tuple[Mapping[str, Any], Mapping[str, Any], Traits]:
    """The body of a call and the defaults of its deployment, as this deployment takes them, and its model's traits.

    Body and defaults are the same objects as before where nothing has to change.

    Raises:
        UnsupportedParamsError: the family refuses a parameter, and nobody said that it may be left out.
    """
    body, defaults = call.body, deployment.defaults
    ours, callers = deployment.rules, call.rules
    traits = traits_for(endpoint, deployment)
    if traits is ORDINARY and ours is callers is NO_RULES and not endpoint.text_only and endpoint.kind != "anthropic":
        return body, defaults, traits
    gone = ours.unwanted | callers.unwanted if ours is not NO_RULES or callers is not NO_RULES else frozenset[str]()
    if call.operation in OPERATIONS_WITH_RULES:
        if found := _refused(endpoint, deployment, call):
            if wrong := unfit(endpoint, deployment, call):
                raise unsupported(wrong, endpoint, deployment)
            gone |= frozenset(found) - (ours.allowed | callers.allowed)
        messages = body.get("messages")
        fitting = with_roles(traits, messages)
        if fitting is not messages:
            body = {**body, "messages": fitting}
    if gone:
        body = _without(body, gone)
        defaults = _without(defaults, gone)
    return body, defaults, traits


def unsupported(names: list[str], endpoint: Endpoint, deployment: Deployment) -> UnsupportedParamsError:
    """The error for the parameters that `unfit` found."""
    if endpoint.text_only:
        return refusal(names)
    many = len(names) > 1
    listed = ", ".join(f"`{name}`" for name in names)
    them, are, values = ("them", "are", "these values") if many else ("it", "is", "this value")
    known = f"base_model {deployment.base_model!r}" if deployment.base_model else f"model {deployment.model!r}"
    if endpoint.kind == "anthropic":
        who = f"Claude with {values}, and {deployment.id} is one"
        why = "".join(f"  {HINTS[name]}" for name in names if name in HINTS)
    else:
        family = traits_for(endpoint, deployment).family
        kind = "o-series" if family == "o_series" else "gpt-5"
        who = f"{kind} models with {values}, and {deployment.id} is one by its {known}"
        why = "  If it is another model, state that as its base_model."
    return UnsupportedParamsError(
        f"{listed} {are} refused by {who}.  Nothing was sent.  Leave {them} out; or set drop_params=True, and the"
        f" router leaves {them} out; or name {them} in allowed_openai_params to send all the same.{why}",
        param=names[0],
        code="unsupported_parameter",
        deployment=deployment.id,
    )


def _refused(endpoint: Endpoint, deployment: Deployment, call: Call) -> list[str]:
    """The parameters of a call that the deployment's model is known to refuse."""
    if endpoint.kind == "anthropic":
        chat = call.operation == "chat.completions"
        return refused_by_claude(call.body, deployment.defaults, deployment) if chat else []
    traits = traits_for(endpoint, deployment)
    if traits.family is None or call.operation not in OPERATIONS_WITH_RULES:
        return []
    return refused(traits, call.body, deployment.defaults)


def _without(params: Mapping[str, Any], gone: frozenset[str]) -> Mapping[str, Any]:
    if gone.isdisjoint(params):
        return params
    return {name: value for name, value in params.items() if name not in gone}
