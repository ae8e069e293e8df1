"""The official client creates, streams, resumes, follows and cancels responses."""

from __future__ import annotations

import json

import openai
import pydantic
import pytest

from router.emulator import EmulatedDeployment

from .conftest import client_of
from .helpers import KEY, emulator, said

TOOL = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}
ORDER = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]


class Event(pydantic.BaseModel):
    """What a structured answer must be."""

    name: str
    day: int


def test_a_response(client):
    made = client.responses.create(model="chat", input="hello", instructions="Be brief.", metadata={"a": "b"})
    assert isinstance(made, openai.types.responses.Response)
    assert (made.status, made.model, made.metadata) == ("completed", "gpt-4o-2024-11-20", {"a": "b"})
    assert made.output_text
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens
    assert client.responses.retrieve(made.id).output_text == made.output_text


def test_the_events_come_in_their_order(client):
    events = list(client.responses.create(model="chat", input="hello", stream=True))
    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert list(dict.fromkeys(e.type for e in events)) == ORDER
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert text == events[-1].response.output_text
    with client.responses.stream(model="chat", input="hello") as stream:
        assert stream.get_final_response().output_text


def test_a_stream_is_resumed_after_a_number(client):
    events = list(client.responses.create(model="chat", input="hello", stream=True))
    again = list(client.responses.retrieve(events[0].response.id, stream=True, starting_after=3))
    assert [(e.sequence_number, e.type) for e in again] == [(e.sequence_number, e.type) for e in events[4:]]


def test_tools_are_called_and_their_outputs_taken(client):
    made = client.responses.create(model="chat", input="What is the weather?", tools=[TOOL])
    (call,) = made.output
    assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", "get_weather", {"city": "filler"})
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    after = client.responses.create(model="chat", input=[output], tools=[TOOL], previous_response_id=made.id)
    assert after.output_text
    assert after.usage.input_tokens > made.usage.input_tokens
    events = list(client.responses.create(model="chat", input="weather?", tools=[TOOL], stream=True))
    arguments = "".join(e.delta for e in events if e.type == "response.function_call_arguments.delta")
    assert json.loads(arguments) == {"city": "filler"}
    custom = client.responses.create(
        model="chat", input="x", tools=[{"type": "custom", "name": "sh"}], tool_choice="required"
    )
    assert custom.output[0].input == "filler"


def test_structured_answers_are_parsed(client):
    assert isinstance(client.responses.parse(model="chat", input="x", text_format=Event).output_parsed, Event)


def test_thought_is_told_as_a_summary_where_it_is_asked_for(client):
    asked = {"model": "thinker", "input": "x", "reasoning": {"effort": "low", "summary": "auto"}}
    made = client.responses.create(**asked, include=["reasoning.encrypted_content"])
    thought, message = made.output
    assert (thought.type, message.type) == ("reasoning", "message")
    assert thought.summary[0].text
    assert thought.encrypted_content
    assert made.usage.output_tokens_details.reasoning_tokens == 32
    types = [e.type for e in client.responses.create(**asked, stream=True)]
    assert "response.reasoning_summary_text.delta" in types


def test_too_few_tokens_leave_it_incomplete(client):
    made = client.responses.create(model="chat", input="x", max_output_tokens=16)
    assert made.status in ("completed", "incomplete")
    filtered = client.responses.create(model="chat", input="emulate:output_filter")
    assert (filtered.status, filtered.incomplete_details.reason) == ("incomplete", "content_filter")


def test_input_items_are_listed_in_pages(client):
    given = [{"role": "user", "content": text} for text in ("one", "two", "three")]
    made = client.responses.create(model="chat", input=given)
    first = client.responses.input_items.list(made.id, limit=2, order="asc")
    assert [item.content[0].text for item in first.data] == ["one", "two"]
    assert [item.content[0].text for item in client.responses.input_items.list(made.id, limit=1)] == [
        "three",
        "two",
        "one",
    ]


def test_what_is_deleted_or_never_kept_is_unknown(client):
    made = client.responses.create(model="chat", input="x")
    client.responses.delete(made.id)
    loose = client.responses.create(model="chat", input="x", store=False)
    for identity in (made.id, loose.id):
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(identity)


def test_a_response_belongs_to_its_resource(azure):
    with client_of(azure, "v1") as east, client_of(azure, "v1", "west") as west:
        made = east.responses.create(model="chat", input="x")
        with pytest.raises(openai.NotFoundError):
            west.responses.retrieve(made.id)
        with pytest.raises(openai.BadRequestError) as caught:
            west.responses.create(model="chat", input="x", previous_response_id=made.id)
        assert (caught.value.code, caught.value.param) == ("previous_response_not_found", "previous_response_id")


def test_a_response_in_the_background_is_followed_and_cancelled(patient):
    made = patient.responses.create(model="chat", input="x", background=True)
    assert (made.status, patient.responses.retrieve(made.id).status) == ("queued", "queued")
    assert patient.responses.cancel(made.id).status == "cancelled"
    assert patient.responses.retrieve(made.id).status == "cancelled"
    done = patient.responses.create(model="chat", input="x")
    with pytest.raises(openai.BadRequestError, match="synchronous"):
        patient.responses.cancel(done.id)


def test_a_response_in_the_background_is_done_at_last(client):
    made = client.responses.create(model="chat", input="x", background=True)
    done = client.responses.retrieve(made.id)
    assert (done.status, done.background) == ("completed", True)
    assert done.output_text


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"max_output_tokens": 5}, "max_output_tokens"),
        ({"model": "thinker", "temperature": 0.1}, "temperature"),
        ({"model": "thinker", "reasoning": {"effort": "minimal"}}, "reasoning.effort"),
        ({"background": True, "store": False}, "background"),
        ({"extra_body": {"response_format": {}}}, "response_format"),
        ({"input": [{"type": "reasoning", "id": "rs_1", "summary": [], "status": None}]}, "input[0].status"),
        ({"model": "vectors"}, None),
    ],
)
def test_what_is_not_taken_is_named(azure, asked, param):
    with client_of(azure, "v1") as client, pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(**{"model": "chat", "input": "x", **asked})
    assert caught.value.param == param


def test_old_versions_have_no_responses(azure):
    client = openai.AzureOpenAI(azure_endpoint=azure.base("east"), api_key=KEY, api_version="2024-10-21")
    with client, pytest.raises(openai.BadRequestError, match="2025-03-01-preview"):
        client.responses.create(model="chat", input="x")


# ---- the background, in virtual time -----------------------------------------------------------------------------


def ask(azure, method, path, now, body=None):
    data = b"" if body is None else json.dumps(body).encode()
    return said(azure.handle(method, "/openai/v1/responses" + path, {"api-key": KEY}, data, now))


def test_the_background_goes_through_its_states():
    azure = emulator()
    made = ask(azure, "POST", "", 0.0, {"model": "chat", "input": "x", "background": True})
    path = "/" + made["id"]
    states = [ask(azure, "GET", path, now)["status"] for now in (0.5, 1.5, 2.5)]
    assert [made["status"], *states] == ["queued", "queued", "in_progress", "completed"]
    assert ask(azure, "GET", path, 3.0)["output"]
    assert ask(azure, "POST", path + "/cancel", 4.0)["status"] == "completed"


def test_a_cancel_holds_and_may_come_twice():
    azure = emulator()
    path = "/" + ask(azure, "POST", "", 0.0, {"model": "chat", "input": "x", "background": True})["id"]
    assert [ask(azure, "POST", path + "/cancel", now)["status"] for now in (1.5, 9.0)] == ["cancelled", "cancelled"]
    assert ask(azure, "GET", path, 9.0)["output"] == []
    plain = ask(azure, "POST", "", 9.0, {"model": "chat", "input": "x"})["id"]
    assert "synchronous" in ask(azure, "POST", f"/{plain}/cancel", 9.0)["error"]["message"]


def test_only_creation_is_charged():
    azure = emulator(EmulatedDeployment("chat", tpm=1000, rpm=60))
    made = ask(azure, "POST", "", 0.0, {"model": "chat", "input": "x" * 40, "max_output_tokens": 90})
    assert azure.log[-1].tokens == 100
    for now in range(50):
        ask(azure, "GET", "/" + made["id"], float(now) / 100)
    assert len(azure.log) == 1
