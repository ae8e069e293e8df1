"""Does the model take this request?  What Azure answers with a 400, after the limiter has counted it."""

from __future__ import annotations

from typing import Any

from . import refusals
from .config import EmulatedDeployment
from .estimate import billed_prompt, chat_texts, inputs_of, max_tokens
from .refusals import Refusal, invalid

MAX_MESSAGES = 2048
MAX_TOOLS = 128
MAX_INPUTS = 2048
MAX_CHOICES = 128
_NOT_FOR_REASONING = ("logprobs", "top_logprobs", "logit_bias")
_ONLY_DEFAULT = (("temperature", 1), ("top_p", 1), ("presence_penalty", 0), ("frequency_penalty", 0))


def objection(d: EmulatedDeployment, operation: str, body: dict[str, Any], *, strict: bool) -> Refusal | None:
    """What the model says against the request, or None.

    Args:
        d: the deployment.
        operation: `chat/completions` or `embeddings`.
        body: the request.
        strict: a chat model refuses embeddings; otherwise it makes some, of any size.
    """
    if operation == "embeddings":
        if strict and d.kind != "embeddings":
            return refusals.wrong_operation(operation, d.model)
        return _embeddings(d, body)
    if d.kind == "embeddings":
        return refusals.wrong_operation(operation, d.model)
    wrong = _shape(body)
    if wrong is None and d.kind in ("o_series", "gpt5"):
        wrong = _reasoning(body)
    return wrong or _prompt(d, body)


def _shape(body: dict[str, Any]) -> Refusal | None:
    messages = body.get("messages")
    if not isinstance(messages, list):
        return invalid("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    if not messages or len(messages) > MAX_MESSAGES:
        bound = "too short" if not messages else f"too long (at most {MAX_MESSAGES})"
        return invalid(f"Invalid 'messages': array {bound}.", "messages")
    if not all(isinstance(message, dict) and "role" in message for message in messages):
        return invalid("Invalid type for 'messages': expected objects with a 'role'.", "messages", "invalid_type")
    tools = body.get("tools")
    if isinstance(tools, list) and len(tools) > MAX_TOOLS:
        return invalid(f"Invalid 'tools': array too long (at most {MAX_TOOLS}).", "tools", "array_above_max_length")
    for name, highest in (("n", MAX_CHOICES), ("max_tokens", None), ("max_completion_tokens", None)):
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool):
            return invalid(f"Invalid type for '{name}': expected an integer.", name, "invalid_type")
        if value < 1 or (highest and value > highest):
            return invalid(f"Invalid '{name}': integer out of range, got {value}.", name)
    return None


def _reasoning(body: dict[str, Any]) -> Refusal | None:
    if body.get("max_tokens") is not None:
        return refusals.unsupported_parameter("max_tokens", "max_completion_tokens")
    for name in _NOT_FOR_REASONING:
        if body.get(name):
            return refusals.unsupported_parameter(name)
    for name, only in _ONLY_DEFAULT:
        if body.get(name) is not None and body[name] != only:
            return refusals.unsupported_value(name, body[name], only)
    return None


def _prompt(d: EmulatedDeployment, body: dict[str, Any]) -> Refusal | None:
    prompt = billed_prompt(body)
    said = "\n".join(text for text in chat_texts(body) if "emulate:" in text)
    if "emulate:content_filter" in said:
        return refusals.content_filter()
    window = d.context_window
    if "emulate:context_length" in said:
        window = window or 128_000
        return refusals.context_length(window, max(prompt, window + 1))
    total = prompt + (max_tokens(body) or 0)
    return refusals.context_length(window, total) if window is not None and total > window else None


def _embeddings(d: EmulatedDeployment, body: dict[str, Any]) -> Refusal | None:
    inputs = inputs_of(body)
    if not inputs or not all(isinstance(item, (str, list)) and item for item in inputs):
        return invalid("'input' is a required property: a text, texts, or token ids, none of them empty.", "input")
    if len(inputs) > MAX_INPUTS:
        return invalid(f"Invalid 'input': array too long (at most {MAX_INPUTS}).", "input", "array_above_max_length")
    dimensions = body.get("dimensions")
    if dimensions is not None:
        if d.kind == "embeddings" and "-3-" not in d.model:
            return refusals.unsupported_parameter("dimensions")
        if not isinstance(dimensions, int) or not 1 <= dimensions <= 3072:
            return invalid(f"Invalid value for 'dimensions': {dimensions}.", "dimensions")
    if any("emulate:content_filter" in item for item in inputs if isinstance(item, str)):
        return refusals.content_filter()
    return None
