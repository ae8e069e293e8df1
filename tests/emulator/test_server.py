"""Does the server carry plans out on real sockets, faults included?"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from router.emulator import EmulatedDeployment, EmulatorConfig, EmulatorServer, Fault, Latency, read_emulator_config
from router.errors import ConfigError

PATH = "/openai/deployments/chat/chat/completions?api-version=2024-10-21"
BODY = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def anyio_backend() -> str:
    """The server is asyncio's."""
    return "asyncio"


async def ask(session: aiohttp.ClientSession, server: EmulatorServer, **body: Any) -> tuple[int, bytes]:
    async with session.post(server.url + PATH, json={**BODY, **body}, headers={"api-key": "k"}) as answer:
        return answer.status, await answer.read()


def server(**options: Any) -> EmulatorServer:
    return EmulatorServer(EmulatorConfig([EmulatedDeployment("chat", **options)], keys=["k"]))


async def test_it_serves_many_at_once() -> None:
    async with server().serving() as running, aiohttp.ClientSession() as session:
        answers = await asyncio.gather(*(ask(session, running) for _ in range(200)))
    assert {status for status, _ in answers} == {200}


async def test_streams_come_in_pieces() -> None:
    async with server(latency=Latency(1, 0.0, 1)).serving() as running, aiohttp.ClientSession() as session:
        status, body = await ask(session, running, stream=True)
    assert status == 200
    assert body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("kind", ["reset", "refuse", "reset_after_headers", "truncate"])
async def test_faults_of_the_wire_are_real(kind: str) -> None:
    async with server().serving() as running, aiohttp.ClientSession() as session:
        running.emulator.set_fault("chat", Fault(kind))
        with pytest.raises(aiohttp.ClientError):
            await ask(session, running)


async def test_faults_are_switched_over_http() -> None:
    async with server(tpm=1000).serving() as running, aiohttp.ClientSession() as session:
        admin = running.url + "/emulator"
        async with session.post(f"{admin}/deployments/chat/fault", json={"kind": "status", "status": 503}) as answer:
            assert answer.status == 200
        assert (await ask(session, running))[0] == 503
        async with session.delete(f"{admin}/deployments/chat/fault") as answer:
            assert answer.status == 200
        assert (await ask(session, running))[0] == 200
        async with session.patch(f"{admin}/deployments/chat/limits", json={"tpm": 1}) as answer:
            assert answer.status == 200
        assert (await ask(session, running))[0] == 429
        async with session.get(f"{admin}/status") as answer:
            tally = (await answer.json())["chat"]
        assert (tally["admitted"], tally["throttled"], tally["faulted"]) == (1, 1, 1)
        async with session.post(f"{admin}/deployments/nobody/fault", json={"kind": "hang"}) as answer:
            assert answer.status == 404
        async with session.post(f"{admin}/deployments/chat/fault", json={"kind": "explode"}) as answer:
            assert answer.status == 400


def test_a_file_is_read_and_its_mistakes_are_named(tmp_path: Path) -> None:
    path = tmp_path / "emulator.yaml"
    path.write_text("deployments:\n  - {name: a, tpm: 5, latency: {first_ms: 10}}\nkeys: [k]\nseed: 3\n")
    config = read_emulator_config(path)
    assert (config.deployments[0].latency.first_ms, config.keys, config.seed) == (10, ["k"], 3)
    for text, problem in (
        ("deployments: []", "at least one"),
        ("deployments:\n  - {name: a, tmp: 5}", "tmp"),
        ("deployments:\n  - {name: a, limiter: x}", "sliding"),
        ("deployments: [", "YAML"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=problem):
            read_emulator_config(path)
