"""Does a call still cost what it did?  Counted in bytecode instructions, allocations and look-ups, never in time.

A clock on a busy machine says little; the number of instructions that our own files execute says the same everywhere
(on one version of Python).  Each bound is about a tenth above what was counted when it was set.  A change that needs
more says why, and moves the bound.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import subprocess
import sys
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import pytest

from benchmarks.contenders.aiohttp import Entry as Bare
from router import Router
from router.account import Account
from router.azure.attempt import Attempt
from router.azure.chunks import ChunkReader
from router.azure.engines import Answer, Request
from router.azure.engines.httpx2_engine import Httpx2Engine
from router.azure.intake import Intake
from router.charge import ChargePolicy
from router.configured import Deployment, HealthPolicy
from router.ledger import Ledger
from router.replies import event_maker
from router.steps import Reserve, Settle
from router.values import Call, Failure, Lease, Reply, Usage
from router.window import SLOT_S, Window
from strategies.least_loaded import LeastLoaded
from strategies.simple_shuffle import SimpleShuffle
from tests.azure.fault_server import FaultServer, always

ROOT = Path(__file__).parents[1]
OURS = (str(ROOT / "router"), str(ROOT / "strategies"), "<string>")
"""Files whose instructions count; `<string>` holds what dataclasses generate."""
MESSAGES = [{"role": "user", "content": "What is a load balancer?"}]
BODY = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,'
    b'"finish_reason":"stop","message":{"role":"assistant","content":"A thing that spreads."}}],'
    b'"usage":{"prompt_tokens":20,"completion_tokens":80,"total_tokens":100}}'
)
HEADERS = {
    "content-type": "application/json",
    "x-ratelimit-limit-tokens": "1000000",
    "x-ratelimit-remaining-tokens": "999000",
    "apim-request-id": "6f3b2c1e",
}
exact = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the bounds are those of Python 3.11's bytecode")


class Work:
    """How many instructions our files execute while it is open."""

    def __init__(self) -> None:
        self.instructions = 0

    def __call__(self, frame: FrameType, event: str, arg: object) -> Any:
        """The tracer: frames of ours are followed instruction by instruction."""
        if event == "call":
            if not frame.f_code.co_filename.startswith(OURS):
                return None
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            self.instructions += 1
        return self


@contextmanager
def counted() -> Iterator[Work]:
    """Count the instructions of the block."""
    work, before = Work(), sys.gettrace()
    sys.settrace(work)
    try:
        yield work
    finally:
        sys.settrace(before)


def per_run(deed: Callable[[], object], runs: int = 20, warm: int = 30) -> float:
    """Instructions per run, after some that fill caches."""
    for _ in range(warm):
        deed()
    with counted() as work:
        for _ in range(runs):
            deed()
    return work.instructions / runs


async def per_await(deed: Callable[[], Awaitable[object]], runs: int = 20, warm: int = 30) -> float:
    """The same, awaiting."""
    for _ in range(warm):
        await deed()
    with counted() as work:
        for _ in range(runs):
            await deed()
    return work.instructions / runs


def at_most(bound: float, counted: float) -> None:
    assert 0 < counted <= bound, f"{counted:.0f} were counted, {bound:.0f} are allowed"


class AtOnce:
    """A transport, or an HTTP engine, that has every answer already."""

    name = "at once"

    def send(self, lease: Lease, timeout: float) -> Reply | Failure:
        return Reply(200, {"choices": [{"message": {"content": "x"}}]}, Usage(20, 80, 100))

    async def asend(self, request: Any) -> Answer:
        return Answer(200, HEADERS, BODY)

    def close(self) -> None:
        """Nothing is open."""

    async def aclose(self) -> None:
        """Nothing is open."""


def router_of(deployments: int, base: str = "https://east-{n}.openai.azure.com") -> Router:
    return Router(
        [
            {
                "model_name": "gpt-4o",
                "litellm_params": {
                    "model": f"azure/chat-{n}", "api_base": base.format(n=n), "api_key": "k",
                    "api_version": "2024-10-21",
                },
                "tpm": 1_000_000, "rpm": 100_000,
            }
            for n in range(deployments)
        ],
        seed=1,
    )  # fmt: skip


def ledger_of(deployments: int, strategy: Any = None) -> Ledger:
    fleet = [Deployment(f"d{n}", "g", "m", tpm=1_000_000, rpm=100_000) for n in range(deployments)]
    return Ledger(fleet, strategy or LeastLoaded(), Random(1), HealthPolicy())


def decision(ledger: Ledger) -> Callable[[], object]:
    """Reserve and settle, as at one moment after another."""
    call = Call("chat.completions", "g", {"messages": MESSAGES}, 100)
    moment = iter(range(10**9))

    def deed() -> object:
        now = 1000.0 + next(moment) / 50
        lease = ledger.reserve(Reserve(call, "g"), now)
        assert isinstance(lease, Lease)
        ledger.settle(Settle(lease, Reply(200, {}, Usage(20, 80, 100), seconds=0.5)), now + 0.5)
        return lease

    return deed


# ---- instructions ------------------------------------------------------------------------------------------------


@exact
def test_a_blocking_call_from_the_door_to_the_reply() -> None:
    router = router_of(3)
    router._works.transport = AtOnce()  # type: ignore[assignment]
    at_most(3590, per_run(lambda: router.completion("gpt-4o", MESSAGES, max_tokens=100)))


@exact
def test_an_awaiting_call_with_all_but_http() -> None:
    router = router_of(3)
    router._works.transport._on_asyncio = AtOnce()  # type: ignore[assignment]
    at_most(5120, asyncio.run(per_await(lambda: router.acompletion("gpt-4o", MESSAGES, max_tokens=100))))


@exact
@pytest.mark.parametrize(("deployments", "bound"), [(3, 1580), (10, 1660), (1000, 1970)])
def test_a_decision_and_its_settlement(deployments: int, bound: int) -> None:
    at_most(bound, per_run(decision(ledger_of(deployments)), runs=200))


@exact
def test_a_request_and_the_judgement_of_its_answer() -> None:
    router = router_of(1)
    [account] = router._works.store.ledger.accounts.values()

    def deed() -> object:
        attempt = Attempt(Lease(account.deployment, Call("chat.completions", "g", {"messages": MESSAGES}), 9, 0.0), 9)
        attempt.request("k")
        return attempt.judged(Answer(200, HEADERS, BODY))

    at_most(1470, per_run(deed))


@exact
def test_a_blocking_exchange_on_a_connection_of_ours() -> None:
    headers = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    reply = f"HTTP/1.1 200 OK\r\n{headers}content-length: {len(BODY)}\r\n\r\n".encode() + BODY
    engine = Httpx2Engine()
    with FaultServer(always(reply)) as server:
        request = Request("POST", server.url, {"api-key": "k", "content-type": "application/json"}, BODY)
        at_most(1860, per_run(lambda: engine.send(request)))
        assert server.connections == 1
    engine.close()


@exact
def test_a_chunk_of_a_stream() -> None:
    intake, made = Intake(ChunkReader()), event_maker("chat.completions")
    chunk = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}\n\n'

    def deed() -> object:
        intake.feed(chunk)
        event = intake.ready.popleft()
        assert isinstance(event, dict)
        return made(event)

    at_most(370, per_run(deed))


# ---- no work per deployment, none per past call --------------------------------------------------------------------


@pytest.mark.parametrize("strategy", [LeastLoaded(), SimpleShuffle()], ids=lambda s: type(s).__name__)
def test_a_thousand_deployments_cost_a_decision_hardly_more_than_ten(strategy: Any) -> None:
    few, many = (per_run(decision(ledger_of(size, strategy)), runs=200) for size in (10, 1000))
    assert many <= 1.25 * few


def test_a_full_window_costs_a_decision_no_more_than_an_empty_one() -> None:
    ledger = ledger_of(3)
    empty = per_run(decision(ledger), runs=50)
    for account in ledger.accounts.values():
        for slot in range(4000, 4250):
            account.tokens.add(slot, 1)
    full = per_run(decision(ledger), runs=50)
    assert full <= 1.1 * empty


def test_a_window_keeps_a_cell_for_each_slot_and_no_more() -> None:
    window = Window(60.0, 1_000_000)
    for call in range(100_000):
        slot = int(call / 100 / SLOT_S)  # 100 calls a second
        window.advance(slot)
        window.add(slot, 10)
    assert len(window.cells) <= window.keep


def test_looking_at_an_account_touches_each_of_its_windows_once() -> None:
    account = Account(Deployment("d", "g", "m", tpm=1000, rpm=10), HealthPolicy(), None, ChargePolicy.AUTO)  # type: ignore[arg-type]
    account.advance(4000, 1000.0)
    assert per_run(lambda: account.projected(10)) <= 90


# ---- memory --------------------------------------------------------------------------------------------------------


def test_memory_is_flat_over_ten_thousand_calls() -> None:
    router = router_of(3)
    router._works.transport = AtOnce()  # type: ignore[assignment]

    def calls(count: int) -> None:
        for _ in range(count):
            router.completion("gpt-4o", MESSAGES, max_tokens=10)

    calls(1000)
    gc.collect()
    tracemalloc.start()
    try:
        calls(500)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        calls(5000)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 64_000  # the slots of a minute; 13 bytes a call would be a leak that grows for ever


def test_a_call_leaves_no_cycle_for_the_collector() -> None:
    router = router_of(3)
    router._works.transport._on_asyncio = AtOnce()  # type: ignore[assignment]

    async def scenario() -> int:
        for _ in range(20):
            await router.acompletion("gpt-4o", MESSAGES)
        gc.collect()
        gc.disable()
        try:
            for _ in range(100):
                await router.acompletion("gpt-4o", MESSAGES)
            return gc.collect()
        finally:
            gc.enable()

    assert asyncio.run(scenario()) <= 10


def test_a_waiting_call_is_fewer_objects_to_the_collector_than_the_bare_clients() -> None:
    """At high concurrency the collector walks what is alive."""
    assert 0 < asyncio.run(alive_per_call(Routed)) <= asyncio.run(alive_per_call(Bare))


class Routed(Bare):
    """The router's way of the same call."""

    async def open(self) -> None:
        self._router = router_of(1, f"http://127.0.0.1:{self.port}")

    async def close(self) -> None:
        await self._router.aclose()

    async def call(self, shape: str) -> str:
        return str(await self._router.acompletion("gpt-4o", MESSAGES))


async def alive_per_call(way: type[Bare]) -> float:
    """Objects that the collector knows for each call that waits for its answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client, calls, lines, alive = way(silent.getsockname()[1]), list[Any](), list[int](), list[int]()
        await client.open()
        for count in (10, 50):
            calls += [asyncio.create_task(client.call("b1000")) for _ in range(count)]
            lines += await asyncio.to_thread(lambda count=count: [received(silent) for _ in range(count)])
            gc.collect()
            alive.append(len(gc.get_objects()))
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await client.close()
        for line in lines:
            os.close(line)
        return (alive[1] - alive[0]) / 50


def received(silent: socket.socket) -> int:
    """A request has come, and is never answered.  Its connection as a mere number, since an object would be counted."""
    connection = silent.accept()[0]
    assert connection.recv(65536)
    return connection.detach()


# ---- imports -------------------------------------------------------------------------------------------------------


def test_import_router_loads_nothing_that_a_program_may_never_use() -> None:
    code = (
        "import sys; before = set(sys.modules); import router; from router import Router\n"
        "heavy = 'aiohttp asyncio azure httpx2 openai pydantic pydantic_core redis rich ssl trio typer yaml'.split()\n"
        "print([name for name in heavy if name in sys.modules])\n"
        "print(sum(name.partition('.')[0] == 'router' for name in set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded, ours = done.stdout.splitlines()
    assert loaded == "[]"
    assert int(ours) <= 45
