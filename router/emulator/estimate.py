"""What does a request cost at the door, before a single token is generated?

Azure's limiter charges an estimate made from character counts, which is not what is billed later.  Two profiles
match the public captures: `modern` (2024 on) and `legacy16` (which Microsoft's own simulator still has).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LOW_DETAIL_IMAGE = 85
AUDIO = 100
"""Tokens of one `input_audio` part, some ten seconds; never by the length of its base64."""
IMAGE = 765
"""Tokens of one 1024² image on gpt-4o; how Azure's limiter counts images is not documented."""
GUESSED_OUTPUT = 256
"""What a PTU deployment is taken to reserve for an answer when `max_tokens` is absent; it guesses, documents say."""


def chat_texts(body: dict[str, Any]) -> Iterator[str]:
    """All text that a chat request sends as prompt: contents, text parts, earlier tool calls."""
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, dict):
            continue
        content = message.get("content")
        if isinstance(content, str):
            yield content
        elif isinstance(content, list):
            for part in content:
                if isinstance(part, dict) and isinstance(part.get("text"), str):
                    yield part["text"]
        for call in message.get("tool_calls") or ():
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict) and isinstance(function.get("arguments"), str):
                yield function["arguments"]


def parts_of(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All content parts of all messages."""
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict):
                yield part


def image_tokens(body: dict[str, Any]) -> int:
    """A flat price per image or sound; never by the length of its base64."""
    total = 0
    for part in parts_of(body):
        if part.get("type") == "image_url":
            image = part.get("image_url")
            low = isinstance(image, dict) and image.get("detail") == "low"
            total += LOW_DETAIL_IMAGE if low else IMAGE
        elif part.get("type") == "input_audio":
            total += AUDIO
    return total


def inputs_of(body: dict[str, Any]) -> list[Any]:
    """The inputs of an embedding request, each a string or a list of token ids."""
    given = body.get("input")
    if isinstance(given, list) and given and not isinstance(given[0], int):
        return given
    return [given] if given is not None else []


def input_tokens(item: Any) -> int:
    """⌈characters/4⌉ of a text; token ids count as they are, and what is neither counts nothing."""
    return -(-len(item) // 4) if isinstance(item, str) else len(item) if isinstance(item, list) else 0


def max_tokens(body: dict[str, Any]) -> int | None:
    """The stated bound of the answer, under either name; None if absent."""
    for name in ("max_completion_tokens", "max_tokens"):
        value = body.get(name)
        if isinstance(value, int):
            return value
    return None


def number(body: dict[str, Any]) -> int:
    """How many answers are asked for (`n`)."""
    n = body.get("n")
    return n if isinstance(n, int) and n > 0 else 1


@dataclass(frozen=True, slots=True)
class Demand:
    """What a request asks of the token limit."""

    prompt: int
    """Tokens, as the door counts them."""
    answers: int = 0
    """How many are generated; 0 where nothing is, as with embeddings."""
    bound: int | None = None
    """The stated length of each."""


def chat_demand(body: dict[str, Any]) -> Demand:
    """Of a chat."""
    characters = sum(len(text) for text in chat_texts(body))
    return Demand(-(-characters // 4) + image_tokens(body), number(body), max_tokens(body))


def charge(demand: Demand | None, profile: str) -> int:
    """The tokens that admission charges; 0 where only requests are limited (None).

    Args:
        demand: of the request.
        profile: `modern`: the prompt and `max_tokens` for each answer; `legacy16`: `max_tokens`, else 16.
    """
    if demand is None:
        return 0
    if profile == "legacy16" and demand.answers:
        return demand.bound or 16
    return demand.prompt + demand.answers * (demand.bound or 0)


def provisioned_charge(demand: Demand | None, output_weight: float) -> int:
    """What a PTU deployment adds to its bucket: the prompt, and the answers by weight."""
    if demand is None:
        return 0
    return demand.prompt + round(output_weight * demand.answers * (demand.bound or GUESSED_OUTPUT))


def billed_prompt(body: dict[str, Any]) -> int:
    """What `usage.prompt_tokens` will say: text and images, four tokens per message, three to prime the answer."""
    texts = sum(-(-len(text) // 4) for text in chat_texts(body))
    return 3 + texts + image_tokens(body) + 4 * len(body.get("messages") or ())
