"""Claude on Foundry: Anthropic's Messages, whole and streamed, and the counting of tokens.

Bodies, events and errors are those of Anthropic's public API; Azure's own were not captured.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from router.emulator.dialects import compact, event
from router.emulator.estimate import Demand, billed_prompt, chat_demand
from router.emulator.faults import FaultKind
from router.emulator.filler import pieces_of
from router.emulator.headers import EVENTS
from router.emulator.refusals import INVALID, Refusal

from .base import Call, Operation, Reply, nothing, weight_of
from .chat import timed, times
from .chat_answer import Answer, answer
from .chat_checks import MAX_TOOLS
from .chat_events import Event
from .images_in import image_objection
from .messages_chat import as_chat

THOUGHT = "Regions first, then quotas."
SIGNATURE = "ZW11bGF0ZWQ="
LEAST_BUDGET = 1024
_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


def _wrong(message: str) -> Refusal:
    return Refusal(400, INVALID, message)


def demand(body: dict[str, Any]) -> Demand:
    """As a chat."""
    return chat_demand(as_chat(body))


def objection(call: Call) -> Refusal | None:
    """What the model says against it."""
    body = call.body
    limit = body.get("max_tokens")
    if limit is None:
        return _wrong("max_tokens: Field required")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        return _wrong("max_tokens: Input should be a whole number greater than 0")
    for name, most in (("temperature", 1), ("top_p", 1)):
        value = body.get(name)
        if value is not None and not (isinstance(value, (int, float)) and 0 <= value <= most):
            return _wrong(f"{name}: range: 0..{most}")
    thinking = body.get("thinking")
    if isinstance(thinking, dict) and thinking.get("type") == "enabled":
        budget = thinking.get("budget_tokens")
        if not isinstance(budget, int) or budget < LEAST_BUDGET:
            return _wrong(f"thinking.enabled.budget_tokens: Input should be greater than or equal to {LEAST_BUDGET}")
        if budget >= limit:
            return _wrong("`max_tokens` must be greater than `thinking.budget_tokens`.")
    return count_objection(call)


def count_objection(call: Call) -> Refusal | None:
    """What is wrong with the prompt."""
    body = call.body
    if not call.asked.get("anthropic-version"):
        return _wrong("anthropic-version: header is required")
    messages = body.get("messages")
    if not isinstance(messages, list):
        return _wrong("messages: Field required")
    if not messages:
        return _wrong("messages: at least one message is required")
    for place, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ("user", "assistant"):
            hint = ' The Messages API takes a top-level "system" parameter.' if role == "system" else ""
            said = f'messages.{place}: unexpected role "{role}". Allowed roles are "user" and "assistant".'
            return _wrong(said + hint)
        if not message.get("content"):
            return _wrong(f"messages.{place}: all messages must have non-empty content")
    if len(body.get("tools") or ()) > MAX_TOOLS:
        return _wrong(f"tools: at most {MAX_TOOLS} tools are allowed")
    chat = as_chat(body)
    for message in chat["messages"]:
        for part in message["content"] if isinstance(message["content"], list) else ():
            if part["type"] == "image_url" and (wrong := image_objection(part["image_url"]["url"])) is not None:
                return _wrong(wrong.message)
    window, tokens = call.d.context_window, billed_prompt(chat)
    if window is not None and tokens > window:
        return _wrong(f"prompt is too long: {tokens} tokens > {window} maximum")
    return None


def reply(call: Call) -> Reply:
    """The message, at once or as events."""
    body = call.body
    chat = as_chat(body)
    made = answer(call.d, chat, call.rng, int(call.wall), overrun=call.fault is FaultKind.OVERRUN)
    message = _message(call, made)
    first, per_token = times(call, made)
    used = made.prompt_tokens + weight_of(call.d) * made.completion_tokens
    if not call.streams:
        return Reply(compact(message), first + per_token * made.choices[0].tokens, used)
    written: list[Event] = []
    content: list[int] = []
    for tokens, name, value in _told(message, made.choices[0].pieces, call.d.burst_tokens):
        if name == "content_block_delta":
            content.append(len(written))
        written.append((tokens, event(name, {"type": name, **value})))
    places = range(content[0], content[-1] + 1) if content else range(0)
    chunks = timed(written, per_token)
    return Reply(delay=first, used=used, chunks=chunks, content=places, manner="anthropic", content_type=EVENTS)


def _message(call: Call, made: Answer) -> dict[str, Any]:
    choice = made.choices[0]
    blocks: list[dict[str, Any]] = []
    if (call.body.get("thinking") or {}).get("type") in ("enabled", "adaptive"):
        blocks.append({"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE})
    if choice.tools:
        for tool in choice.tools:
            identity = tool.id.replace("call_", "toolu_")
            blocks.append({"type": "tool_use", "id": identity, "name": tool.name, "input": json.loads(tool.arguments)})
    else:
        blocks.append({"type": "text", "text": choice.text})
    return {
        "id": made.id.replace("chatcmpl-", "msg_"),
        "type": "message",
        "role": "assistant",
        "model": made.model,
        "content": blocks,
        "stop_reason": _STOPS[choice.finish_reason],
        "stop_sequence": None,
        "usage": {
            "input_tokens": made.prompt_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": made.completion_tokens,
            "service_tier": "standard",
        },
    }


_Told = tuple[int, str, dict[str, Any]]


def _told(message: dict[str, Any], pieces: list[str], burst: int) -> Iterator[_Told]:
    begun = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
    yield 0, "message_start", {"message": begun}
    for index, block in enumerate(message["content"]):
        blank: dict[str, dict[str, Any]] = {
            "text": {"text": ""},
            "thinking": {"thinking": "", "signature": ""},
            "tool_use": {"input": {}},
        }
        yield 0, "content_block_start", {"index": index, "content_block": {**block, **blank[block["type"]]}}
        if index == 0:
            yield 0, "ping", {}
        for tokens, delta in _deltas(block, pieces, burst):
            yield tokens, "content_block_delta", {"index": index, "delta": delta}
        yield 0, "content_block_stop", {"index": index}
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]}
    yield 0, "message_delta", {"delta": ending, "usage": {"output_tokens": message["usage"]["output_tokens"]}}
    yield 0, "message_stop", {}


def _deltas(block: dict[str, Any], pieces: list[str], burst: int) -> Iterator[tuple[int, dict[str, Any]]]:
    if block["type"] == "thinking":
        yield 0, {"type": "thinking_delta", "thinking": block["thinking"]}
        yield 0, {"type": "signature_delta", "signature": block["signature"]}
        return
    kind, name = ("text_delta", "text") if block["type"] == "text" else ("input_json_delta", "partial_json")
    shown = pieces if block["type"] == "text" else pieces_of(json.dumps(block["input"]))
    for start in range(0, len(shown), burst):
        some = shown[start : start + burst]
        yield len(some), {"type": kind, name: "".join(some)}


def counted(call: Call) -> Reply:
    """How long the prompt is."""
    return Reply(compact({"input_tokens": billed_prompt(as_chat(call.body))}), call.latency.error())


MESSAGES = Operation("Messages_Create", ("claude",), demand, objection, reply)
COUNT = Operation("Messages_CountTokens", ("claude",), nothing, count_objection, counted)
