"""The emulator on real sockets: faults as a client meets them, and the switches."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
import urllib.error
import urllib.request

import aiohttp
import pytest

from router.emulator import EmulatedDeployment, EmulatorConfig, EmulatorServer, Fault, FaultKind, Latency

from .helpers import DATED, KEY

PATH = "/east" + DATED.format("chat", "chat/completions")
BODY = json.dumps({"messages": [{"role": "user", "content": "hello"}]}).encode()
STREAM = json.dumps({"messages": [{"role": "user", "content": "hello"}], "stream": True}).encode()


@pytest.fixture
def server():
    config = EmulatorConfig([EmulatedDeployment("chat", resource="east", tpm=10**9)], keys=[KEY])
    with EmulatorServer.in_thread(config) as running:
        yield running


def raw(server, body=BODY, *, timeout=2.0, path=PATH):
    """Everything that comes over one connection, and how it ended: `end`, `reset` or `silence`."""
    host, port = server.url.removeprefix("http://").split(":")
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\napi-key: {KEY}\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection((host, int(port)), timeout=timeout) as sock:
        sock.sendall(head.encode() + b"Connection: close\r\n\r\n" + body)
        got = b""
        try:
            while part := sock.recv(65536):
                got += part
        except ConnectionResetError:
            return got, "reset"
        except TimeoutError:
            return got, "silence"
    return got, "end"


def test_a_call_is_answered(server):
    got, how = raw(server)
    head, _, body = got.partition(b"\r\n\r\n")
    assert how == "end"
    assert head.startswith(b"HTTP/1.1 200")
    assert json.loads(body)["object"] == "chat.completion"


def test_a_stream_ends_with_its_mark(server):
    got, how = raw(server, STREAM)
    assert how == "end"
    assert b"data: [DONE]\n\n" in got
    assert got.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("kind", ["reset", "refuse", "dns", "tls"])
def test_resets_are_resets(server, kind):
    server.emulator.set_fault("chat", Fault(kind))
    assert raw(server) == (b"", "reset")


def test_a_reset_after_the_headers_lets_them_through(server):
    server.emulator.set_fault("chat", Fault("reset_after_headers"))
    got, how = raw(server)
    assert how == "reset"
    assert got.startswith(b"HTTP/1.1 200")
    assert got.endswith(b"\r\n\r\n")


def test_a_truncated_answer_ends_too_early_and_in_order(server):
    server.emulator.set_fault("chat", Fault("truncate", after_bytes=20))
    got, how = raw(server)
    head, _, body = got.partition(b"\r\n\r\n")
    assert (how, len(body)) == ("end", 20)
    announced = next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
    assert int(announced.split(b":")[1]) > 20


@pytest.mark.parametrize("kind", ["hang", "connect_timeout"])
def test_a_hang_is_silence(server, kind):
    server.emulator.set_fault("chat", Fault(kind))
    assert raw(server, timeout=0.3) == (b"", "silence")


def test_conflicting_lengths_are_sent(server):
    server.emulator.set_fault("chat", Fault("bad_framing"))
    got, _ = raw(server)
    assert got.lower().count(b"content-length:") == 2


@pytest.mark.parametrize(
    ("kind", "end"), [("stream_cut", "reset"), ("stream_error", "end"), ("stream_no_finish", "end")]
)
def test_streams_break_on_the_wire(server, kind, end):
    server.emulator.set_fault("chat", Fault(kind, after_events=3))
    got, how = raw(server, STREAM)
    assert how == end
    assert got.count(b"data: ") == 3 + (kind == "stream_error")
    assert b"[DONE]" not in got
    assert got.endswith(b"0\r\n\r\n") == (end == "end")


def test_a_hanging_stream_brings_its_first_events(server):
    server.emulator.set_fault("chat", Fault("stream_hang", after_events=3))
    got, how = raw(server, STREAM, timeout=0.3)
    assert (how, got.count(b"data: ")) == ("silence", 3)


def test_a_truncated_stream_lacks_its_last_chunk(server):
    server.emulator.set_fault("chat", Fault("truncate"))
    got, how = raw(server, STREAM)
    assert how == "end"
    assert not got.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("kind", ["html", "empty", "bad_json", "bad_shape", "no_usage", "busy", "redirect", "shred"])
@pytest.mark.parametrize("body", [BODY, STREAM])
def test_other_faults_are_well_formed_http(server, kind, body):
    server.emulator.set_fault("chat", Fault(kind))
    got, how = raw(server, body)
    assert how == "end"
    assert got.startswith(b"HTTP/1.1 ")


def test_a_dripping_answer_takes_its_time(server):
    server.emulator.set_fault("chat", Fault("drip", seconds=0.05))
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=2.0) as sock:
        sock.sendall(
            f"POST {PATH} HTTP/1.1\r\nHost: x\r\napi-key: {KEY}\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
        )
        sock.sendall(BODY)
        got, end = b"", time.monotonic() + 0.3
        while time.monotonic() < end:
            got += sock.recv(65536)
    body = got.partition(b"\r\n\r\n")[2]
    assert 1 <= body.count(b"1\r\n") <= 8  # chunks of one byte


def test_a_connection_that_promised_to_stay_is_closed(server):
    server.emulator.set_fault("chat", Fault("close_after"))
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=2.0) as sock:
        sock.sendall(
            f"POST {PATH} HTTP/1.1\r\nHost: x\r\napi-key: {KEY}\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
        )
        sock.sendall(BODY)
        got = b""
        while part := sock.recv(65536):
            got += part
    assert b"Connection: keep-alive" in got
    assert got.endswith(b"}")


def test_every_fault_leaves_a_server_that_still_serves(server):
    for kind in FaultKind:
        if kind in (FaultKind.HANG, FaultKind.CONNECT_TIMEOUT, FaultKind.STREAM_HANG, FaultKind.DRIP):
            continue
        server.emulator.set_fault("chat", Fault(kind, count=1))
        raw(server, STREAM)
    server.emulator.clear_fault("chat")
    assert b"chat.completion" in raw(server)[0]


def test_a_body_beyond_the_limit_is_refused(server, monkeypatch):
    monkeypatch.setattr("router.emulator.server.MAX_BODY_BYTES", 100)
    assert raw(server, b"x" * 200)[0].startswith(b"HTTP/1.1 413")


# ---- switches ----------------------------------------------------------------------------------------------------


def switch(server, method, path, body=None):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(server.url + path, data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5.0) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_faults_and_limits_are_switched_over_http(server):
    fault = {"kind": "status", "status": 503, "count": 1}
    assert switch(server, "POST", "/emulator/deployments/chat/fault", fault) == (200, {"ok": True})
    assert raw(server)[0].startswith(b"HTTP/1.1 503")
    assert raw(server)[0].startswith(b"HTTP/1.1 200")
    switch(server, "POST", "/emulator/deployments/east/*/fault", {"kind": "empty"})
    assert switch(server, "GET", "/emulator/status")[1]["deployments"]["chat"]["fault"] == "empty"
    switch(server, "DELETE", "/emulator/deployments/chat/fault")
    assert switch(server, "PATCH", "/emulator/deployments/chat/limits", {"tpm": 1})[0] == 200
    assert raw(server)[0].startswith(b"HTTP/1.1 429")
    status = switch(server, "GET", "/emulator/status")[1]["deployments"]["chat"]
    assert (status["admitted"], status["throttled"], status["failed"], status["tpm"]) == (2, 1, 1, 1)
    assert switch(server, "POST", "/emulator/reset")[0] == 200
    assert switch(server, "GET", "/emulator/status")[1]["deployments"]["chat"]["admitted"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/emulator/deployments/nowhere/fault", {"kind": "hang"}, 404),
        ("POST", "/emulator/deployments/chat/fault", {"kind": "explode"}, 400),
        ("POST", "/emulator/deployments/chat/fault", {"kind": "hang", "shar": 1}, 400),
        ("POST", "/emulator/deployments/chat/fault", [], 400),
        ("PATCH", "/emulator/deployments/chat/limits", {"tpm": 0}, 400),
        ("PATCH", "/emulator/deployments/chat/limits", {"tpm": "x"}, 400),
        ("GET", "/emulator/nothing", None, 404),
    ],
)
def test_a_wrong_switch_is_told_why(server, method, path, body, status):
    code, answer = switch(server, method, path, body)
    assert code == status
    assert answer["error"]


# ---- life --------------------------------------------------------------------------------------------------------


def test_five_hundred_connections_are_served_at_once():
    config = EmulatorConfig([EmulatedDeployment("chat", resource="east", latency=Latency(300.0, 0.0))], keys=[KEY])

    async def crowd():
        async with EmulatorServer(config) as server:
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(connector=connector) as session:

                async def one():
                    async with session.post(server.url + PATH, data=BODY, headers={"api-key": KEY}) as answer:
                        await answer.read()
                        return answer.status

                return await asyncio.gather(*(one() for _ in range(500)))

    assert asyncio.run(crowd()) == [200] * 500


def test_a_client_that_goes_away_ends_its_hang():
    config = EmulatorConfig([EmulatedDeployment("chat", resource="east", fault=Fault("hang"))], keys=[KEY])

    async def leave():
        async with EmulatorServer(config) as server:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.1)) as session:
                with pytest.raises(TimeoutError):
                    await session.post(server.url + PATH, data=BODY, headers={"api-key": KEY})
            await asyncio.sleep(0.1)
            return [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]

    assert [t for t in asyncio.run(leave()) if "_answer" in repr(t)] == []


def test_a_taken_port_is_an_error_and_leaves_no_thread(server):
    port = int(server.url.rpartition(":")[2])
    before = threading.active_count()
    with (
        pytest.raises(OSError, match="address already in use"),
        EmulatorServer.in_thread(EmulatorConfig([EmulatedDeployment("a")]), port=port),
    ):
        pass
    assert threading.active_count() == before


def test_a_server_closes_although_calls_hang():
    config = EmulatorConfig([EmulatedDeployment("chat", resource="east", fault=Fault("hang"))], keys=[KEY])
    with EmulatorServer.in_thread(config) as server:
        caller = threading.Thread(target=raw, args=(server,), kwargs={"timeout": 5.0})
        caller.start()
        while not server.emulator.served:
            time.sleep(0.01)
        begun = time.monotonic()
    assert time.monotonic() - begun < 2.0
    caller.join()
