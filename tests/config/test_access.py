"""Where a deployment is."""

from __future__ import annotations

from typing import Any

import pytest

from router.config.access import without_values
from router.configured import Deployment

from .entries import EAST, KEY, entry, only, problem

ENVIRONMENT = {
    "AZURE_API_KEY": "env-key",
    "AZURE_API_BASE": "https://env.openai.azure.com",
    "AZURE_API_VERSION": "2023-05-15",
    "OPENAI_API_KEY": "env-openai-key",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def secret(deployment: Deployment) -> str:
    return str(deployment.endpoint.credential.authorization())


# ---- addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "kind", "base", "version", "wire"),
    [
        ({}, "azure", EAST, "2025-02-01-preview", "chat"),
        ({"api_version": "2024-10-21"}, "azure", EAST, "2024-10-21", "chat"),
        ({"api_base": EAST + "/"}, "azure", EAST, "2025-02-01-preview", "chat"),
        ({"api_base": None, "base_url": EAST}, "azure", EAST, "2025-02-01-preview", "chat"),
        ({"api_base": EAST + "/openai/deployments/real"}, "azure", EAST, "2025-02-01-preview", "real"),
        (
            {"api_base": EAST + "/openai/deployments/real", "model": "azure/"},
            "azure",
            EAST,
            "2025-02-01-preview",
            "real",
        ),
        ({"api_base": EAST + "/openai/v1", "api_version": "2024-10-21"}, "azure_v1", EAST, None, "chat"),
        ({"api_version": "v1"}, "azure_v1", EAST, None, "chat"),
        ({"api_version": "preview"}, "azure_v1", EAST, "preview", "chat"),
        ({"model": "azure/o_series/deep"}, "azure", EAST, "2025-02-01-preview", "deep"),
        ({"model": "gpt-4o", "api_base": None}, "openai", "https://api.openai.com/v1", None, "gpt-4o"),
        ({"model": "openai/x/y", "api_base": "http://localhost:1/v1"}, "openai", "http://localhost:1/v1", None, "x/y"),
        ({"model": "chat", "custom_llm_provider": "azure"}, "azure", EAST, "2025-02-01-preview", "chat"),
        ({"custom_llm_provider": "azure"}, "azure", EAST, "2025-02-01-preview", "chat"),
    ],
)
def test_every_form_of_an_address_is_understood(
    params: dict[str, Any], kind: str, base: str, version: str | None, wire: str
) -> None:
    made = only(**params)
    endpoint = made.endpoint.endpoint
    assert (endpoint.kind, endpoint.base, endpoint.api_version, made.model) == (kind, base, version, wire)


@pytest.mark.parametrize("model", ["azure/claude-sonnet-4-5", "azure_ai/claude-sonnet-4-5"])
def test_claude_is_reached_on_foundry_with_azures_credential(model: str, environment: pytest.MonkeyPatch) -> None:
    made = only(model=model, api_key=None)
    endpoint = made.endpoint.endpoint
    assert (endpoint.kind, endpoint.base) == ("anthropic", "https://east.services.ai.azure.com/anthropic")
    assert (made.model, secret(made)) == ("claude-sonnet-4-5", "env-key")


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"api_base": None}, "api_base: is missing; give the resource's address, or set AZURE_API_BASE"),
        ({"api_base": "http://east.openai.azure.com"}, "api_base: uses http"),
        ({"api_base": "https://user:CANARY@east.openai.azure.com"}, "api_base: holds a user or a password"),
        ({"api_base": f"{EAST}?key=CANARY"}, "api_base: has a query"),
        ({"api_base": f"{EAST}/%43CANARY"}, "api_base: has a path segment that is not plain: (hidden)"),
        ({"api_base": "CANARY"}, "api_base: has no https://"),
        ({"base_url": "https://CANARY.example"}, "base_url: differs from api_base"),
        ({"model": "azure/CAN ARY"}, "model: deployment (hidden) is not a valid name"),
        ({"model": "bedrock/CANARY"}, "model: model begins with a provider that is not known"),
        ({"model": "azure/"}, "model: names no deployment"),
        ({"model": "azure_ai/CANARY"}, "model: model 'azure_ai/…' is Claude on Foundry here"),
        ({"api_version": "sk-CANARY"}, "api_version: is neither a date"),
        ({"custom_llm_provider": "openai"}, "custom_llm_provider: names another provider than model"),
        ({"custom_llm_provider": "CANARY"}, "custom_llm_provider: must be one of azure, azure_text, azure_ai, openai"),
        ({"model": "gpt-4o", "api_base": None, "organization": "CANARY\n"}, "organization: must be a name"),
        ({"model": "gpt-4o", "api_base": None, "organization": ["a", "CAN ARY"]}, "organization: holds"),
    ],
)
def test_an_address_that_leads_nowhere_says_so_at_its_place_without_its_value(
    params: dict[str, Any], says: str
) -> None:
    text = problem(entry(**params))
    assert text.startswith(f"model_list[0].litellm_params.{says}")
    assert "CAN" not in text


def test_http_to_another_machine_must_be_asked_for() -> None:
    assert only(api_base="http://gateway.internal", allow_http=True).resource == "gateway.internal"


def test_no_placeholder_of_ours_is_ever_on_the_wire() -> None:
    from tests.config.entries import settings

    made = settings(entry("x-*", model="azure/pre-*"))
    assert made.wildcards[0].model == "pre-*"
    assert made.wildcards[0].endpoint.endpoint.deployment is None


# ---- the environment -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("environment")
def test_what_is_not_stated_comes_from_the_environment() -> None:
    made = only(api_base=None, api_key=None)
    assert made.endpoint.endpoint.base == "https://env.openai.azure.com"
    assert made.endpoint.endpoint.api_version == "2023-05-15"
    assert secret(made) == "env-key"
    assert secret(only(model="gpt-4o", api_base=None, api_key=None)) == "env-openai-key"


@pytest.mark.usefixtures("environment")
def test_what_is_stated_wins_over_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AZURE_AD_TOKEN", "env-token")
    made = only(api_version="2024-10-21")
    assert (secret(made), made.resource) == (KEY, "east.openai.azure.com")
    assert made.endpoint.endpoint.api_version == "2024-10-21"
    in_address = only(api_base=EAST + "/openai/deployments/x/chat/completions?api-version=2024-06-01")
    assert in_address.endpoint.endpoint.api_version == "2024-06-01"


def test_the_names_of_openais_client_work_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "k2")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://two.openai.azure.com")
    monkeypatch.setenv("OPENAI_API_VERSION", "2024-02-01")
    made = only(api_base=None, api_key=None)
    assert (secret(made), made.resource, made.endpoint.endpoint.api_version) == (
        "k2",
        "two.openai.azure.com",
        "2024-02-01",
    )
    monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", "t2")
    assert secret(only(api_key=None)) == "t2"
    monkeypatch.setenv("OPENAI_BASE_URL", "https://compatible.example/v1")
    assert only(model="x", api_base=None).resource == "compatible.example"


def test_a_message_of_another_layer_loses_what_the_configuration_holds() -> None:
    message = "model 'a/CANARY' is wrong ('xCANARYx', 'CAN\\nARY') at host.example; write 'azure/my-deployment'."
    hidden = without_values(message, ["a/CANARY", "CANARY", "host.example"])
    assert hidden == "model (hidden) is wrong ((hidden), (hidden)) at (hidden); write 'azure/my-deployment'."
