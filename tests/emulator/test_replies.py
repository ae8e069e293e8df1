"""Every shape of answer: chats, streams, embeddings, and the ways of saying no."""

from __future__ import annotations

import base64
import json
import math
import struct

import pytest

from router.emulator import EmulatedDeployment

from .helpers import DATED, KEY, ask, emulator, events, said

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["c", "f"]}},
                "required": ["city", "days", "unit"],
            },
        },
    }
]


def test_a_completion_names_the_model_and_not_the_deployment():
    plan = ask(emulator(model="gpt-4.1-mini-2025-04-14"), max_tokens=2000)
    reply = said(plan)
    assert reply["object"] == "chat.completion"
    assert reply["model"] == "gpt-4.1-mini-2025-04-14"
    (choice,) = reply["choices"]
    assert choice["finish_reason"] == "stop"
    assert len(choice["message"]["content"].split()) == reply["usage"]["completion_tokens"]
    assert choice["content_filter_results"]["hate"] == {"filtered": False, "severity": "safe"}
    assert reply["prompt_filter_results"][0]["prompt_index"] == 0
    assert reply["usage"]["total_tokens"] == reply["usage"]["prompt_tokens"] + reply["usage"]["completion_tokens"]


def test_a_success_carries_the_captured_headers():
    headers = ask(emulator(tpm=100, rpm=60), headers={"api-key": KEY, "x-ms-client-request-id": "mine"}).headers
    for name in (
        "apim-request-id",
        "x-request-id",
        "x-ms-rai-invoked",
        "azureml-model-session",
        "x-envoy-upstream-service-time",
        "cmp-upstream-response-duration",
        "ms-azureml-model-time",
        "x-aml-cluster",
    ):
        assert headers[name]
    assert headers["x-ms-client-request-id"] == "mine"
    assert headers["x-ms-region"] == "Sweden Central"
    assert headers["x-ms-deployment-name"] == "chat"
    assert headers["apim-request-id"] != headers["x-request-id"]


def test_max_tokens_cuts_the_answer_and_says_so():
    reply = said(ask(emulator(), max_tokens=3))
    assert reply["usage"]["completion_tokens"] == 3
    assert reply["choices"][0]["finish_reason"] == "length"


def test_n_answers_are_given_and_billed():
    reply = said(ask(emulator(), n=3, max_tokens=4))
    assert [c["index"] for c in reply["choices"]] == [0, 1, 2]
    assert reply["usage"]["completion_tokens"] == 12


def test_the_same_seed_gives_the_same_answers():
    def session(seed):
        azure = emulator(seed=seed)
        return [ask(azure, now=t, stream=t % 2 == 0).payload for t in range(5)]

    assert session(1) == session(1) != session(2)


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
@pytest.mark.parametrize("stream", [False, True])
def test_a_forced_tool_is_called_with_arguments_that_fit(choice, stream):
    plan = ask(emulator(), tools=TOOLS, tool_choice=choice, stream=stream)
    if stream:
        deltas = [c["delta"] for e in events(plan) for c in e["choices"]]
        calls = [d["tool_calls"][0] for d in deltas if d.get("tool_calls")]
        assert calls[0]["id"].startswith("call_")
        assert all("id" not in call for call in calls[1:])
        name, arguments = calls[0]["function"]["name"], "".join(c["function"]["arguments"] for c in calls)
        assert events(plan)[-1]["choices"][0]["finish_reason"] == "tool_calls"
    else:
        message = said(plan)["choices"][0]["message"]
        assert message["content"] is None
        name, arguments = message["tool_calls"][0]["function"].values()
    assert name == "weather"
    assert json.loads(arguments) == {"city": "filler", "days": 1, "unit": "c"}


def test_a_tool_that_nobody_forces_is_called_by_the_marker_only():
    azure = emulator()
    assert said(ask(azure, tools=TOOLS))["choices"][0]["message"]["content"]
    marked = {"messages": [{"role": "user", "content": "emulate:tool_call"}], "tools": TOOLS}
    assert said(ask(azure, marked))["choices"][0]["finish_reason"] == "tool_calls"


def test_json_that_was_asked_for_is_given():
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": TOOLS[0]["function"]["parameters"]}}
    content = said(ask(emulator(), response_format=form))["choices"][0]["message"]["content"]
    assert json.loads(content) == {"city": "filler", "days": 1, "unit": "c"}
    wanted = {"messages": [{"role": "user", "content": "in JSON, please"}], "response_format": {"type": "json_object"}}
    content = said(ask(emulator(), wanted))["choices"][0]["message"]["content"]
    assert json.loads(content) == {"answer": "filler"}


def test_a_filtered_output_is_a_200_that_says_so():
    body = {"messages": [{"role": "user", "content": "emulate:output_filter"}]}
    (choice,) = said(ask(emulator(), body))["choices"]
    assert choice["finish_reason"] == "content_filter"
    assert choice["content_filter_results"]["violence"]["filtered"] is True


def test_a_stream_has_the_captured_order_of_events():
    plan = ask(emulator(answer_tokens=25, answer_sigma=0.0), stream=True)
    assert plan.headers["content-type"].startswith("text/event-stream")
    first, role, *rest = events(plan)
    assert (first["id"], first["model"], first["created"], first["choices"]) == ("", "", 0, [])
    assert first["prompt_filter_results"]
    assert role["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    *texts, last = rest
    assert len(texts) == 3  # bursts of ten
    assert last["choices"][0]["delta"] == {}
    assert last["choices"][0]["finish_reason"] == "stop"
    assert len({e["id"] for e in [role, *rest]}) == 1
    assert all("usage" not in e for e in rest)


def test_include_usage_ends_with_usage_and_no_choices():
    *before, last = events(ask(emulator(), stream=True, stream_options={"include_usage": True}, max_tokens=20))
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 20
    assert all(e["usage"] is None for e in before[1:])


def test_a_stream_of_several_answers_interleaves_them():
    made = events(ask(emulator(answer_tokens=30, answer_sigma=0.0), stream=True, n=2))
    indices = [c["index"] for e in made for c in e["choices"] if c["delta"].get("content")]
    assert indices == [0, 1, 0, 1, 0, 1]


def test_streams_and_whole_answers_say_the_same_by_the_same_dice():
    whole = said(ask(emulator(seed=4)))
    streamed = events(ask(emulator(seed=4), stream=True))
    text = "".join(c["delta"].get("content") or "" for e in streamed for c in e["choices"])
    assert text == whole["choices"][0]["message"]["content"]


def test_latency_is_planned_and_not_spent():
    from router.emulator import Latency

    azure = emulator(latency=Latency(100.0, 0.0, 10.0), answer_tokens=20, answer_sigma=0.0)
    assert ask(azure).seconds == pytest.approx(0.3)
    stream = ask(azure, stream=True)
    assert stream.delay == pytest.approx(0.1)
    assert stream.seconds == pytest.approx(0.3)
    assert ask(azure, headers={}).seconds == pytest.approx(0.01)


# ---- embeddings --------------------------------------------------------------------------------------------------

EMBEDDING = {"model": "text-embedding-3-small"}


@pytest.mark.parametrize(("given", "count"), [("one", 1), (["one", "two"], 2), ([1, 2, 3], 1), ([[1, 2], [3]], 2)])
def test_every_form_of_input_is_embedded(given, count):
    reply = said(ask(emulator(**EMBEDDING), {"input": given}, operation="embeddings"))
    assert [e["index"] for e in reply["data"]] == list(range(count))
    assert all(len(e["embedding"]) == 1536 for e in reply["data"])
    assert all(math.hypot(*e["embedding"]) == pytest.approx(1.0, abs=1e-3) for e in reply["data"])


def test_base64_and_floats_are_the_same_vector():
    azure = emulator(**EMBEDDING)
    body = {"input": "one", "dimensions": 8}
    floats = said(ask(azure, body, operation="embeddings"))["data"][0]["embedding"]
    packed = said(ask(azure, {**body, "encoding_format": "base64"}, operation="embeddings"))["data"][0]["embedding"]
    assert list(struct.unpack("<8f", base64.b64decode(packed))) == floats
    other = said(ask(azure, {**body, "input": "two"}, operation="embeddings"))["data"][0]["embedding"]
    assert other != floats


def test_ada_takes_no_dimensions():
    plan = ask(emulator(model="text-embedding-ada-002"), {"input": "x", "dimensions": 8}, operation="embeddings")
    assert (plan.status, said(plan)["error"]["code"]) == (400, "unsupported_parameter")


# ---- no --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "code", "param"),
    [
        ({"max_tokens": 5}, "unsupported_parameter", "max_tokens"),
        ({"logprobs": True}, "unsupported_parameter", "logprobs"),
        ({"temperature": 0}, "unsupported_value", "temperature"),
        ({"top_p": 0.5}, "unsupported_value", "top_p"),
    ],
)
@pytest.mark.parametrize("model", ["o4-mini-2025-04-16", "gpt-5-2025-08-07"])
def test_reasoning_models_refuse_what_they_do_not_take(model, more, code, param):
    plan = ask(emulator(model=model), **more)
    error = said(plan)["error"]
    assert (plan.status, error["code"], error["param"], error["type"]) == (400, code, param, "invalid_request_error")


def test_reasoning_models_take_their_own_and_bill_thought():
    reply = said(ask(emulator(model="gpt-5-2025-08-07"), max_completion_tokens=100, temperature=1))
    assert reply["usage"]["completion_tokens_details"]["reasoning_tokens"] == 64
    assert reply["usage"]["completion_tokens"] <= 100
    assert ask(emulator(model="gpt-5-chat-latest"), max_tokens=5).status == 200


def test_a_blocked_prompt_is_a_400_with_results_and_is_charged():
    azure = emulator(tpm=1000)
    plan = ask(azure, {"messages": [{"role": "user", "content": "emulate:content_filter"}]})
    error = said(plan)["error"]
    assert (plan.status, error["code"], error["param"], error["status"]) == (400, "content_filter", "prompt", 400)
    assert error["innererror"]["code"] == "ResponsibleAIPolicyViolation"
    assert error["innererror"]["content_filter_result"]["violence"] == {"filtered": True, "severity": "medium"}
    assert int(plan.headers["x-ratelimit-remaining-tokens"]) < 1000


def test_a_prompt_beyond_the_window_is_told_both_numbers():
    plan = ask(emulator(context_window=50), max_tokens=100)
    error = said(plan)["error"]
    assert (plan.status, error["code"], error["param"]) == (400, "context_length_exceeded", "messages")
    assert "50 tokens" in error["message"]
    marked = ask(emulator(), {"messages": [{"role": "user", "content": "emulate:context_length"}]})
    assert said(marked)["error"]["code"] == "context_length_exceeded"


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        b"[]",
        b"\xff\xfe",
        {},
        {"messages": []},
        {"messages": "hello"},
        {"messages": ["hello"]},
        {"messages": [{"role": "user"}], "n": 0},
        {"messages": [{"role": "user"}], "max_tokens": "many"},
    ],
)
def test_a_request_that_is_none_is_a_400(body):
    plan = ask(emulator(), body)
    assert plan.status == 400
    assert said(plan)["error"]["message"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (DATED.format("chat", "chat/completions"), 200),
        (DATED.format("chat", "extensions/chat/completions"), 200),
        ("/openai/v1/chat/completions", 200),
        ("/east/openai/v1/chat/completions", 200),
        ("/east" + DATED.format("chat", "chat/completions"), 200),
        ("/west" + DATED.format("chat", "chat/completions"), 404),
        ("/openai/deployments/chat/chat/completions", 404),
        ("/openai/deployments/chat/chat/completions?api-version=now", 404),
        ("/openai/deployments/chat/nonsense?api-version=2024-10-21", 404),
        ("/", 404),
    ],
)
def test_both_families_of_url_are_served(path, status):
    azure = emulator(EmulatedDeployment("chat", resource="east"))
    body = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
    assert ask(azure, body, target=path).status == status


def test_the_host_header_names_the_resource():
    azure = emulator(EmulatedDeployment("chat", resource="east", model="A"), EmulatedDeployment("chat", resource="w"))
    host = {"api-key": KEY, "host": "east.openai.azure.com"}
    assert said(ask(azure, headers=host))["model"] == "A"
    assert ask(azure, headers={"api-key": KEY, "host": "127.0.0.1:80"}).status == 404  # the name alone says too little
    assert set(azure.deployments) == {"east/chat", "w/chat"}


def test_an_unknown_deployment_is_told_apart_from_an_unknown_path():
    azure = emulator()
    assert said(ask(azure, name="nowhere"))["error"]["code"] == "DeploymentNotFound"
    assert said(ask(azure, target="/openai/nowhere"))["error"]["message"] == "Resource not found"


def test_operations_go_with_models():
    assert said(ask(emulator(), {"input": "x"}, operation="embeddings"))["error"]["code"] == "OperationNotSupported"
    assert said(ask(emulator(**EMBEDDING)))["error"]["code"] == "OperationNotSupported"
    assert ask(emulator(strict=False), {"input": "x"}, operation="embeddings").status == 200


def jwt(**claims):
    parts = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in ({"alg": "none"}, claims)]
    return ".".join([*parts, "signature"])


AUDIENCE = "https://cognitiveservices.azure.com"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"api-key": KEY}, 200),
        ({"authorization": f"Bearer {KEY}"}, 200),
        ({"authorization": "Bearer given-token"}, 200),
        ({"authorization": "Bearer " + jwt(aud=AUDIENCE)}, 200),
        ({"authorization": "Bearer " + jwt(aud="https://ai.azure.com/", exp=1_790_000_100)}, 200),
        ({"authorization": "Bearer " + jwt(aud=AUDIENCE, exp=1_789_999_999)}, 401),
        ({"authorization": "Bearer " + jwt(aud="https://management.azure.com")}, 401),
        ({"authorization": "Bearer nonsense"}, 401),
        ({"authorization": "Basic x"}, 401),
        ({"api-key": "wrong"}, 401),
        ({"api-key": ""}, 401),
        ({}, 401),
    ],
)
def test_keys_and_tokens_are_checked(headers, status):
    plan = ask(emulator(tokens=["given-token"]), headers=headers)
    assert plan.status == status
    if status == 401:
        assert said(plan)["error"]["code"] in ("401", "Unauthorized")


def test_a_deployment_may_have_keys_of_its_own_and_no_keys_means_any():
    own = emulator(EmulatedDeployment("chat", keys=["own"]))
    assert ask(own, headers={"api-key": "own"}).status == 200
    assert ask(own).status == 401
    assert ask(emulator(keys=[]), headers={"api-key": "anything"}).status == 200


def test_models_are_listed_by_their_own_names():
    plan = emulator().handle("GET", "/openai/v1/models", {"api-key": KEY}, b"", 0.0)
    assert [m["id"] for m in said(plan)["data"]] == ["gpt-4o-2024-11-20"]
