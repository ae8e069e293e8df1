"""A served emulator and the official client in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from router.emulator import EmulatedDeployment, EmulatorConfig, EmulatorServer

from .awaited import Awaited
from .helpers import KEY

MODELS = {
    "chat": "gpt-4o-2024-11-20",
    "voice": "gpt-4o-audio-preview-2024-12-17",
    "thinker": "o4-mini-2025-04-16",
    "gpt5": "gpt-5-mini-2025-08-07",
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
    small = EmulatedDeployment("small", resource="east", tpm=1000)
    window = EmulatedDeployment("window", resource="east", context_window=1000)
    west = EmulatedDeployment("chat", resource="west")
    config = EmulatorConfig([*deployments, small, window, west], keys=[KEY], strict=True, step_s=0.0)
    with EmulatorServer.in_thread(config) as server:
        yield server


WAYS = ("dated", "v1", "plain")
"""Of Azure's dated API, of its v1 API, and of OpenAI itself."""


@pytest.fixture(scope="package")
def portal() -> Iterator[BlockingPortal]:
    """An event loop for the awaiting clients."""
    with start_blocking_portal("asyncio") as running:
        yield running


@pytest.fixture(params=[*WAYS, "dated awaiting", "v1 awaiting"])
def client(request: pytest.FixtureRequest, azure: EmulatorServer, portal: BlockingPortal) -> Iterator[Any]:
    """The official client, blocking and awaiting, by each of the ways to the same deployments."""
    yield from entered(azure, request.param, portal)


def entered(azure: EmulatorServer, way: str, portal: BlockingPortal) -> Iterator[Any]:
    """A client by `dated` or `dated awaiting` and the like, and its end."""
    way, _, awaiting = way.partition(" ")
    made = client_of(azure, way, awaiting=bool(awaiting))
    with Awaited(portal, made) if awaiting else made as client:
        yield client


@pytest.fixture(params=["dated", "v1 awaiting"])
def patient(request: pytest.FixtureRequest, portal: BlockingPortal) -> Iterator[Any]:
    """A client of an emulator whose batches, jobs and responses take hours for every step."""
    deployments = [EmulatedDeployment("chat", resource="east")]
    with EmulatorServer.in_thread(EmulatorConfig(deployments, keys=[KEY], strict=True, step_s=3600.0)) as server:
        yield from entered(server, request.param, portal)


def client_of(azure: EmulatorServer, way: str, resource: str = "east", *, awaiting: bool = False) -> Any:
    """A client of one resource."""
    base = azure.base(resource)
    if way == "dated":
        of_azure = openai.AsyncAzureOpenAI if awaiting else openai.AzureOpenAI
        return of_azure(azure_endpoint=base, api_key=KEY, api_version="2025-04-01-preview", max_retries=0)
    plain = openai.AsyncOpenAI if awaiting else openai.OpenAI
    return plain(base_url=f"{base}/openai/v1" if way == "v1" else f"{base}/v1", api_key=KEY, max_retries=0)
