"""A served emulator and the official client in front of it."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from router.emulator import EmulatedDeployment, EmulatorConfig, EmulatorServer

from .helpers import KEY

MODELS = {
    "chat": "gpt-4o-2024-11-20",
    "voice": "gpt-4o-audio-preview-2024-12-17",
    "thinker": "o4-mini-2025-04-16",
    "text": "gpt-35-turbo-instruct",
    "vectors": "text-embedding-3-small",
    "pictures": "gpt-image-1",
    "paint": "dall-e-3",
    "speaker": "gpt-4o-mini-tts",
    "listener": "whisper-1",
    "scribe": "gpt-4o-transcribe",
    "claude": "claude-sonnet-4-5",
    "trainee": "gpt-4o-mini-2024-07-18",
}
"""Deployments of the resource `east`; `west` has a chat of its own."""


@pytest.fixture(scope="package")
def azure() -> Iterator[EmulatorServer]:
    """One strict emulator for all tests that only ask."""
    deployments = [EmulatedDeployment(name, model, resource="east") for name, model in MODELS.items()]
    west = EmulatedDeployment("chat", resource="west")
    with EmulatorServer.in_thread(EmulatorConfig([*deployments, west], keys=[KEY], strict=True, step_s=0.0)) as server:
        yield server


@pytest.fixture(params=["dated", "v1", "plain"])
def client(request: pytest.FixtureRequest, azure: EmulatorServer) -> Iterator[openai.OpenAI]:
    """The official client, by each of the ways to the same deployments."""
    with client_of(azure, request.param) as made:
        yield made


def client_of(azure: EmulatorServer, way: str, resource: str = "east") -> openai.OpenAI:
    """A client of one resource."""
    base = azure.base(resource)
    if way == "dated":
        return openai.AzureOpenAI(azure_endpoint=base, api_key=KEY, api_version="2025-04-01-preview", max_retries=0)
    return openai.OpenAI(base_url=f"{base}/openai/v1" if way == "v1" else f"{base}/v1", api_key=KEY, max_retries=0)
