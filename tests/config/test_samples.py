"""The configurations of the page that our users come from, as they stand there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from router.azure.sign_in import ServicePrincipal, Surroundings, User
from router.config import Settings, settings_from, settings_from_file

BASE = "https://openai-gpt-4-test-v-1.openai.azure.com/"
HEAD = "model_list:  \n  - model_name: "
SAMPLES = {
    "chatgpt-v-2": f"""gpt-3.5-turbo
    litellm_params:
      model: azure/chatgpt-v-2
      api_base: {BASE}
      api_version: "2023-05-15"
      api_key: os.environ/AZURE_API_KEY # The `os.environ/` prefix tells litellm to read this from the env.
""",
    "my-gpt4-deployment": """gpt-4
    litellm_params:
      model: azure/my-gpt4-deployment
      api_base: https://resource.openai.azure.com/
      api_version: "2024-08-01-preview"  # Set version per model
      api_key: os.environ/AZURE_API_KEY
""",
    "o3-model": """o3-mini
    litellm_params:
      model: azure/o3-model
      api_base: os.environ/AZURE_API_BASE
      api_key: os.environ/AZURE_API_KEY
""",
    "my-random-deployment-name": """o3-mini
    litellm_params:
      model: azure/o_series/my-random-deployment-name
      api_base: os.environ/AZURE_API_BASE
      api_key: os.environ/AZURE_API_KEY
""",
    "my-gpt-5-deployment": """gpt-5
    litellm_params:
      model: azure/gpt5_series/my-gpt-5-deployment
      api_base: os.environ/AZURE_API_BASE
      api_key: os.environ/AZURE_API_KEY
""",
    "azure-openai-4o-audio": """azure-openai-4o-audio
    litellm_params:
      model: azure/azure-openai-4o-audio
      api_base: os.environ/AZURE_API_BASE
      api_key: os.environ/AZURE_API_KEY
      api_version: os.environ/AZURE_API_VERSION
""",
    "chatgpt-v-3": f"""gpt-3.5-turbo
    litellm_params:
      model: azure/chatgpt-v-3
      api_base: {BASE}
      api_version: "2023-05-15"
      azure_ad_token: os.environ/AZURE_AD_TOKEN
""",
    "gpt-4o-mini": """"batch-gpt-4o-mini"
    litellm_params:
      model: "azure/gpt-4o-mini"
      api_key: os.environ/AZURE_API_KEY
      api_base: os.environ/AZURE_API_BASE
    model_info:
      mode: batch
""",
    "dall-e-3-test": f"""dall-e-3
    litellm_params:
        model: azure/dall-e-3-test
        api_version: 2023-06-01-preview
        api_base: {BASE}
        api_key: os.environ/AZURE_API_KEY
        base_model: dall-e-3 # set dall-e-3 as base model
    model_info:
        mode: image_generation
""",
    "chatgpt-v-4": """azure-gpt-3.5
    litellm_params:
      model: azure/chatgpt-v-4
      api_base: os.environ/AZURE_API_BASE
      api_key: os.environ/AZURE_API_KEY
      api_version: "2023-07-01-preview"
    model_info:
      base_model: azure/gpt-4-1106-preview
""",
}
SIGN_IN = {
    "service principal": (("tenant_id", "client_id", "client_secret", "azure_scope"), ServicePrincipal),
    "user and password": (("client_id", "azure_username", "azure_password", "azure_scope"), User),
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AZURE_API_KEY": "k",
        "AZURE_API_BASE": "https://res.openai.azure.com",
        "AZURE_API_VERSION": "2024-02-01",
        "AZURE_AD_TOKEN": "t",
        "OPENAI_API_KEY": "ok",
    }.items():
        monkeypatch.setenv(name, value)


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return settings_from_file(path)


@pytest.mark.parametrize("wire", SAMPLES)
def test_each_sample_is_read_unchanged(wire: str, tmp_path: Path) -> None:
    (made,) = read(tmp_path, HEAD + SAMPLES[wire]).deployments
    assert made.model == wire
    if wire == "dall-e-3-test":
        assert made.endpoint.endpoint.api_version == "2023-06-01-preview"
        assert made.base_model == "dall-e-3"


@pytest.mark.parametrize("name", SIGN_IN)
def test_each_sample_that_signs_in_is_read_unchanged(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, way = SIGN_IN[name]
    monkeypatch.delenv("AZURE_API_KEY")
    text = f"{HEAD}gpt\n    litellm_params:\n      model: azure/x\n      api_base: {BASE}\n"
    for key in keys:
        variable = key.upper() if key.startswith("azure_") else f"AZURE_{key.upper()}"
        monkeypatch.setenv(variable, "https://cognitiveservices.azure.com/.default" if "scope" in key else "x")
        text += f"      {key}: os.environ/{variable}\n"
    (made,) = read(tmp_path, text).deployments
    assert isinstance(made.endpoint.credential._provider.way, way)


def test_the_switch_that_fetches_tokens_is_read_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_API_KEY", "AZURE_AD_TOKEN"):
        monkeypatch.delenv(name)
    text = (
        f"{HEAD}gpt-3.5-turbo\n    litellm_params:\n      model: azure/your-deployment-name\n      api_base: {BASE}\n"
    )
    text += "\nlitellm_settings:\n    enable_azure_ad_token_refresh: true # KEY CHANGE\n"
    (made,) = read(tmp_path, text).deployments
    assert made.endpoint.credential._provider.way == Surroundings()


def test_the_router_sample_is_read_unchanged() -> None:
    import os

    azure: dict[str, Any] = {
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
            "litellm_params": {"model": "gpt-3.5-turbo", "api_key": os.getenv("OPENAI_API_KEY")},
            "tpm": 1000000,
            "rpm": 9000,
        },
    ]
    redis = {"redis_host": os.getenv("REDIS_HOST"), "redis_password": os.getenv("REDIS_PASSWORD")}
    made = settings_from(model_list, **redis, redis_port=os.getenv("REDIS_PORT"))
    assert [d.id for d in made.deployments] == ["chatgpt-v-2@res", "chatgpt-functioncalling@res", "gpt-3.5-turbo@api"]
    assert [d.tpm for d in made.deployments] == [240_000, 240_000, 1_000_000]
    assert [len(d.windows) for d in made.deployments] == [1, 1, 0]
