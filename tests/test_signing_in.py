"""From the keys of a configuration to an Azure that lets in whoever holds a token of Entra."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from router import AuthenticationError, Router
from router.azure.credentials import from_provider
from router.emulator import EmulatedDeployment, EmulatorConfig, EmulatorServer
from tests.azure.entra_server import CLIENT, SECRET, TENANT, Entra, entra

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Entra]:
    with entra(monkeypatch, tmp_path) as made:
        yield made


@pytest.fixture
def azure() -> Iterator[EmulatorServer]:
    """Two deployments that want the key, or a token of Azure's audience."""
    deployments = [EmulatedDeployment("one"), EmulatedDeployment("two")]
    with EmulatorServer.in_thread(EmulatorConfig(deployments, keys=["k-0123456789"])) as made:
        yield made


def entry(azure: EmulatorServer, name: str, **params: Any) -> dict[str, Any]:
    return {"model_name": "g", "litellm_params": {"model": f"azure/{name}", "api_base": azure.url, **params}}


def principal(server: Entra, **more: Any) -> dict[str, Any]:
    host = {"azure_authority_host": server.host}
    return {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": SECRET, **host, **more}


def test_calls_of_all_kinds_over_two_deployments_cause_one_request_for_a_token(
    azure: EmulatorServer, server: Entra
) -> None:
    router = Router(
        [entry(azure, name, **principal(server)) for name in ("one", "two")], routing_strategy="round-robin"
    )

    async def awaiting() -> set[str]:
        replies = await asyncio.gather(*(router.acompletion("g", HELLO) for _ in range(20)))
        return {reply.routing.deployment for reply in replies}

    async def all_of_them() -> set[str]:
        async with router:
            return await awaiting() | {(await asyncio.to_thread(router.completion, "g", HELLO)).routing.deployment}

    used = asyncio.run(all_of_them())
    assert len(used) == 2
    assert len(server.forms) == 1


async def test_the_same_on_asyncio_and_trio(azure: EmulatorServer, server: Entra) -> None:
    async with Router([entry(azure, "one", **principal(server))]) as router:
        reply = await router.acompletion("g", HELLO)
        assert reply.choices[0].message.content
        stream = await router.acompletion("g", HELLO, stream=True)
        assert [chunk async for chunk in stream]
    assert len(server.forms) == 1


def test_the_setting_signs_in_by_the_service_principal_of_the_environment(
    azure: EmulatorServer, server: Entra, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {"TENANT_ID": TENANT, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET, "AUTHORITY_HOST": server.host}
    for name, value in variables.items():
        monkeypatch.setenv(f"AZURE_{name}", value)
    with Router([entry(azure, "one")], enable_azure_ad_token_refresh=True) as router:
        assert router.completion("g", HELLO).choices
    assert server.forms[0]["client_secret"] == SECRET


def test_a_token_for_another_audience_is_refused_once_more_and_then_told(azure: EmulatorServer, server: Entra) -> None:
    params = principal(server, azure_scope="https://graph.microsoft.com/.default")
    with Router([entry(azure, "one", **params)]) as router, pytest.raises(AuthenticationError) as caught:
        router.completion("g", HELLO)
    assert caught.value.status_code == 401
    assert len(server.forms) == 2


def test_a_wrong_secret_is_told_by_entras_number_and_the_call_goes_elsewhere(
    azure: EmulatorServer, server: Entra
) -> None:
    wrong = entry(azure, "one", **principal(server, client_secret="CANARY-wrong"))
    with Router([wrong]) as router, pytest.raises(AuthenticationError, match="AADSTS7000215") as caught:
        router.completion("g", HELLO)
    assert "CANARY" not in f"{caught.value!r} {caught.value.attempts!r}"
    keyed = entry(azure, "two", api_key="k-0123456789")
    with Router([wrong, keyed], routing_strategy="round-robin") as router:
        for _ in range(2):
            assert router.completion("g", HELLO).routing.deployment.startswith("two@")


def test_a_provider_that_hangs_costs_its_attempts_share_and_the_call_goes_elsewhere(azure: EmulatorServer) -> None:
    gate = threading.Event()
    hangs = entry(azure, "one", azure_ad_token_provider=lambda: str(gate.wait(10)), order=1)
    keyed = entry(azure, "two", api_key="k-0123456789", order=2)
    with Router([hangs, keyed], attempt_timeout=0.1) as router:
        reply = router.completion("g", HELLO, timeout=5.0)
    gate.set()
    assert reply.routing.attempts[0].reason == "credentials"
    assert reply.routing.deployment.startswith("two@")


def test_a_provider_that_recovers_serves_again_within_seconds() -> None:
    """No 401 was seen, so the deployment is not out for minutes."""
    answers: list[Any] = [OSError(), "good"]

    def provider() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    source = {"azure_ad_token_provider": provider}
    credential = from_provider(provider)  # the one that the router will share

    config = EmulatorConfig([EmulatedDeployment("one")], keys=["k"], tokens=["good"])
    with EmulatorServer.in_thread(config) as azure, Router([entry(azure, "one", **source)]) as router:
        with pytest.raises(AuthenticationError, match="OSError"):
            router.completion("g", HELLO)
        assert router.status()[0].state == "ready"
        credential._rest_until = 0.0  # five seconds later
        assert router.completion("g", HELLO).choices


@pytest.mark.parametrize("renews", [True, False])
def test_a_token_that_was_refused_and_is_now_another_brings_its_deployment_back_in_seconds(renews: bool) -> None:
    """A role that was missing, or a token that somebody renews beside us; a key that is refused stays so."""
    answers = ["old", "old"]
    source: dict[str, Any] = {"azure_ad_token_provider": lambda: answers[-1]} if renews else {"azure_ad_token": "old"}
    config = EmulatorConfig([EmulatedDeployment("one"), EmulatedDeployment("two")], keys=["k-12345"], tokens=["new"])
    with EmulatorServer.in_thread(config) as azure:
        entries = [entry(azure, "one", order=1, **source), entry(azure, "two", order=2, api_key="k-12345")]
        with Router(entries) as router:
            store: Any = router._works.store
            started = store.clock()
            store.clock = lambda: started
            reply = router.completion("g", HELLO)
            assert [a.status for a in reply.routing.attempts] == [401, 200]
            assert reply.routing.attempts[0].reason == ("sign_in_refused" if renews else "authentication")
            assert (router.status()[0].state, router.status()[1].state) == ("disabled", "ready")
            assert [a.status for a in router.completion("g", HELLO).routing.attempts] == [200]
            answers.append("new")
            store.clock = lambda: started + 5.0
            assert router.completion("g", HELLO).routing.deployment.startswith("one@" if renews else "two@")
            assert router.status()[0].state == ("slow_start" if renews else "disabled")
