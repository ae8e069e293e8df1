"""The judge of Anthropic's streams knows when content began, when it ended, and when it only stopped."""

import json

import pytest

from router.azure.anthropic.reader import MessageReader
from router.azure.anthropic.stream import as_events
from router.values import Failure, Kind, Usage

from .messages import ANSWER

START = {"type": "message_start", "message": {"usage": {"input_tokens": 10, "output_tokens": 1}}}


def piece(**delta):
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def read(reader, *events):
    return [reader.read(json.dumps(event)) for event in events]


def test_a_whole_stream_is_read_and_handed_on_as_it_came():
    reader, events = MessageReader(), list(as_events(ANSWER))
    assert read(reader, *events) == events
    assert (reader.begun, reader.finished, reader.done) == (True, True, True)
    assert (reader.text, reader.usage) == ("I look.", Usage(20, 5, 25))
    assert reader.characters == len("Two cities." + "I look." + "weather" + '{"city": "Zürich"}' + "time" + "{}")
    assert reader.end() is None


@pytest.mark.parametrize(
    ("event", "begun"),
    [
        (START, False),
        ({"type": "ping"}, False),
        ({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}, False),
        ({"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "name": "f"}}, True),
        ({"type": "content_block_start", "index": 0, "content_block": {"type": "redacted_thinking"}}, True),
        (piece(type="text_delta", text=""), False),
        (piece(type="text_delta", text="a"), True),
        (piece(type="thinking_delta", thinking="a"), True),
        (piece(type="input_json_delta", partial_json="{"), True),
        (piece(type="signature_delta", signature="a"), False),
    ],
)
def test_when_an_answer_has_begun(event, begun):
    reader = MessageReader()
    read(reader, event)
    assert reader.begun is begun


def test_a_stream_that_stops_is_broken_and_tells_what_came():
    reader = MessageReader()
    read(reader, START, piece(type="text_delta", text="Hel"))
    failure = reader.end()
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.partial, failure.usage) == (Kind.STREAM, "Hel", None)


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        ("overloaded_error", Kind.SERVER_ERROR, 529),
        ("api_error", Kind.SERVER_ERROR, 500),
        ("timeout_error", Kind.SERVER_ERROR, 504),
        ("rate_limit_error", Kind.THROTTLED, 429),
        ("authentication_error", Kind.AUTHENTICATION, 401),
        ("permission_error", Kind.PERMISSION, 403),
        ("invalid_request_error", Kind.BAD_REQUEST, 400),
        ("new_error", Kind.STREAM, None),
    ],
)
def test_an_error_inside_the_stream_is_what_its_type_says(error, kind, status):
    reader = MessageReader()
    [failure] = read(reader, {"type": "error", "error": {"type": error, "message": "Overloaded"}})
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.status, failure.type) == (kind, status, error)


@pytest.mark.parametrize("data", ["{", "[]", "7"])
def test_what_is_no_event_breaks_the_stream(data):
    failure = MessageReader().read(data)
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.STREAM


def test_a_stream_without_an_answer_is_broken_and_one_that_has_nothing_to_say_is_not():
    stop = {"type": "message_stop"}
    assert isinstance(read(MessageReader(), START, stop)[-1], Failure)
    nothing = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}
    assert read(MessageReader(), START, nothing, stop)[-1] == stop


def test_a_usage_that_cannot_be_true_is_none():
    reader = MessageReader()
    read(reader, START, {"type": "message_delta", "delta": {}, "usage": {"output_tokens": -1}})
    assert reader.usage is None
    assert reader.usage_is_nonsense
