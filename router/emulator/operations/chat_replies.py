"""What JSON object does a chat answer become?"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Any
from zlib import crc32

from router.emulator.filters import ANSWER_RESULTS, BLOCKED_RESULTS, PROMPT_FILTER, UNFILTERED
from router.emulator.sounds import sound_of

from .chat_answer import Answer, Choice
from .tool_calls import ToolCall

FINGERPRINT = "fp_emulator"
AUDIO_LIFE_S = 3600
"""How long the id of a spoken answer can be named in a later request."""


def usage(answer: Answer, *, audio: bool = False) -> dict[str, Any]:
    """The usage object.

    Args:
        answer: what was said.
        audio: it was spoken: its tokens are audio tokens.
    """
    completion = answer.completion_tokens
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": answer.prompt_tokens + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": answer.reasoning_tokens,
            "audio_tokens": completion if audio else 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def completion(answer: Answer, body: dict[str, Any], *, annotated: bool = True) -> dict[str, Any]:
    """The `chat.completion` object.

    Args:
        answer: what to say.
        body: what was asked for: `logprobs`, `audio`, data sources.
        annotated: with the findings of the content filter.
    """
    made: dict[str, Any] = {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
        "choices": [_choice(index, choice, answer, body) for index, choice in enumerate(answer.choices)],
        "usage": usage(answer, audio=is_spoken(body)),
    }
    if annotated:
        made["prompt_filter_results"] = PROMPT_FILTER
    else:
        for choice in made["choices"]:
            del choice["content_filter_results"]
    return made


def _choice(index: int, choice: Choice, answer: Answer, body: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text, "refusal": None, "annotations": []}
    if choice.tools:
        message["content"] = None
        message["tool_calls"] = [tool_call(tool) for tool in choice.tools]
    elif is_spoken(body):
        message["content"] = None
        message["audio"] = audio(choice, answer, body["audio"].get("format", "wav"))
    if isinstance(body.get("data_sources") or body.get("dataSources"), list) and not is_vision_source(body):
        message["context"] = {"citations": [], "intent": '["filler"]'}
    made = {
        "index": index,
        "finish_reason": choice.finish_reason,
        "logprobs": {"content": logprobs(choice.pieces, body), "refusal": None} if body.get("logprobs") else None,
        "message": message,
        "content_filter_results": results(choice, answer),
    }
    enhancements = body.get("enhancements")
    if isinstance(enhancements, dict):
        asked = [name for name, value in enhancements.items() if isinstance(value, dict) and value.get("enabled")]
        made["enhancements"] = {name: {"lines": [], "status": "Success"} for name in asked}
    return made


def is_vision_source(body: dict[str, Any]) -> bool:
    """The data sources are Azure's computer vision, not one's own data."""
    sources = body.get("data_sources") or body.get("dataSources")
    return any(isinstance(s, dict) and s.get("type") == "AzureComputerVision" for s in sources or ())


def results(choice: Choice, answer: Answer) -> dict[str, Any]:
    """What the content filter found in an answer."""
    if "emulate:filter_error" in answer.marks:
        return UNFILTERED
    return BLOCKED_RESULTS if choice.finish_reason == "content_filter" else ANSWER_RESULTS


def tool_call(tool: ToolCall) -> dict[str, Any]:
    """A whole call."""
    if tool.custom:
        return {"id": tool.id, "type": "custom", "custom": {"name": tool.name, "input": tool.arguments}}
    return {"id": tool.id, "type": "function", "function": {"name": tool.name, "arguments": tool.arguments}}


def is_spoken(body: dict[str, Any]) -> bool:
    """The answer is asked for as sound."""
    return "audio" in (body.get("modalities") or ()) and isinstance(body.get("audio"), dict)


def audio_id(answer: Answer) -> str:
    """The id of a spoken answer."""
    return "audio_" + answer.id.removeprefix("chatcmpl-")


def audio(choice: Choice, answer: Answer, form: str) -> dict[str, Any]:
    """A spoken answer."""
    return {
        "id": audio_id(answer),
        "data": base64.b64encode(sound_of(choice.text, form)).decode(),
        "expires_at": answer.created + AUDIO_LIFE_S,
        "transcript": choice.text,
    }


def logprobs(pieces: Sequence[str], body: dict[str, Any]) -> list[dict[str, Any]]:
    """Of each token; they depend on the token alone."""
    top = body.get("top_logprobs") or 0
    made: list[dict[str, Any]] = []
    for piece in pieces:
        likely = -0.01 - (crc32(piece.encode()) % 1000) / 2000
        tops = [_token(piece if rank == 0 else f" other{rank}", likely - math.log1p(rank)) for rank in range(top)]
        made.append({**_token(piece, likely), "top_logprobs": tops})
    return made


def _token(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": round(logprob, 6), "bytes": list(text.encode())}
