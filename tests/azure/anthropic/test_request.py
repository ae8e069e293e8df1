"""A chat request in Anthropic's words."""

import copy
import json

import pytest

from router.azure.anthropic.request import (
    ADAPTIVE_ROOM,
    DEFAULT_MAX_TOKENS,
    claudes_body,
    refused_by_claude,
    to_messages,
)
from router.configured import Deployment
from router.errors import BadRequestError
from router.values import Call

HELLO = [{"role": "user", "content": "Hello"}]
OLD, NEW = "claude-sonnet-4-5", "claude-opus-5"


def ask(model=OLD, **params):
    return to_messages({"messages": HELLO, **params}, model)


def said(*messages):
    request = to_messages({"messages": list(messages)}, OLD)
    return request.get("system"), request["messages"]


def text(words):
    return {"type": "text", "text": words}


def test_a_plain_question_has_a_limit_although_none_was_given():
    assert ask() == {"messages": [{"role": "user", "content": [text("Hello")]}], "max_tokens": DEFAULT_MAX_TOKENS}


def test_a_conversation_with_parallel_tools_is_translated_whole_and_left_as_it_was():
    body = {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [text("Use tools.")]},
            {"role": "user", "name": "ann", "content": "Weather in Rome and Oslo?"},
            {
                "role": "assistant",
                "content": "I look.",
                "thinking_blocks": [{"type": "thinking", "thinking": "Two calls.", "signature": "s"}],
                "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}},
                    {"id": "b", "type": "function", "function": {"name": "weather", "arguments": ""}},
                ],
            },
            {"role": "tool", "tool_call_id": "a", "content": "sun"},
            {"role": "tool", "tool_call_id": "b", "content": [text("snow")]},
            {"role": "user", "content": "So?"},
        ],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "weather",
                    "description": "Now.",
                    "parameters": {"type": "object"},
                    "strict": True,
                },
            },
            {"type": "web_search_20250305", "name": "web_search"},
        ],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "max_completion_tokens": 300,
        "max_tokens": 200,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 3,
        "stop": "END",
        "user": "u-1",
        "n": 1,
        "stream_options": {"include_usage": True},
    }
    before = copy.deepcopy(body)
    assert to_messages(body, OLD) == {
        "system": [text("Be brief."), text("Use tools.")],
        "messages": [
            {"role": "user", "content": [text("Weather in Rome and Oslo?")]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Two calls.", "signature": "s"},
                    text("I look."),
                    {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Rome"}},
                    {"type": "tool_use", "id": "b", "name": "weather", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "a", "content": "sun"},
                    {"type": "tool_result", "tool_use_id": "b", "content": [text("snow")]},
                    text("So?"),
                ],
            },
        ],
        "tools": [
            {"name": "weather", "description": "Now.", "input_schema": {"type": "object"}, "strict": True},
            {"type": "web_search_20250305", "name": "web_search"},
        ],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "max_tokens": 300,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 3,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u-1"},
    }
    assert body == before


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            {"type": "image_url", "image_url": {"url": "https://e.com/a.png", "detail": "low"}},
            {"type": "image", "source": {"type": "url", "url": "https://e.com/a.png"}},
        ),
        (
            {"type": "image_url", "image_url": "data:image/PNG;base64,QUJD", "cache_control": {"type": "ephemeral"}},
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"},
                "cache_control": {"type": "ephemeral"},
            },
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"}},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD"}},
        ),
        (
            {"type": "file", "file": {"file_id": "file_1"}},
            {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
        ),
        ({"type": "document", "source": {"type": "text"}}, {"type": "document", "source": {"type": "text"}}),
        ({"type": "refusal", "refusal": "No."}, text("No.")),
        ("bare", text("bare")),
    ],
)
def test_parts_become_blocks(part, block):
    assert said({"role": "user", "content": [part]}) == (None, [{"role": "user", "content": [block]}])


@pytest.mark.parametrize(
    ("message", "place"),
    [
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:secret"}}]},
            "content[0].image_url",
        ),
        ({"role": "user", "content": [{"type": "file", "file": {"file_data": "secret"}}]}, "content[0].file.file_data"),
        ({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, "messages[1].content[0]` is audio"),
        ({"role": "user", "content": [7]}, "content[0]"),
        ({"role": "user", "content": 7}, "messages[1].content"),
        ({"role": "function", "content": "secret"}, "messages[1].role"),
        ({"role": "assistant", "function_call": {}}, "messages[1].function_call"),
        ({"role": "assistant", "tool_calls": [7]}, "tool_calls[0]"),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "secret"}}]},
            "tool_calls[0].function.arguments",
        ),
    ],
)
def test_what_claude_cannot_take_is_refused_by_its_place(message, place):
    with pytest.raises(BadRequestError) as caught:
        said(HELLO[0], message)
    assert place in str(caught.value)
    assert "secret" not in str(caught.value)


def test_instructions_alone_are_no_conversation():
    with pytest.raises(BadRequestError, match="instructions"):
        said({"role": "system", "content": "Be brief."})


def test_an_empty_turn_of_the_assistant_is_left_out():
    assert said(*HELLO, {"role": "assistant", "content": ""}, *HELLO) == (
        None,
        [{"role": "user", "content": [text("Hello"), text("Hello")]}],
    )


@pytest.mark.parametrize(
    ("params", "refused"),
    [
        ({"logprobs": True, "seed": 1}, ["logprobs", "seed"]),
        ({"n": 2}, ["n"]),
        ({"frequency_penalty": 0.5}, ["frequency_penalty"]),
        ({"modalities": ["text", "audio"], "audio": {"voice": "x"}}, ["audio", "modalities"]),
        ({"temperature": 1.5}, ["temperature"]),
        ({"response_format": {"type": "json_object"}}, ["response_format"]),
        ({"service_tier": "flex"}, ["service_tier"]),
        ({"metadata": {"team": "a"}}, ["metadata"]),
        ({"reasoning_effort": "low", "max_tokens": 1024}, ["reasoning_effort"]),
        ({"reasoning_effort": {"effort": "x"}}, ["reasoning_effort"]),
    ],
)
def test_what_claude_refuses_is_known_by_name_and_left_out(params, refused):
    where = Deployment("one", "g", OLD)
    assert sorted(refused_by_claude({"messages": HELLO, **params}, {}, where)) == refused
    assert sorted(refused_by_claude({"messages": HELLO}, params, where)) == refused
    rest = {key: value for key, value in params.items() if key == "max_tokens"}
    assert ask(**params) == ask(**rest)


def test_a_limit_of_the_callers_silences_the_configured_one():
    where = Deployment("one", "g", OLD, defaults={"max_tokens": 9, "top_p": 0.5})
    for name in ("messages", "chat.completions"):
        call = Call(name, "g", {"messages": HELLO, "max_completion_tokens": 7})
        made = claudes_body(call.body, where.defaults, where, call)
        assert 9 not in made.values()
        assert made["top_p"] == 0.5


def test_values_that_ask_for_nothing_are_no_offence():
    assert ask(n=1, logprobs=False, frequency_penalty=0, presence_penalty=0.0, modalities=["text"], seed=None) == ask()


@pytest.mark.parametrize(
    ("model", "params", "expected"),
    [
        (
            OLD,
            {"reasoning_effort": "medium"},
            {"thinking": {"type": "enabled", "budget_tokens": 2048}, "max_tokens": 6144},
        ),
        (
            OLD,
            {"reasoning_effort": "high", "max_tokens": 2000},
            {"thinking": {"type": "enabled", "budget_tokens": 1999}, "max_tokens": 2000},
        ),
        (
            NEW,
            {"reasoning_effort": "minimal"},
            {
                "thinking": {"type": "adaptive"},
                "output_config": {"effort": "low"},
                "max_tokens": DEFAULT_MAX_TOKENS + ADAPTIVE_ROOM,
            },
        ),
        (NEW, {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}, "max_tokens": DEFAULT_MAX_TOKENS}),
        (
            NEW,
            {"reasoning_effort": "high", "thinking": {"type": "enabled", "budget_tokens": 5000}},
            {"thinking": {"type": "enabled", "budget_tokens": 5000}, "max_tokens": DEFAULT_MAX_TOKENS + 5000},
        ),
    ],
)
def test_effort_is_a_budget_or_an_effort(model, params, expected):
    made = ask(model, **params)
    del made["messages"]
    assert made == expected


def test_a_schema_is_asked_for_beside_an_effort():
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": schema}}
    made = ask(NEW, response_format=wanted, reasoning_effort="max")
    assert made["output_config"] == {"effort": "max", "format": {"type": "json_schema", "schema": schema}}
    assert "output_config" not in ask(response_format={"type": "text"})


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
        ({"type": "tool", "name": "f"}, {"type": "tool", "name": "f"}),
    ],
)
def test_a_choice_of_tools(choice, expected):
    tools = [{"type": "function", "function": {"name": "f"}}]
    made = ask(tools=tools, tool_choice=choice)
    assert made["tool_choice"] == expected
    assert made["tools"] == [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    alone = ask(tools=tools, tool_choice=choice, parallel_tool_calls=False)["tool_choice"]
    assert alone == (expected if choice == "none" else {**expected, "disable_parallel_tool_use": True})


def test_one_call_at_a_time_without_a_choice_is_auto():
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert ask(tools=tools, parallel_tool_calls=False)["tool_choice"] == {
        "type": "auto",
        "disable_parallel_tool_use": True,
    }
    assert "tool_choice" not in ask(parallel_tool_calls=False)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"metadata": {"user_id": "u"}}, {"metadata": {"user_id": "u"}}),
        ({"metadata": {"user": "u"}}, {"metadata": {"user_id": "u"}}),
        ({"service_tier": "auto"}, {"service_tier": "auto"}),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}),
        ({"stop": ["a", "b"]}, {"stop_sequences": ["a", "b"]}),
    ],
)
def test_smaller_parameters(params, expected):
    assert {key: value for key, value in ask(**params).items() if key not in ("messages", "max_tokens")} == expected


def test_a_request_is_json():
    json.dumps(ask(NEW, reasoning_effort="low", stop="x", user="u"))
