"""What the sockets below our connections notice: what nobody asked for, and how long things take."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import anyio
import httpcore2
import pytest

from router.azure.engines import Breakdown, Request, Streamed, httpx2_pools, httpx2_sockets, roster
from router.azure.engines.httpx2_engine import Httpx2Engine
from router.azure.engines.httpx2_sockets import AwaitingBackend
from router.values import Kind
from tests.azure.fault_server import (
    FaultServer,
    Peer,
    always,
    answer,
    authority,
    chunked,
    full_backlog,
    server_tls,
)

from .sides import HTTPX2_ASYNCIO, HTTPX2_BLOCKING, HTTPX2_TRIO, Side

OURS = [HTTPX2_BLOCKING, HTTPX2_TRIO, HTTPX2_ASYNCIO]


class Secured:
    """The server's end of TLS over any socket, so over TLS too; each piece is a record of its own."""

    def __init__(self, below: Any, context: ssl.SSLContext) -> None:
        self._below = below
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._until_done(self._tls.do_handshake)

    def recv(self, size: int) -> bytes:
        data: bytes = self._until_done(self._tls.read, size)
        return data

    def sendall(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._tls.write(piece)
        self._below.sendall(self._outgoing.read())

    def end(self) -> None:
        """Say that no more will come, and keep the connection open."""
        with pytest.raises(ssl.SSLWantReadError):
            self._tls.unwrap()
        self._below.sendall(self._outgoing.read())

    def _until_done(self, deed: Callable[..., Any], *args: Any) -> Any:
        while True:
            try:
                result = deed(*args)
            except ssl.SSLWantReadError:
                self._below.sendall(self._outgoing.read())
                if not self._incoming.write(self._below.recv(65536)):
                    self._incoming.write_eof()
            else:
                self._below.sendall(self._outgoing.read())
                return result


@pytest.mark.parametrize("behind", ["nothing", "an answer", "an answer, in one record of the proxy", "the end"])
@pytest.mark.parametrize("way", ["straight", "by a proxy", "by a secured proxy"])
@pytest.mark.parametrize("side", OURS, ids=str)
def test_what_came_over_tls_behind_an_answer_is_no_answer_to_the_next_call(
    side: Side, way: str, behind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It came in one packet with the answer."""
    ca, trusting = authority()
    host = "127.0.0.1" if way == "straight" else f"{os.urandom(4).hex()}.example"  # remembered per address
    inner, outer = (server_tls(ca.issue_cert(name)) for name in (host, "127.0.0.1"))

    def script(peer: Peer) -> None:
        if way != "straight":
            peer.request()
            peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
        line = Secured(peer._sock, inner)
        inside = Peer(line, server)  # type: ignore[arg-type]
        inside.request()
        peer._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        if "one record" in behind:
            line.sendall(answer({"n": 1}), answer({"n": "not yours"}))
        else:
            inside.say(answer({"n": 1}))
        if behind == "an answer":
            inside.say(answer({"n": "not yours"}))
        elif behind == "the end":
            line.end()
        peer._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        if inside.request():
            inside.say(answer({"n": 2}))

    async def scenario(engine: Any) -> list[bytes]:
        request = Request("POST", f"https://{host}:{server.port}/x", {}, b"{}", timeout=5.0)
        return [(await engine.asend(request)).body for _ in range(2)]

    with FaultServer(script, outer if way == "by a secured proxy" else None) as server:
        if way != "straight":
            scheme = "https" if way == "by a secured proxy" else "http"
            monkeypatch.setenv("https_proxy", f"{scheme}://127.0.0.1:{server.port}")
            ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))  # whereby the proxy is trusted
        bodies = side.run(scenario, tls=trusting)
    second = b'{"n": 2}' if behind == "nothing" else b'{"n": 1}'
    assert (bodies, server.connections) == ([b'{"n": 1}', second], 1 if behind == "nothing" else 2)


@pytest.mark.parametrize("side", [HTTPX2_BLOCKING, HTTPX2_TRIO], ids=str)
@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ("silent well", 200),
        ("refused well", 200),
        ("refused refused", (Kind.CONNECT, False)),
        ("refused silent", (Kind.CONNECT_TIMEOUT, False)),
        ("silent refused", (Kind.CONNECT_TIMEOUT, False)),
    ],
)
def test_a_host_is_reached_by_whichever_of_its_addresses_answers(
    side: Side, addresses: str, expected: int | tuple[Kind, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(engine: Any) -> int | tuple[Kind, bool]:
        seconds = 10.0 if expected == 200 else 0.2
        request = Request("POST", f"http://several.example:{server.port}/x", {}, b"{}", connect_timeout=seconds)
        try:
            return (await engine.asend(request)).status  # type: ignore[no-any-return]
        except Breakdown as broken:
            messages.append(broken.message)
            return broken.kind, broken.sent

    def resolved(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host != "several.example":
            return resolve(host, port, *args, **kwargs)
        hosts = {"well": "127.0.0.1", "silent": "127.0.0.2", "refused": "127.0.0.3"}
        found = [(hosts[name], port) for name in addresses.split()]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in found]

    messages: list[str] = []
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    with FaultServer(always(answer())) as server, full_backlog("127.0.0.2", server.port):
        assert side.run(scenario) == expected
    assert expected != (Kind.CONNECT, False) or "refused" in messages[0]


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "TLS"])
def test_a_service_that_reads_slowly_gets_no_more_time(secured: bool) -> None:
    def script(peer: Peer) -> None:
        while not server.stopped.wait(0.01):
            for _ in range(10):
                if not peer._sock.recv(2**14):
                    return

    async def scenario(engine: Any) -> Breakdown:
        with pytest.raises(Breakdown) as caught:
            await engine.asend(Request("POST", server.url, {}, b"x" * 2**25, timeout=0.3))
        return caught.value

    ca, trusting = authority()
    with FaultServer(script, server_tls(ca.issue_cert("127.0.0.1")) if secured else None) as server:
        started = time.monotonic()
        broken = HTTPX2_BLOCKING.run(scenario, tls=trusting)
        assert time.monotonic() - started < 1, "for the whole request it takes twice as long"
    assert (broken.kind, broken.sent) == (Kind.TIMEOUT, True)


@pytest.mark.parametrize("proxied", [False, True], ids=["straight", "by a proxy"])
def test_a_call_keeps_to_its_time_though_its_body_is_made_by_another(
    proxied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fetched:
        size = 4

        def parts(self) -> Iterator[bytes]:
            for _ in range(2):
                yield engine.send(Request("GET", server.url, {}, b"", timeout=10.0)).body

    def script(peer: Peer) -> None:
        while request := peer.request():
            if request.startswith(b"POST"):
                peer.hang()
            peer.say(answer())

    engine = Httpx2Engine()
    with FaultServer(script) as server:
        url = server.url
        if proxied:
            monkeypatch.setenv("http_proxy", url)
            url = f"http://{os.urandom(4).hex()}.example/x"
        started = time.monotonic()
        with pytest.raises(Breakdown) as caught:
            engine.send(Request("POST", url, {}, cast("Streamed", Fetched()), timeout=0.2))
        assert time.monotonic() - started < 5
        assert (caught.value.kind, caught.value.sent) == (Kind.TIMEOUT, True)
        assert server.requests[-1].endswith(b"\r\n\r\n{}{}")
    engine.close()


@pytest.mark.parametrize("side", [HTTPX2_TRIO, HTTPX2_ASYNCIO], ids=str)
def test_the_time_for_connecting_is_for_tls_as_well(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if TCP had taken nearly all of it: a busy machine needs some time for that, too."""

    async def scenario(_: Any) -> None:
        stream = await AwaitingBackend().connect_tcp("127.0.0.1", server.port, 4.0)
        monkeypatch.setattr(httpx2_sockets, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 3.9))
        with pytest.raises(httpcore2.ConnectTimeout):
            await stream.start_tls(ssl.create_default_context(), "127.0.0.1", 10.0)

    started = time.monotonic()
    with FaultServer(Peer.hang) as server:
        side.run(scenario)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("side", [HTTPX2_TRIO, HTTPX2_ASYNCIO], ids=str)
def test_a_call_that_had_to_wait_before_it_could_connect_was_not_sent(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no more time for connecting than is left of its own."""
    for module in (httpx2_pools, roster):
        monkeypatch.setattr(module, "MAX_CONNECTIONS", 1)
    monkeypatch.setattr(httpx2_pools, "PATIENCE", 0.6)

    def script(peer: Peer) -> None:
        if server.connections == 1:
            peer.request()
            peer.say(chunked(b"data: 1\n\n", end=False))
        peer.hang()

    async def scenario(engine: Any) -> Breakdown:
        async def second() -> None:
            with pytest.raises(Breakdown) as caught:
                await engine.asend(Request("POST", server.url.replace("http:", "https:"), {}, b"{}", timeout=1.0))
            broken.append(caught.value)

        broken: list[Breakdown] = []
        first = (await engine.asend(Request("POST", server.url, {}, b"{}", stream=True))).chunks
        async with anyio.create_task_group() as group:
            group.start_soon(second)
            await anyio.sleep(0.3)
            await first.aclose()
        return broken[0]

    with FaultServer(script) as server:
        broken = side.run(scenario)
    assert (broken.kind, broken.sent) == (Kind.CONNECT_TIMEOUT, False)
