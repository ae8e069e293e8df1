"""Requests that a service does not read to their end, on connections of our own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import httpcore2
import pytest

from router.azure.engines import KEEP_ALIVE_S, MAX_CONNECTIONS, Breakdown, Request
from router.azure.engines.httpx2_connections import AwaitingConnection, BlockingConnection
from router.azure.engines.httpx2_messages import target_of
from router.azure.engines.httpx2_pools import AwaitingPools
from router.values import Kind
from tests.azure.fault_server import FaultServer, Peer, always, answer, authority, server_tls

from .sides import HTTPX2_ASYNCIO, HTTPX2_BLOCKING, HTTPX2_TRIO, Side

OURS = [HTTPX2_BLOCKING, HTTPX2_TRIO, HTTPX2_ASYNCIO]


class Parts:
    """A body of many parts, which knows whether it was left open."""

    def __init__(self, size: int | None) -> None:
        self.size = size
        self.open = 0

    def parts(self) -> Iterator[bytes]:
        self.open += 1
        try:
            for _ in range(400):
                yield b"x" * 100_000
        finally:
            self.open -= 1

    async def aparts(self) -> AsyncGenerator[bytes, None]:
        for part in self.parts():
            yield part


@pytest.mark.parametrize("size", [None, 40_000_000], ids=["in chunks", "announced"])
@pytest.mark.parametrize("side", OURS, ids=str)
def test_a_body_that_is_refused_half_way_is_closed_and_the_next_call_is_well(side: Side, size: int | None) -> None:
    body = Parts(size)

    def script(peer: Peer) -> None:
        if server.connections == 1:
            peer.say(answer(status=413))
        else:
            always(answer())(peer)

    async def scenario(engine: Any) -> list[int | Kind]:
        got: list[int | Kind] = []
        for sent in (body, b"{}"):
            try:
                got.append((await engine.asend(Request("POST", server.url, {}, sent, timeout=5.0))).status)
            except Breakdown as broken:
                got.append(broken.kind)
            assert body.open == 0
        return got

    with FaultServer(script) as server:
        first, second = side.run(scenario)
    assert first in (413, Kind.RESET), "the reset may overtake the answer"
    assert second == 200


@pytest.mark.parametrize("size", [40_000_000, 0], ids=["in memory", "in chunks"])
@pytest.mark.parametrize("secured", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("side", OURS, ids=str)
def test_an_answer_is_seen_though_the_service_reads_no_further(side: Side, secured: bool, size: int) -> None:
    """It keeps the connection open, too, so a write to it would wait for ever."""

    def script(peer: Peer) -> None:
        if server.connections == 1:
            peer.say(answer({"n": 1}, status=413))
            peer.hang()
        else:
            always(answer())(peer)

    async def scenario(engine: Any) -> list[tuple[int, bytes]]:
        got = []
        for sent in (body, b"{}"):
            result = await engine.asend(Request("POST", server.url, {}, sent, timeout=20.0))
            got.append((result.status, result.body))
        return got

    body: Any = b"x" * size or Parts(None)
    ca, trusting = authority()
    with FaultServer(script, server_tls(ca.issue_cert("127.0.0.1")) if secured else None) as server:
        assert side.run(scenario, tls=trusting) == [(413, b'{"n": 1}'), (200, b"{}")]
        assert server.connections == 2
    assert size or body.open == 0


@pytest.mark.parametrize(
    ("early", "late", "length"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\n", answer(b"{}"), 2),
        (answer(b"{}")[:-2], b"{}", 2),
        (answer(b"x" * 3_000_000)[:-1], b"x", 3_000_000),
    ],
    ids=["interim", "begun", "more than is heard early"],
)
@pytest.mark.parametrize("side", OURS, ids=str)
def test_a_request_is_written_to_its_end_while_its_answer_is_not_whole(
    side: Side, early: bytes, late: bytes, length: int
) -> None:
    read: list[int] = []

    def script(peer: Peer) -> None:
        peer.say(early)
        read.append(peer.swallow())
        peer.say(late)

    async def scenario(engine: Any) -> tuple[int, int]:
        result = await engine.asend(Request("POST", server.url, {}, b"x" * 2**25, timeout=20.0))
        return result.status, len(result.body)

    with FaultServer(script) as server:
        assert side.run(scenario) == (200, length)
    assert read == [2**25]


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("side", OURS, ids=str)
def test_a_long_request_whose_answer_comes_after_it_leaves_its_connection_to_others(side: Side, secured: bool) -> None:
    async def scenario(engine: Any) -> list[int]:
        request = Request("POST", server.url, {}, b"x" * 200_000, timeout=20.0)
        return [(await engine.asend(request)).status for _ in range(20)]

    ca, trusting = authority()
    with FaultServer(always(answer()), server_tls(ca.issue_cert("127.0.0.1")) if secured else None) as server:
        assert side.run(scenario, tls=trusting) == [200] * 20
        assert server.connections == 1


@pytest.mark.parametrize("side", OURS, ids=str)
def test_a_body_that_fails_says_so_itself(side: Side) -> None:
    class Torn(Parts):
        def parts(self) -> Iterator[bytes]:
            yield b"x" * 100_000
            raise Breakdown(Kind.TRUNCATED, "the file has become shorter", sent=True)

    async def scenario(engine: Any) -> str:
        with pytest.raises(Breakdown) as caught:
            await engine.asend(Request("POST", server.url, {}, Torn(None), timeout=5.0))
        return caught.value.message

    with FaultServer(Peer.hang) as server:
        assert side.run(scenario) == "the file has become shorter"


class Deaf(httpcore2.NetworkStream):
    """A connection of a service that takes no more, and has said why."""

    def write(self, buffer: bytes, timeout: float | None = None, hear: Any = None) -> None:
        raise httpcore2.WriteError

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return answer(status=413)


class DeafAwaiting(httpcore2.AsyncNetworkStream):
    """The same, awaiting."""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        raise httpcore2.WriteError

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return answer(status=413)


def test_an_answer_to_half_a_request_counts_and_the_connection_serves_no_other() -> None:
    connection = BlockingConnection((False, "a", 80), {})
    connection.stream = Deaf()
    reading = connection.send(b"POST", b"/", [(b"content-length", b"2")], [b"{}"])
    assert (reading.status, reading.reusable, connection.is_done(reading)) == (413, True, False)


async def test_the_same_awaiting() -> None:
    connection = AwaitingConnection((False, "a", 80), {})
    connection.stream = DeafAwaiting()
    reading = await connection.send(b"POST", b"/", [(b"content-length", b"2")], b"{}", 1.0)
    assert (reading.status, reading.reusable, connection.is_done(reading)) == (413, True, False)


def test_a_task_that_is_cancelled_while_old_connections_are_closed_keeps_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio's own cancellation knows no shield."""

    async def scenario() -> tuple[int, int]:
        pools = AwaitingPools(None)
        old = AwaitingConnection(target_of(request.url).origin, {})
        pools._roster.give_back(old, -KEEP_ALIVE_S, keep=True)
        monkeypatch.setattr(AwaitingConnection, "aclose", lambda self: asyncio.sleep(5 if self is old else 0))
        call = asyncio.create_task(pools.send(request))
        await asyncio.sleep(0.05)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        return len(pools._roster), pools._places.value

    request = Request("POST", "http://127.0.0.1:9/x", {}, b"{}", timeout=5.0)
    assert asyncio.run(scenario()) == (0, MAX_CONNECTIONS)
