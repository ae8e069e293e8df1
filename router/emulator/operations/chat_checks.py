"""Does the model take this chat?  What Azure answers with a 400, after the limiter has counted the request."""

from __future__ import annotations

from typing import Any

from router.emulator import filters, refusals
from router.emulator.config import EmulatedDeployment
from router.emulator.estimate import billed_prompt, chat_texts, max_tokens, parts_of
from router.emulator.families import Traits, traits_of
from router.emulator.refusals import Refusal, invalid
from router.emulator.sounds import CONTENT_TYPES

from .base import Call
from .chat_answer import marks_of
from .images_in import image_objection

MAX_MESSAGES = 2048
MAX_TOOLS = 128
MAX_CHOICES = 128
_NOT_FOR_REASONING = ("logprobs", "top_logprobs", "logit_bias")
_ONLY_DEFAULT = (("temperature", 1), ("top_p", 1), ("presence_penalty", 0), ("frequency_penalty", 0))
_RANGES = (
    ("temperature", 0, 2),
    ("top_p", 0, 1),
    ("presence_penalty", -2, 2),
    ("frequency_penalty", -2, 2),
)
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
SCHEMAS_SINCE = "2024-08-01-preview"
REASONING_SINCE = "2024-12-01-preview"


def objection(call: Call) -> Refusal | None:
    """What the model says against a chat, or None."""
    return chat_objection(call, call.body)


def chat_objection(call: Call, body: dict[str, Any]) -> Refusal | None:
    """The same of anything in the shape of a chat."""
    traits = traits_of(call.d.model, call.d.kind)
    wrong = _shape(body) or (_version(call, body, traits) if call.strict else None)
    if wrong is None:
        wrong = _reasoning(body, traits) if traits is not None else _sampling(body)
    if wrong is None:
        wrong = _format(body, strict=call.strict) or _audio(call, body)
    return wrong or _images(body) or prompt_objection(call.d, body)


def _shape(body: dict[str, Any]) -> Refusal | None:
    messages = body.get("messages")
    if not isinstance(messages, list):
        return invalid("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    if not messages or len(messages) > MAX_MESSAGES:
        bound = "too short" if not messages else f"too long (at most {MAX_MESSAGES})"
        return invalid(f"Invalid 'messages': array {bound}.", "messages")
    for place, message in enumerate(messages):
        if not isinstance(message, dict) or "role" not in message:
            return invalid("Invalid type for 'messages': expected objects with a 'role'.", "messages", "invalid_type")
        if message["role"] not in _ROLES:
            said = f"Invalid value: '{message['role']}'. Supported values are: {', '.join(map(repr, _ROLES))}."
            return invalid(said, f"messages[{place}].role", "invalid_value")
        if not _is_content(message.get("content")):
            name = f"messages[{place}].content"
            return invalid(
                f"Invalid type for '{name}': expected a string or an array of objects.", name, "invalid_type"
            )
    tools = body.get("tools")
    if not isinstance(tools, list | None):
        return invalid("Invalid type for 'tools': expected an array of objects.", "tools", "invalid_type")
    if tools is not None and len(tools) > MAX_TOOLS:
        return invalid(f"Invalid 'tools': array too long (at most {MAX_TOOLS}).", "tools", "array_above_max_length")
    if body.get("tool_choice") not in (None, "none") and not tools:
        return invalid("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice")
    for name, highest in (("n", MAX_CHOICES), ("max_tokens", None), ("max_completion_tokens", None)):
        wrong = whole_number(body, name, highest)
        if wrong is not None:
            return wrong
    return None


def _is_content(content: Any) -> bool:
    """A text, parts, or nothing, as beside tool calls."""
    return isinstance(content, str | None) or (isinstance(content, list) and all(isinstance(p, dict) for p in content))


def whole_number(body: dict[str, Any], name: str, highest: int | None = None) -> Refusal | None:
    """A parameter that must be a whole number of 1 or more, where it is given."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        return invalid(f"Invalid type for '{name}': expected an integer.", name, "invalid_type")
    if value < 1 or (highest and value > highest):
        return invalid(f"Invalid '{name}': integer out of range, got {value}.", name)
    return None


def _version(call: Call, body: dict[str, Any], traits: Traits | None) -> Refusal | None:
    """What a dated `api-version` does not have yet."""
    version = call.route.api_version
    if version == "v1":
        return None
    if traits is not None and version < REASONING_SINCE:
        return refusals.too_old(f"Model {call.d.model}", REASONING_SINCE)
    form = body.get("response_format")
    if isinstance(form, dict) and form.get("type") == "json_schema" and version < SCHEMAS_SINCE:
        return refusals.too_old("response_format value as json_schema", SCHEMAS_SINCE)
    return None


def _reasoning(body: dict[str, Any], traits: Traits) -> Refusal | None:
    if body.get("max_tokens") is not None:
        return refusals.unsupported_parameter("max_tokens", "max_completion_tokens")
    effort = body.get("reasoning_effort")
    if effort is not None and effort not in traits.efforts:
        return refusals.not_among("reasoning_effort", effort, traits.efforts)
    if body.get("stream") and not traits.streams:
        return refusals.unsupported_value("stream", "true", "false")
    if body.get("parallel_tool_calls") is not None and not traits.parallel_tools:
        return refusals.unsupported_parameter("parallel_tool_calls")
    roles = {message["role"] for message in body["messages"]}
    if {"system", "developer"} <= roles:
        return invalid("'system' and 'developer' messages cannot be used in the same request.", "messages")
    if traits.samples_without_effort and (effort or traits.default_effort) == "none":
        return _sampling(body, reasons=True)
    for name in _NOT_FOR_REASONING:
        if body.get(name):
            return refusals.unsupported_parameter(name)
    for name, only in _ONLY_DEFAULT:
        if body.get(name) is not None and body[name] != only:
            return refusals.unsupported_value(name, body[name], only)
    return None


def _sampling(body: dict[str, Any], *, reasons: bool = False) -> Refusal | None:
    """Parameters of models that draw their words."""
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        said = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        return invalid(said, "max_tokens", "invalid_parameter_combination")
    if body.get("reasoning_effort") is not None and not reasons:
        return refusals.unrecognized("reasoning_effort")
    for name, least, most in _RANGES:
        value = body.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return invalid(f"Invalid type for '{name}': expected a decimal.", name, "invalid_type")
        if not least <= value <= most:
            side, end, sign, bound = ("below", "min", ">=", least) if value < least else ("above", "max", "<=", most)
            said = f"decimal {side} {end}imum value. Expected a value {sign} {bound}, but got {value} instead."
            return invalid(f"Invalid '{name}': {said}", name, f"decimal_{side}_{end}_value")
    top = body.get("top_logprobs")
    if top is not None and not body.get("logprobs"):
        return invalid("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", "top_logprobs")
    if top is not None and not (isinstance(top, int) and 0 <= top <= 20):
        return invalid(f"Invalid 'top_logprobs': expected 0 to 20, but got {top} instead.", "top_logprobs")
    return None


def _format(body: dict[str, Any], *, strict: bool) -> Refusal | None:
    form = body.get("response_format")
    if form is None:
        return None
    kind = form.get("type") if isinstance(form, dict) else None
    if kind not in ("text", "json_object", "json_schema"):
        said = f"Invalid value: '{kind}'. Supported values are: 'json_object', 'json_schema', and 'text'."
        return invalid(said, "response_format.type", "invalid_value")
    if kind == "json_schema":
        described = form.get("json_schema")
        if not isinstance(described, dict):
            said = "Missing required parameter: 'response_format.json_schema'."
            return invalid(said, "response_format.json_schema", "missing_required_parameter")
        if not described.get("name"):
            said = "Missing required parameter: 'response_format.json_schema.name'."
            return invalid(said, "response_format.json_schema.name", "missing_required_parameter")
    if strict and kind == "json_object" and not any("json" in text.lower() for text in chat_texts(body)):
        said = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        return invalid(said, "messages")
    return None


def _audio(call: Call, body: dict[str, Any]) -> Refusal | None:
    sounds = "audio" in (body.get("modalities") or ())
    if sounds and not isinstance(body.get("audio"), dict):
        return invalid("Missing required parameter: 'audio'.", "audio", "missing_required_parameter")
    if sounds and body["audio"].get("format") not in CONTENT_TYPES:
        said = f"Invalid value: '{body['audio'].get('format')}'. Supported values are: 'wav', 'mp3', 'flac', 'opus'."
        return invalid(said, "audio.format", "invalid_value")
    if sounds and body.get("stream") and body["audio"].get("format") != "pcm16":
        said = (
            "Unsupported value: 'audio.format' does not support '{}' when stream=true. Supported values are: 'pcm16'."
        )
        return invalid(said.format(body["audio"].get("format")), "audio.format", "unsupported_value")
    heard = any(part.get("type") == "input_audio" for part in parts_of(body))
    if call.strict and (sounds or heard) and "audio" not in call.d.model:
        return invalid("This model does not support audio input or output.", "modalities", "unsupported_modality")
    return None


def _images(body: dict[str, Any]) -> Refusal | None:
    for part in parts_of(body):
        if part.get("type") == "image_url":
            image = part.get("image_url")
            wrong = image_objection(image.get("url") if isinstance(image, dict) else None)
            if wrong is not None:
                return wrong
    return None


def prompt_objection(d: EmulatedDeployment, body: dict[str, Any], param: str = "messages") -> Refusal | None:
    """The content filter, and the model's window.

    Args:
        d: the deployment.
        body: in the shape of a chat.
        param: what the caller calls the prompt.
    """
    prompt = billed_prompt(body)
    said = marks_of(body)
    if "emulate:content_filter" in said:
        return refusals.content_filter(plural="emulate:content_filter_plural" in said)
    if "emulate:jailbreak" in said:
        return refusals.content_filter(filters.JAILBREAK)
    window = d.context_window
    if "emulate:context_length" in said:
        window = window or 128_000
        return refusals.context_length(window, max(prompt, window + 1), param)
    total = prompt + (max_tokens(body) or 0)
    return refusals.context_length(window, total, param) if window is not None and total > window else None
