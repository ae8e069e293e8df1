"""Ids find their deployment, made by wildcard entries too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from router import BadRequestError, NotFoundError, Router
from router.emulator import EmulatedDeployment, EmulatorConfig, EmulatorServer
from router.ids import owner_of, with_owner
from tests.azure.fault_server import answer
from tests.recorder import Recorder

KEY = "canary-key-1f9d"


def entry(name: str, model: str, base: str, **info: Any) -> dict[str, Any]:
    params = {"model": model, "api_base": base, "api_key": "k", "api_version": "2025-04-01-preview"}
    return {"model_name": name, "litellm_params": params, "model_info": info}


def test_an_id_from_a_wildcard_entry_works_in_another_process() -> None:
    with Recorder(answer({"id": "resp_1", "output": []})) as server:
        entries = [entry("team/*", "azure/*", server.base)]
        with Router(entries) as router:
            made = router.responses(model="team/foo", input="Hi").id
        with Router(entries) as router:
            assert router.get_response(made).id == made
            following = router.responses(model="team/bar", input="And?", previous_response_id=made)
            assert server.last.json["model"] == "bar"
            assert following.routing.group == "team/bar"
            with pytest.raises(BadRequestError, match="not handed out"):
                router.get_response("resp_1")
    assert made == with_owner("resp_1", f"foo@{server.base.removeprefix('http://')}")


def test_an_id_of_a_deployment_that_is_gone_names_it() -> None:
    with (
        Router([entry("g", "azure/d", "https://r.openai.azure.com", id="one")]) as router,
        pytest.raises(NotFoundError, match="'gone'"),
    ):
        router.get_response(with_owner("resp_1", "gone"))


@pytest.mark.parametrize("id", ["", None, 7, "..", "a/b", "a?b", with_owner("../x", "one")])
def test_no_id_leaves_its_place_in_a_url(id: Any) -> None:
    with (
        Router([entry("g", "azure/d", "https://r.openai.azure.com", id="one")]) as router,
        pytest.raises(BadRequestError, match="`response_id`"),
    ):
        router.get_response(id)


# ---- what a response goes on from ---------------------------------------------------------------------------------


@pytest.fixture
def azure() -> Iterator[EmulatorServer]:
    """One host, two resources on it."""
    deployments = [EmulatedDeployment("chat", resource="east"), EmulatedDeployment("chat", resource="west")]
    deployments.append(EmulatedDeployment("mini", "gpt-4o-mini", resource="west"))
    with EmulatorServer.in_thread(EmulatorConfig(deployments, keys=[KEY])) as server:
        yield server


def on(azure: EmulatorServer, name: str, resource: str, group: str = "g") -> dict[str, Any]:
    made = entry(group, f"azure/{name}", azure.base(resource), id=f"{name}-{resource}")
    return {**made, "litellm_params": {**made["litellm_params"], "api_key": KEY}}


def states(router: Router) -> set[str]:
    return {d.state for d in router.status()}


def test_a_response_goes_on_where_it_was_begun_and_no_other_resource_is_asked(azure: EmulatorServer) -> None:
    entries = [on(azure, "chat", "east"), on(azure, "chat", "west"), on(azure, "mini", "west", "m")]
    with Router(entries, routing_strategy="round-robin") as router:
        for _ in range(4):
            first: Any = router.responses("g", "Hello")
            after = router.responses("g", "And?", previous_response_id=first.id)
            assert after.routing.deployment == first.routing.deployment
            if first.routing.deployment == "chat-west":
                assert router.responses("m", "And?", previous_response_id=first.id).routing.deployment == "mini-west"
            else:
                with pytest.raises(BadRequestError, match=r"is kept on .*/east, where 'm' has no deployment"):
                    router.responses("m", "And?", previous_response_id=first.id)
        assert states(router) == {"ready"}


def test_an_id_from_elsewhere_is_looked_for_and_a_wrong_one_takes_no_deployment_out(azure: EmulatorServer) -> None:
    with Router([on(azure, "mini", "west", "m")]) as other:
        made: Any = other.responses("m", "Hello")
        _, raw = owner_of(made.id)
    entries = [on(azure, "chat", "east"), on(azure, "chat", "west")]
    with Router(entries, routing_strategy="round-robin", num_retries=1) as router:
        for _ in range(2):
            found: Any = router.responses("g", "And?", previous_response_id=raw)
            assert (found.routing.deployment, len(found.routing.attempts) <= 2) == ("chat-west", True)
        with pytest.raises(BadRequestError, match="'resp_none' not found") as caught:
            router.responses("g", "And?", previous_response_id="resp_none")
        assert [a.reason for a in caught.value.attempts] == ["missing", "missing"]
        with pytest.raises(NotFoundError, match="'resp_none' not found\\.  Tried"):
            router.get_response("resp_none", model="g")
        assert states(router) == {"ready"}


def test_a_file_that_is_not_there_takes_no_deployment_out() -> None:
    error = {"message": "Files [file-1] were not found", "type": "invalid_request_error", "param": None, "code": None}
    with Recorder(answer({"error": error}, 404)) as server, Router([entry("g", "azure/chat", server.base)]) as router:
        with pytest.raises(NotFoundError, match=r"Files \[file-1\] were not found") as caught:
            router.responses("g", [{"type": "input_file", "file_id": "file-1"}], num_retries=0)
        assert (caught.value.status_code, [a.reason for a in caught.value.attempts]) == (404, ["missing"])
        assert states(router) == {"ready"}
