"""The official client asks for chats, texts and vectors, and cannot tell the emulator from the service."""

from __future__ import annotations

import base64
import json
import wave
from io import BytesIO

import openai
import pydantic
import pytest

from .conftest import client_of
from .helpers import KEY

HELLO = [{"role": "user", "content": "hello"}]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK = {"type": "function", "function": {"name": "read_clock"}}


class Event(pydantic.BaseModel):
    """What a structured answer must be."""

    name: str
    day: int
    people: list[str]


def test_a_chat(client):
    reply = client.chat.completions.create(model="chat", messages=HELLO)
    assert isinstance(reply, openai.types.chat.ChatCompletion)
    assert reply.model == "gpt-4o-2024-11-20"
    assert reply.choices[0].message.content
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


def test_only_azure_tells_of_its_filter(azure):
    for way, told in (("dated", True), ("v1", True), ("plain", False)):
        with client_of(azure, way) as client:
            reply = client.chat.completions.create(model="chat", messages=HELLO)
            assert hasattr(reply, "prompt_filter_results") is told
            chunks = list(client.chat.completions.create(model="chat", messages=HELLO, stream=True))
            assert (chunks[0].choices == []) is told
            raw = client.chat.completions.with_raw_response.create(model="chat", messages=HELLO)
            assert ("apim-request-id" in raw.headers) is told
            assert raw.headers["x-request-id"]


def test_a_stream_with_usage(client):
    asked = {"model": "chat", "messages": HELLO, "stream": True, "stream_options": {"include_usage": True}}
    *chunks, last = client.chat.completions.create(**asked)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text
    assert (last.choices, last.usage.total_tokens > 0) == ([], True)


def test_structured_answers_are_parsed(client):
    reply = client.chat.completions.parse(model="chat", messages=HELLO, response_format=Event)
    assert isinstance(reply.choices[0].message.parsed, Event)
    schema = {"name": "event", "schema": Event.model_json_schema(), "strict": True}
    given = {"type": "json_schema", "json_schema": schema}
    plain = client.chat.completions.create(model="chat", messages=HELLO, response_format=given)
    assert Event.model_validate_json(plain.choices[0].message.content)
    with client.chat.completions.stream(model="chat", messages=HELLO, response_format=Event) as stream:
        kinds = [event.type for event in stream]
        assert isinstance(stream.get_final_completion().choices[0].message.parsed, Event)
    assert {"content.delta", "content.done"} <= set(kinds)
    spoken = [{"role": "user", "content": "An event as JSON."}]
    loose = client.chat.completions.create(model="chat", messages=spoken, response_format={"type": "json_object"})
    assert json.loads(loose.choices[0].message.content)


def test_a_question_calls_the_tools_that_it_names(client):
    asked = [{"role": "user", "content": "What is the weather, and what does the clock say?"}]
    reply = client.chat.completions.create(model="chat", messages=asked, tools=[WEATHER, CLOCK])
    calls = reply.choices[0].message.tool_calls
    assert [call.function.name for call in calls] == ["get_weather", "read_clock"]
    assert [json.loads(call.function.arguments) for call in calls] == [{"city": "filler"}, {}]
    answered = [*asked, reply.choices[0].message, {"role": "tool", "tool_call_id": calls[0].id, "content": "rain"}]
    final = client.chat.completions.create(model="chat", messages=answered, tools=[WEATHER, CLOCK])
    assert final.choices[0].message.content


def test_parallel_calls_are_streamed_one_after_the_other(client):
    asked = [{"role": "user", "content": "emulate:tool_calls=3"}]
    with client.chat.completions.stream(model="chat", messages=asked, tools=[WEATHER]) as stream:
        calls = stream.get_final_completion().choices[0].message.tool_calls
    assert [json.loads(call.function.arguments) for call in calls] == [{"city": "filler"}] * 3
    assert len({call.id for call in calls}) == 3
    one = client.chat.completions.create(model="chat", messages=asked, tools=[WEATHER], parallel_tool_calls=False)
    assert len(one.choices[0].message.tool_calls) == 1


def test_custom_tools_are_called_with_text(client):
    tool = {"type": "custom", "custom": {"name": "shell"}}
    reply = client.chat.completions.create(model="chat", messages=HELLO, tools=[tool], tool_choice="required")
    (call,) = reply.choices[0].message.tool_calls
    assert (call.type, call.custom.name, call.custom.input) == ("custom", "shell", "filler")


def test_logprobs(client):
    reply = client.chat.completions.create(model="chat", messages=HELLO, logprobs=True, top_logprobs=2, max_tokens=4)
    tokens = reply.choices[0].logprobs.content
    assert "".join(t.token for t in tokens) == reply.choices[0].message.content
    assert all(t.logprob < 0 and len(t.top_logprobs) == 2 and bytes(t.bytes).decode() == t.token for t in tokens)
    streamed = client.chat.completions.create(model="chat", messages=HELLO, logprobs=True, max_tokens=4, stream=True)
    found = [t.token for c in streamed for choice in c.choices if choice.logprobs for t in choice.logprobs.content]
    assert len(found) == 4


def test_stop_ends_an_answer_before_its_mark(client):
    reply = client.chat.completions.create(model="chat", messages=HELLO, stop=[" "])
    assert " " not in reply.choices[0].message.content


def test_sound_in_and_out(client):
    heard = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    asked = {"model": "voice", "messages": [{"role": "user", "content": [heard]}], "modalities": ["text", "audio"]}
    reply = client.chat.completions.create(**asked, audio={"voice": "alloy", "format": "wav"})
    spoken = reply.choices[0].message.audio
    with wave.open(BytesIO(base64.b64decode(spoken.data))) as sound:
        assert sound.getnframes() > 0
    assert spoken.transcript
    assert reply.usage.completion_tokens_details.audio_tokens > 0
    pieces = list(client.chat.completions.create(**asked, audio={"voice": "alloy", "format": "pcm16"}, stream=True))
    deltas = [c.choices[0].delta.model_dump(exclude_unset=True) for c in pieces if c.choices]
    sounds = [delta["audio"] for delta in deltas if delta.get("audio")]
    assert [name for sound in sounds for name in sound][:3] == ["id", "transcript", "data"]
    assert all(base64.b64decode(sound["data"], validate=True) for sound in sounds if "data" in sound)
    assert "expires_at" in sounds[-1]


@pytest.mark.parametrize("detail", ["low", "high", "auto"])
@pytest.mark.parametrize("url", [f"data:image/png;base64,{PNG}", "https://example.com/cat.png"], ids=["data", "http"])
def test_pictures_are_seen(client, url, detail):
    picture = {"type": "image_url", "image_url": {"url": url, "detail": detail}}
    asked = [{"role": "user", "content": [{"type": "text", "text": "what?"}, picture]}]
    reply = client.chat.completions.create(model="chat", messages=asked)
    words = client.chat.completions.create(model="chat", messages=[{"role": "user", "content": "what?"}])
    assert reply.usage.prompt_tokens > words.usage.prompt_tokens + 50


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("data:text/plain;base64,AAAA", "invalid_image_url"),
        (f"data:image/png;base64,{PNG}!", "invalid_base64_image"),
        ("data:image/png;base64,iVBO" + "A" * 28_000_000, "image_too_large"),
        ("cat.png", "invalid_image_url"),
    ],
    ids=["kind", "base64", "large", "name"],
)
def test_pictures_are_looked_at(azure, url, code):
    content = [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": url}}]
    with client_of(azure, "v1") as client, pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="chat", messages=[{"role": "user", "content": content}])
    assert caught.value.code == code


def test_extensions_take_their_own_body(azure):
    base = f"{azure.base('east')}/openai/deployments/chat/extensions"
    body = {
        "enhancements": {"ocr": {"enabled": True}, "grounding": {"enabled": True}},
        "dataSources": [{"type": "AzureComputerVision", "parameters": {"endpoint": "e", "key": "k"}}],
    }
    with openai.AzureOpenAI(base_url=base, api_key=KEY, api_version="2023-12-01-preview") as client:
        reply = client.chat.completions.create(model="chat", messages=HELLO, extra_body=body)
        assert reply.choices[0].enhancements["grounding"]["status"] == "Success"
        assert reply.usage.completion_tokens <= 16
    with client_of(azure, "dated") as client, pytest.raises(openai.BadRequestError, match="dataSources"):
        client.chat.completions.create(model="chat", messages=HELLO, extra_body={"dataSources": []})


@pytest.mark.parametrize(
    ("asked", "code", "param"),
    [
        ({"max_tokens": 5}, "unsupported_parameter", "max_tokens"),
        ({"temperature": 0.2}, "unsupported_value", "temperature"),
        ({"reasoning_effort": "minimal"}, "unsupported_value", "reasoning_effort"),
        ({"parallel_tool_calls": True, "tools": [CLOCK]}, "unsupported_parameter", "parallel_tool_calls"),
        ({"messages": [{"role": r, "content": "x"} for r in ("system", "developer")]}, None, "messages"),
        ({"model": "chat", "temperature": 3}, "decimal_above_max_value", "temperature"),
        ({"model": "chat", "top_p": -1}, "decimal_below_min_value", "top_p"),
        ({"model": "chat", "reasoning_effort": "low"}, None, None),
        ({"model": "chat", "top_logprobs": 1}, None, "top_logprobs"),
        ({"model": "chat", "messages": [{"role": "oracle", "content": "x"}]}, "invalid_value", "messages[0].role"),
        ({"model": "chat", "messages": [{"role": "user", "content": 5}]}, "invalid_type", "messages[0].content"),
        ({"model": "chat", "messages": [{"role": "user", "content": ["x"]}]}, "invalid_type", "messages[0].content"),
        ({"model": "chat", "tools": "clock"}, "invalid_type", "tools"),
        ({"model": "chat", "response_format": {"type": "json_object"}}, None, "messages"),
        ({"model": "chat", "response_format": {"type": "xml"}}, "invalid_value", "response_format.type"),
        ({"model": "chat", "modalities": ["text", "audio"]}, "missing_required_parameter", "audio"),
        ({"model": "chat", "tool_choice": "required"}, None, "tool_choice"),
    ],
)
def test_what_a_model_does_not_take_is_named(client, asked, code, param):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**{"model": "thinker", "messages": HELLO, **asked})
    assert (caught.value.code, caught.value.param) == (code, param)
    assert caught.value.type == "invalid_request_error"


def test_errors_of_the_door_have_the_words_of_the_api(azure):
    with client_of(azure, "dated") as client, pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="nowhere", messages=HELLO)
    assert caught.value.code == "DeploymentNotFound"
    with client_of(azure, "plain") as client, pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="nowhere", messages=HELLO)
    assert caught.value.code == "model_not_found"
    with client_of(azure, "plain") as client, pytest.raises(openai.AuthenticationError) as caught:
        client.with_options(api_key="wrong").chat.completions.create(model="chat", messages=HELLO)
    assert caught.value.code == "invalid_api_key"


@pytest.mark.parametrize(
    ("version", "asked", "words"),
    [
        ("2024-10-21", {"model": "thinker"}, "enabled only for api versions 2024-12-01-preview"),
        ("2024-06-01", {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "2024-08-01"),
    ],
)
def test_old_versions_lack_what_is_new(azure, version, asked, words):
    client = openai.AzureOpenAI(azure_endpoint=azure.base("east"), api_key=KEY, api_version=version, max_retries=0)
    with client, pytest.raises(openai.BadRequestError, match=words):
        client.chat.completions.create(**{"model": "chat", "messages": HELLO, **asked})


def test_a_v1_base_knows_no_dates(azure):
    with client_of(azure, "v1") as client, pytest.raises(openai.BadRequestError, match="API version not supported"):
        client.chat.completions.create(model="chat", messages=HELLO, extra_query={"api-version": "2024-10-21"})


@pytest.mark.parametrize("mark", ["content_filter", "content_filter_plural", "jailbreak"])
def test_blocked_prompts_come_in_their_spellings(client, mark):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="chat", messages=[{"role": "user", "content": f"emulate:{mark}"}])
    assert caught.value.code == "content_filter"
    if not str(client.base_url).endswith("east/v1/"):
        inner = caught.value.body.get("innererror") or caught.value.body["inner_error"]
        found = inner.get("content_filter_result") or inner["content_filter_results"]
        assert found["jailbreak" if mark == "jailbreak" else "violence"]["filtered"] is True


def test_a_filter_that_failed_says_so(azure):
    with client_of(azure, "v1") as client:
        reply = client.chat.completions.create(
            model="chat", messages=[{"role": "user", "content": "emulate:filter_error"}]
        )
    assert reply.choices[0].content_filter_results["error"]["code"] == "content_filter_error"


# ---- texts -------------------------------------------------------------------------------------------------------


def test_a_text_is_continued(client):
    reply = client.completions.create(model="text", prompt=["one", "two"], n=2, max_tokens=5, logprobs=1)
    assert isinstance(reply, openai.types.Completion)
    assert [choice.index for choice in reply.choices] == [0, 1, 2, 3]
    assert reply.usage.completion_tokens == 20
    assert "".join(reply.choices[0].logprobs.tokens) == reply.choices[0].text
    assert reply.choices[0].finish_reason == "length"
    assert client.completions.create(model="text", prompt="one", echo=True).choices[0].text.startswith("one")
    assert client.completions.create(model="text", prompt="one").usage.completion_tokens <= 16


def test_a_text_is_streamed(client):
    chunks = list(
        client.completions.create(
            model="text", prompt="one", max_tokens=12, stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(c.choices[0].text for c in chunks if c.choices)
    assert chunks[-2].choices[0].finish_reason
    assert chunks[-1].usage.completion_tokens == 12


@pytest.mark.parametrize("asked", [{"prompt": []}, {"prompt": ""}, {"best_of": 1, "n": 2}, {"max_tokens": 0}])
def test_texts_that_are_none_are_refused(client, asked):
    with pytest.raises(openai.BadRequestError):
        client.completions.create(**{"model": "text", "prompt": "one", **asked})


# ---- vectors -----------------------------------------------------------------------------------------------------


def test_vectors_come_as_base64_by_default_and_as_floats(client):
    packed = client.embeddings.create(model="vectors", input=["one", "two"], dimensions=16)
    floats = client.embeddings.create(model="vectors", input=["one", "two"], dimensions=16, encoding_format="float")
    assert [len(e.embedding) for e in packed.data] == [16, 16]
    assert packed.data[0].embedding == pytest.approx(floats.data[0].embedding)
    assert client.embeddings.create(model="vectors", input=[[1, 2], [3]]).usage.prompt_tokens == 3
    assert client.embeddings.create(model="vectors", input=[1, 2, 3]).usage.prompt_tokens == 3
    (single,) = client.embeddings.create(model="vectors", input="one").data
    assert (single.index, len(single.embedding)) == (0, 1536)
    raw = client.embeddings.with_raw_response.create(model="vectors", input="one", encoding_format="base64")
    assert len(base64.b64decode(json.loads(raw.content)["data"][0]["embedding"])) == 1536 * 4


@pytest.mark.parametrize(
    "asked",
    [
        {"input": [["a"]]},
        {"input": 5},
        {"input": [5.5]},
        {"input": "x" * 40_000},
        {"input": "x", "encoding_format": "z"},
    ],
)
def test_inputs_that_are_none_are_refused(client, asked):
    with pytest.raises(openai.BadRequestError):
        client.embeddings.create(model="vectors", **asked)


def test_models_do_what_is_theirs(client):
    for ask in (
        lambda: client.embeddings.create(model="chat", input="x"),
        lambda: client.chat.completions.create(model="text", messages=HELLO),
        lambda: client.completions.create(model="chat", prompt="x"),
    ):
        with pytest.raises(openai.BadRequestError) as caught:
            ask()
        assert caught.value.code == "OperationNotSupported"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # on trio the client leaves generators of its own unfinished
async def test_the_awaiting_client_with_a_token_provider(azure, anyio_backend):
    made = openai.AsyncAzureOpenAI(
        azure_endpoint=azure.base("east"), azure_ad_token_provider=lambda: KEY, api_version="2025-04-01-preview"
    )
    async with made as client:
        assert (await client.chat.completions.create(model="chat", messages=HELLO)).choices
        stream = await client.chat.completions.create(model="chat", messages=HELLO, stream=True)
        assert [chunk async for chunk in stream]
