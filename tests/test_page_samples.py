"""Every sample of LiteLLM's Azure page runs with `litellm` replaced by `router`: what is sent, and what comes back.

The samples are here as the page has them, but for the addresses, which are a local server's.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio

import router as litellm
from router import completion, direct
from tests.azure.fault_server import answer
from tests.recorder import Recorder

CHAT: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-4o-2024-11-20",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
}
MORNING = [{"role": "user", "content": "good morning"}]
WORLD = [{"role": "user", "content": "Hello, world!"}]


@pytest.fixture
def server() -> Iterator[Recorder]:
    with Recorder(answer(CHAT)) as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(direct, "places", direct.Places())
    yield
    direct.places.close()


@pytest.fixture
def _variables(server: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_API_KEY", "canary-azure-key")
    monkeypatch.setenv("AZURE_API_BASE", server.base)
    monkeypatch.setenv("AZURE_API_VERSION", "2023-05-15")


def sent(server: Recorder, deployment: str, version: str, operation: str = "chat/completions") -> dict[str, Any]:
    """The one request, which must have gone there; its body."""
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", f"/openai/deployments/{deployment}/{operation}")
    assert asked.query == {"api-version": version}
    body: dict[str, Any] = asked.json
    assert body.pop("model") == deployment
    return body


@pytest.mark.usefixtures("_variables")
def test_completion_using_env_variables(server: Recorder) -> None:
    response = completion(
        model="azure/your_deployment_name", messages=[{"content": "Hello, how are you?", "role": "user"}]
    )
    assert sent(server, "your_deployment_name", "2023-05-15") == {
        "messages": [{"content": "Hello, how are you?", "role": "user"}]
    }
    assert server.last.headers["api-key"] == "canary-azure-key"
    assert response.choices[0].message.content == "Hello"
    assert response["usage"]["total_tokens"] == 6


def test_completion_using_api_key_api_base_api_version(server: Recorder) -> None:
    response = litellm.completion(
        model="azure/your-deployment-name",
        api_base=server.base,
        api_version="2023-05-15",
        api_key="key-1",
        messages=MORNING,
    )
    assert sent(server, "your-deployment-name", "2023-05-15") == {"messages": MORNING}
    assert server.last.headers["api-key"] == "key-1"
    assert response.choices[0].message.content == "Hello"


def test_completion_using_azure_ad_token(server: Recorder) -> None:
    litellm.completion(
        model="azure/your-deployment-name",
        api_base=server.base,
        api_version="2023-05-15",
        azure_ad_token="eyJ0eXAi.token",
        messages=MORNING,
    )
    sent(server, "your-deployment-name", "2023-05-15")
    assert server.last.headers["authorization"] == "Bearer eyJ0eXAi.token"
    assert "api-key" not in server.last.headers


def test_completion_using_a_token_provider(server: Recorder) -> None:
    token_provider: Callable[[], str] = lambda: "provided"  # noqa: E731
    completion(
        model="azure/your-deployment-name",
        api_base=server.base,
        api_version="2023-05-15",
        azure_ad_token_provider=token_provider,
        messages=MORNING,
    )
    sent(server, "your-deployment-name", "2023-05-15")
    assert server.last.headers["authorization"] == "Bearer provided"


@pytest.mark.usefixtures("_variables")
def test_vision(server: Recorder) -> None:
    url = "https://awsmp-logos.s3.amazonaws.com/seller-xw5kijmvmzasy/c233c9ade2ccb5491072ae232c814942.png"
    content = [{"type": "text", "text": "What’s in this image?"}, {"type": "image_url", "image_url": {"url": url}}]
    completion(model="azure/your-deployment-name", messages=[{"role": "user", "content": content}])
    assert sent(server, "your-deployment-name", "2023-05-15") == {"messages": [{"role": "user", "content": content}]}


def test_vision_enhancements(server: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_VISION_API_KEY", "vision-key")
    monkeypatch.setenv("AZURE_VISION_ENHANCE_KEY", "enhance-key")
    enhancements = {"ocr": {"enabled": True}, "grounding": {"enabled": True}}
    sources = [
        {
            "type": "AzureComputerVision",
            "parameters": {
                "endpoint": "https://gpt-4-vision-enhancement.cognitiveservices.azure.com/",
                "key": os.environ["AZURE_VISION_ENHANCE_KEY"],
            },
        }
    ]
    messages = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Whats in this image?"},
                {"type": "image_url", "image_url": {"url": "https://avatars.githubusercontent.com/u/29436595?v=4"}},
            ],
        }
    ]
    completion(
        model="azure/gpt-4-vision",
        timeout=5,
        messages=messages,
        base_url=f"{server.base}/openai/deployments/gpt-4-vision/extensions",
        api_key=os.getenv("AZURE_VISION_API_KEY"),
        enhancements=enhancements,
        dataSources=sources,
    )
    assert sent(server, "gpt-4-vision", "2025-02-01-preview", "extensions/chat/completions") == {
        "messages": messages,
        "enhancements": enhancements,
        "dataSources": sources,
    }
    assert server.last.headers["api-key"] == "vision-key"


@pytest.mark.usefixtures("_variables")
@pytest.mark.parametrize(
    ("model", "deployment"),
    [
        ("azure/my-o3-deployment", "my-o3-deployment"),
        ("azure/o_series/my-random-deployment-name", "my-random-deployment-name"),
        ("azure/gpt5_series/my-gpt-5-deployment", "my-gpt-5-deployment"),
        ("azure/my-gpt-5-deployment", "my-gpt-5-deployment"),
    ],
)
def test_families(server: Recorder, model: str, deployment: str) -> None:
    litellm.completion(model=model, messages=WORLD, max_tokens=9)
    assert sent(server, deployment, "2023-05-15") == {"messages": WORLD, "max_completion_tokens": 9}


@pytest.mark.usefixtures("_variables")
def test_audio_model(server: Recorder) -> None:
    audio = {"id": "audio_1", "data": "UklGRg==", "expires_at": 1, "transcript": "Hello"}
    message = {"role": "assistant", "content": None, "audio": audio}
    server.reply = answer({**CHAT, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    response = completion(
        model="azure/azure-openai-4o-audio",
        messages=[{"role": "user", "content": "I want to try out speech to speech"}],
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "wav"},
    )
    body = sent(server, "azure-openai-4o-audio", "2023-05-15")
    assert (body["modalities"], body["audio"]) == (["text", "audio"], {"voice": "alloy", "format": "wav"})
    assert response.choices[0].message.audio["transcript"] == "Hello"


@pytest.mark.usefixtures("_variables")
def test_instruct_models(server: Recorder) -> None:
    server.reply = answer({"id": "cmpl-1", "choices": [{"index": 0, "text": " Sunny.", "finish_reason": "stop"}]})
    response = litellm.completion(
        model="azure_text/your-deployment-name",
        messages=[{"role": "user", "content": "What is the weather like in Boston?"}],
    )
    assert sent(server, "your-deployment-name", "2023-05-15", "completions") == {
        "prompt": "What is the weather like in Boston?"
    }
    assert response.choices[0].message.content == " Sunny."


@pytest.mark.usefixtures("_variables")
def test_tool_calling(server: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_API_VERSION", "2023-07-01-preview")
    calls = [
        {"id": f"call_{i}", "type": "function", "function": {"name": "get_current_weather", "arguments": "{}"}}
        for i in range(3)
    ]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    server.reply = answer({**CHAT, "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]})
    tools = [
        {
            "type": "function",
            "function": {
                "name": "get_current_weather",
                "description": "Get the current weather in a given location",
                "parameters": {
                    "type": "object",
                    "properties": {"location": {"type": "string"}},
                    "required": ["location"],
                },
            },
        }
    ]
    response = litellm.completion(
        model="azure/chatgpt-functioncalling",
        messages=[{"role": "user", "content": "What's the weather like in San Francisco, Tokyo, and Paris?"}],
        tools=tools,
        tool_choice="auto",
    )
    body = sent(server, "chatgpt-functioncalling", "2023-07-01-preview")
    assert (body["tools"], body["tool_choice"]) == (tools, "auto")
    assert [call.function.name for call in response.choices[0].message.tool_calls] == ["get_current_weather"] * 3


def test_the_routers_quick_start(server: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_API_KEY", "canary-azure-key")
    monkeypatch.setenv("AZURE_API_VERSION", "2023-05-15")
    monkeypatch.setenv("AZURE_API_BASE", server.base)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    azure = {
        "api_key": os.getenv("AZURE_API_KEY"),
        "api_version": os.getenv("AZURE_API_VERSION"),
        "api_base": os.getenv("AZURE_API_BASE"),
    }
    model_list = [
        {
            "model_name": "gpt-3.5-turbo",
            "litellm_params": {"model": "azure/chatgpt-v-2", **azure},
            "tpm": 240000,
            "rpm": 1800,
        },
        {
            "model_name": "gpt-3.5-turbo",
            "litellm_params": {"model": "azure/chatgpt-functioncalling", **azure},
            "tpm": 240000,
            "rpm": 1800,
        },
        {
            "model_name": "gpt-3.5-turbo",
            "litellm_params": {
                "model": "gpt-3.5-turbo",
                "api_key": os.getenv("OPENAI_API_KEY"),
                "api_base": f"{server.base}/v1",
            },
            "tpm": 1000000,
            "rpm": 9000,
        },
    ]
    with litellm.Router(model_list=model_list) as router:
        for _ in range(20):
            response = router.completion(
                model="gpt-3.5-turbo", messages=[{"role": "user", "content": "Hey, how's it going?"}]
            )
            assert response.choices[0].message.content == "Hello"
    assert {asked.path for asked in server.asked} >= {"/v1/chat/completions"}
    assert len({asked.path for asked in server.asked}) > 1


# ---- Claude on Foundry ------------------------------------------------------------------------------------------

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
    """The page gives the name `azure/claude-sonnet-4-5` "with Azure authentication", and no sample of its own."""
    server.reply = answer(CLAUDES)
    response = completion(model="azure/claude-sonnet-4-5", messages=WORLD)
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.query) == ("POST", "/anthropic/v1/messages", {})
    assert (asked.headers["x-api-key"], asked.headers["anthropic-version"]) == ("canary-azure-key", "2023-06-01")
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
    response = litellm.anthropic_messages(
        model=model, messages=WORLD, max_tokens=100, api_base=base, azure_ad_token="canary-token-1"
    )
    (asked,) = server.asked
    assert asked.path == "/anthropic/v1/messages"
    assert asked.headers["authorization"] == "Bearer canary-token-1"
    assert "x-api-key" not in asked.headers
    assert asked.json == {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": WORLD}
    assert response.content[0].text == "Hello"


# ---- Azure Batches API -----------------------------------------------------------------------------------------

LINES = b"".join(
    b'{"custom_id": "task-%d", "method": "POST", "url": "/chat/completions", "body": {"model": '
    b'"REPLACE-WITH-MODEL-DEPLOYMENT-NAME", "messages": [{"role": "user", "content": '
    b'"When was Microsoft founded?"}]}}\n' % i
    for i in range(3)
)
AZURE_FILE: dict[str, Any] = {"id": "file-abc123", "object": "file", "purpose": "batch", "status": "processed"}
AZURE_BATCH: dict[str, Any] = {
    "id": "batch_abc123",
    "object": "batch",
    "status": "validating",
    "input_file_id": "file-abc123",
}


@pytest.mark.parametrize("_backend", ["asyncio", "trio"])
def test_files_and_batches_by_module_functions(
    _backend: str, server: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("AZURE_API_KEY", "canary-azure-key")
    monkeypatch.setenv("AZURE_API_BASE", server.base)
    file_path = tmp_path / "azure_batch_completions.jsonl"
    file_path.write_bytes(LINES)
    version = {"api-version": "2025-02-01-preview"}

    async def samples() -> None:
        server.reply = answer(AZURE_FILE, status=201)
        with open(file_path, "rb") as file:  # noqa: ASYNC230 - as the page does it
            file_obj = await litellm.acreate_file(file=file, purpose="batch", custom_llm_provider="azure")
        assert (server.last.method, server.last.path, server.last.query) == ("POST", "/openai/files", version)
        assert server.last.fields == {"purpose": b"batch", "file": LINES}
        assert server.last.headers["api-key"] == "canary-azure-key"
        assert file_obj.id == "file-abc123"

        server.reply = answer(AZURE_BATCH)
        create_batch_response = await litellm.acreate_batch(
            completion_window="24h",
            endpoint="/v1/chat/completions",
            input_file_id=file_obj.id,
            custom_llm_provider="azure",
            metadata={"key1": "value1", "key2": "value2"},
        )
        assert (server.last.method, server.last.path, server.last.query) == ("POST", "/openai/batches", version)
        assert server.last.json == {
            "completion_window": "24h",
            "endpoint": "/v1/chat/completions",
            "input_file_id": "file-abc123",
            "metadata": {"key1": "value1", "key2": "value2"},
        }
        assert create_batch_response.id == "batch_abc123"

        retrieved_batch = await litellm.aretrieve_batch(batch_id=create_batch_response.id, custom_llm_provider="azure")
        assert (server.last.method, server.last.path) == ("GET", "/openai/batches/batch_abc123")
        assert retrieved_batch.status == "validating"

        server.reply = answer(LINES, kind="application/octet-stream")
        file_content = await litellm.afile_content(file_id=file_obj.id, custom_llm_provider="azure")
        assert (server.last.method, server.last.path) == ("GET", "/openai/files/file-abc123/content")
        assert file_content.content == LINES

    asyncio.run(samples()) if _backend == "asyncio" else trio.run(samples)
    server.reply = answer({"object": "list", "data": [AZURE_BATCH], "has_more": False})
    list_batches_response = litellm.list_batches(custom_llm_provider="azure", limit=2)
    assert (server.last.method, server.last.path, server.last.query) == (
        "GET",
        "/openai/batches",
        {**version, "limit": "2"},
    )
    assert [batch.id for batch in list_batches_response.data] == ["batch_abc123"]


def test_a_batch_is_balanced_over_the_deployments_of_the_page(
    server: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """`enable_loadbalancing_on_batch_endpoints` of the page: the file names the group, the resource gets its own."""
    monkeypatch.setenv("AZURE_API_KEY", "canary-azure-key")
    monkeypatch.setenv("AZURE_API_BASE", server.base)
    config = tmp_path / "config.yaml"
    config.write_text("""
model_list:
  - model_name: "batch-gpt-4o-mini"
    litellm_params:
      model: "azure/gpt-4o-mini"
      api_key: os.environ/AZURE_API_KEY
      api_base: os.environ/AZURE_API_BASE
    model_info:
      mode: batch

litellm_settings:
  enable_loadbalancing_on_batch_endpoints: true # KEY CHANGE
""")
    with litellm.Router.from_config(config) as router:
        server.reply = answer(AZURE_FILE)
        lines = LINES.replace(b"REPLACE-WITH-MODEL-DEPLOYMENT-NAME", b"batch-gpt-4o-mini")
        file = router.create_file(("mydata.jsonl", lines), "batch")
        assert server.last.fields["file"].count(b'"model":"gpt-4o-mini"') == 3
        assert b"batch-gpt" not in server.last.fields["file"]
        server.reply = answer(AZURE_BATCH)
        batch = router.create_batch("24h", "/v1/chat/completions", file.id, model="batch-gpt-4o-mini")
        assert server.last.json["input_file_id"] == "file-abc123"
        assert router.retrieve_batch(batch.id).id == batch.id
