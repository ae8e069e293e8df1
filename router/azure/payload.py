"""What does the JSON of an answer hold?

Decoding, and the usage that it states.  The bodies come from outside: nothing here trusts them.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic_core import from_json

from router.values import Usage

LARGEST_USAGE = 10**9
"""Tokens of one call beyond which a stated usage is taken for nonsense."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def decode(data: bytes | str) -> Any:
    """Decode JSON, quickly where it is well-formed.

    pydantic's decoder takes half the time of the standard library's, but refuses a byte order mark and a lone
    surrogate (half an emoji that a model cut off), which services do send.  These take the slow way, where a
    lone surrogate becomes U+FFFD.

    Raises:
        ValueError: not JSON.  The error never quotes the data.
    """
    try:
        return from_json(data, allow_inf_nan=False)
    except ValueError:
        pass
    try:
        value = json.loads(data, parse_constant=_refuse)
        return _mend(value)
    except (ValueError, RecursionError):
        raise ValueError("not valid JSON") from None


def usage_from(stated: object) -> Usage | None:
    """The usage of an answer; None if it is missing or makes no sense (see `is_nonsense`).

    Understands chat's names (`prompt_tokens`, `completion_tokens`) and those of Responses and images
    (`input_tokens`, `output_tokens`).  Anthropic counts what its cache read and wrote apart from the input; both are
    part of the prompt.  A missing total is the sum.
    """
    if not isinstance(stated, dict):
        return None
    prompt = _count(stated, "prompt_tokens", "input_tokens")
    completion = _count(stated, "completion_tokens", "output_tokens")
    total = _count(stated, "total_tokens", "total_tokens")
    if prompt < 0 or completion < 0 or total < 0:
        return None
    if not total and _COUNTS.isdisjoint(stated):
        return None
    if "cache_read_input_tokens" in stated or "cache_creation_input_tokens" in stated:
        read, written = (_count(stated, name, name) for name in _CACHED)
        if read < 0 or written < 0:
            return None
        prompt += read + written
    return Usage(prompt, completion, total or prompt + completion, stated)


def is_nonsense(stated: object) -> bool:
    """Was a usage stated that cannot be true: negative, no whole number, above 10⁹ tokens, no object?"""
    if isinstance(stated, dict) and stated.get("type") == "duration":
        return False  # a transcription that is billed by seconds
    return stated is not None and usage_from(stated) is None


_COUNTS = frozenset({"prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens"})

_CACHED = ("cache_read_input_tokens", "cache_creation_input_tokens")


def _count(stated: dict[str, Any], name: str, other: str) -> int:
    """A count, 0 where it is absent, −1 where it makes no sense."""
    value = stated.get(name)
    if value is None:
        value = stated.get(other)
        if value is None:
            return 0
    # type() and not isinstance(): True is an int in Python and no number of tokens.
    return value if type(value) is int and 0 <= value <= LARGEST_USAGE else -1


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _mend(value: Any) -> Any:
    """Replace lone surrogates, which no later encoder would take."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_mend(item) for item in value]
    if isinstance(value, dict):
        return {_mend(key): _mend(item) for key, item in value.items()}
    return value
