"""Where is Claude on a Foundry resource?"""

from __future__ import annotations

from dataclasses import replace

from router.azure.address import Address

from .models import is_claude

_TAILS = ((), ("v1",), ("v1", "messages"))
"""What may follow `/anthropic` in an `api_base`."""
_FOUNDRY = ".services.ai.azure.com"
_OTHER_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com")
"""Other names of the same resource, on which Claude is not served."""


def claude_base(address: Address, deployment: str) -> Address | None:
    """The address up to `/anthropic`; None: the deployment is no Claude.

    The path decides, whatever the deployment is called: `/anthropic` (and what may follow it) is Claude, `/openai` is
    not.  Without either, a deployment named `claude-…` is one, and whichever name of the resource was given, Claude
    is served on `x.services.ai.azure.com`.
    """
    segments = address.segments
    for i in range(len(segments) - 1, -1, -1):
        if segments[i] == "anthropic" and segments[i + 1 :] in _TAILS:
            return replace(address, segments=segments[: i + 1])
    if not is_claude(deployment) or "openai" in segments:
        return None
    host = address.host
    for ending in _OTHER_HOSTS:
        if host.endswith(ending):
            host = host.removesuffix(ending) + _FOUNDRY
    return replace(address, host=host, segments=(*segments, "anthropic"))
