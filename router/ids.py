"""Whose is this file, batch, response or job?

Such things live on one resource, so the ids that callers get carry the deployment that made them, and nothing needs to
be remembered: an id works in another process and after a restart, as long as the deployment is configured.

An id keeps the beginning that the service gave it (`batch_`, `file-`, `resp_`), so people and programs still see what
it names; the rest is `azr` and the owner and the service's own id in base64.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

MARK = "azr"

_KIND = re.compile(r"[A-Za-z]{1,20}[-_]")


def with_owner(id: str, deployment: str) -> str:
    """The id that a caller gets.

    Args:
        id: the service's own; "" stays "", because a batch without results has an empty id of them.
        deployment: id of the deployment that answered.
    """
    if not id:
        return id
    kind = None if id.startswith(MARK) else _KIND.match(id)
    packed = urlsafe_b64encode(f"{deployment}\0{id}".encode()).decode().rstrip("=")
    return f"{kind.group() if kind else ''}{MARK}{packed}"


def owner_of(id: str) -> tuple[str | None, str]:
    """The deployment that an id carries, and the service's own id.  An id that carries none comes back with None."""
    kind = _KIND.match(id)
    prefix = kind.group() if kind and not id.startswith(MARK) else ""  # base64 may have a _ that looks like a kind's
    if not id.startswith(prefix + MARK):
        return None, id
    packed = id[len(prefix) + len(MARK) :]
    try:
        deployment, between, own = urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode().partition("\0")
    except ValueError:
        return None, id
    # Only what this module writes is taken for its own: base64 reads much that it would never write.
    return (deployment, own) if between and with_owner(own, deployment) == id else (None, id)
