"""A router in front of a recorder, in each of the three worlds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from router import Router
from tests.recorder import Recorder
from tests.worlds import WORLDS, World


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


@pytest.fixture
def server() -> Iterator[Recorder]:
    with Recorder() as running:
        yield running


def deployment(server: Recorder, id: str = "one", group: str = "g", **params: Any) -> dict[str, Any]:
    """The entry of a deployment `dep` on the recorder."""
    params = {"model": "azure/dep", "api_base": server.base, "api_key": "canary-key", **params}
    params.setdefault("api_version", "2025-04-01-preview")
    return {"model_name": group, "litellm_params": params, "model_info": {"id": id}}


@pytest.fixture
def router(server: Recorder) -> Iterator[Router]:
    with Router([deployment(server)], num_retries=0) as made:
        yield made
