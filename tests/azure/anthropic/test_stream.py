"""The stream of a Message as chat chunks: what they add up to is the whole Message's completion."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.azure.anthropic.reader import MessageReader
from router.azure.anthropic.reply import to_completion
from router.azure.anthropic.stream import Translator, as_events
from router.azure.intake import Intake
from router.values import Failure

from .messages import ANSWER, COMPLETION, answers


def sse(events: list[dict[str, Any]]) -> bytes:
    return b"".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events)


def chunks_of(data: bytes, cuts: list[int] | None = None, *, wants_usage: bool = True) -> list[dict[str, Any]]:
    intake = Intake(MessageReader(), Translator(9, wants_usage=wants_usage).chunks)
    edges = [0, *sorted(cuts or ()), len(data)]
    for start, stop in pairwise(edges):
        if start < stop and not intake.over:
            intake.feed(data[start:stop])
    if not intake.over:
        intake.feed(b"")
    assert intake.ready.pop() is None
    return [item for item in intake.ready if isinstance(item, dict)]


def added_up(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """What a client of OpenAI's makes of the chunks."""
    message: dict[str, Any] = {}
    calls: dict[int, dict[str, Any]] = {}
    reason = usage = None
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            reason = choice["finish_reason"] or reason
            for key, value in choice["delta"].items():
                if key == "tool_calls":
                    for piece in value:
                        call = calls.setdefault(piece["index"], {"function": {"name": "", "arguments": ""}})
                        call.update({k: v for k, v in piece.items() if k in ("id", "type")})
                        for part, more in piece["function"].items():
                            call["function"][part] += more
                elif key == "role":
                    message[key] = value
                else:
                    message[key] = message[key] + value if key in message else value
    if calls:
        message["tool_calls"] = [calls[i] for i in sorted(calls)]
    head = {key: chunks[0][key] for key in ("id", "created", "model")}
    choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
    return {**head, "object": "chat.completion", "choices": [choice], "usage": usage}


def comparable(completion: dict[str, Any]) -> dict[str, Any]:
    """Without differences that streams cannot show: null and "" content, absent and empty thoughts."""
    message = dict(completion["choices"][0]["message"])
    for key in ("content", "reasoning_content"):
        message[key] = message.get(key) or ""
    return {**completion, "choices": [{**completion["choices"][0], "message": message}]}


def test_the_events_of_a_message_are_its_completion():
    chunks = chunks_of(sse(list(as_events(ANSWER))))
    assert added_up(chunks) == COMPLETION
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert chunks[-1]["choices"] == []
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in chunks)


def test_usage_comes_only_where_it_was_asked_for():
    assert all("usage" not in c and c["choices"] for c in chunks_of(sse(list(as_events(ANSWER))), wants_usage=False))


def finely(message: dict[str, Any], size: int) -> list[dict[str, Any]]:
    """The events of a message with its pieces cut small, and pings between them."""
    events: list[dict[str, Any]] = []
    for event in as_events(message):
        delta = event.get("delta") or {}
        key = next((k for k in ("text", "thinking", "partial_json", "signature") if k in delta), None)
        if key is None:
            events += [event, {"type": "ping"}]
        else:
            pieces = [delta[key][i : i + size] for i in range(0, len(delta[key]), size)]
            events += [{**event, "delta": {**delta, key: piece}} for piece in pieces]
    return events


@given(answers, st.integers(1, 5), st.lists(st.integers(0, 3000), max_size=6))
def test_any_cut_of_the_bytes_and_of_the_pieces_gives_the_same(message, size, cuts):
    data = sse(finely(message, size))
    chunks = chunks_of(data, [cut % (len(data) + 1) for cut in cuts])
    assert chunks == chunks_of(data)
    assert comparable(added_up(chunks)) == comparable(to_completion(message, 9))


def test_arguments_that_came_with_the_start_are_not_lost():
    block = ANSWER["content"][2]
    events = [
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_stop", "index": 0},
    ]
    translator = Translator()
    deltas = [c["choices"][0]["delta"]["tool_calls"][0] for event in events for c in translator.chunks(event)]
    assert deltas == [
        {"index": 0, "id": "toolu_1", "type": "function", "function": {"name": "weather", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"city": "Zürich"}'}},
    ]


_keys = st.sampled_from(
    "type index message delta content_block usage text thinking partial_json stop_reason id name input number".split()
)
_anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(_keys, inner, max_size=5)),
    max_leaves=12,
)
_kinds = st.sampled_from(
    "message_start message_delta message_stop content_block_start content_block_delta content_block_stop ping".split()
)


@given(st.lists(st.tuples(_kinds, st.dictionaries(_keys, _anything, max_size=6)), max_size=6))
def test_no_event_breaks_the_translator_or_the_judge(events):
    translator, reader = Translator(wants_usage=True), MessageReader()
    for kind, event in events:
        event = {**event, "type": kind}
        assert isinstance(reader.read(json.dumps(event)), (dict, Failure))
        for chunk in translator.chunks(event):
            json.dumps(chunk)


@pytest.mark.parametrize("kind", ["text_delta", "input_json_delta", "thinking_delta", "signature_delta"])
def test_a_piece_of_a_block_that_never_began_is_text_or_nothing(kind):
    event = {"type": "content_block_delta", "index": 3, "delta": {"type": kind, "text": "a"}}
    assert len(Translator().chunks(event)) == (kind == "text_delta")
