"""What does a response look like, whole and as events?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import Any

from router.emulator.dialects import event
from router.emulator.filler import pieces_of
from router.emulator.filters import ANSWER_RESULTS, BLOCKED_RESULTS, PROMPT_RESULTS

from .chat_answer import Answer, Choice
from .chat_events import Event
from .chat_replies import logprobs

_PIECE = re.compile(r"\s*\S+|\s+")
DELTAS = (
    "response.output_text.delta",
    "response.function_call_arguments.delta",
    "response.custom_tool_call_input.delta",
)
SUMMARY = "Weighing regions against quotas."


def response(body: dict[str, Any], chat: dict[str, Any], made: Answer, rng: Random) -> dict[str, Any]:
    """The whole `response` object, as it is when it is complete.

    Args:
        body: what was asked.
        chat: the same as a chat.
        made: the answer.
        rng: makes the ids.
    """
    choice = made.choices[0]
    cut = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(choice.finish_reason)
    return {
        "id": f"resp_{rng.getrandbits(192):048x}",
        "object": "response",
        "created_at": made.created,
        "status": "completed" if cut is None else "incomplete",
        "background": bool(body.get("background")),
        "error": None,
        "incomplete_details": None if cut is None else {"reason": cut},
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": body.get("metadata") or {},
        "model": made.model,
        "output": _output(body, chat, made, choice, rng),
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": body.get("reasoning") or {"effort": None, "summary": None},
        "service_tier": "default",
        "store": body.get("store") is not False,
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation", "disabled"),
        "usage": _usage(made),
        "user": body.get("user"),
    }


def _usage(made: Answer) -> dict[str, Any]:
    completion = made.completion_tokens
    return {
        "input_tokens": made.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": made.reasoning_tokens},
        "total_tokens": made.prompt_tokens + completion,
    }


def filters_of(choice: Choice) -> list[dict[str, Any]]:
    """What Azure's content filter found, as it adds it to a response."""
    found = BLOCKED_RESULTS if choice.finish_reason == "content_filter" else ANSWER_RESULTS
    return [
        {"blocked": False, "source_type": "prompt", "content_filter_results": PROMPT_RESULTS},
        {
            "blocked": choice.finish_reason == "content_filter",
            "source_type": "completion",
            "content_filter_results": found,
        },
    ]


def _output(
    body: dict[str, Any], chat: dict[str, Any], made: Answer, choice: Choice, rng: Random
) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if made.reasoning_tokens:
        asked = body.get("reasoning") or {}
        told = [{"type": "summary_text", "text": SUMMARY}] if asked.get("summary") else []
        thought = {"id": f"rs_{rng.getrandbits(192):048x}", "type": "reasoning", "summary": told}
        if "reasoning.encrypted_content" in (body.get("include") or ()):
            thought["encrypted_content"] = "ZW11bGF0ZWQ="
        items.append(thought)
    for tool in choice.tools:
        kind, prefix, named = (
            ("custom_tool_call", "ctc", "input") if tool.custom else ("function_call", "fc", "arguments")
        )
        identity = f"{prefix}_{rng.getrandbits(192):048x}"
        items.append(
            {
                "id": identity,
                "type": kind,
                "status": "completed",
                "call_id": tool.id,
                "name": tool.name,
                named: tool.arguments,
            }
        )
    if not choice.tools:
        part = {"type": "output_text", "text": choice.text, "annotations": [], "logprobs": logprobs_of(choice, chat)}
        status = "completed" if choice.finish_reason == "stop" else "incomplete"
        identity = f"msg_{rng.getrandbits(192):048x}"
        items.append({"id": identity, "type": "message", "role": "assistant", "status": status, "content": [part]})
    return items


def logprobs_of(choice: Choice, chat: dict[str, Any]) -> list[dict[str, Any]]:
    """Of each token, where they are asked for."""
    return logprobs(choice.pieces, chat) if chat.get("logprobs") else []


def events(whole: dict[str, Any], burst: int) -> tuple[list[Event], range]:
    """The events of a streamed response, in their order, and which of them bring content.

    Args:
        whole: the complete response.
        burst: tokens per content event.
    """
    made: list[Event] = []
    content: list[int] = []
    for tokens, kind, value in _told(whole, burst):
        if kind in DELTAS:
            content.append(len(made))
        made.append((tokens, event(kind, {"type": kind, "sequence_number": len(made), **value})))
    return made, range(content[0], content[-1] + 1) if content else range(0)


_Told = tuple[int, str, dict[str, Any]]


def _told(whole: dict[str, Any], burst: int) -> Iterator[_Told]:
    begun = {**whole, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    if whole["background"]:
        yield 0, "response.created", {"response": {**begun, "status": "queued"}}
        yield 0, "response.queued", {"response": {**begun, "status": "queued"}}
    else:
        yield 0, "response.created", {"response": begun}
    yield 0, "response.in_progress", {"response": begun}
    for index, item in enumerate(whole["output"]):
        place = {"output_index": index}
        tell = {"message": _message, "reasoning": _reasoning}.get(item["type"], _call)
        yield from tell(item, place, burst)
        yield 0, "response.output_item.done", {**place, "item": item}
    yield 0, f"response.{whole['status']}", {"response": whole}


def _message(item: dict[str, Any], place: dict[str, Any], burst: int) -> Iterator[_Told]:
    yield 0, "response.output_item.added", {**place, "item": {**item, "status": "in_progress", "content": []}}
    where = {"item_id": item["id"], **place, "content_index": 0}
    part = item["content"][0]
    yield 0, "response.content_part.added", {**where, "part": {**part, "text": "", "logprobs": []}}
    pieces, known = _PIECE.findall(part["text"]), part["logprobs"]
    for start in range(0, len(pieces), burst):
        some = pieces[start : start + burst]
        delta = {"delta": "".join(some), "logprobs": known[start : start + burst]}
        yield len(some), "response.output_text.delta", {**where, **delta}
    yield 0, "response.output_text.done", {**where, "text": part["text"], "logprobs": known}
    yield 0, "response.content_part.done", {**where, "part": part}


def _reasoning(item: dict[str, Any], place: dict[str, Any], _: int) -> Iterator[_Told]:
    yield 0, "response.output_item.added", {**place, "item": {**item, "summary": []}}
    for number, part in enumerate(item["summary"]):
        where = {"item_id": item["id"], **place, "summary_index": number}
        yield 0, "response.reasoning_summary_part.added", {**where, "part": {**part, "text": ""}}
        yield 0, "response.reasoning_summary_text.delta", {**where, "delta": part["text"]}
        yield 0, "response.reasoning_summary_text.done", {**where, "text": part["text"]}
        yield 0, "response.reasoning_summary_part.done", {**where, "part": part}


def _call(item: dict[str, Any], place: dict[str, Any], burst: int) -> Iterator[_Told]:
    custom = item["type"] == "custom_tool_call"
    named, kind = ("input", "custom_tool_call_input") if custom else ("arguments", "function_call_arguments")
    yield 0, "response.output_item.added", {**place, "item": {**item, "status": "in_progress", named: ""}}
    where = {"item_id": item["id"], **place}
    pieces = pieces_of(item[named])
    for start in range(0, len(pieces), burst):
        some = pieces[start : start + burst]
        yield len(some), f"response.{kind}.delta", {**where, "delta": "".join(some)}
    name = {} if custom else {"name": item["name"]}
    yield 0, f"response.{kind}.done", {**where, named: item[named], **name}
