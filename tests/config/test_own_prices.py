"""A deployment's own prices are read in LiteLLM's spelling, from either place."""

from __future__ import annotations

from typing import Any

import pytest

from router.configured import Deployment
from router.costs import Prices

from .entries import entry, only, problem, settings


def informed(info: dict[str, Any], **params: Any) -> Deployment:
    (deployment,) = settings({**entry(**params), "model_info": info}).deployments
    return deployment


def test_without_prices_there_are_none() -> None:
    assert only().prices is None
    assert not only().provisioned


@pytest.mark.parametrize(
    ("stated", "prices"),
    [
        ({"input_cost_per_token": 2.5e-6, "output_cost_per_token": "1e-05"}, Prices(2.5e-6, 1e-5)),
        ({"cache_read_input_token_cost": 1e-6, "input_cost_per_token": 0}, Prices(0.0, cached_token=1e-6)),
        ({"input_cost_per_second": 0.01, "output_cost_per_second": 0.02}, Prices(second=0.03)),
        ({"input_cost_per_image": 0.04}, Prices(image=0.04)),
        ({"input_cost_per_image": 0.04, "output_cost_per_image": 0.08}, Prices(image=0.08)),
        ({"input_cost_per_character": 1e-5, "input_cost_per_query": 1}, Prices(character=1e-5, request=1.0)),
        ({"output_cost_per_pixel": 1e-8}, Prices(pixel=1e-8)),
    ],
)
def test_prices_may_stand_in_either_place(stated: dict[str, Any], prices: Prices) -> None:
    assert only(**stated).prices == prices
    assert informed(stated).prices == prices


def test_model_info_wins() -> None:
    assert informed({"input_cost_per_token": 1e-6}, input_cost_per_token=9e-6).prices == Prices(1e-6)


@pytest.mark.parametrize(("info", "provisioned"), [({"ptu": True}, True), ({"ptu_count": 50}, True),
    ({"ptu_count": 0}, False), ({"ptu": False, "ptu_count": 50}, False)])  # fmt: skip
def test_a_provisioned_deployment_is_known(info: dict[str, Any], provisioned: bool) -> None:
    assert informed(info).provisioned is provisioned


@pytest.mark.parametrize("value", [-1, "free", True, float("inf"), 10_001])
def test_a_price_that_makes_no_sense_is_refused(value: Any) -> None:
    assert "must be a number of dollars" in problem(entry(input_cost_per_token=value))


def test_a_price_of_what_is_not_bought_here_is_named_in_the_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert informed({"cost_per_ptu_per_hour": 2, "input_cost_per_token_above_200k_tokens": 1e-6}).prices is None
    assert "cost_per_ptu_per_hour" in caplog.text
    assert "input_cost_per_token_above_200k_tokens" in caplog.text
