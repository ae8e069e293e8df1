"""Is this a Claude, and of which generation?"""

from __future__ import annotations

import re
from functools import lru_cache

_CLAUDE = re.compile(r"claude(?![a-z0-9])")
_NUMBERS = re.compile(r"(?<![a-z0-9.])(\d{1,2})(?:[-.](\d{1,2}))?(?![0-9])")
_ADAPTIVE_SINCE = (4, 6)


def is_claude(name: str) -> bool:
    """Whether the name of a deployment says so: it begins with `claude`, as a whole word."""
    return _CLAUDE.match(name.lower()) is not None


@lru_cache(maxsize=1024)
def thinks_adaptively(name: str) -> bool:
    """Whether a model decides itself how long it thinks (`thinking: {"type": "adaptive"}`, `output_config.effort`).

    Older ones than 4.6 are given a budget of tokens instead.  A name that tells no generation is taken for a
    current one; `base_model` says what stands behind it.
    """
    match = _NUMBERS.search(name.lower())
    return match is None or (int(match[1]), int(match[2] or 0)) >= _ADAPTIVE_SINCE
