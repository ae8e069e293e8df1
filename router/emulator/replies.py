"""What does Azure answer?  Bodies of successes and errors, as azure.md §4 and §5 describe them."""

from __future__ import annotations

import base64
import struct
from random import Random
from typing import Any

WORDS = (
    "the quick answer is that a region may fail while its neighbour serves on and nobody notices when the router does"
    " its work well so keep some room and let the window slide"
).split()
SAFE = {"filtered": False, "severity": "safe"}
FILTERS = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), SAFE)
PROMPT_FILTERS = {**FILTERS, "jailbreak": {"filtered": False, "detected": False}}
DIMENSIONS = 1536
TOKENS_PER_EVENT = 12
"""The default filter buffers: tokens arrive in bursts (azure.md §5.2)."""


def text_of(tokens: int, rng: Random) -> str:
    """Filler text of about so many tokens."""
    return " ".join(rng.choice(WORDS) for _ in range(max(1, tokens)))


def usage(prompt: int, completion: int) -> dict[str, Any]:
    """The usage object."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def message(body: dict[str, Any], text: str) -> tuple[dict[str, Any], str]:
    """The assistant's message, and why it ended: the text, or a call of the tool that was asked for."""
    name = _forced_tool(body)
    if name is None:
        return {"role": "assistant", "content": text, "refusal": None, "annotations": []}, "stop"
    call = {"id": "call_emulated", "type": "function", "function": {"name": name, "arguments": "{}"}}
    return {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]}, "tool_calls"


def _forced_tool(body: dict[str, Any]) -> str | None:
    choice, tools = body.get("tool_choice"), body.get("tools")
    if isinstance(choice, dict):
        name = (choice.get("function") or {}).get("name")
        return str(name) if name else None
    if choice == "required" and isinstance(tools, list) and tools and isinstance(tools[0], dict):
        return str((tools[0].get("function") or {}).get("name", "tool"))
    return None


def chat(
    body: dict[str, Any], model: str, number: int, created: int, prompt: int, texts: list[str], cut: bool
) -> dict[str, Any]:
    """A chat completion with one choice per text."""
    choices = []
    completion = 0
    for index, text in enumerate(texts):
        said, reason = message(body, text)
        completion += len(text.split())
        choices.append(
            {
                "index": index,
                "finish_reason": "length" if cut and reason == "stop" else reason,
                "logprobs": None,
                "message": said,
                "content_filter_results": FILTERS,
            }
        )
    return {
        "id": f"chatcmpl-emulated{number}",
        "object": "chat.completion",
        "created": created,
        "model": model,
        "system_fingerprint": "fp_emulated",
        "choices": choices,
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": PROMPT_FILTERS}],
        "usage": usage(prompt, completion),
    }


def chat_events(whole: dict[str, Any], include_usage: bool) -> list[dict[str, Any]]:
    """The same completion as the events of a stream: the empty first one, bursts of text, the end, the usage."""
    head = {k: whole[k] for k in ("id", "created", "model", "system_fingerprint")}
    head["object"] = "chat.completion.chunk"
    events: list[dict[str, Any]] = [
        {"id": "", "object": "", "created": 0, "model": "", "choices": []}
        | {"prompt_filter_results": whole["prompt_filter_results"]}
    ]

    def event(index: int, delta: dict[str, Any], reason: str | None = None) -> None:
        choice = {"index": index, "delta": delta, "finish_reason": reason, "logprobs": None}
        events.append({**head, "choices": [{**choice, "content_filter_results": {}}], "usage": None})

    for choice in whole["choices"]:
        said, index = choice["message"], choice["index"]
        event(index, {"role": "assistant", "content": "" if said["content"] is not None else None, "refusal": None})
        for place, call in enumerate(said.get("tool_calls") or ()):
            event(index, {"tool_calls": [{"index": place, **call, "function": {**call["function"], "arguments": ""}}]})
            arguments = {"arguments": call["function"]["arguments"]}
            event(index, {"tool_calls": [{"index": place, "function": arguments}]})
        words = (said["content"] or "").split(" ") if said["content"] else []
        for start in range(0, len(words), TOKENS_PER_EVENT):
            piece = " ".join(words[start : start + TOKENS_PER_EVENT])
            event(index, {"content": piece if start == 0 else " " + piece})
        event(index, {}, choice["finish_reason"])
    if include_usage:
        events.append({**head, "choices": [], "usage": whole["usage"]})
    return events


def embeddings(body: dict[str, Any], model: str, prompt: int, rng: Random) -> dict[str, Any]:
    """One vector for each input."""
    given = body.get("input")
    single = isinstance(given, str) or (isinstance(given, list) and bool(given) and isinstance(given[0], int))
    count = 1 if single else len(given or [])
    size = body.get("dimensions") or DIMENSIONS
    data = []
    for index in range(count):
        vector = [rng.uniform(-0.1, 0.1) for _ in range(size)]
        shown: Any = vector
        if body.get("encoding_format") == "base64":
            shown = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": shown})
    return {
        "object": "list",
        "model": model,
        "data": data,
        "usage": {"prompt_tokens": prompt, "total_tokens": prompt},
    }


def error(code: str, text: str, **more: Any) -> dict[str, Any]:
    """The error envelope."""
    return {"error": {"code": code, "message": text, **more}}


WRONG_KEY = error(
    "401",
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an"
    " active subscription and use a correct regional API endpoint for your resource.",
)
NO_DEPLOYMENT = error(
    "DeploymentNotFound",
    "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes,"
    " please wait a moment and try again.",
)
NO_RESOURCE = error("404", "Resource not found")
FILTERED = error(
    "content_filter",
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
    type=None,
    param="prompt",
    status=400,
    innererror={
        "code": "ResponsibleAIPolicyViolation",
        "content_filter_result": {**PROMPT_FILTERS, "violence": {"filtered": True, "severity": "medium"}},
    },
)


def too_long(window: int, tokens: int) -> dict[str, Any]:
    """The prompt exceeds the context window."""
    return error(
        "context_length_exceeded",
        f"This model's maximum context length is {window} tokens. However, your messages resulted in {tokens} tokens."
        " Please reduce the length of the messages.",
        type="invalid_request_error",
        param="messages",
    )


def unsupported(param: str, code: str, text: str) -> dict[str, Any]:
    """A parameter that a reasoning model does not take."""
    return error(code, text, type="invalid_request_error", param=param)


def throttled(form: str, deployment: str, model: str, region: str, what: str, seconds: int) -> dict[str, Any]:
    """The generations of a 429's text (azure.md §3.5).  `what` is `token` or `call`."""
    if form == "2024":
        return error(
            "429",
            f"Requests to the ChatCompletions_Create Operation under Azure OpenAI API have exceeded {what} rate limit"
            f" of your current OpenAI S0 pricing tier. Please retry after {seconds} seconds.",
        )
    if form == "bare":
        return error("429", f"Rate limit is exceeded. Try again in {seconds} seconds.")
    return error(
        "RateLimitReached",
        f"Your requests to {deployment} for {model} in {region} have exceeded the {what} rate limit for your current"
        f" AIServices S0 pricing tier. Please retry after {seconds} seconds.",
    )
