"""What does a chat request ask of Claude?

OpenAI's parameters become Anthropic's.  Those that Claude has no counterpart for are refused, which `fitting.py`
turns into an error or leaves out; those that nobody here knows (`top_k`, `thinking`, `container`, …) pass through,
and the service's answer decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.azure.parameters import LIMITS
from router.configured import Deployment
from router.errors import BadRequestError
from router.values import Call

from .content import conversation
from .models import thinks_adaptively

DEFAULT_MAX_TOKENS = 4096
"""Anthropic demands a limit and OpenAI does not; LiteLLM's figure.  Room for thinking comes on top of it."""
ADAPTIVE_ROOM = 12_288
"""Tokens that are added to the default limit where the model decides how long it thinks."""
LEAST_BUDGET = 1024
"""Tokens; Anthropic refuses a smaller budget for thinking."""

HINTS = {
    "temperature": "Claude's temperatures end at 1.",
    "response_format": "Claude needs a json_schema.",
    "metadata": "Claude takes a user_id alone.",
    "reasoning_effort": "Efforts go from none over minimal, low, medium, high and xhigh to max; on models before 4.6 "
    f"max_tokens must leave room for {LEAST_BUDGET} tokens of thinking and an answer.",
}
"""Why a parameter that Claude does take is refused with some values."""

_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 2048, "high": 4096, "xhigh": 8192, "max": 16_384}
"""Tokens of thinking for an effort, on models that are given a budget; the first three are LiteLLM's."""
_EFFORTS = {"minimal": "low"}
"""Words for an effort that Anthropic spells otherwise."""

_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "audio": (),
    "frequency_penalty": (0,),
    "function_call": (),
    "functions": (),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "n": (1,),
    "prediction": (),
    "presence_penalty": (0,),
    "prompt_cache_key": (),
    "prompt_cache_retention": (),
    "safety_identifier": (),
    "seed": (),
    "store": (False,),
    "top_logprobs": (0,),
    "verbosity": ("medium",),
    "web_search_options": (),
}
"""OpenAI's parameters without a counterpart, with the values that ask for nothing special."""
_TRANSLATED = frozenset(
    """max_completion_tokens max_tokens messages metadata model parallel_tool_calls reasoning_effort response_format
    service_tier stop stream stream_options temperature tool_choice tools user""".split()
) | frozenset(_NEUTRAL)


def claudes_body(
    body: Mapping[str, Any], defaults: Mapping[str, Any], deployment: Deployment, call: Call
) -> dict[str, Any]:
    """The body of a call to Claude, without `model` and `stream`: a Messages request as it is, a chat translated.

    Args:
        body: the caller's, without what is to be dropped.
        defaults: the deployment's, in the same way.
        deployment: whose `base_model` or name tells the generation.
        call: what is asked; parameters that it or the deployment allows are sent although Claude refuses them.

    Raises:
        BadRequestError: a message that cannot be translated.
    """
    whole = _merged(body, defaults)
    if call.operation != "chat.completions":
        return whole
    allowed = deployment.rules.allowed | call.rules.allowed
    raw = {name: whole[name] for name in refused_by_claude(body, defaults, deployment) if name in allowed}
    return {**to_messages(whole, _generation(deployment)), **raw}


def refused_by_claude(body: Mapping[str, Any], defaults: Mapping[str, Any], deployment: Deployment) -> list[str]:
    """The parameters of a chat request that Claude refuses, or that cannot be translated with these values."""
    return _parameters(_merged(body, defaults), thinks_adaptively(_generation(deployment)))[1]


def to_messages(body: Mapping[str, Any], model: str) -> dict[str, Any]:
    """The Messages request of a chat request, without `model` and `stream`.  What Claude refuses is left out.

    Args:
        body: as OpenAI's API takes it; never changed.
        model: the name that tells the generation: `base_model`, else the deployment's.

    Raises:
        BadRequestError: a message that cannot be translated.
    """
    request, _ = _parameters(body, thinks_adaptively(model))
    system, request["messages"] = conversation(body["messages"])
    if system:
        request["system"] = system
    return request


def _parameters(body: Mapping[str, Any], adaptive: bool) -> tuple[dict[str, Any], list[str]]:
    """Everything but the conversation, and the names of the parameters that are refused."""
    refused = [name for name, fine in _NEUTRAL.items() if body.get(name) is not None and body[name] not in fine]
    request: dict[str, Any] = {key: value for key, value in body.items() if key not in _TRANSLATED}
    _take_sampling(body, request, refused)
    _take_tools(body, request)
    _take_format(body, request, refused)
    _take_identity(body, request, refused)
    _take_limits(body, request, adaptive, refused)
    return request, refused


def _merged(body: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The caller's limit silences the configured ones; `stream` is not the body's to say."""
    stated = any(body.get(name) is not None for name in LIMITS)
    under = {name: value for name, value in defaults.items() if not (stated and name in LIMITS)}
    return {name: value for name, value in {**under, **body}.items() if name != "stream"}


def _generation(deployment: Deployment) -> str:
    return deployment.base_model or deployment.model


def _take_sampling(body: Mapping[str, Any], request: dict[str, Any], refused: list[str]) -> None:
    temperature = body.get("temperature")
    if temperature is not None:
        if isinstance(temperature, (int, float)) and temperature > 1:
            refused.append("temperature")
        else:
            request["temperature"] = temperature
    stop = body.get("stop")
    if stop:
        request["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)


def _take_tools(body: Mapping[str, Any], request: dict[str, Any]) -> None:
    if body.get("tools"):
        request["tools"] = [_tool(tool, f"tools[{number}]") for number, tool in enumerate(body["tools"])]
    choice = _choice(body.get("tool_choice"))
    if body.get("parallel_tool_calls") is False and "tools" in request:
        choice = choice or {"type": "auto"}
        if choice.get("type") != "none":  # which has no such key
            choice["disable_parallel_tool_use"] = True
    if choice is not None:
        request["tool_choice"] = choice


def _tool(tool: Any, place: str) -> dict[str, Any]:
    if not isinstance(tool, Mapping):
        raise BadRequestError(f"`{place}` is no object.  Nothing was sent.")
    function = tool.get("function")
    if not isinstance(function, Mapping):  # one of Anthropic's own, such as web_search_20250305
        return dict(tool)
    made: dict[str, Any] = {
        "name": function.get("name"),
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
    }
    for key, source in (("description", function), ("strict", function), ("cache_control", tool)):
        if source.get(key):
            made[key] = source[key]
    return made


def _choice(choice: Any) -> dict[str, Any] | None:
    if isinstance(choice, str):
        return {"type": "any" if choice == "required" else choice}
    if not isinstance(choice, Mapping):
        return None
    function = choice.get("function")
    if isinstance(function, Mapping):
        return {"type": "tool", "name": function.get("name")}
    return dict(choice)


def _take_format(body: Mapping[str, Any], request: dict[str, Any], refused: list[str]) -> None:
    wanted = body.get("response_format")
    kind = wanted.get("type") if isinstance(wanted, Mapping) else None
    if wanted is None or kind == "text":
        return
    inner = wanted.get("json_schema") if isinstance(wanted, Mapping) else None
    schema = inner.get("schema") if isinstance(inner, Mapping) else None
    if kind != "json_schema" or not isinstance(schema, Mapping):
        refused.append("response_format")
        return
    format_ = {"type": "json_schema", "schema": schema}
    request["output_config"] = {**_mapping(request, "output_config"), "format": format_}


def _take_identity(body: Mapping[str, Any], request: dict[str, Any], refused: list[str]) -> None:
    metadata = body.get("metadata")
    facts = dict(metadata) if isinstance(metadata, Mapping) else {}
    user = body.get("user") or facts.pop("user_id", None) or facts.pop("user", None)
    if any(key not in ("user", "user_id") for key in facts):
        refused.append("metadata")
    if user is not None:
        request["metadata"] = {"user_id": user}
    tier = body.get("service_tier")
    if tier in ("auto", "standard_only"):
        request["service_tier"] = tier
    elif tier in ("default", "standard"):
        request["service_tier"] = "standard_only"
    elif tier is not None:
        refused.append("service_tier")


def _take_limits(body: Mapping[str, Any], request: dict[str, Any], adaptive: bool, refused: list[str]) -> None:
    """`max_tokens`, and the thinking that counts towards it."""
    stated = body.get("max_completion_tokens")
    limit = body.get("max_tokens") if stated is None else stated
    effort = body.get("reasoning_effort")
    if effort is not None and "thinking" not in request:
        _take_effort(effort, limit, request, adaptive, refused)
    request["max_tokens"] = DEFAULT_MAX_TOKENS + _room(request) if limit is None else limit


def _take_effort(effort: Any, limit: Any, request: dict[str, Any], adaptive: bool, refused: list[str]) -> None:
    if effort in ("none", "disable"):
        request["thinking"] = {"type": "disabled"}
    elif not isinstance(effort, str) or effort not in _BUDGETS:
        refused.append("reasoning_effort")
    elif adaptive:
        request["thinking"] = {"type": "adaptive"}
        effort = _EFFORTS.get(effort, effort)
        request["output_config"] = {**_mapping(request, "output_config"), "effort": effort}
    else:
        budget = min(_BUDGETS[effort], limit - 1) if isinstance(limit, int) else _BUDGETS[effort]
        if budget < LEAST_BUDGET:
            refused.append("reasoning_effort")
        else:
            request["thinking"] = {"type": "enabled", "budget_tokens": budget}


def _room(request: Mapping[str, Any]) -> int:
    thinking = _mapping(request, "thinking")
    if thinking.get("type") == "adaptive":
        return ADAPTIVE_ROOM
    budget = thinking.get("budget_tokens")
    return budget if isinstance(budget, int) else 0


def _mapping(request: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = request.get(key)
    return value if isinstance(value, Mapping) else {}
