"""Which resources are there, and which takes the next upload?"""

from __future__ import annotations

from typing import Any

import pytest

from router import BadRequestError, NotFoundError, Router
from router.placing import Places


def entry(id: str, group: str = "g", host: str = "east", **params: Any) -> dict[str, Any]:
    params = {"model": f"azure/{id}", "api_base": f"https://{host}.example.com", "api_key": "k", **params}
    return {"model_name": group, "litellm_params": params, "model_info": {"id": id}}


def places(*entries: dict[str, Any], **settings: Any) -> Places:
    return Router(list(entries), **settings)._places


def names(found: list[Any]) -> list[str]:
    return [place.name for place in found]


def test_a_resource_is_an_address_and_the_first_deployment_there_stands_for_it() -> None:
    fleet = places(entry("a"), entry("b"), entry("c", host="west"), entry("d", "h"))
    assert names(fleet.resources()) == ["a", "c"]
    assert names(fleet.resources("h")) == ["a"]
    assert [fleet.home_id(i) for i in ("a", "b", "c", "d", "gone")] == ["a", "a", "c", "a", "gone"]
    assert fleet.sole() is None
    assert places(entry("a"), entry("b")).sole() == "a"


def test_two_paths_of_one_gateway_are_two_resources() -> None:
    fleet = places(
        entry("a", api_base="https://apim.example.com/one"), entry("b", api_base="https://apim.example.com/two")
    )
    assert names(fleet.resources()) == ["a", "b"]


def test_a_provider_narrows_what_is_asked() -> None:
    fleet = places(entry("a"), entry("o", model="openai/gpt-4o", api_base=None))
    assert names(fleet.resources(None, "azure")) == ["a"]
    assert names(fleet.resources(None, "openai")) == ["o"]
    with pytest.raises(BadRequestError):
        places(entry("a")).resources(None, "openai")


def test_an_upload_goes_to_the_lowest_order_and_the_least_used() -> None:
    fleet = places(entry("a", order=2), entry("b", host="west"), entry("c", host="north"))
    assert names(fleet.uploads("g", None)) == ["b", "c", "a"]
    fleet.sent(fleet.of("b")[0], 10)
    assert names(fleet.uploads(None, None)) == ["c", "b", "a"]


def test_what_the_lines_of_a_batch_may_name() -> None:
    fleet = places(entry("a"), entry("b", "h", host="west"), model_group_alias={"alias": "g"})
    for name in ("g", "alias", "a"):
        assert names(fleet.batch_uploads(name, None)) == ["a"]
    assert names(fleet.batch_uploads("b", None)) == ["b"]
    assert len(fleet.batch_uploads(None, None)) == 2
    with pytest.raises(NotFoundError):
        fleet.batch_uploads("c", None)
    assert fleet.names_of(fleet.of("g")) == {"g", "alias", "a"}
    assert (fleet.is_known("h"), fleet.is_known("c"), fleet.groups()) == (True, False, 2)
