"""Does the emulator without sockets behave as an engine would?"""

from __future__ import annotations

import json

import pytest

from router.azure.engines import Breakdown, Request
from router.emulator import EmulatedDeployment, Emulator, EmulatorConfig, Fault, InProcessEngine
from router.values import Kind

URL = "http://emulator/openai/deployments/chat/chat/completions?api-version=2024-10-21"


def request(stream: bool = False) -> Request:
    body = {"messages": [{"role": "user", "content": "hello"}], "stream": stream}
    return Request("POST", URL, {"api-key": "k"}, json.dumps(body).encode(), stream=stream)


def engine(fault: Fault | None = None) -> InProcessEngine:
    emulator = Emulator(EmulatorConfig([EmulatedDeployment("chat")]))
    emulator.set_fault("chat", fault)
    return InProcessEngine(emulator)


async def test_it_answers_blocking_and_awaiting() -> None:
    assert json.loads(engine().send(request()).body)["choices"]
    assert json.loads((await engine().asend(request())).body)["choices"]


async def test_streams_are_read_to_their_end() -> None:
    answer = await engine().asend(request(stream=True))
    assert answer.chunks is not None
    pieces = []
    while piece := await answer.chunks.aread(1.0):
        pieces.append(piece)
    assert pieces[-1] == b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("fault", "kind", "sent"),
    [
        ("refuse", Kind.CONNECT, False),
        ("reset", Kind.RESET, True),
        ("truncate", Kind.TRUNCATED, True),
        ("hang", Kind.TIMEOUT, True),
    ],
)
def test_faults_of_the_wire_break_down_as_an_engine_would(fault: str, kind: Kind, sent: bool) -> None:
    with pytest.raises(Breakdown) as caught:
        engine(Fault(fault)).send(request())
    assert (caught.value.kind, caught.value.sent) == (kind, sent)
