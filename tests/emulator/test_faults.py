"""When faults strike, and what each does to a plan."""

from __future__ import annotations

import gzip
import json
import zlib
from random import Random

import pytest

from router.emulator import EmulatedDeployment, Fault, FaultKind, Wire
from router.emulator.faults import FaultSwitch
from router.errors import ConfigError

from .helpers import ask, emulator, events, said


def test_a_fault_strikes_so_many_calls_and_is_over():
    azure = emulator()
    azure.set_fault("chat", Fault("status", 503, count=2))
    assert [ask(azure).status for _ in range(4)] == [503, 503, 200, 200]
    assert azure.status()["chat"]["fault"] is None


def test_a_fault_strikes_its_share_of_calls():
    switch, rng = FaultSwitch(Fault("hang", share=0.3)), Random(1)
    struck = sum(switch.draw(rng, stream=False) is not None for _ in range(2000))
    assert 500 < struck < 700


def test_a_fault_lasts_until_it_is_cleared():
    azure = emulator(fault=Fault("empty"))
    assert all(ask(azure).payload == b"" for _ in range(5))
    azure.clear_fault("chat")
    assert said(ask(azure))["choices"]


def test_a_whole_resource_can_fail():
    azure = emulator(*(EmulatedDeployment(n, resource=r) for n, r in (("a", "east"), ("b", "east"), ("c", "west"))))
    azure.set_fault("east/*", Fault("status", 500))
    assert [ask(azure, name=n).status for n in "abc"] == [500, 500, 200]
    azure.set_fault("*", None)
    assert [ask(azure, name=n).status for n in "abc"] == [200, 200, 200]


def test_an_unknown_name_is_told_what_exists():
    with pytest.raises(KeyError, match="there are chat"):
        emulator().set_fault("chad", Fault("hang"))


@pytest.mark.parametrize("wrong", [{"kind": "resett"}, {"kind": "hang", "share": 2.0}, {"kind": "hang", "count": 0}])
def test_a_fault_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ConfigError):
        Fault(**wrong)


def test_faults_of_streams_pass_other_calls_by():
    azure = emulator()
    azure.set_fault("chat", Fault("stream_cut", count=1))
    assert ask(azure).wire is Wire.CLEAN
    assert ask(azure, stream=True).wire is Wire.CUT
    assert ask(azure, stream=True).wire is Wire.CLEAN


def spoiled(kind, stream=False, **options):
    azure = emulator(answer_tokens=50, answer_sigma=0.0)
    azure.set_fault("chat", Fault(kind, **options))
    more = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    return ask(azure, **more)


@pytest.mark.parametrize(
    ("kind", "wire"),
    [
        ("dns", Wire.DNS),
        ("refuse", Wire.REFUSE),
        ("connect_timeout", Wire.CONNECT_TIMEOUT),
        ("tls", Wire.TLS),
        ("reset", Wire.RESET),
        ("reset_after_headers", Wire.RESET_AFTER_HEADERS),
        ("truncate", Wire.TRUNCATE),
        ("hang", Wire.HANG),
        ("bad_framing", Wire.BAD_FRAMING),
        ("close_after", Wire.CLOSE_AFTER),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_faults_of_the_wire_are_planned(kind, wire, stream):
    assert spoiled(kind, stream).wire is wire


def test_a_truncated_answer_announces_more_than_it_brings():
    plan = spoiled("truncate", after_bytes=10)
    assert len(plan.body) == 10
    assert plan.announced is not None
    assert plan.announced > 10


@pytest.mark.parametrize("stream", [False, True])
def test_successes_that_are_none(stream):
    assert spoiled("html", stream).headers["content-type"].startswith("text/html")
    assert spoiled("html", stream, status=502).status == 502
    assert spoiled("empty", stream).payload == b""
    assert spoiled("bad_shape", stream).payload == b"null"
    assert spoiled("bad_shape", stream, body="[]").payload == b"[]"
    with pytest.raises(ValueError):
        json.loads(spoiled("bad_json", stream).payload)


def test_usage_may_be_missing_or_nonsense():
    assert "usage" not in said(spoiled("no_usage"))
    assert said(spoiled("bad_usage"))["usage"]["prompt_tokens"] == -5
    assert all("usage" not in e or e["usage"] is None for e in events(spoiled("no_usage", stream=True)))
    assert events(spoiled("bad_usage", stream=True))[-1]["usage"]["total_tokens"] == 10**12


def test_a_redirect_goes_to_another_host():
    plan = spoiled("redirect")
    assert (plan.status, plan.headers["location"][:21]) == (307, "https://elsewhere.exa")


def test_a_bomb_is_small_and_unpacks_to_eighty_megabytes():
    plan = spoiled("gzip_bomb")
    assert plan.headers["content-encoding"] == "gzip"
    assert len(plan.body) < 200_000
    unpacker, size = zlib.decompressobj(31), 0
    data = plan.body
    while data:
        size += len(unpacker.decompress(data, 1 << 20))
        data = unpacker.unconsumed_tail
    assert size > 79 * 1024 * 1024
    assert plan.body[:2] == gzip.compress(b"")[:2]


def test_slow_is_so_many_times_slower():
    from router.emulator import Latency

    azure = emulator(latency=Latency(100.0, 0.0, 10.0), answer_tokens=10, answer_sigma=0.0)
    normal = ask(azure, stream=True).seconds
    azure.set_fault("chat", Fault("slow", factor=10.0, seconds=1.0))
    assert ask(azure, stream=True).seconds == pytest.approx(10 * normal + 1.0)


@pytest.mark.parametrize("stream", [False, True])
def test_dripped_and_shredded_answers_are_whole_in_the_end(stream):
    clean = spoiled("headers", stream).payload
    for kind in ("drip", "shred"):
        plan = spoiled(kind, stream)
        assert max(len(data) for _, data in plan.chunks) <= 3
        assert len(plan.payload) == len(clean)
    assert spoiled("drip").seconds == len(spoiled("drip").payload)


def test_headers_can_lie():
    plan = spoiled("headers", headers={"x-ratelimit-remaining-tokens": "-1", "apim-request-id": ""})
    assert plan.headers["x-ratelimit-remaining-tokens"] == "-1"
    assert "apim-request-id" not in plan.headers
    assert spoiled("status", status=429, headers={"retry-after": "soon"}).headers["retry-after"] == "soon"


def test_an_overrun_ignores_max_tokens():
    azure = emulator()
    azure.set_fault("chat", Fault("overrun"))
    assert said(ask(azure, max_tokens=5))["usage"]["completion_tokens"] == 50


def test_a_busy_service_says_nothing_about_quota():
    azure = emulator(tpm=1000)
    azure.set_fault("chat", Fault("busy"))
    plan = ask(azure)
    assert plan.status == 429
    assert "high demand" in said(plan)["error"]["message"]
    assert not [n for n in plan.headers if n.startswith(("x-ratelimit", "retry"))]


def test_retry_after_is_sent_in_both_units():
    headers = spoiled("status", status=429, retry_after_s=2.5).headers
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("2", "2500")


@pytest.mark.parametrize(
    ("kind", "wire"),
    [
        ("stream_cut", Wire.CUT),
        ("stream_hang", Wire.HANG),
        ("stream_error", Wire.CLEAN),
        ("stream_bad_json", Wire.CLEAN),
        ("stream_no_finish", Wire.CLEAN),
    ],
)
@pytest.mark.parametrize("after", [0, 1, 3])
def test_streams_break_after_so_many_events(kind, wire, after):
    plan = spoiled(kind, stream=True, after_events=after)
    extra = kind in ("stream_error", "stream_bad_json")
    assert plan.wire is wire
    assert len(plan.chunks) == after + extra
    assert b"[DONE]" not in plan.payload


def test_streams_break_within_their_content_unless_told_otherwise():
    assert len(spoiled("stream_cut", stream=True).chunks) == 4  # filter results, role, two of content
    assert b'finish_reason":"stop' not in spoiled("stream_no_finish", stream=True).payload
    error = json.loads(spoiled("stream_error", stream=True).chunks[-1][1].removeprefix(b"data: "))
    assert error["error"]["code"] == "server_error"


def test_a_stream_may_come_as_one_json():
    assert said(spoiled("stream_as_json", stream=True))["object"] == "chat.completion"


def test_every_kind_of_fault_changes_something():
    clean = spoiled("headers", stream=True)
    for kind in FaultKind:
        if kind in (FaultKind.HEADERS, FaultKind.SLOW, FaultKind.OVERRUN):
            continue
        plan = spoiled(kind, stream=True)
        assert (plan.status, plan.wire, plan.chunks and len(plan.chunks), plan.payload, len(plan.headers)) != (
            clean.status,
            clean.wire,
            len(clean.chunks),
            clean.payload,
            len(clean.headers),
        ), kind
