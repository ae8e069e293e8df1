"""How does a Message of Anthropic's read as a chat completion?

Its texts become the content, its calls of tools `tool_calls`, its thinking `reasoning_content` (and whole, with the
signatures that a later turn must show, `thinking_blocks`, as LiteLLM calls them).  Blocks that chat has no words for
(the work of Anthropic's own tools) are left out: `anthropic_messages` hands them over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_FINISHES = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def to_completion(message: Mapping[str, Any], created: int = 0) -> dict[str, Any]:
    """The chat completion of a whole Message.

    Args:
        message: as the service sent it; what is not of the expected shape counts as absent.
        created: Unix time in seconds, which Messages do not state.
    """
    texts: list[str] = []
    thoughts: list[str] = []
    thinking: list[Mapping[str, Any]] = []
    calls: list[dict[str, Any]] = []
    for block in message.get("content") or ():
        kind = block.get("type")
        if kind == "text":
            texts.append(text_in(block, "text"))
        elif kind == "tool_use":
            calls.append(_call(block))
        elif kind in ("thinking", "redacted_thinking"):
            thinking.append(block)
            thoughts.append(text_in(block, "thinking"))
    said: dict[str, Any] = {"role": "assistant", "content": "".join(texts) if texts or not calls else None}
    if calls:
        said["tool_calls"] = calls
    if thinking:
        said["reasoning_content"] = "".join(thoughts)
        said["thinking_blocks"] = thinking
    choice = {"index": 0, "message": said, "finish_reason": finish(message.get("stop_reason")), "logprobs": None}
    return {
        "id": message.get("id", ""),
        "object": "chat.completion",
        "created": created,
        "model": message.get("model", ""),
        "choices": [choice],
        "usage": to_usage(message.get("usage")),
    }


def finish(stop_reason: Any) -> str | None:
    """`finish_reason` for a `stop_reason`; `stop` for one that is not known here, None for none."""
    return None if stop_reason is None else _FINISHES.get(str(stop_reason), "stop")


def to_usage(stated: Any) -> dict[str, Any] | None:
    """Chat's usage.  Its prompt counts cached tokens too, which Anthropic counts apart."""
    if not isinstance(stated, Mapping):
        return None
    read, written = count(stated, "cache_read_input_tokens"), count(stated, "cache_creation_input_tokens")
    prompt = count(stated, "input_tokens") + read + written
    completion = count(stated, "output_tokens")
    usage: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": read, "cache_creation_tokens": written},
    }
    details = stated.get("output_tokens_details")
    if isinstance(details, Mapping):
        usage["completion_tokens_details"] = {"reasoning_tokens": count(details, "thinking_tokens")}
    return usage


def count(stated: Mapping[str, Any], name: str) -> int:
    """A number of tokens, 0 where it is absent or no number."""
    value = stated.get(name)
    return value if type(value) is int else 0


def text_in(block: Mapping[str, Any], name: str) -> str:
    """A text of a block, "" where it is absent or no text."""
    value = block.get(name)
    return value if isinstance(value, str) else ""


def arguments(given: Any) -> str:
    """The input of a tool as the JSON text that chat wants."""
    return given if isinstance(given, str) else json.dumps(given or {}, ensure_ascii=False)


def _call(block: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": block.get("name"), "arguments": arguments(block.get("input"))}
    return {"id": block.get("id"), "type": "function", "function": function}
