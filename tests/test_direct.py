"""Calls of one deployment without a Router of one's own: where they go, and who asks."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

import router
from router import direct
from router.surface import Surface
from tests.azure.fault_server import answer
from tests.recorder import Recorder
from tests.worlds import WORLDS, World

CHAT: dict[str, Any] = {
    "id": "c1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
}
HELLO = [{"role": "user", "content": "Hi"}]
ATTRIBUTES = "api_key azure_key api_base api_version organization enable_azure_ad_token_refresh drop_params".split()


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


@pytest.fixture
def server() -> Iterator[Recorder]:
    with Recorder(answer(CHAT)) as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(direct, "places", direct.Places())
    for name in ATTRIBUTES:
        monkeypatch.setattr(router, name, getattr(router, name))
    yield
    direct.places.close()


def test_arguments_say_where(world: World, server: Recorder) -> None:
    reply = world.call(
        router, "completion", model="azure/my-dep", messages=HELLO, temperature=0.5,
        api_base=server.base, api_key="k1", api_version="2024-10-21",
    )  # fmt: skip
    assert server.last.path == "/openai/deployments/my-dep/chat/completions"
    assert server.last.query == {"api-version": "2024-10-21"}
    assert server.last.headers["api-key"] == "k1"
    assert server.last.json == {"model": "my-dep", "messages": HELLO, "temperature": 0.5}
    assert reply.choices[0].message.content == "Hello"
    assert reply.routing.deployment.startswith("my-dep@")


def test_a_call_after_a_close_opens_anew(world: World, server: Recorder) -> None:
    for _ in range(2):
        reply = world.call(router, "completion", "azure/my-dep", HELLO, api_base=server.base, api_key="k1")
        assert reply.choices[0].message.content == "Hello"
        direct.places.close()


def test_attributes_and_then_the_environment_say_what_arguments_do_not(
    server: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key() -> str:
        router.completion("azure/my-dep", HELLO)
        return server.last.headers["api-key"] + " " + server.last.query["api-version"]

    monkeypatch.setenv("AZURE_API_BASE", server.base)
    monkeypatch.setenv("AZURE_API_KEY", "env")
    assert key() == "env 2025-02-01-preview"
    monkeypatch.setenv("AZURE_API_KEY", "env2")
    monkeypatch.setenv("AZURE_API_VERSION", "2024-06-01")
    assert key() == "env2 2024-06-01"
    router.azure_key = "attribute"
    assert key() == "attribute 2024-06-01"
    router.api_key, router.api_version = "attribute2", "2024-10-21"
    assert key() == "attribute2 2024-10-21"
    router.completion("azure/my-dep", HELLO, api_key="argument")
    assert server.last.headers["api-key"] == "argument"
    router.completion("azure/my-dep", HELLO, azure_ad_token="token")
    assert server.last.headers["authorization"] == "Bearer token"
    assert "api-key" not in server.last.headers


def test_a_bare_name_is_a_model_of_openai(server: Recorder) -> None:
    router.azure_key = "not-this"
    router.completion("gpt-4o", HELLO, api_base=f"{server.base}/v1", api_key="sk-1")
    assert server.last.path == "/v1/chat/completions"
    assert server.last.headers["authorization"] == "Bearer sk-1"


def test_a_place_is_known_again(server: Recorder) -> None:
    for key in ("a", "b", "a"):
        router.completion("azure/d", HELLO, api_base=server.base, api_key=key)
    assert len(direct.places) == 2


def test_places_are_bounded(server: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "places", direct.Places(kept=3))
    for name in "abcde":
        router.completion(f"azure/{name}", HELLO, api_base=server.base, api_key="k")
    assert len(direct.places) == 3


def test_limits_and_retries_are_those_of_a_router(server: Recorder) -> None:
    answers = [answer({"error": {"message": "slow down"}}, 429, retry_after_ms="10"), answer(CHAT)]
    server.reply = lambda _: answers.pop(0)
    reply = router.completion("azure/d", HELLO, api_base=server.base, api_key="k")
    assert [a.status for a in reply.routing.attempts] == [429, 200]


def test_what_is_missing_is_named_without_the_place_in_a_list_that_nobody_wrote() -> None:
    with pytest.raises(router.ConfigError, match="api_base: is missing") as error:
        router.completion("azure/d", HELLO, api_key="k")
    assert "model_list" not in str(error.value)
    with pytest.raises(router.ConfigError, match="has no credential"):
        router.completion("azure/d", HELLO, api_base="https://x.openai.azure.com")
    with pytest.raises(TypeError, match="model"):
        router.embedding("azure/d", ["x"], model="azure/d", api_base="https://x.openai.azure.com", api_key="k")


def test_ids_of_one_resource_stay_as_they_are(world: World, server: Recorder) -> None:
    server.reply = answer({"id": "resp_1", "output": [], "status": "completed"})
    there: dict[str, Any] = {"api_base": server.base, "api_key": "k", "api_version": "2025-04-01-preview"}
    assert world.call(router, "responses", model="azure/d", input="Hi", **there).id == "resp_1"
    assert world.call(router, "get_response", "resp_1", **there).id == "resp_1"
    assert server.last.path == "/openai/responses/resp_1"
    world.call(router, "responses", model="azure/d", input="And?", previous_response_id="resp_1", **there)
    assert server.last.json["previous_response_id"] == "resp_1"


def test_every_operation_has_both_faces_here() -> None:
    methods = {name for name, _ in inspect.getmembers(Surface, inspect.isfunction) if not name.startswith("_")}
    here = {name for name in router.__all__ if name[0].islower()}
    assert here == methods
    for name in here:
        function = getattr(router, name)
        assert inspect.iscoroutinefunction(function) == inspect.iscoroutinefunction(getattr(Surface, name))
        assert name in dir(router)


def test_importing_the_package_loads_no_function_yet() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        router.nonsense  # type: ignore[attr-defined] # noqa: B018
    assert importlib.import_module("router").completion is direct.completion
