"""Ids find their deployment, made by wildcard entries too."""

from __future__ import annotations

from typing import Any

import pytest

from router import BadRequestError, NotFoundError, Router
from router.ids import with_owner
from tests.azure.fault_server import answer
from tests.recorder import Recorder


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
