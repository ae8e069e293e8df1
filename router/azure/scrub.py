"""How is a text from outside made fit for a message or a log?

Services and gateways echo what they were sent.  Known secrets go by value, unknown ones by their look;
control characters go because they would forge lines in a log.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

HIDDEN = "[hidden]"

_LOOKS_SECRET = re.compile(
    r"(?i:\bbearer)\s+[\w.~+/=-]{8,}"
    r"|\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}"
    r"|\bsk-[\w*-]{8,}",
    re.ASCII,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def scrub(text: str, secrets: Sequence[str] = (), limit: int | None = None) -> str:
    """`text` without secrets and control characters, cut to `limit` characters.

    Secrets go first, so that a cut never leaves half of one.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    text = _LOOKS_SECRET.sub(HIDDEN, text)
    text = _CONTROL.sub(" ", text)
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


def scrub_all(value: Any, secrets: Sequence[str] = ()) -> Any:
    """A copy of a decoded JSON value in which every string, keys too, is scrubbed."""
    if isinstance(value, str):
        return scrub(value, secrets)
    if isinstance(value, list):
        return [scrub_all(item, secrets) for item in value]
    if isinstance(value, dict):
        return {scrub(str(key), secrets): scrub_all(item, secrets) for key, item in value.items()}
    return value
