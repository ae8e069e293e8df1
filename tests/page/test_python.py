"""Every sample in Python of LiteLLM's Azure page, as it is pasted: what is sent, and what comes back.

The addresses, keys and names that a reader fills in are filled in; see `pasting.py`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msal.authority
import pytest

import router
from router import ConfigError
from tests.azure.entra_server import CLIENT, SECRET, TENANT, entra
from tests.azure.fault_server import answer
from tests.page.conftest import CHAT
from tests.page.pasting import DEPLOYMENT, KEY, TOKEN, VERSION, filled, run
from tests.recorder import Asked, Recorder
from tests.redis_servers.server import Server
from tests.worlds import World

MORNING = [{"role": "user", "content": "good morning"}]
WORLD = [{"role": "user", "content": "Hello, world!"}]
UNSTATED = "2025-02-01-preview"
"""The version where none is given."""
PROOFS = ("api-key", "authorization", "x-api-key", "ocp-apim-subscription-key")


def proof(asked: Asked) -> dict[str, str]:
    """Whatever of the request proves who asks: exactly one header."""
    found = {name: value for name, value in asked.headers.items() if name in PROOFS}
    assert len(found) == 1
    return found


def sent(
    server: Recorder, deployment: str, version: str, operation: str = "chat/completions", key: str | None = KEY
) -> dict[str, Any]:
    """The body of the one request, which must have gone there with this key; None: with the token."""
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", f"/openai/deployments/{deployment}/{operation}")
    assert asked.query == {"api-version": version}
    assert asked.headers["content-type"] == "application/json"
    assert proof(asked) == ({"authorization": f"Bearer {TOKEN}"} if key is None else {"api-key": key})
    body: dict[str, Any] = asked.json
    assert body.pop("model") == deployment
    return body


def answered(names: dict[str, Any]) -> None:
    """The reply is in `response`, to be read as the page reads it."""
    response = names["response"]
    assert response.choices[0].message.content == response["choices"][0]["message"]["content"] == "Hello"
    assert response["usage"]["total_tokens"] == 6
    assert response.model == "gpt-4o-2024-11-20"


# ---- completion -------------------------------------------------------------------------------------------------


def test_env_variables(server: Recorder) -> None:
    names = run("env variables", server, os=os)
    assert sent(server, DEPLOYMENT, VERSION) == {"messages": [{"content": "Hello, how are you?", "role": "user"}]}
    answered(names)


def test_api_key_api_base_api_version(server: Recorder) -> None:
    names = run("api_key, api_base, api_version", server)
    assert sent(server, DEPLOYMENT, VERSION) == {"messages": MORNING}
    answered(names)


@pytest.mark.parametrize("name", ["azure_ad_token", "azure_ad_token, step 4"])
def test_azure_ad_token(name: str, server: Recorder) -> None:
    names = run(name, server, router=router)
    assert sent(server, DEPLOYMENT, VERSION, key=None) == {"messages": MORNING}
    answered(names)


def test_azure_ad_token_of_the_environment(server: Recorder) -> None:
    """The page: "or set `os.environ['AZURE_AD_TOKEN']`"; it comes before a key there, as with LiteLLM."""
    os.environ.update({"AZURE_AD_TOKEN": TOKEN, "AZURE_API_KEY": "other", "AZURE_API_TYPE": "azure"})
    router.completion(model=f"azure/{DEPLOYMENT}", api_base=server.base, api_version=VERSION, messages=MORNING)
    sent(server, DEPLOYMENT, VERSION, key=None)


@pytest.mark.parametrize(
    ("name", "given", "operation", "reply"),
    [
        ("embedding", {"input": ["a"]}, "embeddings", {"data": [{"index": 0, "embedding": [0.5]}]}),
        ("image_generation", {"prompt": "a cat"}, "images/generations", {"data": [{"b64_json": "AA=="}]}),
        ("transcription", {"file": ("a.wav", b"RIFF")}, "audio/transcriptions", {"text": "Hello"}),
        ("speech", {"input": "Hello", "voice": "alloy"}, "audio/speech", b"RIFF"),
    ],
)
def test_tokens_serve_all_other_endpoints(
    name: str, given: dict[str, Any], operation: str, reply: Any, server: Recorder
) -> None:
    """The page: "You can follow the same process … for all other Azure endpoints"."""
    server.reply = answer(reply, kind="audio/mpeg" if isinstance(reply, bytes) else "application/json")
    call = getattr(router, name)
    there = {"api_base": server.base, "api_version": VERSION, "azure_ad_token": TOKEN}
    response = call(model=f"azure/{DEPLOYMENT}", **there, **given)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", f"/openai/deployments/{DEPLOYMENT}/{operation}")
    assert (asked.query, proof(asked)) == ({"api-version": VERSION}, {"authorization": f"Bearer {TOKEN}"})
    assert (response.content if name == "speech" else response.model_dump(exclude_unset=True)) == reply


def test_attributes_of_the_package(server: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page: "api_key, api_base, api_version etc can be … set as `litellm.api_key` params"."""
    for name, value in {"api_key": KEY, "api_base": server.base, "api_version": VERSION}.items():
        monkeypatch.setattr(router, name, value)
    answered({"response": router.completion(f"azure/{DEPLOYMENT}", MORNING)})
    sent(server, DEPLOYMENT, VERSION)


@pytest.mark.usefixtures("_variables")
@pytest.mark.parametrize(
    "call",
    [
        'completion(model="azure/<your deployment name>", messages=messages)',
        "completion('azure/<your deployment name>', messages)",
    ],
)
def test_the_calls_of_the_tables_of_models(call: str, server: Recorder) -> None:
    names: dict[str, Any] = {"messages": MORNING}
    exec(filled(f"from router import completion\nresponse = {call}", server.base), names)
    assert sent(server, DEPLOYMENT, UNSTATED) == {"messages": MORNING}
    answered(names)


def test_vision(server: Recorder) -> None:
    os.environ["AZURE_API_BASE"] = server.base
    names = run("vision", server)
    url = "https://awsmp-logos.s3.amazonaws.com/seller-xw5kijmvmzasy/c233c9ade2ccb5491072ae232c814942.png"
    content = [{"type": "text", "text": "What’s in this image?"}, {"type": "image_url", "image_url": {"url": url}}]
    assert sent(server, DEPLOYMENT, UNSTATED) == {"messages": [{"role": "user", "content": content}]}
    answered(names)


@pytest.mark.parametrize("stated", ["vision-key", None])
def test_vision_enhancements(stated: str | None, server: Recorder) -> None:
    """`api_key=os.getenv(…)` of a variable that is not set is no key, so the environment's is taken."""
    os.environ["AZURE_VISION_ENHANCE_KEY"] = "enhance-key"
    if stated:
        os.environ["AZURE_VISION_API_KEY"] = stated
    names = run("vision enhancements", server)
    body = sent(server, "gpt-4-vision", UNSTATED, "extensions/chat/completions", key=stated or KEY)
    assert body == {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Whats in this image?"},
                    {"type": "image_url", "image_url": {"url": "https://avatars.githubusercontent.com/u/29436595?v=4"}},
                ],
            }
        ],
        "enhancements": {"ocr": {"enabled": True}, "grounding": {"enabled": True}},
        "dataSources": [
            {
                "type": "AzureComputerVision",
                "parameters": {
                    "endpoint": "https://gpt-4-vision-enhancement.cognitiveservices.azure.com/",
                    "key": "enhance-key",
                },
            }
        ],
    }
    answered(names)


@pytest.mark.usefixtures("_variables")
@pytest.mark.parametrize(
    ("name", "deployment"),
    [
        ("o-series by name", "my-o3-deployment"),
        ("o-series by prefix", "my-random-deployment-name"),
        ("gpt-5 by prefix", "my-gpt-5-deployment"),
        ("gpt-5 by name", "my-gpt-5-deployment"),
    ],
)
def test_families(name: str, deployment: str, server: Recorder) -> None:
    names = run(name, server)
    assert sent(server, deployment, UNSTATED) == {"messages": WORLD}
    if "response" in names:
        answered(names)


def test_audio(server: Recorder) -> None:
    audio = {"id": "audio_1", "data": "UklGRg==", "expires_at": 1, "transcript": "Hello"}
    message = {"role": "assistant", "content": None, "audio": audio}
    server.reply = answer({**CHAT, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    names = run("audio", server)
    assert sent(server, "azure-openai-4o-audio", VERSION) == {
        "messages": [{"role": "user", "content": "I want to try out speech to speech"}],
        "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "wav"},
    }
    assert names["response"].choices[0].message.audio["transcript"] == "Hello"


def test_instruct(server: Recorder) -> None:
    server.reply = answer({"id": "cmpl-1", "choices": [{"index": 0, "text": " Sunny.", "finish_reason": "stop"}]})
    names = run("instruct", server, os=os)  # the sample forgets to import it, as do two others
    assert sent(server, DEPLOYMENT, VERSION, "completions") == {"prompt": "What is the weather like in Boston?"}
    assert names["response"].choices[0].message.content == " Sunny."


def test_tools(server: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    calls = [
        {"id": f"call_{i}", "type": "function", "function": {"name": "get_current_weather", "arguments": "{}"}}
        for i in range(3)
    ]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    server.reply = answer({**CHAT, "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]})
    names = run("tools", server)
    assert sent(server, "chatgpt-functioncalling", "2023-07-01-preview") == {
        "messages": [{"role": "user", "content": "What's the weather like in San Francisco, Tokyo, and Paris?"}],
        "tools": names["tools"],
        "tool_choice": "auto",
    }
    assert [call.function.name for call in names["tool_calls"]] == ["get_current_weather"] * 3
    assert names["response_message"].tool_calls[0].id == "call_0"
    assert "call_2" in capsys.readouterr().out


# ---- Claude on Foundry, which the page names and gives no sample of ----------------------------------------------

CLAUDES: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 1},
}


@pytest.mark.usefixtures("_variables")
def test_claude_by_the_name_that_the_page_gives_it(server: Recorder) -> None:
    """The page: "use `azure/claude-*` model names (e.g., `azure/claude-sonnet-4-5`) with Azure authentication"."""
    server.reply = answer(CLAUDES)
    response = router.completion(model="azure/claude-sonnet-4-5", messages=WORLD)
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.query) == ("POST", "/anthropic/v1/messages", {})
    assert (proof(asked), asked.headers["anthropic-version"]) == ({"x-api-key": KEY}, "2023-06-01")
    assert asked.json == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello, world!"}]}],
    }
    assert response.choices[0].message.content == "Hello"
    assert response["usage"]["total_tokens"] == 6


@pytest.mark.parametrize("model", ["azure/claude-sonnet-4-5", "azure_ai/claude-sonnet-4-5"])
def test_claude_with_a_token_in_its_own_words(server: Recorder, model: str) -> None:
    server.reply = answer(CLAUDES)
    base = f"{server.base}/anthropic"
    response = router.anthropic_messages(
        model=model, messages=WORLD, max_tokens=100, api_base=base, azure_ad_token="canary-token-1"
    )
    (asked,) = server.asked
    assert asked.path == "/anthropic/v1/messages"
    assert proof(asked) == {"authorization": "Bearer canary-token-1"}
    assert asked.json == {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": WORLD}
    assert response.content[0].text == "Hello"


# ---- signing in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["DefaultAzureCredential", "token refresh"])
def test_entra(name: str, server: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The first credential that `DefaultAzureCredential` finds here is the service principal of the environment."""
    monkeypatch.setattr(msal.authority, "WELL_KNOWN_AUTHORITY_HOSTS", {"localhost"})
    with entra(monkeypatch, tmp_path) as token_server:
        principal = {"TENANT_ID": TENANT, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET}
        for variable, value in {**principal, "AUTHORITY_HOST": f"https://{token_server.host}"}.items():
            os.environ[f"AZURE_{variable}"] = value
        names = run(name, server)
    (form,) = token_server.forms
    assert form["scope"] == "https://cognitiveservices.azure.com/.default"
    (asked,) = server.asked
    assert proof(asked)["authorization"].startswith("Bearer eyJ")
    assert (asked.path, asked.query["api-version"]) == (f"/openai/deployments/{DEPLOYMENT}/chat/completions", VERSION)
    assert asked.json == {"model": DEPLOYMENT, "messages": MORNING}
    answered(names)


# ---- files and batches ------------------------------------------------------------------------------------------

LINE = {
    "custom_id": "task-0",
    "method": "POST",
    "url": "/chat/completions",
    "body": {"model": "REPLACE-WITH-MODEL-DEPLOYMENT-NAME", "messages": WORLD},
}
AZURE_FILE: dict[str, Any] = {"id": "file-abc123", "object": "file", "purpose": "batch", "status": "processed"}
AZURE_BATCH: dict[str, Any] = {
    "id": "batch_abc123",
    "object": "batch",
    "status": "validating",
    "input_file_id": "file-abc123",
}


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # the sample opens one and leaves it open
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_batches(backend: str, server: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The four steps of the SDK's tab, one after the other."""
    world = World(backend)
    lines = b"".join(json.dumps({**LINE, "custom_id": f"task-{i}"}).encode() + b"\n" for i in range(3))
    (tmp_path / "azure_batch_completions.jsonl").write_bytes(lines)
    version = {"api-version": UNSTATED}

    def asked(method: str, path: str, **query: str) -> Asked:
        last = server.last
        assert (last.method, last.path, last.query) == (method, path, {**version, **query})
        assert proof(last) == {"api-key": KEY}
        return last

    server.reply = answer(AZURE_FILE, status=201)
    names = run("create a file", server, world, __file__=str(tmp_path / "sample.py"))
    assert asked("POST", "/openai/files").fields == {"purpose": b"batch", "file": lines}
    assert names["file_obj"].id == "file-abc123"

    server.reply = answer(AZURE_BATCH)
    names = run("create a batch", server, world, router=router, batch_input_file_id=names["file_obj"].id)
    assert asked("POST", "/openai/batches").json == {
        "completion_window": "24h",
        "endpoint": "/v1/chat/completions",
        "input_file_id": "file-abc123",
        "metadata": {"key1": "value1", "key2": "value2"},
    }
    assert names["create_batch_response"].id == "batch_abc123"

    server.reply = lambda question: (
        answer(AZURE_BATCH) if "batches" in question.path else answer(lines, kind="application/octet-stream")
    )
    names = run("retrieve a batch", server, world, **{n: v for n, v in names.items() if not n.startswith("__")})
    assert server.asked[-2].path == "/openai/batches/batch_abc123"
    asked("GET", "/openai/files/file-abc123/content")
    assert names["retrieved_batch"].status == "validating"
    assert names["file_content"].content == lines

    server.reply = answer({"object": "list", "data": [AZURE_BATCH], "has_more": False})
    names = run("list batches", server, router=router)
    asked("GET", "/openai/batches", limit="2")
    assert [batch.id for batch in names["list_batches_response"].data] == ["batch_abc123"]
    assert len(server.asked) == 5
    assert "batch_abc123" in capsys.readouterr().out


# ---- the Router -------------------------------------------------------------------------------------------------


def _kept(names: dict[str, Any]) -> dict[str, Any]:
    """What the sample of Redis takes from the one before it."""
    return {name: names[name] for name in ("os", "Router", "model_list", "response")}


def test_the_router_and_its_redis(server: Recorder, redis_server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    os.environ.update({"AZURE_API_KEY": KEY, "AZURE_API_VERSION": VERSION, "AZURE_API_BASE": server.base})
    os.environ.update({"OPENAI_API_KEY": "sk-canary-openai", "OPENAI_BASE_URL": f"{server.base}/v1"})
    names = run("router", server, os=os)
    answered(names)
    assert "Hello" in capsys.readouterr().out
    with names["router"] as balanced:
        for _ in range(200):  # dice decide, and each small one has a sixth: 20 would miss one of them now and then
            balanced.completion(model="gpt-3.5-turbo", messages=MORNING)
    keys = {asked.path: proof(asked) for asked in server.asked}
    assert keys == {
        "/openai/deployments/chatgpt-v-2/chat/completions": {"api-key": KEY},
        "/openai/deployments/chatgpt-functioncalling/chat/completions": {"api-key": KEY},
        "/v1/chat/completions": {"authorization": "Bearer sk-canary-openai"},
    }

    os.environ.update({"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis_server.port)})
    with run("redis", server, **_kept(names))["router"] as shared:
        assert shared.completion(model="gpt-3.5-turbo", messages=MORNING)["usage"]["total_tokens"] == 6
        assert shared.questions > 0
        assert [deployment.tokens_limit for deployment in shared.status()] == [240_000, 240_000, 1_000_000]


def test_the_redis_of_variables_that_are_not_set_is_none(server: Recorder) -> None:
    os.environ.update({"AZURE_API_KEY": KEY, "AZURE_API_BASE": server.base})
    os.environ.update({"OPENAI_API_KEY": "sk-canary-openai", "OPENAI_BASE_URL": f"{server.base}/v1"})
    names = run("router", server, os=os)
    with names["router"], run("redis", server, **_kept(names))["router"] as alone:
        alone.completion(model="gpt-3.5-turbo", messages=MORNING)
        assert alone.questions == 0


# ---- as they stand there ----------------------------------------------------------------------------------------

UNFILLED = {
    "env variables": "AZURE_API_BASE",
    "api_key, api_base, api_version": "api_base: is empty",
    "azure_ad_token": "azure_ad_token: is empty",
    "vision": "placeholder",
    "instruct": "AZURE_API_BASE",
    "audio": "AZURE_API_BASE",
    "token refresh": "api_version: is empty",
    "tools": "AZURE_API_KEY",
    "gpt-5 by name": "AZURE_API_BASE",
}


@pytest.mark.parametrize("name", UNFILLED)
def test_a_sample_that_was_not_filled_in_says_what_is_missing(name: str) -> None:
    with pytest.raises(ConfigError, match=UNFILLED[name]) as caught:
        run(name, None, os=os)
    assert "model_list" not in str(caught.value)
