"""The bodies of streamed answers, on every engine."""

from __future__ import annotations

import threading
import time
import zlib
from typing import Any

import anyio
import pytest

from router.azure.engines import Answer, Breakdown, Request, aiohttp_client, http1, httpx2_pools, roster
from router.values import Kind
from tests.azure.fault_server import FaultServer, Peer, Script, always, answer, authority, chunk, chunked, server_tls

from .sides import AWAITING, HTTPX2_BLOCKING, SIDES, Side

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(params=SIDES, ids=str)
def side(request: pytest.FixtureRequest) -> Side:
    """Each of the four ways."""
    return request.param  # type: ignore[no-any-return]


def stream_of(server: FaultServer, **changes: Any) -> Request:
    return Request("POST", server.url, {}, b"{}", stream=True, **({"timeout": 5.0} | changes))


def read_all(side: Side, script: Script, timeout: float = 5.0) -> tuple[bytes, Breakdown | None]:
    """What came, and what ended it."""

    async def scenario(engine: Any) -> tuple[bytes, Breakdown | None]:
        got = b""
        chunks = (await engine.asend(stream_of(server))).chunks
        try:
            while data := await chunks.aread(timeout):
                got += data
        except Breakdown as error:
            return got, error
        finally:
            await chunks.aclose()
        return got, None

    with FaultServer(script) as server:
        return side.run(scenario)


def test_the_bytes_come_as_they_were_sent_and_end_cleanly(side: Side) -> None:
    parts = [b"data: %d\n\n" % number for number in range(50)]
    assert read_all(side, always(chunked(*parts))) == (b"".join(parts), None)


def test_chunks_that_came_together_are_read_together(side: Side) -> None:
    parts = [b"data: %d\n\n" % number for number in range(50)]

    async def scenario(engine: Any) -> list[bytes]:
        chunks = (await engine.asend(stream_of(server))).chunks
        got = [await chunks.aread(5.0), await chunks.aread(5.0)]
        await chunks.aclose()
        return got

    with FaultServer(always(chunked(*parts))) as server:
        assert side.run(scenario) == [b"".join(parts), b""]


def test_the_headers_are_handed_back_before_the_body_has_come(side: Side) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(HEAD)
        peer.wait_for_goodbye()

    async def scenario(engine: Any) -> Answer:
        answer: Answer = await engine.asend(stream_of(server))
        assert answer.chunks is not None
        await answer.chunks.aclose()
        return answer

    with FaultServer(script) as server:
        result = side.run(scenario)
        assert result.headers["content-type"] == "text/event-stream"


@pytest.mark.parametrize(
    ("status", "kind"), [(429, "application/json"), (200, "application/json"), (200, "text/html"), (307, "x")]
)
def test_what_is_no_stream_is_read_whole(side: Side, status: int, kind: str) -> None:
    async def scenario(engine: Any) -> Answer:
        result: Answer = await engine.asend(stream_of(server))
        return result

    with FaultServer(always(answer(b'{"x": 1}', status, kind))) as server:
        result = side.run(scenario)
    assert (result.status, result.body, result.chunks) == (status, b'{"x": 1}', None)


def test_a_stream_that_is_cut_is_truncated_after_what_had_come(side: Side) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(HEAD + chunk(b"data: 1\n\n"))
        time.sleep(0.05)

    got, error = read_all(side, script)
    assert got == b"data: 1\n\n"
    assert error is not None
    assert (error.kind, error.sent) == (Kind.TRUNCATED, True)
    assert error.__context__ is None


def test_a_stream_that_is_reset_is_a_reset(side: Side) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(HEAD + chunk(b"data: 1\n\n"))
        time.sleep(0.05)
        peer.reset()

    got, error = read_all(side, script)
    assert got == b"data: 1\n\n"
    assert error is not None
    assert error.kind is Kind.RESET


def test_silence_between_bytes_ends_at_the_timeout_of_that_read(side: Side) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(HEAD + chunk(b"data: 1\n\n"))
        peer.wait_for_goodbye()

    started = time.monotonic()
    got, error = read_all(side, script, timeout=0.1)
    assert got == b"data: 1\n\n"
    assert error is not None
    assert (error.kind, error.sent) == (Kind.TIMEOUT, True)
    assert "127.0.0.1" in error.message
    assert time.monotonic() - started < 2


def test_a_stream_may_last_longer_than_the_time_for_its_headers(side: Side) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(HEAD)
        for number in range(4):
            time.sleep(0.1)
            peer.say(chunk(b"%d" % number))
        peer.say(b"0\r\n\r\n")

    async def scenario(engine: Any) -> bytes:
        chunks = (await engine.asend(stream_of(server, timeout=0.3))).chunks
        got = b""
        while data := await chunks.aread(1.0):
            got += data
        await chunks.aclose()
        return got

    with FaultServer(script) as server:
        assert side.run(scenario) == b"0123"


def test_headers_that_do_not_come_end_at_the_timeout(side: Side) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.hang()

    async def scenario(engine: Any) -> Kind | None:
        try:
            await engine.asend(stream_of(server, timeout=0.1))
        except Breakdown as error:
            return error.kind
        return None

    with FaultServer(script) as server:
        assert side.run(scenario) is Kind.TIMEOUT


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("how", ["aclose", "abandon"])
def test_a_stream_that_is_given_up_hangs_up_at_once(side: Side, how: str, secured: bool) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(HEAD + chunk(b"data: 1\n\n"))
        peer.wait_for_goodbye()

    async def scenario(engine: Any) -> bool:
        chunks = (await engine.asend(stream_of(server))).chunks
        await chunks.aread(1.0)
        if how == "aclose":
            await chunks.aclose()
            await chunks.aclose()
        else:
            chunks.abandon()
        for _ in range(100):
            if server.goodbyes.is_set():
                return True
            await anyio.sleep(0.01)
        return False

    ca, trusting = authority()
    with FaultServer(script, server_tls(ca.issue_cert("127.0.0.1")) if secured else None) as server:
        assert side.run(scenario, tls=trusting)


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "TLS"])
def test_a_stream_is_given_up_without_waiting_for_the_goodbye_of_a_service_that_hangs(
    side: Side, secured: bool
) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(HEAD + chunk(b"data: 1\n\n"))
        peer.hang()

    async def scenario(engine: Any) -> None:
        chunks = (await engine.asend(stream_of(server))).chunks
        await chunks.aread(1.0)
        await chunks.aclose()

    ca, trusting = authority()
    with FaultServer(script, server_tls(ca.issue_cert("127.0.0.1")) if secured else None) as server:
        side.run(scenario, tls=trusting)  # which warns, an error here, of a socket that is left open


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("side", AWAITING, ids=str)
def test_a_stream_that_is_closed_while_another_task_reads_it_ends_that_read_and_gives_its_place_back(
    side: Side, secured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (aiohttp_client, httpx2_pools, roster):
        monkeypatch.setattr(module, "MAX_CONNECTIONS", 1)

    def script(peer: Peer) -> None:
        peer.request()
        peer.say(chunked(b"data: 1\n\n", end=server.connections > 1))
        peer.wait_for_goodbye()

    async def scenario(engine: Any) -> list[Kind]:
        ended: list[Kind] = []
        chunks = (await engine.asend(stream_of(server))).chunks
        await chunks.aread(5.0)

        async def reader() -> None:
            with pytest.raises(Breakdown) as caught:
                await chunks.aread(5.0)
            ended.append(caught.value.kind)

        async with anyio.create_task_group() as group:
            group.start_soon(reader)
            await anyio.wait_all_tasks_blocked()
            await chunks.aclose()
        second = (await engine.asend(stream_of(server))).chunks
        await second.aclose()
        return ended

    ca, trusting = authority()
    with FaultServer(script, server_tls(ca.issue_cert("127.0.0.1")) if secured else None) as server:
        assert side.run(scenario, tls=trusting) == [Kind.RESET]
        assert server.goodbyes.wait(5)


@pytest.mark.parametrize("compressed", [False, True], ids=["as it is", "compressed"])
@pytest.mark.parametrize("side", AWAITING, ids=str)
def test_a_read_that_is_cancelled_is_no_end_and_the_next_one_reads_on(side: Side, compressed: bool) -> None:
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    head, one, two = HEAD, b"one", b"two"
    if compressed:
        head = HEAD.replace(b"\r\n", b"\r\nContent-Encoding: gzip\r\n", 1)
        one = packer.compress(one) + packer.flush(zlib.Z_SYNC_FLUSH)
        two = packer.compress(two) + packer.flush()

    def script(peer: Peer) -> None:
        peer.request()
        peer.say(head + chunk(one))
        cancelled.wait(5)
        peer.say(chunk(two) + b"0\r\n\r\n")

    async def scenario(engine: Any) -> list[bytes]:
        chunks = (await engine.asend(stream_of(server))).chunks
        got = [await chunks.aread(5.0)]
        async with anyio.create_task_group() as group:
            group.start_soon(chunks.aread, 5.0)
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        cancelled.set()
        got += [await chunks.aread(5.0), await chunks.aread(5.0)]
        await chunks.aclose()
        return got

    cancelled = threading.Event()
    with FaultServer(script) as server:
        assert side.run(scenario) == [b"one", b"two", b""]


def test_neither_is_a_read_into_which_ctrl_c_struck(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    async def scenario(engine: Any) -> None:
        chunks = (await engine.asend(stream_of(server))).chunks
        begun.set()
        with pytest.raises(KeyboardInterrupt):
            await chunks.aread(5.0)
        with pytest.raises(Breakdown):
            await chunks.aread(5.0)
        await chunks.aclose()

    def script(peer: Peer) -> None:
        peer.request()
        peer.say(HEAD)
        begun.wait(5)
        peer.say(chunk(b"one") + b"0\r\n\r\n")

    monkeypatch.setattr(http1.Reading, "on_body", interrupted)  # deep down, called by the parser
    begun = threading.Event()
    with FaultServer(script) as server:
        HTTPX2_BLOCKING.run(scenario)


def test_a_broken_stream_stays_broken(side: Side) -> None:
    async def scenario(engine: Any) -> list[Kind]:
        chunks = (await engine.asend(stream_of(server))).chunks
        await chunks.aread(5.0)
        kinds = []
        for _ in range(3):
            with pytest.raises(Breakdown) as caught:
                await chunks.aread(5.0)
            kinds.append(caught.value.kind)
        await chunks.aclose()
        return kinds

    def script(peer: Peer) -> None:
        peer.request()
        peer.say_and_close(HEAD + chunk(b"data: 1\n\n"))

    with FaultServer(script) as server:
        assert side.run(scenario) == [Kind.TRUNCATED] * 3


def test_the_connection_of_a_stream_that_was_read_is_used_again(side: Side) -> None:
    async def scenario(engine: Any) -> None:
        for _ in range(3):
            chunks = (await engine.asend(stream_of(server))).chunks
            while await chunks.aread(1.0):
                pass
            await chunks.aclose()

    with FaultServer(always(chunked(b"data: 1\n\n"))) as server:
        side.run(scenario)
        assert (server.connections, len(server.requests)) == (1, 3)


def test_the_connection_of_a_stream_that_was_not_read_is_not_used_again(side: Side) -> None:
    async def scenario(engine: Any) -> None:
        for _ in range(2):
            chunks = (await engine.asend(stream_of(server))).chunks
            await chunks.aclose()

    with FaultServer(always(chunked(*[b"data: 1\n\n" * 1000] * 100))) as server:
        side.run(scenario)
        assert server.connections == 2


def test_a_stream_that_is_opened_one_way_cannot_be_read_the_other(side: Side) -> None:
    async def scenario(engine: Any) -> None:
        chunks = (await engine.asend(stream_of(server))).chunks
        if side.blocking:
            with pytest.raises(TypeError, match="blocking"):
                await chunks._below.aread(1.0)
        else:
            with pytest.raises(TypeError, match="await"):
                chunks.read(1.0)
        await chunks.aclose()

    with FaultServer(always(chunked(b"x"))) as server:
        side.run(scenario)
