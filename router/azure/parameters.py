"""Which parameters does a family of models take?

Reasoning models call their limit `max_completion_tokens` and refuse `max_tokens`.  Azure's deployment names
are free text, so the family comes from a prefix (`azure/o_series/x`), else from `base_model`, else from the
name, matched as whole words: `my-o3-mini` is one of the o-series, `demo3` is not.
Sources: azure.md §6, litellm.md §4.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from .endpoint import Family, split_model

LIMITS = ("max_completion_tokens", "max_tokens")

_O_SERIES = re.compile(r"(?<![a-z0-9])o[134](?![a-z0-9])")
_GPT5 = re.compile(r"(?<![a-z0-9])gpt-?_?[56](?![a-z0-9])(?!-chat)")


def family_of(model: str, base_model: str | None = None) -> Family | None:
    """The family of a configured model.

    Args:
        model: as configured (`azure/o_series/x`) or the wire name.
        base_model: what stands behind the deployment, where stated (`gpt-5-mini`, `azure/gpt-5-mini`); it
            wins over the name, not over a prefix.

    Returns:
        None: an ordinary model.  `gpt-5-chat` is one.
    """
    parsed = split_model(model)
    if parsed.family is not None:
        return parsed.family
    return family_in(base_model or parsed.name)


@lru_cache(maxsize=4096)
def family_in(name: str) -> Family | None:
    """The family that a name tells by a whole word in it: `o3-mini`, `my_gpt-5-prod`."""
    lowered = name.lower()
    if _O_SERIES.search(lowered):
        return "o_series"
    return "gpt5" if _GPT5.search(lowered) else None


def limits(family: Family | None, body: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that limit the answer's tokens, under the name that the family takes.

    A limit in `body` silences both limits in `defaults`: two of them in one request are an error to the
    service.  For a reasoning model that is given both names, `max_completion_tokens` wins.
    """
    for source in (body, defaults):
        stated = {name: source[name] for name in LIMITS if source.get(name) is not None}
        if stated:
            return stated if family is None else {LIMITS[0]: stated.get(LIMITS[0], stated.get(LIMITS[1]))}
    return {}
