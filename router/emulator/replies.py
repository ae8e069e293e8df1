"""What bytes does a chat answer become?  One JSON object, or the events of a stream."""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import Any

from .chat import Answer, Choice
from .filters import ANSWER_RESULTS, BLOCKED_RESULTS, PROMPT_FILTER

FINGERPRINT = "fp_emulator"
DONE = b"data: [DONE]\n\n"


def compact(value: Any) -> bytes:
    """JSON without blanks."""
    return json.dumps(value, separators=(",", ":")).encode()


_NO_RESULTS: dict[str, Any] = {}
_ANSWER = compact(ANSWER_RESULTS).decode()
_FIRST = (
    b"data: "
    + compact(
        {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": PROMPT_FILTER}
    )
    + b"\n\n"
)


def usage(answer: Answer) -> dict[str, Any]:
    """The usage object."""
    completion = answer.completion_tokens
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": answer.prompt_tokens + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": answer.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def completion(answer: Answer) -> dict[str, Any]:
    """The `chat.completion` object."""
    return {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
        "choices": [_choice(index, choice) for index, choice in enumerate(answer.choices)],
        "prompt_filter_results": PROMPT_FILTER,
        "usage": usage(answer),
    }


def _choice(index: int, choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text, "refusal": None, "annotations": []}
    if choice.tool is not None:
        tool = choice.tool
        message["content"] = None
        message["tool_calls"] = [
            {"id": tool.id, "type": "function", "function": {"name": tool.name, "arguments": tool.arguments}}
        ]
    return {
        "index": index,
        "finish_reason": choice.finish_reason,
        "logprobs": None,
        "message": message,
        "content_filter_results": _results(choice),
    }


def _results(choice: Choice) -> dict[str, Any]:
    return BLOCKED_RESULTS if choice.finish_reason == "content_filter" else ANSWER_RESULTS


def events(answer: Answer, burst: int, *, include_usage: bool) -> tuple[list[tuple[int, bytes]], range]:
    """The events of a stream.

    Args:
        answer: what to say.
        burst: tokens per content event.
        include_usage: end with an event that has the usage and no choices.

    Returns:
        Each event with the number of tokens that it brings, and which of them are content events.
    """
    frame = _Frame(answer, include_usage)
    made: list[tuple[int, bytes]] = [(0, _FIRST)]
    made += [(0, frame.delta(index, _opening(choice))) for index, choice in enumerate(answer.choices)]
    start = len(made)
    columns = [_content(frame, index, choice, burst) for index, choice in enumerate(answer.choices)]
    made += [event for row in zip_longest(*columns) for event in row if event is not None]
    content = range(start, len(made))
    for index, choice in enumerate(answer.choices):
        made.append((0, frame.delta(index, {}, choice.finish_reason)))
    if include_usage:
        made.append((0, frame.usage(usage(answer))))
    made.append((0, DONE))
    return made, content


def _opening(choice: Choice) -> dict[str, Any]:
    opening: dict[str, Any] = {"role": "assistant", "content": None if choice.tool else "", "refusal": None}
    if choice.tool is not None:
        function = {"name": choice.tool.name, "arguments": ""}
        opening["tool_calls"] = [{"index": 0, "id": choice.tool.id, "type": "function", "function": function}]
    return opening


def _content(frame: _Frame, index: int, choice: Choice, burst: int) -> list[tuple[int, bytes]]:
    made: list[tuple[int, bytes]] = []
    for start in range(0, len(choice.pieces), burst):
        tokens = choice.pieces[start : start + burst]
        text = "".join(tokens)
        if choice.tool is None:
            made.append((len(tokens), frame.text(index, text)))
        else:
            delta = {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}
            made.append((len(tokens), frame.delta(index, delta)))
    return made


class _Frame:
    """Writes events; what is the same in all of them is encoded once."""

    __slots__ = ("_head", "_tail")

    def __init__(self, answer: Answer, include_usage: bool) -> None:
        head = {
            "id": answer.id,
            "object": "chat.completion.chunk",
            "created": answer.created,
            "model": answer.model,
            "system_fingerprint": FINGERPRINT,
        }
        self._head = "data: " + json.dumps(head, separators=(",", ":"))[:-1]
        self._tail = ',"usage":null}\n\n' if include_usage else "}\n\n"

    def text(self, index: int, text: str) -> bytes:
        """A content event."""
        return (
            f'{self._head},"choices":[{{"index":{index},"delta":{{"content":{json.dumps(text)}}},"logprobs":null,'
            f'"finish_reason":null,"content_filter_results":{_ANSWER}}}]{self._tail}'
        ).encode()

    def delta(self, index: int, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        """Any other event of a choice."""
        results = BLOCKED_RESULTS if finish_reason == "content_filter" else _NO_RESULTS
        choice = {
            "index": index,
            "delta": delta,
            "logprobs": None,
            "finish_reason": finish_reason,
            "content_filter_results": results,
        }
        return f'{self._head},"choices":[{json.dumps(choice, separators=(",", ":"))}]{self._tail}'.encode()

    def usage(self, usage: dict[str, Any]) -> bytes:
        """The event of `include_usage`."""
        return f'{self._head},"choices":[],"usage":{json.dumps(usage, separators=(",", ":"))}}}\n\n'.encode()
