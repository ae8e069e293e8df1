"""A server that the samples talk to, and a process in which none of them leaves a trace for the next."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

import router
from router import direct
from tests.azure.fault_server import answer
from tests.recorder import Recorder

CHAT: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-4o-2024-11-20",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
}


@pytest.fixture
def server() -> Iterator[Recorder]:
    with Recorder(answer(CHAT)) as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, _no_keys_from_outside: None) -> Iterator[None]:
    monkeypatch.setattr(direct, "places", direct.Places())
    monkeypatch.setattr(router, "enable_azure_ad_token_refresh", False)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
    direct.places.close()


@pytest.fixture
def _variables(server: Recorder) -> None:
    """What "just add the azure env vars to your environment" means."""
    os.environ.update({"AZURE_API_KEY": "canary-azure-key", "AZURE_API_BASE": server.base})
