"""What is answered in a chat, and how long is it?  Lengths, texts, tool calls and JSON, drawn from the given dice."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random
from typing import Any

from router.emulator.config import EmulatedDeployment
from router.emulator.documents import json_for
from router.emulator.estimate import billed_prompt, chat_texts, max_tokens, number
from router.emulator.families import traits_of
from router.emulator.filler import pieces_of, words

from .tool_calls import ToolCall, tool_calls

REASONING_TOKENS = 64
"""Thought before each answer by reasoning models; counted in the usage, never shown."""
_THOUGHT = {"none": 0, "minimal": 0, "low": 32, "medium": REASONING_TOKENS, "high": 256, "xhigh": 512}


@dataclass(slots=True)
class Choice:
    """One answer."""

    pieces: list[str]
    """One token each; none where tools are called."""
    finish_reason: str
    tools: list[ToolCall] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces)

    @property
    def tokens(self) -> int:
        """As billed: text, or the arguments of tools."""
        return len(self.pieces) + sum(len(tool.pieces) for tool in self.tools)


@dataclass(slots=True)
class Answer:
    """All that a chat reply or stream is made of."""

    id: str
    created: int
    model: str
    choices: list[Choice]
    prompt_tokens: int
    reasoning_tokens: int = 0
    marks: str = ""
    """The markers `emulate:…` of the prompt."""

    @property
    def completion_tokens(self) -> int:
        """As billed."""
        return self.reasoning_tokens + sum(choice.tokens for choice in self.choices)


def answer(d: EmulatedDeployment, body: dict[str, Any], rng: Random, created: int, *, overrun: bool = False) -> Answer:
    """Draw an answer.

    Args:
        d: lengths and family.
        body: `max_tokens`, `n`, `tools`, `response_format` and the markers in the prompt.
        rng: the dice.
        created: seconds since 1970.
        overrun: ignore `max_tokens` and go on ten times as far.
    """
    reasoning = thought_tokens(d, body)
    limit = max_tokens(body)
    if limit is not None and not overrun:
        reasoning = min(reasoning, limit)
        limit -= reasoning
    marks = marks_of(body)
    choices = [_choice(d, body, rng, limit, marks, overrun) for _ in range(number(body))]
    return Answer(
        id=f"chatcmpl-{rng.getrandbits(96):024x}",
        created=created,
        model=d.model,
        choices=choices,
        prompt_tokens=billed_prompt(body),
        reasoning_tokens=reasoning * len(choices),
        marks=marks,
    )


def thought_tokens(d: EmulatedDeployment, body: dict[str, Any]) -> int:
    """What a reasoning model thinks before it answers, by the effort that is asked for."""
    traits = traits_of(d.model, d.kind)
    if traits is None:
        return 0
    return _THOUGHT.get(str(body.get("reasoning_effort") or traits.default_effort), REASONING_TOKENS)


def marks_of(body: dict[str, Any]) -> str:
    """The texts of the prompt that hold a marker."""
    return "\n".join(text for text in chat_texts(body) if "emulate:" in text)


def _choice(
    d: EmulatedDeployment, body: dict[str, Any], rng: Random, limit: int | None, marks: str, overrun: bool
) -> Choice:
    tools = tool_calls(body, rng, marks)
    if tools:
        return Choice([], "tool_calls", tools)
    length = max(1, round(d.answer_tokens * math.exp(rng.gauss(0.0, d.answer_sigma))))
    if overrun:
        return Choice(words(rng, 10 * (limit or length)), "stop")
    schema = _schema(body)
    pieces = pieces_of(json_for(schema)) if schema is not None else words(rng, length)
    pieces = _stopped(pieces, body.get("stop"))
    if "emulate:output_filter" in marks:
        return Choice(pieces[: len(pieces) // 2], "content_filter")
    if limit is not None and limit < len(pieces):
        return Choice(pieces[:limit], "length")
    return Choice(pieces, "stop")


def _stopped(pieces: list[str], stop: Any) -> list[str]:
    """The pieces before the first stop sequence."""
    marks = (
        [stop] if isinstance(stop, str) else [s for s in stop if isinstance(s, str)] if isinstance(stop, list) else []
    )
    text = "".join(pieces) if marks else ""
    ends = [end for mark in marks if mark and (end := text.find(mark)) >= 0]
    if not ends:
        return pieces
    kept: list[str] = []
    left = min(ends)
    for piece in pieces:
        if left <= 0:
            break
        kept.append(piece[:left])
        left -= len(piece)
    return kept


def _schema(body: dict[str, Any]) -> Any:
    """The schema that the answer must fit; None: plain text."""
    form = body.get("response_format")
    if not isinstance(form, dict) or form.get("type") not in ("json_object", "json_schema"):
        return None
    if form["type"] == "json_object":
        return {"type": "object", "properties": {"answer": {"type": "string"}}}
    described = form.get("json_schema")
    return described.get("schema", {}) if isinstance(described, dict) else {}
