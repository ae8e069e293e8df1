"""What is answered in a chat, and how long is it?  Lengths, texts, tool calls and JSON, drawn from the given dice."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Any

from .config import EmulatedDeployment
from .estimate import billed_prompt, chat_texts, max_tokens, number
from .filler import json_for, pieces_of, words

REASONING_TOKENS = 64
"""Thought before each answer by reasoning models; counted in the usage, never shown."""


@dataclass(slots=True)
class ToolCall:
    """A call of a function."""

    id: str
    name: str
    arguments: str


@dataclass(slots=True)
class Choice:
    """One answer."""

    pieces: list[str]
    """One token each; of the arguments, where a tool is called."""
    finish_reason: str
    tool: ToolCall | None = None

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces)


@dataclass(slots=True)
class Answer:
    """All that a chat reply or stream is made of."""

    id: str
    created: int
    model: str
    choices: list[Choice]
    prompt_tokens: int
    reasoning_tokens: int = 0

    @property
    def completion_tokens(self) -> int:
        """As billed."""
        return self.reasoning_tokens + sum(len(choice.pieces) for choice in self.choices)


def answer(d: EmulatedDeployment, body: dict[str, Any], rng: Random, created: int, *, overrun: bool = False) -> Answer:
    """Draw an answer.

    Args:
        d: lengths and family.
        body: `max_tokens`, `n`, `tools`, `response_format` and the markers in the prompt.
        rng: the dice.
        created: seconds since 1970.
        overrun: ignore `max_tokens` and go on ten times as far.
    """
    reasoning = REASONING_TOKENS if d.kind in ("o_series", "gpt5") else 0
    limit = max_tokens(body)
    if limit is not None and not overrun:
        reasoning = min(reasoning, limit)
        limit -= reasoning
    marks = [text for text in chat_texts(body) if "emulate:" in text]
    choices = [_choice(d, body, rng, limit, marks, overrun) for _ in range(number(body))]
    return Answer(
        id=f"chatcmpl-{rng.getrandbits(96):024x}",
        created=created,
        model=d.model,
        choices=choices,
        prompt_tokens=billed_prompt(body),
        reasoning_tokens=reasoning * len(choices),
    )


def _choice(
    d: EmulatedDeployment, body: dict[str, Any], rng: Random, limit: int | None, marks: list[str], overrun: bool
) -> Choice:
    tool = _tool(body, rng, marks)
    if tool is not None:
        return Choice(pieces_of(tool.arguments), "tool_calls", tool)
    length = max(1, round(d.answer_tokens * math.exp(rng.gauss(0.0, d.answer_sigma))))
    if overrun:
        return Choice(words(rng, 10 * (limit or length)), "stop")
    schema = _schema(body)
    pieces = pieces_of(json_for(schema)) if schema is not None else words(rng, length)
    if any("emulate:output_filter" in mark for mark in marks):
        return Choice(pieces[: len(pieces) // 2], "content_filter")
    if limit is not None and limit < len(pieces):
        return Choice(pieces[:limit], "length")
    return Choice(pieces, "stop")


def _tool(body: dict[str, Any], rng: Random, marks: list[str]) -> ToolCall | None:
    """The call of a tool, where `tool_choice` forces one or the prompt says `emulate:tool_call`."""
    tools = body.get("tools")
    choice = body.get("tool_choice")
    if not isinstance(tools, list) or not tools or choice == "none":
        return None
    functions = [t["function"] for t in tools if isinstance(t, dict) and isinstance(t.get("function"), dict)]
    if isinstance(choice, dict):
        wanted = (choice.get("function") or {}).get("name")
        functions = [f for f in functions if f.get("name") == wanted]
    elif choice != "required" and not any("emulate:tool_call" in mark for mark in marks):
        return None
    if not functions:
        return None
    function = functions[0]
    return ToolCall(f"call_{rng.getrandbits(96):024x}", str(function.get("name")), json_for(function.get("parameters")))


def _schema(body: dict[str, Any]) -> Any:
    """The schema that the answer must fit; None: plain text."""
    form = body.get("response_format")
    if not isinstance(form, dict):
        return None
    if form.get("type") == "json_object":
        return {"type": "object", "properties": {"answer": {"type": "string"}}}
    described = form.get("json_schema")
    return described.get("schema", {}) if isinstance(described, dict) else None
