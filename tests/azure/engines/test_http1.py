"""Bytes of HTTP/1.1, without sockets: what is read is what h11 reads, however the bytes are cut."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import h11
import httpcore2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.azure.engines.http1 import MAX_HEAD_BYTES, CutShort, NoAnswer, Reading, Sending

OK = b"HTTP/1.1 200 OK\r\n"


@dataclass
class Message:
    """One answer on the wire, and what it says."""

    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)
    chunked: bool = True
    interim: int = 0
    trailer: bool = False

    @property
    def body(self) -> bytes:
        return b"" if self.status in (204, 304) else b"".join(self.parts)

    def bytes(self) -> bytes:
        head = b"HTTP/1.1 103 Early\r\nlink: </x>\r\n\r\n" * self.interim
        head += b"HTTP/1.1 %d Whatever\r\n" % self.status
        head += b"".join(b"%b: %b\r\n" % pair for pair in self.headers)
        if self.status in (204, 304):
            return head + b"\r\n"
        if not self.chunked:
            return head + b"Content-Length: %d\r\n\r\n" % len(self.body) + self.body
        chunks = b"".join(b"%X\r\n%b\r\n" % (len(part), part) for part in self.parts if part)
        end = b"0\r\n" + b"x-late: 1\r\n" * self.trailer + b"\r\n"
        return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + end


names = st.text("abcdefXYZ-", min_size=1, max_size=12).map(lambda text: f"x-{text}".encode())
values = st.text("abc ,;=/0123456789\xe9", max_size=20).map(lambda text: text.strip().encode("latin-1"))
messages = st.builds(
    Message,
    status=st.sampled_from([200, 201, 204, 304, 400, 429, 500]),
    headers=st.lists(st.tuples(names, values), max_size=5),
    parts=st.lists(st.binary(max_size=50), max_size=5),
    chunked=st.booleans(),
    interim=st.integers(0, 2),
    trailer=st.booleans(),
)


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """The same bytes in several reads."""
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


def read(*reads: bytes) -> tuple[Reading, bytes]:
    reading = Reading()
    body = b""
    for data in reads:
        reading.feed(data)
        body += reading.take()
    return reading, body


def read_by_h11(data: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("host", "a"), ("content-length", "0")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    status, headers, body = 0, [], b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            status, headers = event.status_code, list(event.headers.raw_items())
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
    return status, headers, body


@given(messages, st.lists(st.integers(0, 2000), max_size=8))
def test_an_answer_is_read_as_h11_reads_it_however_it_is_cut(message: Message, places: list[int]) -> None:
    data = message.bytes()
    reading, body = read(*cut(data, places))
    assert (reading.status, reading.headers, body) == read_by_h11(data)
    assert (reading.status, body) == (message.status, message.body)
    assert reading.complete
    assert reading.reusable


@given(messages, st.integers(0, 2000))
def test_an_answer_that_ends_early_is_never_taken_for_a_whole_one(message: Message, place: int) -> None:
    data = message.bytes()
    reading = Reading()
    if some := data[: place % len(data)]:
        reading.feed(some)
    assert not reading.complete
    with pytest.raises((NoAnswer, CutShort)) as caught:
        reading.feed(b"")
    assert caught.type is (CutShort if reading.status else NoAnswer)


@given(messages, messages)
def test_what_follows_an_answer_is_left_out_and_ends_the_connection(first: Message, second: Message) -> None:
    reading, body = read(first.bytes() + second.bytes())
    assert (reading.status, body) == (first.status, first.body)
    assert (reading.complete, reading.reusable) == (True, False)


@pytest.mark.parametrize("behind", [b"x", b"\x16\x03\x01", b"HTTP/1.1 2"])
def test_so_does_gibberish_behind_it(behind: bytes) -> None:
    reading, body = read(OK + b"Content-Length: 2\r\n\r\nhi" + behind)
    assert (body, reading.complete, reading.reusable) == (b"hi", True, False)


@pytest.mark.parametrize(
    ("head", "reusable"),
    [
        (OK, True),
        (OK + b"Connection: close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_a_connection_serves_again_unless_the_service_ends_it(head: bytes, reusable: bool) -> None:
    reading, body = read(head + b"Content-Length: 2\r\n\r\nhi")
    assert (body, reading.complete, reading.reusable) == (b"hi", True, reusable)


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    reading, body = read(OK + b"\r\n", b"all ", b"of it")
    assert not reading.complete
    reading.feed(b"")
    assert (body, reading.complete, reading.reusable) == (b"all of it", True, False)


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 20", OK, OK + b"Content-Le"])
def test_an_end_before_the_headers_are_in_is_no_answer(data: bytes) -> None:
    reading = Reading()
    if data:
        reading.feed(data)
    with pytest.raises(NoAnswer):
        reading.feed(b"")


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 000 Whatever\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 099 Whatever\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\x00",
        b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 099 Late\r\n\r\n",
    ],
)
def test_a_status_that_is_no_answer_to_what_we_ask_is_refused(data: bytes) -> None:
    with pytest.raises(httpcore2.RemoteProtocolError, match="status"):
        read(data + OK + b"Content-Length: 2\r\n\r\n{}")


@pytest.mark.parametrize("line", [b"x: %b\r\n" % (b"a" * 1000), b"HTTP/1.1 103 Early\r\n\r\n"])
def test_a_head_that_does_not_end_is_given_up(line: bytes) -> None:
    lines = [line] * (2 * MAX_HEAD_BYTES // len(line))
    with pytest.raises(httpcore2.RemoteProtocolError, match="does not end"):
        read(OK if line.startswith(b"x") else line, *lines)


@pytest.mark.parametrize(
    "method", ["on_message_begin", "on_header", "on_headers_complete", "on_body", "on_message_complete"]
)
def test_ctrl_c_in_the_middle_is_ctrl_c(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Reading, method, interrupted)
    reading = Reading()
    with pytest.raises(KeyboardInterrupt):
        reading.feed(OK + b"Content-Length: 2\r\n\r\nhi")
    assert not reading.reusable


def test_an_answer_that_was_read_leaves_nothing_to_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            read(OK + b"Content-Length: 2\r\n\r\nhi")[0].close()
        assert gc.collect() == 0
    finally:
        gc.enable()


# ---- requests -----------------------------------------------------------------------------------------------------


def sent(headers: list[tuple[bytes, bytes]], parts: Iterable[bytes]) -> bytes:
    sending = Sending(b"POST", b"/x?y=1", [(b"host", b"a.example"), *headers])
    return b"".join(data for part in parts for data in sending.add(part)) + sending.end()


parts_of_a_body = st.lists(st.binary(max_size=20) | st.sampled_from([b"x" * 70_000, b"y" * 65_536]), max_size=6)


@given(parts_of_a_body, st.booleans())
def test_a_request_is_what_h11_takes_for_it(parts: list[bytes], chunked: bool) -> None:
    body = b"".join(parts)
    framing = (b"transfer-encoding", b"chunked") if chunked else (b"content-length", b"%d" % len(body))
    server = h11.Connection(h11.SERVER)
    server.receive_data(sent([framing, (b"api-key", b"k\xe9")], parts))
    request = server.next_event()
    assert isinstance(request, h11.Request)
    assert (request.method, request.target) == (b"POST", b"/x?y=1")
    assert list(request.headers) == [(b"host", b"a.example"), framing, (b"api-key", b"k\xe9")]
    arrived = b""
    while isinstance(event := server.next_event(), h11.Data):
        arrived += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    assert arrived == body
    assert server.trailing_data[0] == b""


def test_a_short_request_is_written_at_once_and_a_long_body_is_not_copied() -> None:
    headers = [(b"content-length", b"70002")]
    sending = Sending(b"POST", b"/", headers)
    long = b"x" * 70_000
    assert sending.add(b"a") == ()
    head, body = sending.add(long)
    assert head.endswith(b"\r\n\r\na")
    assert body is long
    assert sending.add(b"b") == ()
    assert sending.end() == b"b"


@pytest.mark.parametrize(("parts", "said"), [([b"abc"], "longer"), ([b"a"], "shorter"), ([], "shorter")])
def test_a_body_of_another_length_than_announced_is_not_sent_as_a_whole(parts: list[bytes], said: str) -> None:
    with pytest.raises(httpcore2.LocalProtocolError, match=said):
        sent([(b"content-length", b"2")], parts)


def test_a_body_that_was_not_announced_is_not_sent() -> None:
    with pytest.raises(httpcore2.LocalProtocolError, match="longer"):
        sent([], [b"smuggled"])


@pytest.mark.parametrize("target", [b"/a b", b"/a\r\nx: y", b"/\xe9", b""])
def test_a_target_that_is_not_quoted_is_refused(target: bytes) -> None:
    with pytest.raises(httpcore2.LocalProtocolError, match="quoted"):
        Sending(b"POST", target, [])


@given(st.sampled_from(["\r", "\n", "\0", "\r\n", "\x7f", "\x1f"]), st.booleans())
def test_a_header_with_a_control_character_is_refused_and_not_quoted(control: str, in_name: bool) -> None:
    text = f"sk-secret{control}x: y".encode()
    with pytest.raises(httpcore2.LocalProtocolError) as caught:
        sent([(text, b"v") if in_name else (b"api-key", text)], [])
    assert "secret" not in str(caught.value)
