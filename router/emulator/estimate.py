"""What does the service charge a request at its arrival?

The two profiles that captures show (azure.md §3.3): `modern` takes the characters of the prompt and the tokens that
may be generated, `legacy16` only the latter, or 16.  Written apart from the router's own estimate, so that a mistake
there shows here.
"""

from __future__ import annotations

from math import ceil
from typing import Any

IMAGE_TOKENS = {"low": 85, "high": 765}


def charge_of(operation: str, body: dict[str, Any], profile: str) -> int:
    """Tokens charged at admission."""
    if operation == "embeddings":
        return sum(_input_tokens(body.get("input")))
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or 0
    limit = limit if isinstance(limit, int) else 0
    count = body.get("n") if isinstance(body.get("n"), int) else 1
    if profile == "legacy16":
        return limit or 16
    return prompt_tokens(body) + (count or 1) * limit


def prompt_tokens(body: dict[str, Any]) -> int:
    """Tokens of the prompt, by its characters."""
    if "messages" not in body:
        return sum(_input_tokens(body.get("input")))
    characters, images = 0, 0
    messages = body.get("messages")
    for said in messages if isinstance(messages, list) else ():
        content = said.get("content") if isinstance(said, dict) else None
        if isinstance(content, str):
            characters += len(content)
        for part in content if isinstance(content, list) else ():
            if not isinstance(part, dict):
                continue
            if part.get("type") == "image_url":
                image = part.get("image_url")
                detail = image.get("detail", "high") if isinstance(image, dict) else "high"
                images += IMAGE_TOKENS.get(detail, IMAGE_TOKENS["high"])
            else:
                characters += len(str(part.get("text") or ""))
    return ceil(characters / 4) + images


def _input_tokens(given: Any) -> list[int]:
    if isinstance(given, str):
        return [ceil(len(given) / 4)]
    if not isinstance(given, list):
        return []
    if given and isinstance(given[0], int):
        return [len(given)]
    return [ceil(len(g) / 4) if isinstance(g, str) else len(g) for g in given if isinstance(g, (str, list))]
