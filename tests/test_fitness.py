"""A call goes where its parameters are taken; where nobody takes them, nothing is sent, reserved or charged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from router import BadRequestError, Router, UnsupportedParamsError
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
    assert "o3-mini: its model cannot serve this call" in caught.value.details
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


# ---- what a model cannot take in ----------------------------------------------------------------------------------

TOOLS = [{"type": "function", "function": {"name": "clock"}}]
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
SOUND = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}


def about(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, *parts]}]


@pytest.fixture
def mixed() -> Iterator[EmulatorServer]:
    models = {"text": "gpt-35-turbo-instruct", "chat": "gpt-4o", "voice": "gpt-4o-audio-preview", "blind": "o3-mini"}
    deployments = [EmulatedDeployment(name, model, resource=name) for name, model in models.items()]
    with EmulatorServer.in_thread(EmulatorConfig(deployments, keys=[KEY])) as running:
        yield running


def served(router: Router, *args: Any, times: int = 6, **params: Any) -> set[str]:
    return {router.completion("gpt-4o", *args, **params).routing.deployment for _ in range(times)}


def test_a_text_completion_beside_chats_gets_what_it_can_serve_alone(mixed: EmulatorServer) -> None:
    text = entry(mixed, "text", model="azure_text/text")
    with Router([text, entry(mixed, "chat")], routing_strategy="round-robin") as router:
        assert served(router, HELLO) == {"text", "chat"}
        assert served(router, HELLO, tools=TOOLS) == {"chat"}
        assert served(router, HELLO, tools=TOOLS, drop_params=True) == {"chat"}
        assert served(router, about(PICTURE)) == {"chat"}
        assert list(router.completion("gpt-4o", HELLO, tools=TOOLS, stream=True))
        assert router.responses("gpt-4o", "hello").routing.deployment == "chat"
    with Router([text, entry(mixed, "chat", base_model="gpt-4o")], routing_strategy="round-robin") as router:
        assert {router.text_completion("gpt-4o", "One").routing.deployment for _ in range(6)} == {"text"}


async def test_where_only_text_completions_are_left_the_parameter_is_named(mixed: EmulatorServer) -> None:
    text = entry(mixed, "text", model="azure_text/text")
    async with Router([text]) as router:
        with pytest.raises(UnsupportedParamsError, match=r"has no tools; ask a chat deployment") as caught:
            await router.acompletion("gpt-4o", HELLO, tools=TOOLS, drop_params=True)
        assert (caught.value.param, charged(router)) == ("tools", 0)
        with pytest.raises(BadRequestError, match="must be text"):
            await router.acompletion("gpt-4o", about(PICTURE))
    async with Router([text, entry(mixed, "chat", "chats")], fallbacks=[{"gpt-4o": ["chats"]}]) as router:
        assert (await router.acompletion("gpt-4o", HELLO, tools=TOOLS)).routing.deployment == "chat"
    assert sent(mixed) == {"chat": 1}


def test_pictures_and_sounds_go_to_the_models_that_take_them(mixed: EmulatorServer) -> None:
    models = {"chat": "gpt-4o", "voice": "gpt-4o-audio-preview", "blind": "o3-mini"}
    with Router(
        [entry(mixed, name, base_model=model) for name, model in models.items()], routing_strategy="round-robin"
    ) as router:
        assert served(router, HELLO) == {"chat", "voice", "blind"}
        assert served(router, about(PICTURE)) == {"chat"}
        assert served(router, about(SOUND), modalities=["text"]) == {"voice"}
        spoken = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
        assert served(router, HELLO, **spoken) == {"voice"}
    with Router(
        [entry(mixed, "blind", base_model="o3-mini"), entry(mixed, "chat")], routing_strategy="round-robin"
    ) as router:
        assert served(router, about(PICTURE)) == {"chat"}  # of which nothing is known


def test_what_nobody_is_known_to_take_is_for_the_service_to_judge(mixed: EmulatorServer) -> None:
    with Router(
        [entry(mixed, "blind", base_model="o3-mini"), entry(mixed, "chat", base_model="gpt-35-turbo")],
        routing_strategy="round-robin",
    ) as router:
        assert served(router, about(PICTURE)) == {"blind", "chat"}
        assert served(router, about(PICTURE), temperature=0.2) == {"chat"}
