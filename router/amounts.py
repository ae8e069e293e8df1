"""What did a call use?

What a reply states as its usage, and what the request asked for where a service states none (characters of speech,
images), become `Amounts`; `costs.py` turns them into dollars.

Sources: azure.md §5 (usage of each operation), and how OpenAI and Anthropic bill: cached and audio tokens are part of
the prompt's tokens, reasoning is part of the answer's, Anthropic's cached tokens stand beside its input tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TOOLS = {
    "web_search_call": "web_search",
    "file_search_call": "file_search",
    "code_interpreter_call": "code_interpreter",
    "image_generation_call": "image_generation",
}
"""Items in the output of a response that are billed by themselves, and what for.  Functions and MCP servers are not."""
MOST = 10**9
"""A larger count is nonsense."""


@dataclass(slots=True)
class Amounts:
    """What one call used.  Audio, image and cached tokens are part of `input`, reasoning is part of `output`."""

    input: int | None = None
    """Tokens; None: nobody said, so a price by tokens gives no cost."""
    output: int = 0
    cached: int = 0
    cache_written: int = 0
    input_audio: int = 0
    cached_audio: int = 0
    output_audio: int = 0
    input_image: int = 0
    output_image: int = 0
    reasoning: int = 0
    characters: int | None = None
    seconds: float | None = None
    images: int = 0
    quality: str = ""
    size: str = ""
    batch: bool = False
    tools: dict[str, int] = field(default_factory=dict)
    """What is billed by its uses, besides tokens: `web_search`, `file_search`, `code_interpreter`, …"""


def take_usage(amounts: Amounts, stated: Mapping[str, Any]) -> None:
    """Take in a usage as the service stated it; what makes no sense in it counts as not stated.

    Understands chat (`prompt_tokens_details`), Responses, images and batches (`input_tokens_details`), transcriptions
    (`input_token_details`, or `seconds`) and Anthropic's messages (`cache_read_input_tokens`).
    """
    coming = _count(stated, "prompt_tokens", "input_tokens")
    going = _count(stated, "completion_tokens", "output_tokens")
    if coming is None and going is None:
        seconds = stated.get("seconds")
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds <= MOST:
            amounts.seconds = float(seconds)
        return
    amounts.input, amounts.output = coming or 0, going or 0
    details = _details(stated, "prompt_tokens_details", "input_tokens_details", "input_token_details")
    amounts.cached = _count(details, "cached_tokens") or 0
    amounts.cache_written = _count(details, "cache_write_tokens", "cache_creation_tokens") or 0
    amounts.input_audio = _count(details, "audio_tokens") or 0
    amounts.input_image = _count(details, "image_tokens") or 0
    amounts.cached_audio = _count(_details(details, "cached_tokens_details"), "audio_tokens") or 0
    details = _details(stated, "completion_tokens_details", "output_tokens_details", "output_token_details")
    amounts.reasoning = _count(details, "reasoning_tokens") or 0
    amounts.output_audio = _count(details, "audio_tokens") or 0
    amounts.output_image = _count(details, "image_tokens") or 0
    if "input_tokens" in stated and "prompt_tokens" not in stated:
        _beside(amounts, stated)
        searches = _count(_details(stated, "server_tool_use"), "web_search_requests")
        if searches:
            amounts.tools["web_search"] = searches


def _beside(amounts: Amounts, stated: Mapping[str, Any]) -> None:
    """Anthropic's tokens of the cache, which its `input_tokens` do not hold."""
    read = _count(stated, "cache_read_input_tokens") or 0
    written = _count(stated, "cache_creation_input_tokens") or 0
    if read or written:
        amounts.input = (amounts.input or 0) + read + written
        amounts.cached, amounts.cache_written = read, written


def _details(stated: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        value = stated.get(name)
        if isinstance(value, dict):
            return value
    return {}


def _count(stated: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = stated.get(name)
        if type(value) is int and 0 <= value <= MOST:
            return value
    return None


def amounts_beside(operation: str, request: Mapping[str, Any], reply: Any) -> Amounts | None:
    """What a call used that no usage states; None: nothing.

    Args:
        operation: such as `chat.completions`.
        request: the parameters of the call.
        reply: its decoded object, if it is one.
    """
    if operation == "chat.completions" and request.get("web_search_options") is None:
        return None
    answer: Mapping[str, Any] = reply if isinstance(reply, dict) else {}
    amounts = Amounts()
    if operation == "audio.speech":
        text = request.get("input")
        amounts.characters = len(text) if isinstance(text, str) else None
    elif operation.startswith("audio."):
        duration = answer.get("duration")
        if isinstance(duration, int | float) and 0 <= duration <= MOST:
            amounts.seconds = float(duration)
    elif operation.startswith("images."):
        made = answer.get("data")
        amounts.images = len(made) if isinstance(made, list) else 0
        amounts.quality = str(answer.get("quality") or request.get("quality") or "standard")
        amounts.size = str(answer.get("size") or request.get("size") or "1024x1024")
    elif operation.startswith("batches."):
        amounts.batch = True
    else:
        amounts.tools = _tools(operation, request, answer)
        return amounts if amounts.tools else None
    return amounts


def _tools(operation: str, request: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, int]:
    """What is billed by its uses."""
    if operation == "chat.completions":
        return {"web_search_options": 1}  # of which no reply says how often it searched
    if operation == "fine_tuning.jobs.retrieve":
        return {"training": 1} if answer.get("trained_tokens") else {}
    found: dict[str, int] = {}
    output = answer.get("output")
    for item in output if isinstance(output, list) else ():
        name = _billed_tool(item)
        if name is not None:
            found[name] = found.get(name, 0) + 1
    return found


def _billed_tool(item: Any) -> str | None:
    kind = item.get("type") if isinstance(item, dict) else None
    if not isinstance(kind, str):
        return None
    action = item.get("action")
    looks = isinstance(action, dict) and action.get("type", "search") != "search"  # at a page that was found
    return None if looks else TOOLS.get(kind)
