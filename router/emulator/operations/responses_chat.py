"""A Responses request in the shape of a chat, so that both are judged, measured and answered alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from router.emulator.objects.store import Store

_COPIED = ("temperature", "top_p", "top_logprobs", "stream", "parallel_tool_calls", "tool_choice")


def as_chat(body: dict[str, Any], earlier: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """The chat that asks the same.

    Args:
        body: of the Responses request.
        earlier: input and output items of the responses before it.
    """
    messages: list[dict[str, Any]] = []
    if isinstance(body.get("instructions"), str):
        messages.append({"role": "developer", "content": body["instructions"]})
    for item in [*earlier, *items_of(body.get("input"))]:
        messages += _messages(item)
    chat: dict[str, Any] = {name: body[name] for name in _COPIED if body.get(name) is not None}
    chat["messages"] = messages
    if isinstance(body.get("tools"), list):
        chat["tools"] = [_tool(t) for t in body["tools"] if isinstance(t, dict) and t.get("type") in _TOOLS]
    if body.get("max_output_tokens") is not None:
        chat["max_completion_tokens"] = body["max_output_tokens"]
    reasoning = body.get("reasoning")
    if isinstance(reasoning, dict) and reasoning.get("effort") is not None:
        chat["reasoning_effort"] = reasoning["effort"]
    if chat.get("top_logprobs") is not None:
        chat["logprobs"] = True
    text = body.get("text")
    form = text.get("format") if isinstance(text, dict) else None
    if isinstance(form, dict) and form.get("type") == "json_schema":
        chat["response_format"] = {"type": "json_schema", "json_schema": form}
    elif isinstance(form, dict):
        chat["response_format"] = form
    return chat


def items_of(given: Any) -> list[dict[str, Any]]:
    """The input items; a text is a message of the user."""
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": given}]}]
    return [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []


def earlier_items(store: Store, identity: Any) -> list[dict[str, Any]]:
    """All items of the responses that a request follows, oldest first."""
    chain: list[list[dict[str, Any]]] = []
    while isinstance(identity, str) and (found := store.responses.get(identity)) is not None:
        chain.append([*found.kept["input"], *found.shown["output"]])
        identity = found.shown["previous_response_id"]
    return [item for items in reversed(chain) for item in items]


_TOOLS = ("function", "custom")
_PARTS = {"input_text": "text", "output_text": "text", "text": "text", "refusal": "text"}


def _messages(item: dict[str, Any]) -> list[dict[str, Any]]:
    match item.get("type", "message"):
        case "message":
            content = item.get("content")
            parts = [_part(p) for p in content if isinstance(p, dict)] if isinstance(content, list) else content
            return [{"role": item.get("role"), "content": parts}]
        case "function_call" | "custom_tool_call":
            arguments = item.get("arguments") or item.get("input") or ""
            call = {"type": "function", "function": {"name": item.get("name"), "arguments": arguments}}
            return [{"role": "assistant", "content": None, "tool_calls": [{"id": item.get("call_id"), **call}]}]
        case "function_call_output" | "custom_tool_call_output":
            output = item.get("output")
            return [{"role": "tool", "content": output if isinstance(output, str) else ""}]
    return []


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("type") in _PARTS:
        return {"type": "text", "text": part.get("text") or part.get("refusal") or ""}
    if part.get("type") == "input_image":
        return {"type": "image_url", "image_url": {"url": part.get("image_url"), "detail": part.get("detail")}}
    return part


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    kind = tool["type"]
    return {"type": kind, kind: {name: value for name, value in tool.items() if name != "type"}}
