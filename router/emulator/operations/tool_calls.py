"""Which tools does the model call?  Those that are forced, marked, or named in the question."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random
from typing import Any

from router.emulator.documents import FILLER, json_for
from router.emulator.filler import pieces_of

_MARK = re.compile(r"emulate:tool_calls?(?:=(\d+))?")
_WORD = re.compile(r"[A-Za-z]{5,}")


@dataclass(slots=True)
class ToolCall:
    """A call of a function, or of a custom tool that takes free text."""

    id: str
    name: str
    arguments: str
    custom: bool = False

    @property
    def pieces(self) -> list[str]:
        """The arguments, one token each."""
        return pieces_of(self.arguments)


def tool_calls(body: dict[str, Any], rng: Random, marks: str) -> list[ToolCall]:
    """The calls of a chat answer; none: it is a text.

    A `tool_choice` that forces a tool is obeyed.  Else `emulate:tool_call` calls the first tool, `emulate:tool_calls=3`
    makes three calls, of the tools in turn, and a last message of the user that has a word of five letters or more
    from a tool's name calls that tool: "What is the weather?" calls `get_weather`.

    Args:
        body: the request.
        rng: makes the ids.
        marks: the markers of the prompt.
    """
    tools, choice = body.get("tools"), body.get("tool_choice")
    known = [t for t in tools if isinstance(t, dict)] if isinstance(tools, list) else []
    chosen = _chosen(known, choice, body, marks)
    if body.get("parallel_tool_calls") is False:
        chosen = chosen[:1]
    return [_called(tool, rng) for tool in chosen]


def _chosen(tools: list[dict[str, Any]], choice: Any, body: dict[str, Any], marks: str) -> list[dict[str, Any]]:
    named = [tool for tool in tools if _name(tool)]
    if not named or choice == "none":
        return []
    if isinstance(choice, dict):
        if choice.get("type") == "allowed_tools":
            inner = choice.get("allowed_tools") or {}
            allowed = [_name(tool) for tool in inner.get("tools") or ()]
            few = [tool for tool in named if _name(tool) in allowed]
            return _chosen(few, inner.get("mode", "auto"), body, marks)
        return [tool for tool in named if _name(tool) == _name(choice)][:1]
    mark = _MARK.search(marks)
    if mark is not None and _last(body).get("role") != "tool":
        return [named[i % len(named)] for i in range(int(mark[1] or 1))]
    mentioned = _mentioned(named, _last(body))
    return mentioned or (named[:1] if choice == "required" else [])


def _last(body: dict[str, Any]) -> dict[str, Any]:
    messages = body.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else {}
    return last if isinstance(last, dict) else {}


def _mentioned(tools: list[dict[str, Any]], message: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that the user's last message asks for."""
    if message.get("role") != "user":
        return []
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    said = " ".join(str(part.get("text") or "") for part in parts if isinstance(part, dict)).lower()
    return [tool for tool in tools if any(word.lower() in said for word in _WORD.findall(_name(tool)))]


def _inner(tool: dict[str, Any]) -> dict[str, Any]:
    inner = tool.get("function") or tool.get("custom")
    return inner if isinstance(inner, dict) else tool


def _name(tool: Any) -> str:
    return str(_inner(tool).get("name") or "") if isinstance(tool, dict) else ""


def _called(tool: dict[str, Any], rng: Random) -> ToolCall:
    identity = f"call_{rng.getrandbits(96):024x}"
    if tool.get("type") == "custom":
        return ToolCall(identity, _name(tool), FILLER, custom=True)
    parameters = _inner(tool).get("parameters")
    return ToolCall(identity, _name(tool), json_for(parameters or {"type": "object"}))
