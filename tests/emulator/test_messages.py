"""Claude on Foundry: Anthropic's bodies, events, headers and errors."""

from __future__ import annotations

import json

import pytest

from router.emulator import EmulatedDeployment, Fault

from .helpers import KEY, emulator, said

HEADERS = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
TOOL = {"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}


def claude(**options):
    return emulator(EmulatedDeployment("claude", "claude-sonnet-4-5", resource="east", **options))


def ask(azure, headers=HEADERS, path="messages", **more):
    body = {"model": "claude", "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}], **more}
    data = json.dumps({name: value for name, value in body.items() if value is not None}).encode()
    return azure.handle("POST", f"/east/anthropic/v1/{path}", headers, data, 0.0)


def events(plan):
    made = []
    for block in plan.payload.decode().strip().split("\n\n"):
        name, data = block.split("\n")
        made.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {made[-1]['type']}"
    return made


def test_a_message():
    plan = ask(claude(), system="Be brief.")
    message = said(plan)
    assert (message["type"], message["role"], message["stop_sequence"]) == ("message", "assistant", None)
    assert message["content"][0]["text"]
    assert message["stop_reason"] in ("end_turn", "max_tokens")
    assert set(message["usage"]) >= {"input_tokens", "output_tokens", "cache_read_input_tokens"}
    assert plan.headers["request-id"].startswith("req_")
    assert not any(name.startswith(("x-ms-", "x-ratelimit-", "apim-")) for name in plan.headers)


def test_the_events_come_in_their_order():
    made = events(ask(claude(answer_tokens=25, answer_sigma=0.0), stream=True))
    assert list(dict.fromkeys(e["type"] for e in made)) == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert made[0]["message"]["content"] == []
    text = "".join(e["delta"]["text"] for e in made if e["type"] == "content_block_delta")
    assert len(text.split()) == made[-2]["usage"]["output_tokens"]


def test_tools_and_their_results():
    question = [{"role": "user", "content": [{"type": "text", "text": "How is the weather?"}]}]
    message = said(ask(claude(), messages=question, tools=[TOOL]))
    (block,) = message["content"]
    assert (block["type"], block["input"], message["stop_reason"]) == ("tool_use", {"city": "filler"}, "tool_use")
    result = {"type": "tool_result", "tool_use_id": block["id"], "content": "rain"}
    answered = [*question, {"role": "assistant", "content": [block]}, {"role": "user", "content": [result]}]
    assert said(ask(claude(), messages=answered, tools=[TOOL]))["content"][0]["type"] == "text"
    for choice in ({"type": "any"}, {"type": "tool", "name": "get_weather"}):
        made = events(ask(claude(), tools=[TOOL], tool_choice=choice, stream=True))
        parts = [e["delta"]["partial_json"] for e in made if e["type"] == "content_block_delta"]
        assert json.loads("".join(parts)) == {"city": "filler"}
    assert said(ask(claude(), messages=question, tools=[TOOL], tool_choice={"type": "none"}))["content"][0]["text"]


def test_thought_comes_before_the_text():
    asked = {"max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    assert [block["type"] for block in said(ask(claude(), **asked))["content"]] == ["thinking", "text"]
    kinds = [
        e["delta"]["type"] for e in events(ask(claude(), **asked, stream=True)) if e["type"] == "content_block_delta"
    ]
    assert kinds[:3] == ["thinking_delta", "signature_delta", "text_delta"]


def test_tokens_are_counted_and_not_charged():
    azure = claude(tpm=100)
    assert said(ask(azure, path="messages/count_tokens", max_tokens=None)) == {"input_tokens": 9}
    assert azure.log[-1].tokens == 0
    ask(azure)
    assert azure.log[-1].tokens == 52


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "at least one message"),
        ({"messages": None}, "messages: Field required"),
        ({"messages": [{"role": "system", "content": "x"}]}, 'top-level "system" parameter'),
        ({"messages": [{"role": "user", "content": ""}]}, "non-empty content"),
        ({"temperature": 1.5}, "temperature"),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, "budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "must be greater"),
        ({"headers": {"x-api-key": KEY}}, "anthropic-version"),
    ],
)
def test_what_is_wrong_is_said_in_anthropics_shape(more, words):
    plan = ask(claude(), **more)
    wrong = said(plan)
    assert (plan.status, wrong["type"], wrong["error"]["type"]) == (400, "error", "invalid_request_error")
    assert words in wrong["error"]["message"]
    assert wrong["request_id"] == plan.headers["request-id"]


def test_a_prompt_beyond_the_window():
    plan = ask(claude(context_window=5))
    assert "prompt is too long" in said(plan)["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-api-key": KEY}, 200),
        ({"api-key": KEY}, 200),
        ({"x-api-key": KEY, "api-key": KEY}, 200),
        ({"authorization": f"Bearer {KEY}"}, 200),
        ({"x-api-key": "wrong"}, 401),
        ({}, 401),
    ],
)
def test_every_way_to_sign_in(headers, status):
    plan = ask(claude(), headers={**headers, "anthropic-version": "2023-06-01"})
    assert plan.status == status
    if status == 401:
        assert said(plan)["error"]["type"] == "authentication_error"


def test_limits_and_faults_speak_the_same_language():
    azure = claude(tpm=60)
    first = ask(azure)
    assert first.headers["anthropic-ratelimit-tokens-remaining"] == "8"
    second = ask(azure)
    assert (second.status, said(second)["error"]["type"]) == (429, "rate_limit_error")
    assert int(second.headers["retry-after"]) > 0
    azure = claude(fault=Fault("stream_error"))
    assert events(ask(azure, stream=True))[-1]["error"]["type"] == "overloaded_error"
    assert said(ask(claude(), model="nowhere"))["error"]["type"] == "not_found_error"


def test_claude_is_no_chat_model():
    body = json.dumps({"model": "claude", "messages": [{"role": "user", "content": "x"}]}).encode()
    plan = claude().handle("POST", "/east/openai/v1/chat/completions", {"api-key": KEY}, body, 0.0)
    assert said(plan)["error"]["code"] == "OperationNotSupported"
