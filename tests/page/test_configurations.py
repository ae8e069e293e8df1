"""Every `config.yaml` of LiteLLM's Azure page is read as it stands, and a call of its model goes where it says."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from router import Router
from router.azure.sign_in import Surroundings
from router.config import settings_from_file
from tests.azure.entra_server import CLIENT, SECRET, TENANT, Entra, entra
from tests.azure.fault_server import answer
from tests.page.conftest import CHAT
from tests.page.pasting import KEY, SAMPLES, TOKEN, filled
from tests.recorder import Recorder

UNSTATED = "2025-02-01-preview"
MESSAGES = [{"role": "user", "content": "what llm are you"}]
Configured = Callable[[str], Router]


@pytest.fixture
def configured(server: Recorder, tmp_path: Path) -> Configured:
    """Makes a Router of a sample, whose addresses are the server's."""

    def made(name: str) -> Router:
        path = tmp_path / "config.yaml"
        path.write_text(filled(SAMPLES["yaml"][name], server.base), encoding="utf-8")
        return Router.from_config(path)

    return made


@pytest.fixture(autouse=True)
def _everything_is_set(_variables: None) -> None:
    os.environ.update({"AZURE_API_VERSION": "2024-02-01", "AZURE_AD_TOKEN": TOKEN})


@pytest.mark.parametrize(
    ("name", "model", "deployment", "version"),
    [
        ("start the proxy", "gpt-3.5-turbo", "chatgpt-v-2", "2023-05-15"),
        ("api_version", "gpt-4", "my-gpt4-deployment", "2024-08-01-preview"),
        ("o-series by name", "o3-mini", "o3-model", "2024-02-01"),
        ("o-series by prefix", "o3-mini", "my-random-deployment-name", "2024-02-01"),
        ("gpt-5 by prefix", "gpt-5", "my-gpt-5-deployment", "2024-02-01"),
        ("gpt-5 by name", "gpt-5-mini", "my-gpt-5-deployment", "2024-02-01"),
        ("audio", "azure-openai-4o-audio", "azure-openai-4o-audio", "2024-02-01"),
        ("azure_ad_token", "gpt-3.5-turbo", "chatgpt-v-2", "2023-05-15"),
        ("tools", "azure-gpt-3.5", "chatgpt-functioncalling", "2023-07-01-preview"),
        ("base_model", "azure-gpt-3.5", "chatgpt-v-2", "2023-07-01-preview"),
    ],
)
def test_chats(name: str, model: str, deployment: str, version: str, server: Recorder, configured: Configured) -> None:
    with configured(name) as router:
        reply = router.completion(model=model, messages=MESSAGES, max_tokens=9)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", f"/openai/deployments/{deployment}/chat/completions")
    assert asked.query == {"api-version": version}
    proofs = {name: asked.headers[name] for name in ("api-key", "authorization") if name in asked.headers}
    assert proofs == ({"authorization": f"Bearer {TOKEN}"} if name == "azure_ad_token" else {"api-key": KEY})
    limit = "max_completion_tokens" if "series" in name or "gpt-5" in name else "max_tokens"
    assert asked.json == {"model": deployment, "messages": MESSAGES, limit: 9}
    assert reply.choices[0].message.content == "Hello"


@pytest.mark.parametrize(("name", "model"), [("o-series by name", "o3-mini"), ("audio", "azure-openai-4o-audio")])
def test_without_a_version_in_the_environment_either_a_sane_one_is_sent(
    name: str, model: str, server: Recorder, configured: Configured
) -> None:
    """The second says `api_version: os.environ/AZURE_API_VERSION`."""
    del os.environ["AZURE_API_VERSION"]
    with configured(name) as router:
        router.completion(model=model, messages=MESSAGES)
    assert server.last.query == {"api-version": UNSTATED}


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")  # azure-identity advises against passwords
@pytest.mark.parametrize("scope", [None, "https://ai.azure.com/.default"])
@pytest.mark.parametrize("name", ["service principal", "user and password", "refresh: environment"])
def test_signing_in(
    name: str,
    scope: str | None,
    server: Recorder,
    configured: Configured,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """`azure_scope: os.environ/AZURE_SCOPE  # defaults to …`: a scope that is not set is the default."""
    for variable in ("AZURE_API_KEY", "AZURE_AD_TOKEN"):
        del os.environ[variable]
    with entra(monkeypatch, tmp_path) as token_server:
        _who(name, token_server)
        if scope is not None:
            os.environ["AZURE_SCOPE"] = scope
        with configured(name) as router:
            for _ in range(2):
                router.completion(model="gpt-3.5-turbo", messages=MESSAGES)
    (form,) = token_server.forms
    assert (scope or "https://cognitiveservices.azure.com/.default") in form["scope"].split()
    grant = "password" if name == "user and password" else "client_credentials"
    assert (form["grant_type"], form["client_id"]) == (grant, CLIENT)
    assert {asked.headers["authorization"][:10] for asked in server.asked} == {"Bearer eyJ"}
    assert all("api-key" not in asked.headers for asked in server.asked)
    deployment = "your-deployment-name" if name.startswith("refresh") else "chatgpt-v-2"
    assert server.last.path == f"/openai/deployments/{deployment}/chat/completions"


def _who(name: str, server: Entra) -> None:
    user = {"AZURE_USERNAME": "someone@example.com", "AZURE_PASSWORD": SECRET}
    principal = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_SECRET": SECRET}
    os.environ.update(user if name == "user and password" else principal)
    os.environ.update({"AZURE_CLIENT_ID": CLIENT, "AZURE_AUTHORITY_HOST": server.host})


@pytest.mark.parametrize("name", ["refresh: managed identity", "refresh: azure cli"])
def test_without_variables_the_surroundings_sign_in(name: str, tmp_path: Path) -> None:
    """What `DefaultAzureCredential` then finds is tested in tests/azure/test_sign_in.py."""
    for variable in ("AZURE_API_KEY", "AZURE_AD_TOKEN"):
        del os.environ[variable]
    path = tmp_path / "config.yaml"
    path.write_text(SAMPLES["yaml"][name], encoding="utf-8")
    (made,) = settings_from_file(path).deployments
    assert made.endpoint.credential._provider.way == Surroundings()
    assert made.id == "your-deployment-name@openai-gpt-4-test-v-1"


def test_a_key_of_the_environment_comes_before_the_surroundings(server: Recorder, configured: Configured) -> None:
    del os.environ["AZURE_AD_TOKEN"]
    with configured("refresh: managed identity") as router:
        router.completion(model="gpt-3.5-turbo", messages=MESSAGES)
    assert server.last.headers["api-key"] == KEY


def test_the_cost_goes_by_base_model_though_the_service_names_another(server: Recorder, configured: Configured) -> None:
    """Azure answers `gpt-4` for `azure/gpt-4-1106-preview`, which costs 10 and 30 dollars and not 30 and 60."""
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    server.reply = answer({**CHAT, "model": "gpt-4", "usage": usage})
    with configured("base_model") as router:
        reply = router.completion(model="azure-gpt-3.5", messages=MESSAGES)
    assert reply.model == "gpt-4"
    assert float(reply.routing.cost) == pytest.approx(0.013)


def test_pictures_and_their_cost(server: Recorder, configured: Configured) -> None:
    server.reply = answer({"created": 1, "data": [{"url": "https://pictures.example.com/1.png"}]})
    with configured("image generation") as router:
        reply = router.image_generation(model="dall-e-3", prompt="a cat", size="1024x1024", quality="standard")
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/openai/deployments/dall-e-3-test/images/generations")
    assert asked.query == {"api-version": "2023-06-01-preview"}
    assert asked.headers["api-key"] == KEY
    assert {k: v for k, v in asked.json.items() if k != "model"} == {
        "prompt": "a cat", "size": "1024x1024", "quality": "standard"
    }  # fmt: skip
    assert reply.data[0].url == "https://pictures.example.com/1.png"
    assert float(reply.routing.cost) == pytest.approx(0.04)


def test_a_batch_is_balanced_over_the_deployments(server: Recorder, configured: Configured) -> None:
    """`enable_loadbalancing_on_batch_endpoints`: the file names the group, the resource gets its deployment."""
    task: dict[str, Any] = {"method": "POST", "url": "/chat/completions"}
    task["body"] = {"model": "batch-gpt-4o-mini", "messages": MESSAGES}
    lines = b"".join(json.dumps({"custom_id": f"task-{i}", **task}).encode() + b"\n" for i in range(3))
    with configured("batches") as router:
        server.reply = answer({"id": "file-abc123", "object": "file", "purpose": "batch"})
        file = router.create_file(("mydata.jsonl", lines), "batch")
        assert server.last.path == "/openai/files"
        assert server.last.fields["file"].count(b'"model":"gpt-4o-mini"') == 3
        assert b"batch-gpt" not in server.last.fields["file"]
        server.reply = answer({"id": "batch_abc123", "object": "batch", "input_file_id": "file-abc123"})
        batch = router.create_batch("24h", "/v1/chat/completions", file.id, model="batch-gpt-4o-mini")
        assert server.last.json["input_file_id"] == "file-abc123"
        assert router.retrieve_batch(batch.id).id == batch.id
        assert server.last.path == "/openai/batches/batch_abc123"
        server.reply = answer({"object": "list", "data": [{"id": "batch_abc123", "object": "batch"}]})
        assert [listed.id for listed in router.list_batches(limit=2).data] == [batch.id]
        assert server.last.query == {"api-version": "2024-02-01", "limit": "2"}


def test_every_configuration_of_the_page_is_tested_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in SAMPLES["yaml"] if f'"{name}"' not in text] == []
