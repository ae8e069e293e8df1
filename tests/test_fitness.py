"""A call goes where its parameters are taken; where nobody takes them, nothing is sent, reserved or charged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from router import Router, UnsupportedParamsError
from router.emulator import EmulatedDeployment, EmulatorConfig, EmulatorServer

from .fleets import HELLO, KEY, entry


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    deployments = [
        EmulatedDeployment("chat", resource="chat"),
        EmulatedDeployment("o3-mini", resource="o3-mini", model="o3-mini", family="o_series"),
        EmulatedDeployment("prod", resource="prod", model="gpt-5-mini", family="gpt5"),
        EmulatedDeployment("demo3", resource="demo3"),
    ]
    with EmulatorServer.in_thread(EmulatorConfig(deployments, keys=[KEY])) as running:
        yield running


def sent(server: EmulatorServer) -> dict[str, int]:
    return {name: tally["admitted"] for name, tally in server.emulator.status().items() if tally["admitted"]}


def charged(router: Router) -> int:
    return sum(d.tokens_used + d.requests_used + d.in_flight + d.attempts for d in router.status())


def test_what_a_family_refuses_is_an_error_before_anything_is_sent(server: EmulatorServer) -> None:
    with Router([entry(server, "o3-mini")]) as router:
        with pytest.raises(UnsupportedParamsError, match="`temperature` is refused by o-series models"):
            router.completion("gpt-4o", HELLO, temperature=0.2)
        with pytest.raises(UnsupportedParamsError):
            router.completion("o3-mini", HELLO, temperature=0.2, stream=True)  # by its id
        assert charged(router) == 0
        assert sent(server) == {}
        reply = router.completion("gpt-4o", HELLO, temperature=0.2, max_tokens=20, drop_params=True)
        assert reply.choices[0].finish_reason
    assert sent(server) == {"o3-mini": 1}


async def test_the_awaiting_side_refuses_the_same(server: EmulatorServer) -> None:
    async with Router([entry(server, "prod", model_info={"base_model": "gpt-5-mini"})]) as router:
        with pytest.raises(UnsupportedParamsError, match="gpt-5"):
            await router.acompletion("gpt-4o", HELLO, top_p=0.5)
        assert charged(router) == 0
        reply = await router.acompletion("gpt-4o", HELLO, max_tokens=20)
        assert reply.routing.deployment == "prod"


def test_a_deployment_called_demo3_takes_a_temperature(server: EmulatorServer) -> None:
    with Router([entry(server, "demo3")]) as router:
        assert router.completion("gpt-4o", HELLO, temperature=0.2).choices


@pytest.mark.parametrize("setting", ["router", "deployment", "shared"])
def test_parameters_are_dropped_wherever_that_is_said(server: EmulatorServer, setting: str) -> None:
    own: dict[str, Any] = {"drop_params": True} if setting == "deployment" else {}
    options: dict[str, Any] = {"drop_params": True} if setting == "router" else {}
    if setting == "shared":
        options = {"default_litellm_params": {"drop_params": True}}
    with Router([entry(server, "o3-mini", **own)], **options) as router:
        assert router.completion("gpt-4o", HELLO, temperature=0.2, logprobs=True).choices
        with pytest.raises(UnsupportedParamsError):
            router.completion("gpt-4o", HELLO, temperature=0.2, drop_params=False)


def test_in_a_mixed_group_the_call_goes_where_it_is_taken(server: EmulatorServer) -> None:
    names = ("o3-mini", "chat", "prod")
    fleet = [*(entry(server, n) for n in names[:2]), entry(server, "prod", base_model="gpt-5")]
    with Router(fleet, seed=1) as router:
        for _ in range(6):
            assert router.completion("gpt-4o", HELLO, temperature=0.2).routing.deployment == "chat"
        served = {router.completion("gpt-4o", HELLO).routing.deployment for _ in range(9)}
        assert served == {"o3-mini", "chat", "prod"}


def test_a_mixed_group_whose_fitting_deployment_is_full_says_so_rightly(server: EmulatorServer) -> None:
    from router import NoDeploymentLeft

    fleet = [entry(server, "o3-mini"), entry(server, "chat", rpm=1)]
    with Router(fleet, max_wait=0) as router:
        router.completion("gpt-4o", HELLO, temperature=0.2)
        with pytest.raises(NoDeploymentLeft) as caught:
            router.completion("gpt-4o", HELLO, temperature=0.2)
    assert caught.value.retry_after == pytest.approx(60.0, abs=2.0)
    assert "o3-mini: its model refuses parameters of this call" in caught.value.details
    assert sent(server) == {"chat": 1}


def test_a_group_that_cannot_serve_a_call_falls_back(server: EmulatorServer) -> None:
    fleet = [entry(server, "o3-mini", "thinkers"), entry(server, "chat", "talkers")]
    with Router(fleet, fallbacks=[{"thinkers": ["talkers"]}]) as router:
        reply = router.completion("thinkers", HELLO, temperature=0.2)
        assert (reply.routing.group, reply.routing.fallbacks) == ("talkers", 1)
        with pytest.raises(UnsupportedParamsError):
            router.completion("thinkers", HELLO, temperature=0.2, disable_fallbacks=True)
    assert sent(server) == {"chat": 1}


def test_retries_of_a_call_that_part_of_the_group_refuses_stay_in_the_other_part(server: EmulatorServer) -> None:
    from router import InternalServerError
    from router.emulator import Fault

    server.emulator.set_fault("chat", Fault("status", 500))
    fleet = [entry(server, "o3-mini"), entry(server, "chat")]
    with Router(fleet, num_retries=1) as router, pytest.raises(InternalServerError) as caught:
        router.completion("gpt-4o", HELLO, temperature=0.2)
    assert [a.deployment for a in caught.value.attempts] == ["chat", "chat"]


@pytest.mark.parametrize(
    "wrong", [{"drop_params": "yes"}, {"additional_drop_params": "temperature"}, {"allowed_openai_params": [1]}]
)
def test_arguments_that_make_no_sense_are_refused(server: EmulatorServer, wrong: dict[str, Any]) -> None:
    from router import ConfigError

    with Router([entry(server, "chat")]) as router, pytest.raises(ConfigError, match=next(iter(wrong))):
        router.completion("gpt-4o", HELLO, **wrong)
    assert sent(server) == {}
