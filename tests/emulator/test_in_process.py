"""The engine without sockets tells faults as real engines do."""

from __future__ import annotations

import json

import anyio
import pytest

from router.azure.engines import Breakdown, Request
from router.emulator import EmulatedDeployment, Emulator, EmulatorConfig, Fault, FaultKind, InProcessEngine, Latency
from router.values import Kind

from .helpers import DATED, KEY

BREAKDOWNS = [
    ("dns", Kind.DNS, False),
    ("refuse", Kind.CONNECT, False),
    ("connect_timeout", Kind.CONNECT_TIMEOUT, False),
    ("tls", Kind.TLS, False),
    ("reset", Kind.RESET, True),
    ("reset_after_headers", Kind.RESET, True),
    ("truncate", Kind.TRUNCATED, True),
    ("hang", Kind.TIMEOUT, True),
    ("bad_framing", Kind.PROTOCOL, True),
    ("huge_header", Kind.PROTOCOL, True),
    ("gzip_bomb", Kind.TOO_LARGE, True),
]
MID_STREAM = [
    ("stream_cut", Kind.RESET),
    ("stream_hang", Kind.TIMEOUT),
    ("truncate", Kind.TRUNCATED),
    ("reset_after_headers", Kind.RESET),
]


class Naps:
    """Sleeps that are only written down."""

    def __init__(self):
        self.now = 0.0

    def nap(self, seconds):
        self.now += seconds

    async def anap(self, seconds):
        await anyio.lowlevel.checkpoint()
        self.now += seconds


def engine(fault=None, **options):
    config = EmulatorConfig([EmulatedDeployment("chat", resource="east", fault=fault, **options)], keys=[KEY])
    naps = Naps()
    made = InProcessEngine(Emulator(config), clock=lambda: naps.now, sleep=naps.nap, asleep=naps.anap)
    return made, naps


def request(stream=False, **more):
    body = {"messages": [{"role": "user", "content": "hello"}], "stream": stream}
    url = "https://east.openai.azure.com" + DATED.format("chat", "chat/completions")
    return Request("POST", url, {"Api-Key": KEY}, json.dumps(body).encode(), stream=stream, **more)


async def drain(answer, awaiting):
    while (await answer.chunks.aread(1.0)) if awaiting else answer.chunks.read(1.0):
        pass


def test_a_call_is_answered_without_sleep():
    made, naps = engine()
    answer = made.send(request())
    assert answer.status == 200
    assert json.loads(answer.body)["choices"]
    assert naps.now == 0.0


async def test_an_awaited_call_takes_its_latency():
    made, naps = engine(latency=Latency(100.0, 0.0, 10.0), answer_tokens=10, answer_sigma=0.0)
    answer = await made.asend(request())
    assert answer.status == 200
    assert naps.now == pytest.approx(0.2)


@pytest.mark.parametrize(("kind", "expected", "sent"), BREAKDOWNS)
async def test_faults_are_breakdowns(kind, expected, sent):
    for awaiting in (False, True):
        made, naps = engine(Fault(kind))
        with pytest.raises(Breakdown) as caught:
            await made.asend(request(timeout=3.0)) if awaiting else made.send(request(timeout=3.0))
        assert (caught.value.kind, caught.value.sent) == (expected, sent)
        assert naps.now == (3.0 if expected in (Kind.TIMEOUT, Kind.CONNECT_TIMEOUT) else 0.0)


def test_an_answer_slower_than_the_timeout_is_one():
    made, naps = engine(latency=Latency(5000.0, 0.0))
    with pytest.raises(Breakdown) as caught:
        made.send(request(timeout=1.0))
    assert caught.value.kind is Kind.TIMEOUT
    assert naps.now == 1.0


async def test_a_stream_comes_in_pieces_at_their_times():
    made, naps = engine(latency=Latency(100.0, 0.0, 10.0), answer_tokens=30, answer_sigma=0.0)
    answer = await made.asend(request(stream=True))
    assert naps.now == pytest.approx(0.1)
    pieces = []
    while piece := await answer.chunks.aread(5.0):
        pieces.append(piece)
    assert pieces[-1] == b"data: [DONE]\n\n"
    assert naps.now == pytest.approx(0.4)
    assert await answer.chunks.aread(5.0) == b""


@pytest.mark.parametrize(("kind", "expected"), MID_STREAM)
async def test_streams_break_like_real_ones(kind, expected):
    for awaiting in (False, True):
        made, _ = engine(Fault(kind))
        sent = request(stream=True)
        answer = await made.asend(sent) if awaiting else made.send(sent)
        with pytest.raises(Breakdown) as caught:
            await drain(answer, awaiting)
        assert caught.value.kind is expected


def test_a_read_that_times_out_can_be_tried_again():
    made, naps = engine(latency=Latency(0.0, 0.0, 100.0), answer_tokens=10, answer_sigma=0.0, burst_tokens=10)
    answer = made.send(request(stream=True))
    assert answer.chunks.read(0.1)
    assert answer.chunks.read(0.1)
    for _ in range(2):
        with pytest.raises(Breakdown):
            answer.chunks.read(0.4)
    assert b"content" in answer.chunks.read(0.4)
    assert naps.now == pytest.approx(1.0)


def test_a_closed_stream_is_at_its_end():
    made, _ = engine(Fault("stream_cut"))
    answer = made.send(request(stream=True))
    answer.chunks.close()
    answer.chunks.close()
    answer.chunks.abandon()
    assert answer.chunks.read(1.0) == b""


def test_a_refused_stream_is_read_whole():
    made, _ = engine(Fault("status", 503))
    answer = made.send(request(stream=True))
    assert (answer.status, answer.chunks) == (503, None)
    assert json.loads(answer.body)["error"]["code"] == "ServiceUnavailable"


def test_every_fault_ends_in_an_answer_or_a_breakdown():
    for kind in FaultKind:
        for stream in (False, True):
            made, _ = engine(Fault(kind))
            try:
                answer = made.send(request(stream=stream, timeout=10_000.0))
                while answer.chunks is not None and answer.chunks.read(10.0):
                    pass
            except Breakdown:
                continue


def test_a_form_is_uploaded_and_a_large_file_comes_back_in_pieces():
    made, _ = engine()
    url = "https://east.openai.azure.com/openai/v1/files"
    data = b"0123456789abcdef" * 40_000
    form = (
        b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b\r\nContent-Disposition: form-data; '
    )
    form += b'name="file"; filename="a"\r\n\r\n' + data + b"\r\n--b--\r\n"
    headers = {"Api-Key": KEY, "Content-Type": "multipart/form-data; boundary=b"}
    kept = json.loads(made.send(Request("POST", url, headers, form)).body)
    assert kept["bytes"] == len(data)
    content = f"{url}/{kept['id']}/content"
    assert made.send(Request("GET", content, {"Api-Key": KEY}, b"")).body == data
    chunks = made.send(Request("GET", content, {"Api-Key": KEY}, b"", stream=True)).chunks
    pieces = []
    while piece := chunks.read(1.0):
        assert isinstance(piece, bytes)
        pieces.append(piece)
    assert len(pieces) > 1
    assert b"".join(pieces) == data
