"""How do the events of a Message's stream read as chat chunks?

One event gives none, one or two chunks, and what came stays where it came: text as it is written, a call of a tool
as its name and then its arguments, thinking as `reasoning_content` and, once its signature is known, whole.  What
the chunks add up to is what `reply.py` makes of the whole Message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .reply import arguments, finish, text_in, to_usage

Event = dict[str, Any]


class Translator:
    """Turns the events of one stream, in their order, into chunks."""

    __slots__ = ("_calls", "_created", "_head", "_open", "_usage", "_wants_usage")

    def __init__(self, created: int = 0, *, wants_usage: bool = False) -> None:
        """`created`: Unix time in seconds.  `wants_usage`: `stream_options.include_usage` was set."""
        self._created = created
        self._wants_usage = wants_usage
        self._head: dict[str, Any] = {"id": "", "model": ""}
        self._usage: dict[str, Any] = {}
        self._calls = 0
        self._open: dict[int, _Open] = {}

    def chunks(self, event: Mapping[str, Any]) -> list[Event]:
        """The chunks that an event makes.  Never raises for what a service may send."""
        kind = event.get("type")
        if kind == "content_block_delta":
            return self._said(self._delta(event))
        if kind == "content_block_start":
            return self._said(self._start(event))
        if kind == "content_block_stop":
            return self._said(self._stop(event))
        if kind == "message_start":
            return self._begin(_object(event, "message"))
        if kind == "message_delta":
            self._usage.update({k: v for k, v in _object(event, "usage").items() if v is not None})
            reason = finish(_object(event, "delta").get("stop_reason"))
            return [] if reason is None else [self._chunk([_choice({}, reason)])]
        if kind == "message_stop" and self._wants_usage:
            return [{**self._chunk([]), "usage": to_usage(self._usage)}]
        return []  # ping, and what may be invented yet

    def _begin(self, message: Mapping[str, Any]) -> list[Event]:
        self._head = {"id": message.get("id", ""), "model": message.get("model", "")}
        self._usage.update(_object(message, "usage"))
        return self._said([{"role": "assistant", "content": ""}])

    def _start(self, event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        block = dict(_object(event, "content_block"))
        kind = block.get("type")
        opened = self._open[_index(event)] = _Open(block)
        if kind == "tool_use":
            opened.call = self._calls
            self._calls += 1
            function = {"name": block.get("name"), "arguments": ""}
            yield _call(opened.call, id=block.get("id"), type="function", function=function)
        elif kind == "text" and text_in(block, "text"):
            yield {"content": block["text"]}
        elif kind == "thinking" and text_in(block, "thinking"):
            yield {"reasoning_content": block["thinking"]}

    def _delta(self, event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        delta = _object(event, "delta")
        opened = self._open.get(_index(event))
        kind = delta.get("type")
        if kind == "text_delta":
            yield {"content": text_in(delta, "text")}
        elif opened is None:
            return
        elif kind == "input_json_delta":
            piece = text_in(delta, "partial_json")
            if piece and opened.call is not None:
                opened.heard = True
                yield _call(opened.call, function={"arguments": piece})
        elif kind == "thinking_delta":
            opened.add("thinking", delta)
            yield {"reasoning_content": text_in(delta, "thinking")}
        elif kind == "signature_delta":
            opened.add("signature", delta)

    def _stop(self, event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        opened = self._open.pop(_index(event), None)
        if opened is None:
            return
        if opened.block.get("type") in ("thinking", "redacted_thinking"):
            yield {"thinking_blocks": [opened.block]}
        elif opened.call is not None and not opened.heard:  # no arguments, or all of them came at the start
            yield _call(opened.call, function={"arguments": arguments(opened.block.get("input"))})

    def _said(self, deltas: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> list[Event]:
        return [self._chunk([_choice(delta)]) for delta in deltas]

    def _chunk(self, choices: list[dict[str, Any]]) -> Event:
        return {**self._head, "object": "chat.completion.chunk", "created": self._created, "choices": choices}


def as_events(message: Mapping[str, Any]) -> Iterator[Event]:
    """The stream that a whole Message would have been: for services that answer whole where a stream was asked."""
    yield {"type": "message_start", "message": {**message, "content": [], "stop_reason": None, "stop_sequence": None}}
    for index, block in enumerate(message.get("content") or ()):
        start, deltas = _pieces(block)
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": message.get("stop_reason"), "stop_sequence": message.get("stop_sequence")}
    yield {"type": "message_delta", "delta": delta, "usage": message.get("usage") or {}}
    yield {"type": "message_stop"}


def _pieces(block: Mapping[str, Any]) -> tuple[Event, list[Event]]:
    """How a block begins, and what is then added to it."""
    kind = block.get("type")
    if kind == "text":
        return {**block, "text": ""}, [{"type": "text_delta", "text": block.get("text")}]
    if kind == "tool_use":
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": arguments(block.get("input"))}]
    if kind == "thinking":
        signed = {"type": "signature_delta", "signature": block.get("signature")}
        said = {"type": "thinking_delta", "thinking": block.get("thinking")}
        return {**block, "thinking": "", "signature": ""}, [said, signed]
    return dict(block), []


class _Open:
    """A block that has begun and not ended.

    Attributes:
        block: as it began, with what was added to its thinking.
        call: the number of the call of a tool that it is; None if it is none.
        heard: some of that call's arguments have come.
    """

    __slots__ = ("block", "call", "heard")

    def __init__(self, block: dict[str, Any]) -> None:
        self.block = block
        self.call: int | None = None
        self.heard = False

    def add(self, name: str, delta: Mapping[str, Any]) -> None:
        self.block[name] = text_in(self.block, name) + text_in(delta, name)


def _choice(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}


def _call(number: int, **facts: Any) -> dict[str, Any]:
    return {"tool_calls": [{"index": number, **facts}]}


def _index(event: Mapping[str, Any]) -> int:
    index = event.get("index")
    return index if isinstance(index, int) else 0


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, Mapping) else {}
