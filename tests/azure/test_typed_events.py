"""Typed events: when an answer has begun, when it is whole, and what broke it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.azure.typed_events import EventReader, as_event
from router.values import Failure, Kind


def reader_after(*events: dict[str, Any]) -> EventReader:
    reader = EventReader()
    for event in events:
        assert reader.read(json.dumps(event)) == event
    return reader


def test_a_response_begins_with_its_first_content_and_ends_with_its_last_event() -> None:
    created: dict[str, Any] = {"type": "response.created", "response": {"model": "gpt-5", "service_tier": "default"}}
    reader = reader_after(created, {"type": "response.output_item.added"})
    assert not reader.begun
    assert isinstance(reader.end(), Failure)
    reader = reader_after(created, {"type": "response.output_text.delta", "delta": "Hi"})
    assert (reader.begun, reader.finished, reader.text, reader.characters) == (True, False, "Hi", 2)
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    last = {"type": "response.completed", "response": {"usage": usage}}
    reader.read(json.dumps(last))
    assert reader.end() is None
    assert reader.usage is not None
    assert (reader.usage.total_tokens, reader.model, reader.service_tier) == (3, "gpt-5", "default")


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"type": "error", "code": "rate_limit_exceeded", "message": "slow"}, Kind.THROTTLED),
        (
            {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "m"}}},
            Kind.SERVER_ERROR,
        ),
        ({"type": "response.failed"}, Kind.STREAM),
        ({"error": {"message": "m"}}, Kind.STREAM),
    ],
)
def test_errors_are_failures_of_their_kind(event: dict[str, Any], kind: Kind) -> None:
    reader = reader_after({"type": "response.output_text.delta", "delta": "Hi"})
    failure = reader.read(json.dumps(event))
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.partial) == (kind, "Hi")


def test_a_whole_answer_is_the_event_that_would_have_ended_it() -> None:
    assert as_event("responses", {"id": "r", "status": "incomplete"})["type"] == "response.incomplete"
    event = as_event("images.generations", {"created": 1, "data": [{"b64_json": "x"}]})
    assert (event["type"], event["b64_json"]) == ("image_generation.completed", "x")
    assert as_event("audio.transcriptions", {"text": "Hi"}) == {"type": "transcript.text.done", "text": "Hi"}
    for operation in ("responses", "images.generations", "images.edits", "audio.transcriptions", "audio.speech"):
        reader = EventReader()
        reader.read(json.dumps(as_event(operation, {"data": []})))
        assert reader.finished, operation


@given(
    st.text(max_size=40)
    | st.dictionaries(
        st.sampled_from(["type", "error", "response", "delta"]),
        st.none() | st.text() | st.dictionaries(st.text(), st.none()),
    ).map(json.dumps)
)
def test_nothing_that_comes_raises(data: str) -> None:
    reader = EventReader(("secret",))
    assert isinstance(reader.read(data), dict | Failure | None)
    assert isinstance(reader.end(), Failure | None)
