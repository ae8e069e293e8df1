"""An Anthropic request in the shape of a chat, so that both are judged and answered alike."""

from __future__ import annotations

from typing import Any


def as_chat(body: dict[str, Any]) -> dict[str, Any]:
    """The chat that asks the same."""
    messages: list[dict[str, Any]] = []
    system = body.get("system")
    if system:
        messages.append({"role": "system", "content": _content(system)})
    for message in body.get("messages") or ():
        if isinstance(message, dict):
            messages += _messages(message)
    chat: dict[str, Any] = {"messages": messages, "max_tokens": body.get("max_tokens")}
    if body.get("stop_sequences"):
        chat["stop"] = body["stop_sequences"]
    tools = body.get("tools")
    if isinstance(tools, list):
        chat["tools"] = [_tool(tool) for tool in tools if isinstance(tool, dict) and "input_schema" in tool]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        named = {"type": "function", "function": {"name": choice.get("name")}}
        chat["tool_choice"] = {"any": "required", "tool": named}.get(str(choice.get("type")), choice.get("type"))
        if choice.get("disable_parallel_tool_use"):
            chat["parallel_tool_calls"] = False
    return chat


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": tool.get("name"), "parameters": tool["input_schema"]}}


def _messages(message: dict[str, Any]) -> list[dict[str, Any]]:
    """One message; the results of tools are messages of their own."""
    content = message.get("content")
    results = [
        {"role": "tool", "content": _content(block.get("content"))}
        for block in (content if isinstance(content, list) else ())
        if isinstance(block, dict) and block.get("type") == "tool_result"
    ]
    said = _content(content)
    return [*results, {"role": message.get("role"), "content": said}] if said or not results else results


def _content(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    parts: list[dict[str, Any]] = []
    for block in content:
        if isinstance(block, dict) and isinstance(block.get("text"), str):
            parts.append({"type": "text", "text": block["text"]})
        elif isinstance(block, dict) and block.get("type") == "image":
            source = block.get("source") or {}
            url = source.get("url") or f"data:{source.get('media_type')};base64,{source.get('data')}"
            parts.append({"type": "image_url", "image_url": {"url": url}})
    return parts
