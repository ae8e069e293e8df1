"""Which parameters does a model take?

Reasoning models call their limit `max_completion_tokens`, refuse what steers sampling, and know the role `developer`.
Azure's deployment names are free text, so the family comes from a prefix (`azure/o_series/x`), else from `base_model`,
else from the name, matched as whole words: `my-o3-mini` is one of the o-series, `demo3` is not.

Only what a family is known to refuse is listed here.  Everything else goes to the service untouched, and its answer
decides.  Sources: azure.md §6, litellm.md §4.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .endpoint import Family

LIMITS = ("max_completion_tokens", "max_tokens")
OPERATIONS_WITH_RULES = ("chat.completions", "responses")

_O_SERIES = re.compile(r"(?<![a-z0-9])o[134](?![a-z0-9])")
_GPT5 = re.compile(r"(?<![a-z0-9])gpt-?_?([56])(?:\.(\d+))?(?![a-z0-9])(-chat)?")
_OLDER = re.compile(r"(?<![a-z0-9])gpt-?_?(3|35|4|4o)(?![a-z0-9])")

_DEFAULTS: Mapping[str, Any] = {
    "temperature": 1,
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logprobs": False,
    "top_logprobs": 0,
    "logit_bias": {},
}
"""What a reasoning model refuses, and the one value of each that changes nothing and is let through."""
_SAMPLING = frozenset({"temperature", "top_p", "logprobs", "top_logprobs"})
"""Of these, what gpt-5.1 and later take as long as they do not reason (`reasoning_effort` none, their default)."""
REFUSABLE: tuple[str, ...] = (*_DEFAULTS, "parallel_tool_calls")
"""Every parameter that some family refuses."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a model by its family and its name."""

    family: Family | None = None
    """None: an ordinary model, or one about which nothing is known."""
    renames_limit: bool = False
    """Its limit is called `max_completion_tokens` only."""
    may_not_reason: bool = False
    """It takes the parameters of sampling when it does not reason."""
    knows_developer: bool | None = None
    """The role of that name; None: not known."""


ORDINARY = Traits()
"""Of a model about which nothing is known: it gets what it is sent."""


def family_in(name: str) -> Family | None:
    """The family that a name tells by a whole word in it: `o3-mini`, `my_gpt-5-prod`."""
    return traits_of(None, name).family


@lru_cache(maxsize=4096)
def traits_of(stated: Family | None, name: str) -> Traits:
    """What is known of a model.

    Args:
        stated: its family, where a prefix states it.
        name: `base_model`, else the deployment's name.
    """
    lowered = name.lower()
    generation = _GPT5.search(lowered)
    if stated == "o_series" or (stated is None and _O_SERIES.search(lowered)):
        return Traits("o_series", renames_limit=True, knows_developer=True)
    if stated is None and generation is not None and generation[3]:
        return Traits(renames_limit=True)  # gpt-5-chat does not reason
    if stated == "gpt5" or generation is not None:
        later = generation is not None and (generation[1] == "6" or int(generation[2] or 0) >= 1)
        return Traits("gpt5", renames_limit=True, may_not_reason=later, knows_developer=True)
    return Traits(knows_developer=False) if _OLDER.search(lowered) else ORDINARY


def limits(renames: bool, body: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that limit the answer's tokens, under the name that the model takes.

    A limit in `body` silences both limits in `defaults`: two of them in one request are an error to the
    service.  For a model that knows one name and is given both, `max_completion_tokens` wins.
    """
    for source in (body, defaults):
        newer, older = source.get("max_completion_tokens"), source.get("max_tokens")
        if newer is not None:
            both = older is not None and not renames
            return {"max_completion_tokens": newer, "max_tokens": older} if both else {"max_completion_tokens": newer}
        if older is not None:
            return {"max_completion_tokens" if renames else "max_tokens": older}
    return {}


def refused(traits: Traits, body: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    """The parameters of a request that the model is known to refuse.

    Args:
        traits: of the model.
        body: of the call.
        defaults: of the deployment, where the body is silent.
    """
    if traits.family is None:
        return []
    stated = {name: body.get(name, defaults.get(name)) for name in REFUSABLE if name in body or name in defaults}
    found = [name for name, value in stated.items() if name in _DEFAULTS and value not in (None, _DEFAULTS[name])]
    if found and traits.may_not_reason and _effort(body, defaults) in (None, "none"):
        found = [name for name in found if name not in _SAMPLING]
    if traits.family == "o_series" and stated.get("parallel_tool_calls"):
        found.append("parallel_tool_calls")
    return found


def _effort(body: Mapping[str, Any], defaults: Mapping[str, Any]) -> Any:
    """How hard it is asked to think: `reasoning_effort`, in Responses `reasoning.effort`."""
    for source in (body, defaults):
        reasoning = source.get("reasoning")
        for value in (source.get("reasoning_effort"), reasoning.get("effort") if isinstance(reasoning, dict) else None):
            if value is not None:
                return value
    return None


def with_roles(traits: Traits, messages: Any) -> Any:
    """The messages with roles that the model takes; the same object where nothing has to change.

    A reasoning model refuses `system` and `developer` beside each other, so all of them become `developer`.  A model
    older than the role `developer` gets `system` instead.
    """
    if traits.knows_developer is None or not isinstance(messages, (list, tuple)):
        return messages
    roles = {message.get("role") for message in messages if isinstance(message, Mapping)}
    if "developer" not in roles or (traits.knows_developer and "system" not in roles):
        return messages
    old, new = ("system", "developer") if traits.knows_developer else ("developer", "system")
    return [
        {**message, "role": new} if isinstance(message, Mapping) and message.get("role") == old else message
        for message in messages
    ]
