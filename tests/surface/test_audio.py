"""Speech and what was heard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from router import BadRequestError, InternalServerError, Router
from router.replies import Binary
from tests.azure.fault_server import answer, chunked
from tests.recorder import Recorder
from tests.worlds import World

SOUND = b"ID3\x00\xff" * 1000


def test_speech_is_bytes_that_can_be_kept(world: World, router: Router, server: Recorder, tmp_path: Path) -> None:
    server.reply = answer(SOUND, kind="audio/mpeg")
    reply = world.call(router, "speech", model="g", input="Hello", voice="alloy", response_format="mp3")
    assert server.last.path == "/openai/deployments/dep/audio/speech"
    assert server.last.json == {"model": "dep", "input": "Hello", "voice": "alloy", "response_format": "mp3"}
    assert isinstance(reply, Binary)
    assert (reply.content, reply.content_type) == (SOUND, "audio/mpeg")
    reply.stream_to_file(tmp_path / "a.mp3")
    anyio.run(reply.astream_to_file, tmp_path / "b.mp3")
    assert (tmp_path / "a.mp3").read_bytes() == (tmp_path / "b.mp3").read_bytes() == SOUND
    assert b"".join(reply.iter_bytes(7)) == SOUND
    assert reply.routing.deployment == "one"


@pytest.mark.parametrize("whole", [False, True])
def test_speech_streams_as_bytes(world: World, router: Router, server: Recorder, whole: bool) -> None:
    server.reply = answer(SOUND, kind="audio/mpeg") if whole else chunked(SOUND[:9], SOUND[9:], kind="audio/mpeg")
    assert b"".join(world.call(router, "speech", "g", "Hello", "alloy", stream=True)) == SOUND
    assert router.status()[0].in_flight == 0


def test_speech_streams_as_events(world: World, router: Router, server: Recorder) -> None:
    server.reply = chunked(
        b'data: {"type":"speech.audio.delta","audio":"aGk="}\n\n',
        b'data: {"type":"speech.audio.done","usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}\n\n',
    )
    events = world.call(router, "speech", "g", "Hello", "alloy", stream=True, stream_format="sse")
    assert [e.type for e in events] == ["speech.audio.delta", "speech.audio.done"]


def test_an_error_instead_of_speech_is_an_error(router: Router, server: Recorder) -> None:
    server.reply = answer({"error": {"message": "no voice"}}, 200)
    with pytest.raises(InternalServerError, match="no voice"):
        router.speech("g", "Hello", "alloy")


@pytest.mark.parametrize("operation", ["transcription", "translation"])
@pytest.mark.parametrize(
    ("form", "body", "text"),
    [
        ("json", {"text": "Hello."}, "Hello."),
        ("verbose_json", {"text": "Hello.", "language": "en", "duration": 1.5, "segments": [{"id": 0}]}, "Hello."),
        ("text", b"Hello.\n", "Hello.\n"),
        ("srt", b"1\n00:00:00,000 --> 00:00:01,000\nHello.\n", "1\n00:00:00,000 --> 00:00:01,000\nHello.\n"),
        ("vtt", b"WEBVTT\n\nHello.", "WEBVTT\n\nHello."),
    ],
)
def test_what_is_heard_comes_in_every_form(
    world: World, router: Router, server: Recorder, operation: str, form: str, body: Any, text: str
) -> None:
    server.reply = answer(body) if isinstance(body, dict) else answer(body, kind="text/plain; charset=utf-8")
    reply = world.call(
        router, operation, model="g", file=("a.wav", b"RIFF"), response_format=form, temperature=0.5,
        timestamp_granularities=["word", "segment"],
    )  # fmt: skip
    assert server.last.path == f"/openai/deployments/dep/audio/{operation}s"
    assert (server.last.fields["file"], server.last.fields["model"]) == (b"RIFF", b"dep")
    assert (server.last.fields["response_format"], server.last.fields["temperature"]) == (form.encode(), b"0.5")
    given = [value for name, value, _ in server.last.form if name == "timestamp_granularities[]"]
    assert given == [b"word", b"segment"]
    assert reply.text == text
    assert reply.routing.deployment == "one"
    if form == "verbose_json":
        assert (reply.language, reply.duration, reply.segments) == ("en", 1.5, [{"id": 0}])


def test_what_is_heard_streams(world: World, router: Router, server: Recorder) -> None:
    server.reply = chunked(
        b'data: {"type":"transcript.text.delta","delta":"Hel"}\n\n',
        b'data: {"type":"transcript.text.done","text":"Hello"}\n\n',
    )
    events = world.call(router, "transcription", "g", b"RIFF", stream=True)
    assert server.last.fields["stream"] == b"true"
    assert [e.type for e in events] == ["transcript.text.delta", "transcript.text.done"]


def test_a_retry_sends_the_file_again_from_where_it_stood(
    world: World, server: Recorder, router: Router, tmp_path: Path
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"head" + b"RIFF" * 300_000)
    answers = [answer({"error": {"message": "broken"}}, 500), answer({"text": "Hello"})]
    server.reply = lambda _: answers.pop(0)
    with path.open("rb") as file:
        file.seek(4)
        reply = world.call(router, "transcription", "g", file, num_retries=1)
    assert reply.routing.retries == 1
    assert [asked.fields["file"] for asked in server.asked] == [b"RIFF" * 300_000] * 2


def test_a_file_read_to_its_end_says_so(router: Router, server: Recorder, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF")
    with path.open("rb") as file:
        file.read()
        with pytest.raises(BadRequestError, match=r"seek\(0\)"):
            router.transcription("g", file)
    with pytest.raises(BadRequestError, match="closed file"):
        router.transcription("g", file)
    assert server.asked == []
