"""Every engine meets the same faults with the same kinds: the upstream part of the fault catalogue."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import logging
import socket
import ssl
import threading
import time
import traceback
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from router.azure.engines import Answer, Breakdown, Request, surroundings
from router.azure.engines.tls_sessions import ResumingContext
from router.values import Kind
from tests.azure.fault_server import (
    FaultServer,
    Peer,
    Script,
    always,
    answer,
    authority,
    chunked,
    closed_port,
    full_backlog,
    server_tls,
)

from .sides import AIOHTTP, AWAITING, HTTPX2_ASYNCIO, HTTPX2_BLOCKING, HTTPX2_TRIO, SIDES, Side

SECRET = "sk-canary-5f0e"


@pytest.fixture(params=SIDES, ids=str)
def side(request: pytest.FixtureRequest) -> Side:
    """Each of the four ways."""
    return request.param  # type: ignore[no-any-return]


def request_to(url: str, **changes: Any) -> Request:
    settings: dict[str, Any] = {"timeout": 5.0, "headers": {"api-key": SECRET}, "body": b'{"a": 1}'} | changes
    return Request("POST", url, settings.pop("headers"), settings.pop("body"), **settings)


def outcome(side: Side, request: Request, tls: ssl.SSLContext | None = None) -> Answer | Breakdown:
    async def scenario(engine: Any) -> Answer | Breakdown:
        try:
            return await engine.asend(request)  # type: ignore[no-any-return]
        except Breakdown as error:
            return error

    return side.run(scenario, tls=tls)


def broken(side: Side, request: Request, tls: ssl.SSLContext | None = None) -> Breakdown:
    result = outcome(side, request, tls)
    assert isinstance(result, Breakdown), result
    assert SECRET not in str(result)
    assert result.__cause__ is None
    assert result.__context__ is None, "a chained traceback holds the request's headers"
    return result


def broken_by(side: Side, script: Script, **changes: Any) -> Breakdown:
    with FaultServer(script) as server:
        return broken(side, request_to(server.url, **changes))


def said(data: bytes) -> Script:
    """Read a request, say this, and close."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.say_and_close(data)

    return script


def test_a_reply_comes_back_with_its_body_and_headers_that_are_found_in_lower_case(side: Side) -> None:
    with FaultServer(always(answer({"x": 1}, X_Request_ID="abc"))) as server:
        result = outcome(side, request_to(server.url))
    assert isinstance(result, Answer)
    assert (result.status, result.body, result.chunks) == (200, b'{"x": 1}', None)
    assert result.headers["x-request-id"] == "abc"


def test_the_request_arrives_as_it_was_given(side: Side) -> None:
    with FaultServer(always(answer())) as server:
        outcome(side, request_to(server.url, body=b"x" * 3_000_000))
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /openai/deployments/x/chat/completions HTTP/1.1")
    assert f"api-key: {SECRET}".encode() in head
    assert b"content-length: 3000000" in head.lower()
    assert f"host: 127.0.0.1:{server.url.split(':')[2].split('/')[0]}".encode() in head.lower()
    assert body == b"x" * 3_000_000


def test_a_refused_connection_was_never_sent(side: Side) -> None:
    error = broken(side, request_to(f"http://127.0.0.1:{closed_port()}/x"))
    assert (error.kind, error.sent) == (Kind.CONNECT, False)
    assert "127.0.0.1" in error.message


earlier = pytest.mark.parametrize(
    "before",
    [
        socket.gaierror(socket.EAI_NONAME, "theirs"),
        ssl.SSLError(1, "theirs"),
        FileNotFoundError(2, "theirs"),
        Breakdown(Kind.TOO_LARGE, "theirs", sent=True),
    ],
    ids=lambda error: type(error).__name__,
)
"""What a caller may be handling when he falls back on us."""


async def after(before: Exception, call: Callable[[], Awaitable[object]]) -> Breakdown:
    """The Breakdown of a call that is made while that is handled, and something that came of it."""
    try:
        try:
            raise before
        except type(before):
            raise ValueError("theirs") from before
    except ValueError:
        with pytest.raises(Breakdown) as caught:
            await call()
    return caught.value


@earlier
def test_a_call_in_an_except_block_is_judged_by_its_own_failure(side: Side, before: Exception) -> None:
    async def scenario(engine: Any) -> Breakdown:
        return await after(before, lambda: engine.asend(request_to(f"http://127.0.0.1:{closed_port()}/x")))

    error = side.run(scenario)
    assert (error.kind, error.sent) == (Kind.CONNECT, False)
    assert "theirs" not in error.message


@earlier
def test_so_it_is_where_the_whole_loop_runs_in_one(side: Side, before: Exception) -> None:
    async def scenario(engine: Any) -> Breakdown:
        url = f"http://127.0.0.1:{closed_port()}/x"
        return await after(ValueError("theirs, too"), lambda: engine.asend(request_to(url)))

    try:
        raise before
    except type(before):
        error = side.run(scenario)
    assert (error.kind, error.sent) == (Kind.CONNECT, False)
    assert "theirs" not in error.message


@earlier
def test_and_so_is_the_read_of_a_stream(side: Side, before: Exception) -> None:
    async def scenario(engine: Any) -> Breakdown:
        chunks = (await engine.asend(request_to(server.url, stream=True))).chunks
        assert await chunks.aread(5.0) == b"data: 1\n\n"
        error = await after(before, lambda: chunks.aread(5.0))
        await chunks.aclose()
        return error

    with FaultServer(said(chunked(b"data: 1\n\n", end=False))) as server:
        error = side.run(scenario)
    assert error.kind is Kind.TRUNCATED
    assert "theirs" not in error.message


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "127.0.0.1/x", "", "https://ex\u00e4mple.invalid/x"])
def test_an_address_that_is_none_was_never_sent(side: Side, url: str) -> None:
    error = broken(side, request_to(url))
    assert error.sent is False


@pytest.mark.parametrize(
    "host", ["a" * 64 + ".example", ".example", "a..example", "127.0.0.1:65536", "127.0.0.1:x", "[::1", ""]
)
def test_a_host_or_port_that_cannot_be_one_was_never_sent(side: Side, host: str) -> None:
    error = broken(side, request_to(f"http://{host}/secret-path"))
    assert (error.kind, error.sent) in [(Kind.CONNECT, False), (Kind.DNS, False)]
    assert "api_base" in error.message
    assert "secret" not in error.message


def test_a_host_that_could_be_one_is_sent_what_it_does_not_understand(side: Side) -> None:
    def script(peer: Peer) -> None:
        peer.say_and_close(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")

    with FaultServer(script) as server:
        error = broken(side, request_to(server.url.replace("127.0.0.1", "localhost")))
    assert error.sent


def test_a_name_that_does_not_resolve_is_dns(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo

    def unknown(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host in ("gone.invalid", b"gone.invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = broken(side, request_to("http://gone.invalid/x"))
    assert (error.kind, error.sent) == (Kind.DNS, False)
    assert "gone.invalid" in error.message


def test_a_connection_that_is_not_accepted_ends_at_the_connect_timeout(side: Side) -> None:
    started = time.monotonic()
    with full_backlog() as port:
        error = broken(side, request_to(f"http://127.0.0.1:{port}/x", connect_timeout=0.1))
    assert (error.kind, error.sent) == (Kind.CONNECT_TIMEOUT, False)
    assert time.monotonic() - started < 2


def test_a_connect_timeout_is_told_even_if_the_whole_time_is_shorter(side: Side) -> None:
    with full_backlog() as port:
        error = broken(side, request_to(f"http://127.0.0.1:{port}/x", timeout=0.2))
    assert (error.kind, error.sent) == (Kind.CONNECT_TIMEOUT, False)


def test_a_tls_handshake_without_answer_ends_at_the_connect_timeout(side: Side) -> None:
    with FaultServer(Peer.hang) as server:
        url = server.url.replace("http:", "https:")
        error = broken(side, request_to(url, connect_timeout=0.1))
    assert (error.kind, error.sent) == (Kind.CONNECT_TIMEOUT, False)


def test_a_trusted_certificate_is_accepted(side: Side) -> None:
    ca, trusting = authority()
    with FaultServer(always(answer()), server_tls(ca.issue_cert("127.0.0.1"))) as server:
        result = outcome(side, request_to(server.url), trusting)
    assert isinstance(result, Answer)


@pytest.mark.parametrize("flaw", ["unknown authority", "other host", "expired"])
def test_a_bad_certificate_names_the_host_and_the_trust_store(side: Side, flaw: str) -> None:
    ca, trusting = authority()
    long_ago = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = {
        "unknown authority": lambda: trustme.CA().issue_cert("127.0.0.1"),
        "other host": lambda: ca.issue_cert("elsewhere.example"),
        "expired": lambda: ca.issue_cert("127.0.0.1", not_after=long_ago),
    }[flaw]()
    with FaultServer(always(answer()), server_tls(certificate)) as server:
        error = broken(side, request_to(server.url), trusting)
    assert (error.kind, error.sent) == (Kind.TLS, False)
    assert "127.0.0.1" in error.message
    assert "trust store" in error.message
    assert server.requests == []


def test_without_settings_of_ours_the_system_is_trusted_and_a_private_authority_is_not(side: Side) -> None:
    ca, _ = authority()
    with FaultServer(always(answer()), server_tls(ca.issue_cert("127.0.0.1"))) as server:
        error = broken(side, request_to(server.url))
    assert error.kind is Kind.TLS


@pytest.fixture
def named_ca(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that `SSL_CERT_FILE` names."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return ca


def test_ssl_cert_file_names_the_authorities(side: Side, named_ca: trustme.CA) -> None:
    with FaultServer(always(answer()), server_tls(named_ca.issue_cert("127.0.0.1"))) as server:
        assert isinstance(outcome(side, request_to(server.url)), Answer)


def test_a_new_connection_goes_on_with_the_last_session_of_its_host(side: Side, named_ca: trustme.CA) -> None:
    with (
        FaultServer(said(answer()), server_tls(named_ca.issue_cert("127.0.0.1"))) as one,
        FaultServer(said(answer()), server_tls(named_ca.issue_cert("127.0.0.1"))) as other,
    ):

        async def scenario(engine: Any) -> list[int]:
            return [(await engine.asend(request_to(server.url))).status for server in (one, one, one, other, other)]

        assert side.run(scenario) == [200] * 5
        assert one.resumed == [False, True, True]
        assert other.resumed == [False, True], "it cannot read the session of the first, so it begins anew"


def test_so_it_does_where_the_system_is_trusted(side: Side) -> None:
    ca, system = trustme.CA(), surroundings._of_the_system()
    ca.configure_trust(system)
    with FaultServer(said(answer()), server_tls(ca.issue_cert("127.0.0.1"))) as server:

        async def scenario(engine: Any) -> list[int]:
            return [(await engine.asend(request_to(server.url))).status for _ in range(3)]

        assert side.run(scenario, tls=system) == [200] * 3
        assert server.resumed == [False, True, True]


def test_a_session_serves_every_kind_of_connection(named_ca: trustme.CA) -> None:
    with FaultServer(said(answer()), server_tls(named_ca.issue_cert("127.0.0.1"))) as server:
        for side in (HTTPX2_TRIO, HTTPX2_ASYNCIO, HTTPX2_BLOCKING, AIOHTTP):
            assert isinstance(outcome(side, request_to(server.url)), Answer)
        assert server.resumed == [False, True, True, True]


def test_a_connection_that_another_thread_uses_is_not_asked_for_its_session(named_ca: trustme.CA) -> None:
    context = surroundings.trust()
    assert isinstance(context, ResumingContext)
    asked: list[str] = []

    class Wrapped(ssl.SSLObject):
        @property
        def session(self) -> ssl.SSLSession | None:  # type: ignore[override]
            asked.append(threading.current_thread().name)
            return None

    async def wrap() -> None:
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="a.example")

    context.sslobject_class = Wrapped
    context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="a.example")  # as anyio does, in no loop
    asyncio.run(wrap())
    thread = threading.Thread(target=asyncio.run, args=(wrap(),))
    thread.start()
    thread.join()
    assert asked == []
    asyncio.run(wrap())
    asyncio.run(wrap())
    assert asked == ["MainThread"], "the last one was made here"


@pytest.mark.parametrize("side", AWAITING, ids=str)
def test_connections_of_one_loop_that_live_at_once_share_a_session(side: Side, named_ca: trustme.CA) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(chunked(b"data: 1\n\n", end=False))
        peer.wait_for_goodbye()

    with FaultServer(script, server_tls(named_ca.issue_cert("127.0.0.1"))) as server:

        async def scenario(engine: Any) -> None:
            streams = [(await engine.asend(request_to(server.url, stream=True))).chunks for _ in range(2)]
            for chunks in streams:
                await chunks.aclose()

        side.run(scenario)
        assert server.resumed == [False, True]


def test_a_session_of_a_refused_certificate_is_never_taken_up(side: Side, named_ca: trustme.CA) -> None:
    with FaultServer(always(answer()), server_tls(trustme.CA().issue_cert("127.0.0.1"))) as server:

        async def scenario(engine: Any) -> list[Kind]:
            kinds = []
            for _ in range(3):
                with pytest.raises(Breakdown) as caught:
                    await engine.asend(request_to(server.url))
                kinds.append(caught.value.kind)
            return kinds

        assert side.run(scenario) == [Kind.TLS] * 3
        assert surroundings.trust()._session("127.0.0.1") is None, "there is nothing to offer"
        assert not any(server.resumed)
        assert server.requests == []


def test_a_reset_before_the_headers_is_a_reset(side: Side) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.reset()

    error = broken_by(side, script)
    assert (error.kind, error.sent) == (Kind.RESET, True)


def test_an_end_before_the_headers_is_a_reset(side: Side) -> None:
    error = broken_by(side, said(b""))
    assert (error.kind, error.sent) == (Kind.RESET, True)


def test_a_reset_after_the_headers_is_a_reset(side: Side) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        time.sleep(0.05)
        peer.reset()

    error = broken_by(side, script)
    assert (error.kind, error.sent) == (Kind.RESET, True)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it",
        chunked(b"half of it", end=False, kind="application/json"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf",
    ],
    ids=["content-length", "between chunks", "inside a chunk"],
)
def test_a_body_that_ends_early_is_truncated(side: Side, data: bytes) -> None:
    error = broken_by(side, said(data))
    assert (error.kind, error.sent) == (Kind.TRUNCATED, True)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        answer(gzip.compress(b"{}") + b"{}", Content_Encoding="gzip"),
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=[
        "other protocol",
        "status",
        "two lengths",
        "length and chunks",
        "negative length",
        "chunk size",
        "no gzip",
        "no gzip behind it",
        "huge header",
    ],
)
def test_gibberish_is_a_protocol_failure(side: Side, data: bytes) -> None:
    error = broken_by(side, said(data))
    assert (error.kind, error.sent) == (Kind.PROTOCOL, True)


@pytest.mark.parametrize("way", ["straight", "by a proxy"])
@pytest.mark.parametrize("status", ["000", "099", "101"])
def test_a_status_that_is_no_answer_is_a_protocol_failure(
    side: Side, status: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nXX".encode() + answer()
    with FaultServer(said(data)) as server:
        url = server.url
        if way == "by a proxy":
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
            url = f"http://status-{status}-{side.name.replace(' ', '-')}.example/x"
        error = broken(side, request_to(url))
    assert (error.kind, error.sent) == (Kind.PROTOCOL, True)


@pytest.mark.parametrize(
    "coding", ["chunked\t", "chunked \t ", "gzip", "identity", "chunked, identity", "gzip, chunked", "chunked;q=1"]
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_body_that_travels_in_a_way_that_nobody_asked_for_is_a_protocol_failure(
    side: Side, coding: str, stream: bool
) -> None:
    data = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n2\r\nhi\r\n0\r\n\r\n".encode()
    error = broken_by(side, said(data), stream=stream)
    assert (error.kind, error.sent) == (Kind.PROTOCOL, True)


@pytest.mark.parametrize("coding", ["gzip", "chunked, identity"])
def test_so_it_is_by_a_proxy(side: Side, coding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(said(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\nhi".encode())) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        url = f"http://coding-{len(coding)}-{side.name.replace(' ', '-')}.example/x"
        error = broken(side, request_to(url))
    assert (error.kind, error.sent) == (Kind.PROTOCOL, True)


@pytest.mark.parametrize("coding", ["Chunked", "chunked  ", "\tchunked"])
def test_one_that_travels_in_chunks_is_read_however_that_is_written(side: Side, coding: str) -> None:
    data = f"HTTP/1.1 200 OK\r\nTransfer-Encoding:{coding}\r\n\r\n2\r\nhi\r\n0\r\n\r\n".encode()
    with FaultServer(said(data)) as server:
        result = outcome(side, request_to(server.url))
    assert isinstance(result, Answer)
    assert result.body == b"hi"


def test_endless_headers_end(side: Side) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(b"HTTP/1.1 200 OK\r\n")
        for number in range(20_000):
            peer.say(b"X-%d: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" % number)
        peer.wait_for_goodbye()

    assert broken_by(side, script).kind is Kind.PROTOCOL


def test_an_answer_without_a_body_is_no_failure_here(side: Side) -> None:
    with FaultServer(always(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        result = outcome(side, request_to(server.url))
    assert isinstance(result, Answer)
    assert (result.status, result.body) == (204, b"")


def test_a_redirect_is_handed_back_and_not_followed(side: Side) -> None:
    with FaultServer(always(answer())) as other:
        with FaultServer(always(answer(status=307, Location=other.url))) as server:
            result = outcome(side, request_to(server.url))
        assert isinstance(result, Answer)
        assert result.status == 307
        assert other.requests == []


def test_a_compressed_answer_is_decompressed(side: Side) -> None:
    body = gzip.compress(b'{"x": 1}')
    with FaultServer(always(answer(body, Content_Encoding="gzip"))) as server:
        result = outcome(side, request_to(server.url))
    assert isinstance(result, Answer)
    assert result.body == b'{"x": 1}'


def test_so_is_one_of_several_members(side: Side) -> None:
    body = gzip.compress(b'{"x": ') + gzip.compress(b"1}")
    with FaultServer(always(answer(body, Content_Encoding="gzip"))) as server:
        result = outcome(side, request_to(server.url))
    assert isinstance(result, Answer)
    assert result.body == b'{"x": 1}'


@pytest.mark.parametrize("way", ["straight", "by a proxy"])
@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", gzip.compress(b'{"x": 1}' * 100)[:-1]), ("deflate", zlib.compress(b'{"x": 1}' * 100)[:-5])],
    ids=["gzip", "deflate"],
)
def test_one_that_was_cut_before_it_was_framed_is_truncated(
    side: Side, encoding: str, body: bytes, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultServer(always(answer(body, Content_Encoding=encoding))) as server:
        url = server.url
        if way == "by a proxy":
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
            url = f"http://cut-{encoding}-{side.name.replace(' ', '-')}.example/x"
        error = broken(side, request_to(url))
    assert (error.kind, error.sent) == (Kind.TRUNCATED, True)


@pytest.mark.parametrize(
    "data",
    [
        answer(b"x" * 3_000_000),
        answer(gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip"),
        chunked(*[b"x" * 100_000] * 30, kind="application/json"),
    ],
    ids=["announced", "compression bomb", "chunked"],
)
def test_an_answer_beyond_the_limit_is_too_large(side: Side, data: bytes) -> None:
    error = broken_by(side, said(data), max_bytes=1_000_000)
    assert (error.kind, error.sent) == (Kind.TOO_LARGE, True)


def test_an_answer_of_exactly_the_limit_is_fine(side: Side) -> None:
    with FaultServer(always(answer(b"x" * 100_000))) as server:
        result = outcome(side, request_to(server.url, max_bytes=100_000))
    assert isinstance(result, Answer)


@pytest.mark.parametrize("announced", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
def test_a_server_that_trickles_is_cut_off_when_the_whole_time_is_up(side: Side, announced: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(announced)
        peer.trickle(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1000)

    started = time.monotonic()
    error = broken_by(side, script, timeout=0.2)
    assert (error.kind, error.sent) == (Kind.TIMEOUT, True)
    assert 0.15 < time.monotonic() - started < 1.5


def test_silence_ends_at_the_timeout(side: Side) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.hang()

    error = broken_by(side, script, timeout=0.1)
    assert (error.kind, error.sent) == (Kind.TIMEOUT, True)
    assert "127.0.0.1" in error.message


def test_a_connection_is_used_again(side: Side) -> None:
    with FaultServer(always(answer())) as server:

        async def scenario(engine: Any) -> None:
            for _ in range(5):
                await engine.asend(request_to(server.url))

        side.run(scenario)
        assert (server.connections, len(server.requests)) == (1, 5)


def test_a_server_that_closes_after_each_answer_is_dialled_anew_without_a_failure(side: Side) -> None:
    with FaultServer(said(answer())) as server:

        async def scenario(engine: Any) -> list[int]:
            return [(await engine.asend(request_to(server.url))).status for _ in range(20)]

        assert side.run(scenario) == [200] * 20
        assert len(server.requests) == 20, "nothing was sent twice"


def test_nothing_is_sent_twice_by_the_engine(side: Side) -> None:
    with FaultServer(said(b"")) as server:
        broken(side, request_to(server.url, headers={}))
        assert len(server.requests) == 1


def test_cookies_are_not_kept(side: Side) -> None:
    with FaultServer(always(answer(Set_Cookie="session=1; Path=/"))) as server:

        async def scenario(engine: Any) -> None:
            for _ in range(2):
                await engine.asend(request_to(server.url))

        side.run(scenario)
        assert b"cookie" not in server.requests[1].lower()


@pytest.mark.parametrize("value", [f"{SECRET}\nX: y", f"{SECRET}\0"])
def test_a_header_that_cannot_be_sent_is_not_quoted(side: Side, value: str) -> None:
    with FaultServer(always(answer())) as server:
        error = broken(side, request_to(server.url, headers={"api-key": value}))
        assert error.kind is Kind.PROTOCOL
        assert server.requests == []


@pytest.mark.parametrize("value", [f"{SECRET}\nX: y", f"{SECRET}\0", f"{SECRET}\u20ac", f" {SECRET} ", f"{SECRET}\t"])
def test_neither_is_it_logged_on_its_way_to_a_proxy(
    side: Side, value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with FaultServer(always(answer())) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        url = f"http://logged-{len(value)}-{ord(value[-1])}-{side.name.replace(' ', '-')}.example/x"
        outcome(side, request_to(url, headers={"api-key": value}))
    assert SECRET not in caplog.text


def test_a_proxy_of_the_environment_is_used_unless_the_host_is_excepted(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultServer(always(answer())) as proxy, FaultServer(always(answer())) as near:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        url = f"http://behind-{side.name.replace(' ', '-')}.example/x"  # remembered per address
        assert isinstance(outcome(side, request_to(url)), Answer)
        assert proxy.requests[0].startswith(f"POST {url} ".encode())
        outcome(side, request_to(near.url))
        assert (len(proxy.requests), len(near.requests)) == (1, 1)


@pytest.mark.parametrize("through_a_proxy", [False, True])
def test_tls_settings_of_the_callers_are_used_as_they_are(
    side: Side, through_a_proxy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may serve the caller's own connections as well, with other offers (ALPN)."""
    host = f"behind-{side.name.replace(' ', '-')}.example"
    ca, trusting = authority()
    serving = server_tls(ca.issue_cert(host, "127.0.0.1"))
    trusting.set_alpn_protocols(["ours"])
    serving.set_alpn_protocols(["http/1.1", "ours"])
    chosen: list[str | None] = []

    def script(peer: Peer) -> None:
        if through_a_proxy:
            peer.request()
            peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
        with serving.wrap_socket(peer._sock, server_side=True) as secured:
            chosen.append(secured.selected_alpn_protocol())
            always(answer())(Peer(secured, server))

    with FaultServer(script) as server:
        if through_a_proxy:
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{server.port}")
        url = f"https://{host}/x" if through_a_proxy else server.url.replace("http:", "https:")
        assert isinstance(outcome(side, request_to(url), trusting), Answer)
    assert chosen == ["ours"]


@pytest.mark.parametrize(
    ("scheme", "variable", "proxy", "spoken"),
    [
        ("http", "all_proxy", "socks5://user:pw-canary@", "socks5"),
        ("https", "https_proxy", "SOCKS5H://user:pw-canary@", "socks5h"),
        ("http", "http_proxy", "user:pw-canary@://", "another protocol"),
    ],
)
def test_a_proxy_that_does_not_speak_http_is_told_nothing(
    side: Side, scheme: str, variable: str, proxy: str, spoken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultServer(always(answer())) as server:
        monkeypatch.setenv(variable, f"{proxy}127.0.0.1:{server.port}")
        error = broken(side, request_to(f"{scheme}://no-{variable}-{side.name.replace(' ', '-')}.example/x"))
        assert server.connections == 0
    assert (error.kind, error.sent) == (Kind.CONNECT, False)
    for words in (f"speaks {spoken},", variable.upper(), "NO_PROXY", ".example"):
        assert words in error.message
    shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "canary" not in shown


def test_a_host_that_is_excepted_from_such_a_proxy_is_reached(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(always(answer())) as server:
        monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:9")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert isinstance(outcome(side, request_to(server.url)), Answer)


def test_a_request_without_a_body_is_sent(side: Side) -> None:
    with FaultServer(always(answer())) as server:

        async def scenario(engine: Any) -> int:
            status: int = (await engine.asend(Request("GET", server.url, {}, b"", timeout=5))).status
            return status

        assert side.run(scenario) == 200
        assert server.requests[0].startswith(b"GET /")
