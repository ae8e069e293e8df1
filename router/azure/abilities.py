"""What is a deployment's model known not to take?

Pictures, sounds, and prompts without a conversation.  This is for the choice between deployments of one group and
refuses nothing: where no other is left the call goes out all the same, and the service's answer decides.
A model that nothing is known about is taken to be able.  Sources: azure.md §6, OpenAI's pages of its models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from router.configured import Deployment
from router.values import Call

from .endpoint import Endpoint

PICTURES, SOUNDS, BARE_TEXT, NO_TEXT = "pictures", "sounds", "bare text", "no text"
"""What a call may be about: an image or a sound in its messages, a text completion, or something else altogether."""

_NOTHING: frozenset[str] = frozenset()
_TEXT_OPERATIONS = ("chat.completions", "completions")
_HEARS = re.compile(r"(?<![a-z0-9])audio(?![a-z0-9])")
_BLIND = re.compile(r"(?<![a-z0-9])(gpt-?_?3\.?5|o[13]-mini|o1-preview|audio)(?![a-z0-9])")
_CHATS = re.compile(r"(?<![a-z0-9])(gpt-?_?(3\.?5|4o?|4\.\d|[56](\.\d+)?)|o[134])(?![a-z0-9])")
_INSTRUCT = re.compile(r"(?<![a-z0-9])instruct(?![a-z0-9])")
_PARTS = {"image_url": PICTURES, "input_image": PICTURES, "input_audio": SOUNDS}


def lacks(endpoint: Endpoint, deployment: Deployment) -> frozenset[str]:
    """What the model of a deployment cannot do, as far as its provider, its `base_model` or its name tells."""
    if endpoint.text_only:
        return frozenset((PICTURES, SOUNDS, NO_TEXT))
    if endpoint.kind == "anthropic":
        return frozenset((SOUNDS,))
    return _lacks(deployment.base_model or deployment.model)


def asks(call: Call) -> frozenset[str]:
    """What a call needs beyond a conversation in words."""
    if call.operation == "completions":
        return frozenset((BARE_TEXT,))
    if call.operation not in _TEXT_OPERATIONS:
        return frozenset((NO_TEXT,))
    found = {SOUNDS} if "audio" in (call.body.get("modalities") or ()) else set[str]()
    for message in call.body.get("messages") or ():
        content = message.get("content") if isinstance(message, Mapping) else None
        if isinstance(content, list | tuple):
            found.update(_PARTS[kind] for part in content if (kind := _kind(part)) in _PARTS)
    return frozenset(found) if found else _NOTHING


def _kind(part: Any) -> Any:
    kind = part.get("type") if isinstance(part, Mapping) else None
    return kind if isinstance(kind, str) else None


@lru_cache(maxsize=4096)
def _lacks(name: str) -> frozenset[str]:
    lowered = name.lower()
    if not _CHATS.search(lowered) or _INSTRUCT.search(lowered):
        return _NOTHING
    found = {BARE_TEXT}
    if not _HEARS.search(lowered):
        found.add(SOUNDS)
    if _BLIND.search(lowered):
        found.add(PICTURES)
    return frozenset(found)
