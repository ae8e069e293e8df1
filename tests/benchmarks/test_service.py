"""The native service, over a socket."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress

import httpx2
import pytest

from benchmarks import service
from benchmarks.service import Service, ServiceError

BODY = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(scope="module")
def server() -> Iterator[Service]:
    with Service() as running:
        yield running


@pytest.fixture
def client(server: Service) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"http://127.0.0.2:{server.port}/openai/deployments/") as made:
        yield made


@pytest.mark.parametrize("size", [1000, 50_000])
def test_a_reply_has_the_size_that_its_deployment_says(client: httpx2.Client, size: int) -> None:
    answer = client.post(f"b{size}-east/chat/completions?api-version=1", json=BODY)
    assert len(answer.content) == size
    assert answer.json()["choices"][0]["message"]["content"].startswith("lorem ipsum")
    assert answer.headers["x-ratelimit-limit-tokens"] == "1000000000"


def test_a_stream_has_so_many_pieces_and_no_two_alike(client: httpx2.Client) -> None:
    answer = client.post("n50-i100-d1-east/chat/completions", json=BODY | {"stream": True})
    events = answer.text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    deltas = [json.loads(event[6:])["choices"][0]["delta"] for event in events[:-2]]
    assert deltas[0]["role"] == "assistant"
    assert deltas[-1] == {}
    assert len({delta["content"] for delta in deltas[1:-1]}) == 50


def test_one_connection_carries_many_calls_and_all_are_counted(server: Service, client: httpx2.Client) -> None:
    before = server.stats()
    for _ in range(3):
        client.post("b600-east/chat/completions", json=BODY)
    after = server.stats()
    assert after["calls"] - before["calls"] == 3
    assert after["connections"] - before["connections"] == 2  # the client's and that of the question


def test_requests_in_one_piece_are_answered_in_turn(server: Service) -> None:
    request = b"POST /openai/deployments/b600-d5/chat/completions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request + request[:50])
        connection.sendall(request[50:] + b"GET /nothing HTTP/1.1\r\n\r\n")
        got = b""
        while part := connection.recv(65536):
            got += part
    assert [line.split()[1] for line in got.split(b"HTTP/1.1 ")[1:] for line in [b"x " + line]] == [
        b"200",
        b"200",
        b"404",
    ]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"POST /x HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        (b"POST /x HTTP/1.1\r\nx: " + b"y" * 70_000, b"431"),
    ],
)
def test_what_it_cannot_serve_is_refused_and_closed(server: Service, head: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head)
        assert connection.recv(1000).split()[1] == status
        with suppress(ConnectionResetError):  # what it had not read yet makes the system say so
            assert connection.recv(1000) == b""


def test_without_a_compiler_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(service, "CACHE", tmp_path)
    monkeypatch.setattr(service.shutil, "which", lambda _name: None)
    with pytest.raises(ServiceError, match="apt-get install gcc"):
        Service()


def test_on_another_system_it_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.sys, "platform", "darwin")
    with pytest.raises(ServiceError, match="Linux only"):
        Service()
