"""Who opens connections, who closes them: loops, threads, processes, cancellations and clients handed in."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpcore2
import httpx2
import pytest

from router.azure.engines import Answer, Breakdown, Request, aiohttp_client, http1, httpx2_pools, roster
from router.azure.engines.aiohttp_engine import AiohttpEngine
from router.azure.engines.breakdowns import kind_of
from router.azure.engines.httpx2_engine import Httpx2Engine
from router.azure.form import Form
from router.values import Kind, Upload
from tests.azure.fault_server import (
    FaultServer,
    Peer,
    always,
    answer,
    authority,
    chunk,
    chunked,
    full_backlog,
    server_tls,
)

from .sides import AIOHTTP, AWAITING, HTTPX2_ASYNCIO, HTTPX2_TRIO, SIDES, Side, until


def request_to(server: FaultServer, **changes: Any) -> Request:
    return Request("POST", server.url, {"api-key": "k"}, b"{}", **({"timeout": 5.0} | changes))


@pytest.fixture(params=AWAITING, ids=str)
def side(request: pytest.FixtureRequest) -> Side:
    """The ways that await."""
    return request.param  # type: ignore[no-any-return]


def test_two_hundred_requests_at_once_on_one_loop(side: Side) -> None:
    statuses: list[int] = []

    async def one(engine: Any) -> None:
        statuses.append((await engine.asend(request_to(server, timeout=30.0))).status)

    async def scenario(engine: Any) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(200):
                group.start_soon(one, engine)

    with FaultServer(always(answer())) as server:
        side.run(scenario)
    assert statuses == [200] * 200


def test_eight_threads_share_one_blocking_engine() -> None:
    engine = Httpx2Engine()
    with FaultServer(always(answer())) as server, ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: engine.send(request_to(server)).status, range(80)))
        assert server.connections <= 8
    engine.close()
    assert answers == [200] * 80


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "TLS"])
def test_calls_that_run_break_off_when_the_engine_is_closed(secured: bool) -> None:
    def script(peer: Peer) -> None:
        if peer.request():
            arrived.release()
            peer.wait_for_goodbye()

    def call() -> Kind:
        with pytest.raises(Breakdown) as caught:
            engine.send(request_to(server, timeout=30.0))
        return caught.value.kind

    ca, trusting = authority()
    arrived = threading.Semaphore(0)
    engine = Httpx2Engine(tls=trusting)
    started = time.monotonic()
    with (
        FaultServer(script, server_tls(ca.issue_cert("127.0.0.1")) if secured else None) as server,
        ThreadPoolExecutor(4) as threads,
    ):
        calls = [threads.submit(call) for _ in range(4)]
        for _ in calls:
            assert arrived.acquire(timeout=5)
        engine.close()
        assert {call.result(5) for call in calls} == {Kind.RESET}
    assert time.monotonic() - started < 10
    gc.collect()  # a socket that is left open would warn


def test_a_handshake_breaks_off_when_the_engine_is_closed() -> None:
    def script(peer: Peer) -> None:
        if peer.hear():
            greeted.set()
            peer.wait_for_goodbye()

    engine, greeted = Httpx2Engine(), threading.Event()
    with FaultServer(script) as server, ThreadPoolExecutor(1) as threads:
        url = server.url.replace("http:", "https:")
        call = threads.submit(failure, engine, Request("POST", url, {}, b"{}", timeout=4.0))
        assert greeted.wait(5)
        engine.close()
        assert call.result(2) == (Kind.RESET, False)
        assert server.goodbyes.wait(2)
    gc.collect()  # a socket that is left open would warn


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_call_that_has_not_dialled_yet_sends_nothing_once_the_engine_is_closed(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered, look_up = threading.Event(), threading.Event(), socket.getaddrinfo

    def slow(*args: Any, **kwargs: Any) -> Any:
        asked.set()
        assert answered.wait(5)
        return look_up(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    engine, heard = Httpx2Engine(), []
    with FaultServer(lambda peer: heard.append(peer.hear())) as server, ThreadPoolExecutor(1) as threads:
        url = server.url.replace("http:", f"{scheme}:")
        call = threads.submit(failure, engine, Request("POST", url, {}, b"{}", timeout=4.0))
        assert asked.wait(5)
        engine.close()
        answered.set()
        assert call.result(2) == (Kind.RESET, False)
    assert heard in ([], [b""])


def test_a_call_that_waits_for_a_place_sends_nothing_once_the_engine_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (httpx2_pools, roster):
        monkeypatch.setattr(module, "MAX_CONNECTIONS", 1)
    engine = Httpx2Engine()
    with FaultServer(always(chunked(b"1", end=False))) as server, ThreadPoolExecutor(1) as threads:
        chunks = engine.send(request_to(server, stream=True)).chunks
        assert chunks is not None
        [pools] = engine._pools.values()
        call = threads.submit(failure, engine, request_to(server, timeout=4.0))
        until(lambda: pools._places._waiting)
        engine.close()
        assert call.result(2) == (Kind.RESET, False)
        chunks.close()
        assert server.connections == 1


def failure(engine: Httpx2Engine, request: Request) -> tuple[Kind, bool]:
    """How a call fails, and whether it was sent."""
    with pytest.raises(Breakdown) as caught:
        engine.send(request)
    return caught.value.kind, caught.value.sent


def test_a_call_through_another_proxy_that_comes_while_pools_are_closed_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    pools, close = httpx2_pools.BlockingPools(None), httpcore2.HTTPProxy.close
    meanwhile: list[tuple[Kind, bool]] = []

    def send(name: str) -> None:
        monkeypatch.setenv("http_proxy", f"http://{name}@127.0.0.1:{proxy.port}")
        pools.send(Request("POST", f"http://{name}.example/", {}, b"{}", timeout=5.0)).close()

    def close_slowly(pool: httpcore2.HTTPProxy) -> None:
        with pytest.raises(Breakdown) as caught:
            send("late")
        meanwhile.append((caught.value.kind, caught.value.sent))
        close(pool)

    monkeypatch.setattr(httpcore2.HTTPProxy, "close", close_slowly)
    with FaultServer(always(answer())) as proxy:
        send("early")
        pools.close()
        assert meanwhile == [(Kind.RESET, False)]
        assert len(proxy.requests) == 1


@pytest.mark.parametrize("doing", ["dial", "shake hands", "wait for a place"])
@pytest.mark.parametrize("side", [HTTPX2_TRIO, HTTPX2_ASYNCIO], ids=str)
def test_awaiting_calls_that_have_sent_nothing_break_off_when_the_engine_is_closed(
    side: Side, doing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (httpx2_pools, roster):
        monkeypatch.setattr(module, "MAX_CONNECTIONS", 1)
    broken: list[Breakdown] = []

    async def call(engine: Any, url: str) -> None:
        with pytest.raises(Breakdown) as caught:
            await engine.asend(Request("POST", url, {}, b"{}", timeout=4.0))
        broken.append(caught.value)

    async def scenario(engine: Any) -> None:
        if doing == "wait for a place":
            chunks = (await engine.asend(request_to(server, stream=True))).chunks
        with anyio.fail_after(2):
            async with anyio.create_task_group() as group:
                group.start_soon(call, engine, urls[doing])
                await anyio.wait_all_tasks_blocked()
                if doing == "shake hands":
                    await anyio.to_thread.run_sync(greeted.wait, 5)
                await engine.aclose()
        if doing == "wait for a place":
            await chunks.aclose()

    def script(peer: Peer) -> None:
        if doing == "shake hands" and peer.hear():
            greeted.set()
            peer.wait_for_goodbye()
        always(chunked(b"1", end=False))(peer)

    greeted = threading.Event()
    with FaultServer(script) as server, full_backlog() as port:
        urls = {
            "dial": f"http://127.0.0.1:{port}/",
            "shake hands": server.url.replace("http:", "https:"),
            "wait for a place": server.url,
        }
        side.run(scenario)
        assert doing != "shake hands" or server.goodbyes.wait(2)
    assert [(error.kind, error.sent) for error in broken] == [(Kind.RESET, False)]
    assert len(server.requests) == (doing == "wait for a place")


@pytest.mark.parametrize("in_memory", [True, False], ids=["bytes", "read while sent"])
def test_awaiting_calls_break_off_as_well_even_if_the_service_no_longer_reads(side: Side, in_memory: bool) -> None:
    def script(peer: Peer) -> None:
        assert peer.hear()
        begun.set()
        peer.hang()

    async def call(engine: Any) -> None:
        body = b"x" * 2**25 if in_memory else Form([], (Upload("file", "a.wav", b"x" * 2**25, size=2**25),))
        with pytest.raises(Breakdown) as caught:
            await engine.asend(Request("POST", server.url, {}, body, timeout=30.0))
        broken.append(caught.value)

    async def scenario(engine: Any) -> None:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as group:
                group.start_soon(call, engine)
                await anyio.to_thread.run_sync(begun.wait, 5)
                await engine.aclose()

    begun, broken = threading.Event(), list[Breakdown]()
    with FaultServer(script) as server:
        side.run(scenario)
    assert [(error.kind, error.sent) for error in broken] == [(Kind.RESET, True)]


def test_a_stream_without_a_length_does_not_end_well_when_its_engine_is_closed(side: Side) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\n\r\n1")
        peer.hang()

    async def scenario(engine: Any) -> None:
        chunks = (await engine.asend(request_to(server, stream=True))).chunks
        assert await chunks.aread(2.0) == b"1"
        await engine.aclose()
        with pytest.raises(Breakdown) as caught:
            await chunks.aread(2.0)
        assert caught.value.kind is Kind.RESET
        await chunks.aclose()

    with FaultServer(script) as server:
        side.run(scenario)


def test_a_stream_that_is_dropped_after_its_engine_was_closed_leaves_nothing_open() -> None:
    with FaultServer(always(chunked(b"data: 1\n\n", end=False))) as server:
        engine = Httpx2Engine()
        chunks = engine.send(request_to(server, stream=True)).chunks
        assert chunks is not None
        engine.close()
        chunks.abandon()  # as the collector has it
    del engine, chunks
    gc.collect()  # a socket that is left open would warn


def test_one_engine_serves_one_run_after_the_other(side: Side) -> None:
    engine = side.engine()

    async def scenario(engine: Any) -> int:
        return [(await engine.asend(request_to(server))).status for _ in range(2)][-1]

    with FaultServer(always(answer())) as server:
        assert [side.runner(scenario, engine) for _ in range(3)] == [200] * 3
        assert server.connections == 3
    gc.collect()  # a connection that its loop has not closed would warn


def test_the_end_of_a_run_hangs_up(side: Side) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(answer())
        peer.wait_for_goodbye()

    with FaultServer(script) as server:
        engine = side.engine()
        side.runner(lambda engine: engine.asend(request_to(server)), engine)
        assert server.goodbyes.wait(2)


def test_two_loops_in_two_threads_share_one_engine(side: Side) -> None:
    engine = side.engine()
    together = threading.Barrier(2)
    statuses: list[int] = []

    async def scenario(engine: Any) -> None:
        for _ in range(10):
            together.wait(5)
            statuses.append((await engine.asend(request_to(server))).status)

    with FaultServer(always(answer())) as server:
        threads = [threading.Thread(target=side.runner, args=(scenario, engine)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert server.connections == 2
    assert statuses == [200] * 20


def test_aclose_hangs_up_and_a_later_call_opens_anew(side: Side) -> None:
    async def scenario(engine: Any) -> None:
        await engine.asend(request_to(server))
        await engine.aclose()
        await engine.aclose()
        await engine.asend(request_to(server))

    with FaultServer(always(answer())) as server:
        side.run(scenario)
        assert server.connections == 2


@pytest.mark.parametrize("side", [AIOHTTP, HTTPX2_ASYNCIO], ids=str)
def test_an_engine_that_is_dropped_closes_what_it_had_opened(side: Side) -> None:
    # On trio the same happens, with trio's own ResourceWarning about a generator that was collected.
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(answer())
        peer.wait_for_goodbye()

    async def scenario(_: Any) -> bool:
        engine = side.engine()
        await engine.asend(request_to(server))
        del engine
        for _ in range(100):
            if server.goodbyes.is_set():
                return True
            await anyio.sleep(0.01)
        return False

    with FaultServer(script) as server:
        assert side.run(scenario)


def test_a_cancelled_call_hangs_up_at_once(side: Side) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.wait_for_goodbye()

    async def scenario(engine: Any) -> bool:
        with anyio.move_on_after(0.1):
            await engine.asend(request_to(server))
        for _ in range(100):
            if server.goodbyes.is_set():
                return True
            await anyio.sleep(0.01)
        return False

    with FaultServer(script) as server:
        assert side.run(scenario)


def test_a_call_that_is_cancelled_while_it_shakes_hands_hangs_up_at_once(side: Side) -> None:
    async def scenario(engine: Any) -> bool:
        request = Request("POST", server.url.replace("http:", "https:"), {}, b"{}", timeout=5.0)
        with anyio.move_on_after(0.2):
            await engine.asend(request)
        for _ in range(100):
            if server.goodbyes.is_set():
                return True
            await anyio.sleep(0.01)
        return False

    with FaultServer(Peer.wait_for_goodbye) as server:
        assert side.run(scenario)
        assert server.connections == 1


def test_a_cancelled_read_of_a_stream_hangs_up_when_it_is_closed(side: Side) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(chunked(b"data: 1\n\n", end=False))
        peer.wait_for_goodbye()

    async def scenario(engine: Any) -> bool:
        chunks = (await engine.asend(request_to(server, stream=True))).chunks
        with anyio.move_on_after(0.1):
            try:
                while True:
                    await chunks.aread(5.0)
            finally:
                await chunks.aclose()
        for _ in range(100):
            if server.goodbyes.is_set():
                return True
            await anyio.sleep(0.01)
        return False

    with FaultServer(script) as server:
        assert side.run(scenario)


def test_a_hundred_cancelled_calls_leave_the_engine_usable(side: Side) -> None:
    def script(peer: Peer) -> None:
        while request := peer.request():
            if b"/hang" in request:
                peer.hang()
            peer.say(answer())

    async def scenario(engine: Any) -> int:
        hanging = Request("POST", server.url + "/hang", {}, b"{}", timeout=30.0)
        with anyio.move_on_after(0.2):
            async with anyio.create_task_group() as group:
                for _ in range(100):
                    group.start_soon(engine.asend, hanging)
        return (await engine.asend(request_to(server))).status  # type: ignore[no-any-return]

    with FaultServer(script) as server:
        assert side.run(scenario) == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_is_cancelled_at_any_step_gives_its_place_back(
    side: Side, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (aiohttp_client, httpx2_pools, roster):
        monkeypatch.setattr(module, "MAX_CONNECTIONS", 1)

    async def whole(engine: Any) -> None:
        answer = await engine.asend(request_to(server, stream=stream))
        if stream:
            try:
                while await answer.chunks.aread(5.0):
                    pass
            finally:
                await answer.chunks.aclose()
        finished.append(answer.status)

    async def scenario(engine: Any) -> None:
        for steps in range(40):
            async with anyio.create_task_group() as group:
                group.start_soon(whole, engine)
                for _ in range(steps):
                    await anyio.lowlevel.checkpoint()
                group.cancel_scope.cancel()
            finished.clear()
            await whole(engine)
            assert finished == [200], f"after {steps} steps"

    finished: list[int] = []
    with FaultServer(always(chunked(b"x" * 1000, b"y" * 1000))) as server:
        side.run(scenario)


def test_a_child_process_dials_for_itself_and_leaves_the_parents_connection_alone() -> None:
    engine = Httpx2Engine()
    with FaultServer(always(answer())) as server:
        assert engine.send(request_to(server)).status == 200
        child = fork_quietly()
        if child == 0:
            status = 1
            try:
                engine.close()  # of the parent's pools: nothing
                status = 0 if engine.send(request_to(server)).status == 200 else 2
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert engine.send(request_to(server)).status == 200
        assert server.connections == 2, "the child's own, and the parent's, which still works"
    engine.close()


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("how", ["close", "abandon"])
@pytest.mark.parametrize("side", SIDES, ids=str)
def test_a_child_process_that_gives_up_its_copy_of_a_stream_leaves_the_parents_alone(
    side: Side, how: str, secured: bool
) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(chunked(b"one", end=False))
        over.wait(5)
        peer.say(chunk(b"two") + b"0\r\n\r\n")

    async def scenario(engine: Any) -> list[bytes]:
        chunks = (await engine.asend(request_to(server, stream=True))).chunks
        got = [await chunks.aread(5.0)]
        in_a_child(getattr(chunks._below if side.blocking else chunks, how))
        over.set()
        got += [await chunks.aread(5.0), await chunks.aread(5.0)]
        await chunks.aclose()
        return got

    over = threading.Event()
    ca, trusting = authority()
    with FaultServer(script, server_tls(ca.issue_cert("127.0.0.1")) if secured else None) as server:
        assert side.run(scenario, tls=trusting) == [b"one", b"two", b""]


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "TLS"])
def test_nor_does_that_copy_hold_open_what_the_parent_closes(secured: bool) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(chunked(b"one", end=False))
        peer.wait_for_goodbye()

    ca, trusting = authority()
    engine = Httpx2Engine(tls=trusting)
    stays, goes = os.pipe()
    with FaultServer(script, server_tls(ca.issue_cert("127.0.0.1")) if secured else None) as server:
        chunks = engine.send(request_to(server, stream=True)).chunks
        assert chunks is not None
        child = fork_quietly()
        if child == 0:
            try:
                os.close(goes)
                chunks.abandon()
                os.read(stays, 1)
            finally:
                os._exit(0)
        chunks.close()
        assert server.goodbyes.wait(5)
        os.close(goes)
        os.waitpid(child, 0)
    os.close(stays)
    engine.close()


def in_a_child(deed: Callable[[], object]) -> None:
    """Do it in a copy of this process, which then ends."""
    child = fork_quietly()
    if child == 0:
        try:
            deed()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def fork_quietly() -> int:
    """Newer Pythons warn of threads; the server's are the parent's business."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


@pytest.mark.parametrize("handed_in", [False, True])
def test_abandoned_blocking_streams_give_their_places_in_the_pool_back(
    handed_in: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (httpx2_pools, roster):
        monkeypatch.setattr(module, "MAX_CONNECTIONS", 1)
    client = httpx2.Client(limits=httpx2.Limits(max_connections=1)) if handed_in else None
    engine = Httpx2Engine(client)
    with FaultServer(always(chunked(b"x" * 1000, b"y" * 1000))) as server:
        for _ in range(3):
            chunks = engine.send(request_to(server, stream=True, timeout=1.0)).chunks
            assert chunks is not None
            chunks.read(1.0)
            chunks.abandon()
        assert engine.send(request_to(server, timeout=1.0)).status == 200
    engine.close()
    engine.close()
    if client is not None:
        client.close()


def test_a_thread_that_opens_pools_a_moment_later_takes_no_abandoned_stream_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (httpx2_pools, roster):
        monkeypatch.setattr(module, "MAX_CONNECTIONS", 1)
    engine = Httpx2Engine()
    with FaultServer(always(chunked(b"x" * 1000, b"y" * 1000))) as server:
        chunks = engine.send(request_to(server, stream=True)).chunks
        assert chunks is not None
        engine._open_blocking()  # by a thread that had found none, too
        chunks.abandon()
        assert engine.send(request_to(server, timeout=1.0)).status == 200
    engine.close()


def test_ctrl_c_passes_through_and_drops_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Httpx2Engine()
    with FaultServer(always(answer())) as server:
        engine.send(request_to(server))

        def interrupted(*_: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(http1.Reading, "on_header", interrupted)  # deep down, called by the parser
            with pytest.raises(KeyboardInterrupt):
                engine.send(request_to(server))
        assert engine.send(request_to(server)).status == 200
        assert server.connections == 2
    engine.close()


def handler(request: httpx2.Request) -> httpx2.Response:
    if request.url.path == "/slow":
        raise httpx2.ReadTimeout("too slow, api-key: canary", request=request)
    if request.url.path == "/stream":
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=b"data: 1\n\n")
    return httpx2.Response(307, headers={"Location": "https://b.example/"}, content=request.content)


def test_a_blocking_client_that_is_handed_in_serves_and_stays_open() -> None:
    client = httpx2.Client(transport=httpx2.MockTransport(handler), follow_redirects=True)
    engine = Httpx2Engine(client)
    assert engine.send(Request("POST", "https://a.example/x", {}, b"{}")).body == b"{}"
    with pytest.raises(Breakdown) as caught:
        engine.send(Request("POST", "https://a.example/slow", {}, b"{}"))
    assert caught.value.kind is Kind.TIMEOUT
    assert "canary" not in str(caught.value)
    chunks = engine.send(Request("POST", "https://a.example/stream", {}, b"{}", stream=True)).chunks
    assert chunks is not None
    assert (chunks.read(1.0), chunks.read(1.0)) == (b"data: 1\n\n", b"")
    chunks.close()
    engine.close()
    assert not client.is_closed
    client.close()
    assert "the caller's httpx2.Client" in repr(engine)


async def test_an_awaiting_client_that_is_handed_in_serves_and_stays_open() -> None:
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(handler)) as client:
        engine = Httpx2Engine(async_client=client)
        assert (await engine.asend(Request("POST", "https://a.example/x", {}, b"{}"))).status == 307
        with pytest.raises(Breakdown) as caught:
            await engine.asend(Request("POST", "https://a.example/slow", {}, b"{}"))
        assert caught.value.kind is Kind.TIMEOUT
        chunks = (await engine.asend(Request("POST", "https://a.example/stream", {}, b"{}", stream=True))).chunks
        assert chunks is not None
        assert [await chunks.aread(1.0), await chunks.aread(1.0)] == [b"data: 1\n\n", b""]
        await chunks.aclose()
        await engine.aclose()
        assert not client.is_closed


async def test_a_stream_of_a_client_handed_in_whose_read_was_cancelled_does_not_seem_to_end() -> None:
    """Such a client has closed it by then."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.say(chunked(b"one", end=False))
        peer.wait_for_goodbye()

    with FaultServer(script) as server:
        async with httpx2.AsyncClient() as client:
            answer = await Httpx2Engine(async_client=client).asend(request_to(server, stream=True))
            chunks = answer.chunks
            assert chunks is not None
            assert await chunks.aread(5.0) == b"one"
            async with anyio.create_task_group() as group:
                group.start_soon(chunks.aread, 5.0)
                await anyio.wait_all_tasks_blocked()
                group.cancel_scope.cancel()
            with pytest.raises(Breakdown):
                await chunks.aread(5.0)
            await chunks.aclose()


def test_a_client_with_real_sockets_is_cut_off_between_the_bytes_that_trickle() -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        peer.trickle(b"a" * 1000)

    started = time.monotonic()
    with FaultServer(script) as server, httpx2.Client() as client:
        with pytest.raises(Breakdown) as caught:
            Httpx2Engine(client).send(request_to(server, timeout=0.3))
        assert caught.value.kind is Kind.TIMEOUT
    assert time.monotonic() - started < 2


def test_the_exceptions_of_the_older_httpx_are_known_by_their_names() -> None:
    class RequestError(Exception):
        pass

    class ConnectError(RequestError):
        pass

    class RemoteProtocolError(RequestError):
        pass

    class SomethingNew(ConnectError):
        pass

    assert kind_of([ConnectError("refused")]) is Kind.CONNECT
    assert kind_of([SomethingNew("refused")]) is Kind.CONNECT
    assert kind_of([RemoteProtocolError("Server disconnected without sending a response.")]) is Kind.RESET
    assert kind_of([RequestError("?")]) is Kind.PROTOCOL


def test_importing_the_engines_imports_no_library() -> None:
    import subprocess
    import sys

    code = (
        "import sys, router.azure.engines.aiohttp_engine as a, router.azure.engines.httpx2_engine as b;"
        "a.AiohttpEngine(); b.Httpx2Engine();"
        "print([m for m in ('aiohttp', 'httpx2', 'httpcore2', 'truststore', 'trio') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_aiohttp_cannot_block() -> None:
    with pytest.raises(TypeError, match="asyncio only"):
        AiohttpEngine().send(Request("POST", "http://a.example", {}, b""))


def test_a_loop_that_was_closed_without_ceremony_is_forgotten() -> None:
    engine = AiohttpEngine()

    async def call() -> Answer:
        return await engine.asend(request_to(server))

    with FaultServer(always(answer())) as server:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(call())
        loop.run_until_complete(engine.aclose())
        loop.close()
        asyncio.run(call())
        asyncio.run(call())
        assert len(engine._clients) == 1, "the last loop's, until the next one comes"


def test_chunks_are_read_one_by_one_as_they_come(side: Side) -> None:
    gate = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.say(chunked(b"1", end=False))
        gate.wait(5)
        peer.say(chunk(b"2") + b"0\r\n\r\n")

    async def scenario(engine: Any) -> list[bytes]:
        chunks = (await engine.asend(request_to(server, stream=True))).chunks
        first = await chunks.aread(2.0)
        gate.set()
        return [first, await chunks.aread(2.0), await chunks.aread(2.0)]

    with FaultServer(script) as server:
        assert side.run(scenario) == [b"1", b"2", b""]
