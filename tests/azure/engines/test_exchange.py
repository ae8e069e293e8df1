"""What the exchanges over the libraries' pools do by themselves: heads, interim and early answers, a full pool."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import time
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from router.azure.engines import Breakdown, Request, aiohttp_client, httpx2_pools, roster
from router.values import Kind
from tests.azure.fault_server import FaultServer, Peer, always, answer, chunked

from .sides import AIOHTTP, AWAITING, HTTPX2_ASYNCIO, HTTPX2_BLOCKING, HTTPX2_TRIO, SIDES, Side


def request_to(server: FaultServer, path: str = "", **changes: Any) -> Request:
    settings: dict[str, Any] = {"timeout": 5.0, "headers": {"api-key": "k"}, "body": b"{}"} | changes
    return Request("POST", server.url + path, settings.pop("headers"), settings.pop("body"), **settings)


def test_each_request_has_its_own_headers_on_the_same_line() -> None:
    given = [{"api-key": "one"}, {"api-key": "one"}, {"api-key": "two", "x-team": "search"}, {"api-key": "one"}]

    async def scenario(engine: Any) -> None:
        for headers in given:
            await engine.asend(request_to(server, headers=headers))

    with FaultServer(always(answer())) as server:
        AIOHTTP.run(scenario)
    heads = [request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:] for request in server.requests]
    ours = [dict(line.split(": ", 1) for line in head if not line.startswith(("Host", "Accept"))) for head in heads]
    assert ours == [{**headers, "content-length": "2"} for headers in given]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_request_without_a_body_says_so(method: str) -> None:
    async def scenario(engine: Any) -> None:
        await engine.asend(Request(method, server.url, {}, b"", timeout=5.0))
        await engine.asend(Request("GET", server.url, {}, b"", timeout=5.0))

    with FaultServer(always(answer())) as server:
        AIOHTTP.run(scenario)
    assert [b"content-length" in request.lower() for request in server.requests] == [True, False]


@pytest.mark.parametrize("side", SIDES, ids=str)
def test_interim_answers_are_passed_over(side: Side) -> None:
    async def scenario(engine: Any) -> int:
        return int((await engine.asend(request_to(server))).status)

    with FaultServer(always(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + answer())) as server:
        assert side.run(scenario) == 200


def test_a_connection_on_which_the_answer_overtook_the_request_serves_no_other() -> None:
    def script(peer: Peer) -> None:
        if server.connections == 1:
            peer.say(answer(status=413, body=b"{}"))  # and the rest of the request is never read
            peer.hang()
        else:
            always(answer())(peer)

    async def scenario(engine: Any) -> list[int]:
        large = request_to(server, body=b"x" * 2**25)
        return [(await engine.asend(request)).status for request in (large, request_to(server))]

    with FaultServer(script) as server:
        assert AIOHTTP.run(scenario) == [413, 200]
        assert server.connections == 2


def test_a_service_that_does_not_read_holds_nothing_open_after_the_time_is_up() -> None:
    async def scenario(engine: Any) -> Breakdown:
        with pytest.raises(Breakdown) as caught:
            await engine.asend(request_to(server, body=b"x" * 2**25, timeout=0.2))
        return caught.value

    with FaultServer(Peer.hang) as server:
        error = AIOHTTP.run(scenario)  # which warns, an error here, of a socket that is left open
    assert (error.kind, error.sent) == (Kind.TIMEOUT, True)


@pytest.mark.parametrize("side", AWAITING, ids=str)
def test_the_time_holds_for_the_body_where_the_head_comes_as_it_runs_out(side: Side) -> None:
    """A loop that was busy meanwhile meets both in one turn."""
    arrived, busy, said = threading.Event(), threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        arrived.set()
        busy.wait(5)
        peer.say(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")
        said.set()
        peer.hang()

    async def scenario(engine: Any) -> Breakdown:
        async def keep_the_loop_busy() -> None:
            await anyio.to_thread.run_sync(arrived.wait, 5)
            busy.set()
            assert said.wait(5)
            time.sleep(0.2)  # noqa: ASYNC251 - all of the call's time

        with anyio.fail_after(2):
            async with anyio.create_task_group() as group:
                group.start_soon(keep_the_loop_busy)
                with pytest.raises(Breakdown) as caught:
                    await engine.asend(request_to(server, timeout=0.2))
        return caught.value

    with FaultServer(script) as server:
        error = side.run(scenario)
    assert (error.kind, error.sent) == (Kind.TIMEOUT, True)


@pytest.fixture
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine may have more."""
    for module in (aiohttp_client, httpx2_pools, roster):
        monkeypatch.setattr(module, "MAX_CONNECTIONS", 1)


def test_an_address_that_is_not_found_in_time_is_no_lack_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def slow(*_: Any, **__: Any) -> None:
        over.wait(5)
        raise socket.gaierror

    async def scenario(engine: Any) -> Breakdown:
        with pytest.raises(Breakdown) as caught:
            await engine.asend(Request("POST", "http://slow.example/x", {}, b"{}", timeout=0.1))
        over.set()
        return caught.value

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    error = AIOHTTP.run(scenario)
    assert (error.kind, error.sent) == (Kind.CONNECT_TIMEOUT, False)
    assert "no connection to slow.example" in error.message


@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize("side", SIDES, ids=str)
def test_a_call_that_finds_all_connections_in_use_was_not_sent(side: Side) -> None:
    async def scenario(engine: Any) -> Breakdown:
        first = (await engine.asend(request_to(server, stream=True))).chunks
        with pytest.raises(Breakdown) as caught:
            await engine.asend(request_to(server, timeout=0.1))
        await first.aclose()
        assert (await engine.asend(request_to(server))).status == 200
        return caught.value

    def script(peer: Peer) -> None:
        peer.request()
        peer.say(chunked(b"data: 1\n\n", end=server.connections > 1))
        peer.wait_for_goodbye()

    with FaultServer(script) as server:
        error = side.run(scenario)
    assert (error.kind, error.sent) == (Kind.TIMEOUT, False)
    assert "no free connection" in error.message
    assert len(server.requests) == 2


@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize("side", [HTTPX2_TRIO, HTTPX2_ASYNCIO], ids=str)
def test_a_call_that_waits_for_a_place_and_then_shakes_hands_in_vain_was_not_sent(side: Side) -> None:
    async def scenario(engine: Any) -> Breakdown:
        first = (await engine.asend(request_to(server, stream=True))).chunks
        async with anyio.create_task_group() as group:

            async def leave() -> None:
                await anyio.sleep(0.25)
                await first.aclose()

            group.start_soon(leave)
            with pytest.raises(Breakdown) as caught:
                await engine.asend(Request("POST", server.url.replace("http:", "https:"), {}, b"{}", timeout=0.5))
        return caught.value

    def script(peer: Peer) -> None:
        if server.connections == 1:
            peer.request()
            peer.say(chunked(b"data: 1\n\n", end=False))
        peer.hang()

    with FaultServer(script) as server:
        error = side.run(scenario)
        assert server.connections == 2
    assert (error.kind, error.sent) == (Kind.CONNECT_TIMEOUT, False)


@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize("side", AWAITING, ids=str)
def test_who_gives_a_connection_back_does_not_take_it_again_before_one_that_waits(side: Side) -> None:
    async def scenario(engine: Any) -> None:
        async def calls(name: str, count: int) -> None:
            for _ in range(count):
                await engine.asend(request_to(server, f"/{name}"))

        async with anyio.create_task_group() as group:
            group.start_soon(calls, "one", 6)
            await anyio.to_thread.run_sync(arrived.wait, 5)
            group.start_soon(calls, "other", 3)
            for _ in range(10):
                await anyio.lowlevel.checkpoint()
            go.set()

    def script(peer: Peer) -> None:
        while peer.request():
            arrived.set()
            go.wait(5)
            peer.say(answer())

    arrived, go = threading.Event(), threading.Event()
    with FaultServer(script) as server:
        side.run(scenario)
    names = [request.split()[1].rsplit(b"/", 1)[1] for request in server.requests]
    assert names == [b"one", b"other"] * 3 + [b"one"] * 3


@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize("side", [AIOHTTP, HTTPX2_ASYNCIO], ids=str)
@pytest.mark.parametrize("from_the_answer_on", [False, True])
def test_a_wait_for_a_connection_that_is_cancelled_at_any_step_passes_it_on(
    side: Side, from_the_answer_on: bool
) -> None:
    """By a task's own `cancel`: the scopes of anyio and trio let it take first what it was woken for."""

    async def scenario(engine: Any) -> None:
        async def cancel_after(steps: int) -> None:
            for _ in range(steps):
                await asyncio.sleep(0)
            waiting.cancel()

        async def first(steps: int) -> None:
            await engine.asend(request_to(server))
            if from_the_answer_on:
                await cancel_after(steps)

        for steps in range(40):
            others = [asyncio.create_task(first(steps))]
            await asyncio.sleep(0)
            waiting = asyncio.create_task(engine.asend(request_to(server)))
            await asyncio.sleep(0)
            if not from_the_answer_on:
                others.append(asyncio.create_task(cancel_after(steps)))
            async with asyncio.timeout(0.5):
                await engine.asend(request_to(server))
            await asyncio.wait([waiting, *others])

    with FaultServer(always(answer())) as server:
        side.run(scenario)


@pytest.mark.usefixtures("one_connection")
def test_a_stream_that_is_merely_forgotten_leaves_its_connection_to_the_next() -> None:
    async def scenario(engine: Any) -> int:
        chunks = (await engine.asend(request_to(server, stream=True))).chunks
        assert await chunks.aread(5.0)
        del chunks
        again = await engine.asend(request_to(server, stream=True, timeout=2.0))
        await again.chunks.aclose()
        return int(again.status)

    with FaultServer(always(chunked(b"data: 1\n\n", end=False))) as server:
        assert AIOHTTP.run(scenario) == 200


@pytest.mark.usefixtures("one_connection")
def test_who_waits_for_a_connection_when_the_engine_is_closed_hears_of_it() -> None:
    """aiohttp cancels it, and nobody had asked for that."""

    def script(peer: Peer) -> None:
        peer.request()
        arrived.set()
        peer.hang()

    async def scenario(engine: Any) -> None:
        async def call() -> None:
            with pytest.raises(Breakdown, match="closed at this end") as caught:
                await engine.asend(request_to(server))
            broken.append((caught.value.kind, caught.value.sent))

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(call)
            await anyio.to_thread.run_sync(arrived.wait, 5)
            await engine.aclose()

    arrived, broken = threading.Event(), list[tuple[Kind, bool]]()
    with FaultServer(script) as server:
        AIOHTTP.run(scenario)
    assert sorted(broken) == [(Kind.RESET, False), (Kind.RESET, False), (Kind.RESET, True)]


def test_who_waits_for_an_address_when_the_engine_is_closed_hears_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, closed = threading.Event(), threading.Event()

    def slow(*_: Any, **__: Any) -> None:
        asked.set()
        closed.wait(5)
        raise socket.gaierror

    async def scenario(engine: Any) -> Breakdown:
        async def close() -> None:
            await anyio.to_thread.run_sync(asked.wait, 5)
            await engine.aclose()
            closed.set()

        async with anyio.create_task_group() as group:
            group.start_soon(close)
            with pytest.raises(Breakdown, match="closed at this end") as caught:
                await engine.asend(Request("POST", "http://slow.example/x", {}, b"{}", timeout=5.0))
        return caught.value

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    error = AIOHTTP.run(scenario)
    assert (error.kind, error.sent) == (Kind.RESET, False)


@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize("side", [HTTPX2_BLOCKING, HTTPX2_TRIO, HTTPX2_ASYNCIO], ids=str)
def test_an_idle_connection_makes_room_for_one_to_another_host(side: Side) -> None:
    """aiohttp does not count those that are idle."""

    async def scenario(engine: Any) -> list[int]:
        return [(await engine.asend(request_to(server))).status for server in (one, other, one)]

    with FaultServer(always(answer())) as one, FaultServer(always(answer())) as other:
        assert side.run(scenario) == [200] * 3
        assert (one.connections, other.connections) == (2, 1)


def test_more_addresses_than_are_kept_are_served_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aiohttp_client, "KEPT_LINES", 2)

    async def scenario(engine: Any) -> list[int]:
        return [(await engine.asend(request_to(server, f"/{n}"))).status for n in (1, 2, 3, 4, 1)]

    with FaultServer(always(answer())) as server:
        assert AIOHTTP.run(scenario) == [200] * 5
    assert [request.split()[1].rsplit(b"/", 1)[1] for request in server.requests] == [b"1", b"2", b"3", b"4", b"1"]


@pytest.mark.parametrize("side", SIDES, ids=str)
def test_answers_of_every_kind_follow_each_other_on_one_connection(side: Side) -> None:
    """Nothing of one may stand in the next."""
    squeezed = gzip.compress(b'{"squeezed": 1}')
    answers = [
        answer({"plain": 1}, X_First="1"),
        answer(b"", status=204),
        chunked(b'{"in', b'": 2}', kind="application/json"),
        answer(squeezed, Content_Encoding="gzip"),
        answer({"error": 1}, status=429, Retry_After="7"),
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + answer({"late": 3}),
        answer({"plain": 4}),
    ]

    def script(peer: Peer) -> None:
        for said in answers:
            if peer.request():
                peer.say(said)

    async def scenario(engine: Any) -> list[tuple[int, bytes, str | None]]:
        got = [await engine.asend(request_to(server)) for _ in answers]
        return [(a.status, a.body, a.headers.get("x-first") or a.headers.get("retry-after")) for a in got]

    with FaultServer(script) as server:
        got = side.run(scenario)
    assert got == [
        (200, b'{"plain": 1}', "1"),
        (204, b"", None),
        (200, b'{"in": 2}', None),
        (200, b'{"squeezed": 1}', None),
        (429, b'{"error": 1}', "7"),
        (200, b'{"late": 3}', None),
        (200, b'{"plain": 4}', None),
    ]
    assert server.connections == 1


@pytest.mark.parametrize("looks", [0, 3], ids=["unseen", "seen by the loop"])
@pytest.mark.parametrize("side", SIDES, ids=str)
def test_what_nobody_asked_for_is_no_answer_to_the_next_call(side: Side, looks: int) -> None:
    """Some gateways say 408 on an idle connection; from another one it could be somebody else's answer."""
    said = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.say(answer({"n": 1}))
        if server.connections == 1:
            asked.wait(5)
            peer.say(answer({"n": "not yours"}))
            said.set()
        peer.request()
        peer.say(answer({"n": 2}))

    async def scenario(engine: Any) -> list[bytes]:
        first = await engine.asend(request_to(server))
        asked.set()
        assert said.wait(5)  # on a loopback the bytes are there now
        for _ in range(looks):
            await anyio.lowlevel.checkpoint()
        return [first.body, (await engine.asend(request_to(server))).body]

    asked = threading.Event()
    with FaultServer(script) as server:
        assert side.run(scenario) == [b'{"n": 1}', b'{"n": 1}']
    assert server.connections == 2


@pytest.mark.parametrize("side", SIDES, ids=str)
def test_a_second_answer_in_the_same_packet_is_no_answer_to_the_next_call(side: Side) -> None:
    async def scenario(engine: Any) -> list[bytes]:
        return [(await engine.asend(request_to(server))).body for _ in range(2)]

    with FaultServer(answers_twice) as server:
        assert side.run(scenario) == [b'{"n": "first"}', b'{"n": "first"}']
        assert server.connections == 2


def answers_twice(peer: Peer) -> None:
    peer.request()
    peer.say(answer({"n": "first"}) + answer({"n": "not yours"}))
    peer.request()


@pytest.mark.parametrize("side", [side for side in SIDES if side is not AIOHTTP], ids=str)
def test_neither_is_it_through_a_proxy(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    """There httpcore2 reads by itself, and writes to that connection once more: this call breaks, the next is well."""

    async def scenario(engine: Any) -> list[bytes]:
        request = Request("POST", f"http://twice-{side.name.replace(' ', '-')}.example/x", {}, b"{}", timeout=5.0)
        first = await engine.asend(request)
        with pytest.raises(Breakdown, match="answered before it was asked") as broken:
            await engine.asend(request)
        assert broken.value.kind is Kind.PROTOCOL
        return [first.body, (await engine.asend(request)).body]

    with FaultServer(answers_twice) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        assert side.run(scenario) == [b'{"n": "first"}', b'{"n": "first"}']
