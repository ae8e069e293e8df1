"""What a chat may carry, and what comes back of it."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from router import BadRequestError, Router
from tests.azure.fault_server import answer, chunked
from tests.recorder import Recorder
from tests.worlds import World

HELLO = [{"role": "user", "content": "Hi"}]


class Sky(StrEnum):
    CLEAR = "clear"
    GREY = "grey"


class Place(BaseModel):
    city: str
    country: str | None = None


class Weather(BaseModel):
    """The weather."""

    place: Place = Field(description="where")
    sky: Sky
    degrees: list[float]


def completion(content: str | None, **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": content, **message}
    return {"id": "c", "choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}


def test_a_class_is_sent_as_a_strict_schema_and_read_back(world: World, router: Router, server: Recorder) -> None:
    text = '{"place": {"city": "Bonn", "country": null}, "sky": "grey", "degrees": [7.5]}'
    server.reply = answer(completion(text))
    reply = world.call(router, "completion", model="g", messages=HELLO, response_format=Weather)
    sent = server.last.json["response_format"]
    assert (sent["type"], sent["json_schema"]["name"], sent["json_schema"]["strict"]) == (
        "json_schema",
        "Weather",
        True,
    )
    schema = sent["json_schema"]["schema"]
    assert schema["required"] == ["place", "sky", "degrees"]
    assert schema["additionalProperties"] is False
    place = schema["properties"]["place"]
    assert (place["description"], place["required"], place["additionalProperties"]) == (
        "where", ["city", "country"], False,
    )  # fmt: skip
    assert "default" not in place["properties"]["country"]
    assert reply.choices[0].message.parsed == Weather(place=Place(city="Bonn"), sky=Sky.GREY, degrees=[7.5])
    assert "parsed" not in reply.model_dump()["choices"][0]["message"]


def test_what_is_no_instance_says_so_when_it_is_read(router: Router, server: Recorder) -> None:
    server.reply = answer(completion('{"place": '))
    reply = router.completion("g", HELLO, response_format=Weather)
    assert reply.choices[0].message.content == '{"place": '
    with pytest.raises(ValidationError):
        _ = reply.choices[0].message.parsed
    server.reply = answer(completion(None, refusal="no"))
    assert router.completion("g", HELLO, response_format=Weather).choices[0].message.parsed is None
    server.reply = answer(completion("{}"))
    assert router.completion("g", HELLO).choices[0].message.parsed is None
    with pytest.raises(BadRequestError, match="pydantic class"):
        router.completion("g", HELLO, response_format=dict)


def test_an_object_is_sent_as_it_is(router: Router, server: Recorder) -> None:
    server.reply = answer(completion("{}"))
    router.completion("g", HELLO, response_format={"type": "json_object"}, logprobs=True, top_logprobs=2, seed=7)
    assert server.last.json["response_format"] == {"type": "json_object"}
    assert (server.last.json["logprobs"], server.last.json["top_logprobs"], server.last.json["seed"]) == (True, 2, 7)


def test_parallel_tool_calls_stream_piece_by_piece(world: World, router: Router, server: Recorder) -> None:
    def delta(index: int, **call: Any) -> bytes:
        calls = [{"index": index, **call}]
        return b"data: %b\n\n" % json.dumps({"choices": [{"index": 0, "delta": {"tool_calls": calls}}]}).encode()

    server.reply = chunked(
        delta(0, id="a", type="function", function={"name": "f", "arguments": ""}),
        delta(1, id="b", type="function", function={"name": "g", "arguments": ""}),
        delta(0, function={"arguments": '{"x":'}),
        delta(1, function={"arguments": "{}"}),
        delta(0, function={"arguments": "1}"}),
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n',
    )
    tools = [{"type": "function", "function": {"name": n, "parameters": {}}} for n in "fg"]
    chunks = world.call(
        router, "completion", model="g", messages=HELLO, tools=tools, stream=True,
        stream_options={"include_usage": True}, parallel_tool_calls=True,
    )  # fmt: skip
    sent = server.last.json
    assert (sent["tools"], sent["parallel_tool_calls"], sent["stream_options"]) == (
        tools,
        True,
        {"include_usage": True},
    )
    arguments: dict[int, str] = {}
    for chunk in chunks:
        for call in chunk.choices[0].delta.tool_calls or ():
            arguments[call.index] = arguments.get(call.index, "") + call.function.arguments
    assert arguments == {0: '{"x":1}', 1: "{}"}


def test_without_a_stated_usage_the_arguments_of_tools_are_estimated_like_text(
    router: Router, server: Recorder
) -> None:
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "x" * 399}}
    server.reply = chunked(
        b"data: %b\n\n" % json.dumps({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}).encode(),
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n',
    )
    stream = router.completion("g", HELLO, stream=True)
    assert len(list(stream)) == 2
    assert stream.routing.bill.estimate[1] == 100


CALLS = [{"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "cat"}'}}]


@pytest.mark.parametrize("model", ["azure/dep", "azure/o_series/dep", "azure/claude-x"])
def test_the_message_of_a_reply_is_handed_back_with_what_its_tools_said(
    model: str, world: World, server: Recorder
) -> None:
    """As everybody goes on from tool calls: `messages.append(reply.choices[0].message)`."""
    server.reply = answer(completion(None, tool_calls=CALLS))
    entry = {"model": model, "api_base": server.base, "api_key": "canary-key"}
    with Router([{"model_name": "g", "litellm_params": {**entry, "model": "azure/dep"}}]) as router:
        said = world.call(router, "completion", "g", HELLO).choices[0].message
    assert said.tool_calls[0].function.name == "look"
    messages: list[Any] = [*HELLO, said, {"role": "tool", "tool_call_id": said.tool_calls[0].id, "content": "a cat"}]
    claude = {"content": [{"type": "text", "text": "A cat."}], "role": "assistant", "stop_reason": "end_turn"}
    server.reply = answer(claude if "claude" in model else completion("A cat."))
    with Router([{"model_name": "g", "litellm_params": entry}]) as router:
        reply = world.call(router, "completion", "g", messages)
    assert reply.choices[0].message.content == "A cat."
    assert messages[1] is said
    sent = server.last.json["messages"]
    if "claude" in model:
        assert sent[1]["content"] == [{"type": "tool_use", "id": "call_1", "name": "look", "input": {"at": "cat"}}]
    else:
        assert sent == [*HELLO, {"role": "assistant", "tool_calls": CALLS}, messages[2]]


def test_what_is_handed_back_is_charged_like_any_message(server: Recorder) -> None:
    server.reply = answer(completion("x" * 4000))
    with Router([{"model_name": "g", "litellm_params": {"model": "azure/dep", "api_base": server.base,
                                                         "api_key": "canary-key"}}]) as router:  # fmt: skip
        said = router.completion("g", HELLO).choices[0].message
        plain = [*HELLO, said.model_dump(exclude_none=True)]
        counts = [router.completion("g", talk).routing.tokens_reserved for talk in ([*HELLO, said], plain)]
    assert counts[0] == counts[1] > 1000
