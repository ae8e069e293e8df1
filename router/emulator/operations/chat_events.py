"""What events does a streamed chat answer become, and in which order?"""

from __future__ import annotations

import base64
import json
from itertools import zip_longest
from typing import Any

from router.emulator.dialects import compact
from router.emulator.filters import ANSWER_RESULTS, BLOCKED_RESULTS, PROMPT_FILTER
from router.emulator.sounds import sound_of

from .chat_answer import Answer, Choice
from .chat_replies import AUDIO_LIFE_S, FINGERPRINT, audio_id, is_spoken, logprobs, usage

DONE = b"data: [DONE]\n\n"
Event = tuple[int, bytes]
"""The number of tokens that it brings, and its bytes."""
_NO_RESULTS: dict[str, Any] = {}
_ANSWER = compact(ANSWER_RESULTS).decode()
_FIRST = (
    b"data: "
    + compact(
        {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": PROMPT_FILTER}
    )
    + b"\n\n"
)


def events(
    answer: Answer, body: dict[str, Any], burst: int, *, include_usage: bool, annotated: bool = True
) -> tuple[list[Event], range]:
    """The events of a stream.

    Args:
        answer: what to say.
        body: what was asked for: `logprobs`, `audio`.
        burst: tokens per content event.
        include_usage: end with an event that has the usage and no choices.
        annotated: with the findings of the content filter, and the first event that has nothing else.

    Returns:
        The events, and which of them are content events.
    """
    frame = _Frame(answer, include_usage, annotated)
    made: list[Event] = [(0, _FIRST)] if annotated else []
    made += [(0, frame.delta(index, _opening(choice, body))) for index, choice in enumerate(answer.choices)]
    start = len(made)
    columns = [_content(frame, index, choice, answer, body, burst) for index, choice in enumerate(answer.choices)]
    made += [event for row in zip_longest(*columns) for event in row if event is not None]
    content = range(start, len(made))
    for index, choice in enumerate(answer.choices):
        made.append((0, frame.delta(index, {}, choice.finish_reason)))
    if include_usage:
        made.append((0, frame.usage(usage(answer, audio=is_spoken(body)))))
    made.append((0, DONE))
    return made, content


def _opening(choice: Choice, body: dict[str, Any]) -> dict[str, Any]:
    silent = choice.tools or is_spoken(body)
    return {"role": "assistant", "content": None if silent else "", "refusal": None}


def _content(
    frame: _Frame, index: int, choice: Choice, answer: Answer, body: dict[str, Any], burst: int
) -> list[Event]:
    if choice.tools:
        return _tools(frame, index, choice, burst)
    if is_spoken(body):
        return _spoken(frame, index, choice, answer, burst)
    made: list[Event] = []
    for start in range(0, len(choice.pieces), burst):
        tokens = choice.pieces[start : start + burst]
        text = "".join(tokens)
        if body.get("logprobs"):
            made.append((len(tokens), frame.delta(index, {"content": text}, logprobs=logprobs(tokens, body))))
        else:
            made.append((len(tokens), frame.text(index, text)))
    return made


def _tools(frame: _Frame, index: int, choice: Choice, burst: int) -> list[Event]:
    """One call after the other: first its name, then its arguments in pieces, without the id."""
    made: list[Event] = []
    for place, tool in enumerate(choice.tools):
        kind, named = ("custom", "input") if tool.custom else ("function", "arguments")
        opening = {"index": place, "id": tool.id, "type": kind, kind: {"name": tool.name, named: ""}}
        made.append((0, frame.delta(index, {"tool_calls": [opening]})))
        pieces = tool.pieces
        for start in range(0, len(pieces), burst):
            tokens = pieces[start : start + burst]
            call = {"index": place, kind: {named: "".join(tokens)}}
            made.append((len(tokens), frame.delta(index, {"tool_calls": [call]})))
    return made


def _spoken(frame: _Frame, index: int, choice: Choice, answer: Answer, burst: int) -> list[Event]:
    """The id, the transcript and the sound in pieces, and when it expires."""
    made: list[Event] = [(0, frame.delta(index, {"audio": {"id": audio_id(answer)}}))]
    for start in range(0, len(choice.pieces), burst):
        tokens = choice.pieces[start : start + burst]
        text = "".join(tokens)
        made.append((0, frame.delta(index, {"audio": {"transcript": text}})))
        sound = base64.b64encode(sound_of(text, "pcm16")).decode()
        made.append((len(tokens), frame.delta(index, {"audio": {"data": sound}})))
    made.append((0, frame.delta(index, {"audio": {"expires_at": answer.created + AUDIO_LIFE_S}})))
    return made


class _Frame:
    """Writes events; what is the same in all of them is encoded once."""

    __slots__ = ("_annotated", "_head", "_tail")

    def __init__(self, answer: Answer, include_usage: bool, annotated: bool) -> None:
        head = {
            "id": answer.id,
            "object": "chat.completion.chunk",
            "created": answer.created,
            "model": answer.model,
            "system_fingerprint": FINGERPRINT,
        }
        self._head = "data: " + json.dumps(head, separators=(",", ":"))[:-1]
        self._tail = ',"usage":null}\n\n' if include_usage else "}\n\n"
        self._annotated = annotated

    def text(self, index: int, text: str) -> bytes:
        """A content event."""
        results = f',"content_filter_results":{_ANSWER}' if self._annotated else ""
        return (
            f'{self._head},"choices":[{{"index":{index},"delta":{{"content":{json.dumps(text)}}},"logprobs":null,'
            f'"finish_reason":null{results}}}]{self._tail}'
        ).encode()

    def delta(
        self,
        index: int,
        delta: dict[str, Any],
        finish_reason: str | None = None,
        logprobs: list[dict[str, Any]] | None = None,
    ) -> bytes:
        """Any other event of a choice."""
        choice: dict[str, Any] = {
            "index": index,
            "delta": delta,
            "logprobs": {"content": logprobs, "refusal": None} if logprobs is not None else None,
            "finish_reason": finish_reason,
        }
        if self._annotated:
            choice["content_filter_results"] = BLOCKED_RESULTS if finish_reason == "content_filter" else _NO_RESULTS
        return f'{self._head},"choices":[{json.dumps(choice, separators=(",", ":"))}]{self._tail}'.encode()

    def usage(self, usage: dict[str, Any]) -> bytes:
        """The event of `include_usage`."""
        return f'{self._head},"choices":[],"usage":{json.dumps(usage, separators=(",", ":"))}}}\n\n'.encode()
