"""The configurations of the page that our users come from, as they stand there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from router.config import Settings, settings_from, settings_from_file
from router.errors import ConfigError

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
NOT_YET = {
    "service principal": ("tenant_id", "client_id", "client_secret", "azure_scope"),
    "user and password": ("client_id", "azure_username", "azure_password", "azure_scope"),
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


@pytest.mark.parametrize("name", NOT_YET)
def test_a_sample_that_signs_in_says_that_this_is_not_there_yet(name: str, tmp_path: Path) -> None:
    text = f"{HEAD}gpt\n    litellm_params:\n      model: azure/x\n      api_base: {BASE}\n"
    text += "".join(f"      {key}: os.environ/{key.upper()}\n" for key in NOT_YET[name])
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert len(caught.value.problems) == len(NOT_YET[name])
    assert all("azure_ad_token_provider" in line for line in caught.value.problems)


def test_a_switch_that_would_fetch_tokens_says_that_this_is_not_there_yet(tmp_path: Path) -> None:
    text = HEAD + SAMPLES["o3-model"] + "litellm_settings:\n    enable_azure_ad_token_refresh: true # KEY CHANGE\n"
    with pytest.raises(ConfigError, match=r"config\.yaml:8:5 litellm_settings\.enable_azure_ad_token_refresh"):
        read(tmp_path, text)


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
