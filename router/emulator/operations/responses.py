"""The Responses API: created, streamed, kept at its resource, or worked off in the background."""

from __future__ import annotations

from typing import Any

from router.emulator import refusals
from router.emulator.dialects import compact
from router.emulator.estimate import Demand, chat_demand
from router.emulator.faults import FaultKind
from router.emulator.headers import EVENTS
from router.emulator.objects.store import Stored
from router.emulator.refusals import Refusal, invalid

from .base import Call, Operation, Reply, weight_of
from .chat import timed, times
from .chat_answer import answer
from .chat_checks import REASONING_SINCE, chat_objection
from .responses_chat import as_chat, earlier_items, items_of
from .responses_object import events, filters_of, response

SINCE = "2025-03-01-preview"
LEAST_TOKENS = 16
_UNKNOWN = ("context_management", "messages", "max_tokens", "max_completion_tokens", "response_format", "n")
_NAMES = {
    "max_completion_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "messages": "input",
    "response_format.type": "text.format.type",
    "response_format.json_schema.name": "text.format.name",
}


def demand(body: dict[str, Any]) -> Demand:
    """As a chat; what is kept of earlier responses is not counted at the door."""
    return chat_demand(as_chat(body))


def objection(call: Call) -> Refusal | None:
    """What the model says against it."""
    body = call.body
    version = call.route.api_version
    if call.strict and version != "v1" and version < max(SINCE, REASONING_SINCE):
        return refusals.too_old("Azure OpenAI Responses API", SINCE)
    for name in _UNKNOWN if call.annotated else ():
        if body.get(name) is not None:
            return invalid(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    wrong = _input(body)
    if wrong is not None:
        return wrong
    previous = body.get("previous_response_id")
    if previous is not None and previous not in call.store.responses:
        said = f"Previous response with id '{previous}' not found."
        more = {"type": refusals.INVALID, "param": "previous_response_id"}
        return Refusal(400, "previous_response_not_found", said, more)
    if body.get("background") and body.get("store") is False:
        return invalid("'background' requires 'store' to be true.", "background")
    return _renamed(chat_objection(call, as_chat(body, earlier_items(call.store, previous))))


def _input(body: dict[str, Any]) -> Refusal | None:
    given = body.get("input")
    if given is None and body.get("prompt") is None:
        return invalid("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    if given is not None and not (isinstance(given, (str, list)) and given):
        return invalid("Invalid 'input': expected a text or an array of items, not empty.", "input", "invalid_type")
    for place, item in enumerate(given if isinstance(given, list) else ()):
        if not isinstance(item, dict):
            return invalid(f"Invalid type for 'input[{place}]': expected an object.", "input", "invalid_type")
        if item.get("type") == "reasoning" and "status" in item:
            name = f"input[{place}].status"
            return invalid(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    bound = body.get("max_output_tokens")
    if isinstance(bound, int) and bound < LEAST_TOKENS:
        said = "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got {} instead."
        return invalid(said.format(bound), "max_output_tokens", "integer_below_min_value")
    return None


def _renamed(refusal: Refusal | None) -> Refusal | None:
    """The names of parameters as this API has them."""
    if refusal is not None and (name := _NAMES.get(str(refusal.more.get("param")))) is not None:
        refusal.message = refusal.message.replace(f"'{refusal.more['param']}'", f"'{name}'")
        refusal.more["param"] = name
    return refusal


def reply(call: Call) -> Reply:
    """The response; in the background, only that it has been queued."""
    body, rng = call.body, call.rng
    chat = as_chat(body, earlier_items(call.store, body.get("previous_response_id")))
    made = answer(call.d, chat, rng, int(call.wall), overrun=call.fault is FaultKind.OVERRUN)
    whole = response(body, chat, made, rng)
    if call.annotated:
        whole["content_filters"] = filters_of(made.choices[0])
    first, per_token = times(call, made)
    seconds = first + per_token * made.choices[0].tokens
    if whole["store"]:
        kept = {"input": _kept_items(call), "seconds": seconds}
        call.store.responses[whole["id"]] = Stored(whole, born=call.now, kept=kept)
    used = made.prompt_tokens + weight_of(call.d) * made.completion_tokens
    if call.streams:
        written, content = events(whole, call.d.burst_tokens)
        chunks = timed(written, per_token)
        return Reply(delay=first, used=used, chunks=chunks, content=content, manner="responses", content_type=EVENTS)
    if whole["background"]:
        queued = {**whole, "status": "queued", "output": [], "usage": None, "incomplete_details": None}
        return Reply(compact(queued), call.latency.error(), used)
    return Reply(compact(whole), seconds, used)


def _kept_items(call: Call) -> list[dict[str, Any]]:
    """The input, each item with an id, as `input_items` lists it."""
    kept: list[dict[str, Any]] = []
    for item in items_of(call.body.get("input")):
        full = {"type": "message", **item}
        if full["type"] == "message":
            content = full.get("content")
            if isinstance(content, str):
                kind = "output_text" if full.get("role") == "assistant" else "input_text"
                full["content"] = [{"type": kind, "text": content}]
            full["status"] = "completed"
        prefix = {"message": "msg", "function_call": "fc"}.get(full["type"], "item")
        kept.append({"id": f"{prefix}_{call.rng.getrandbits(192):048x}", **full})
    return kept


OPERATION = Operation("Responses_Create", ("chat", "o_series", "gpt5", "responses"), demand, objection, reply)
