"""The official client makes pictures and sounds, and has sounds written down."""

from __future__ import annotations

import base64
import json
import urllib.request
import wave

import openai
import pytest

from router.emulator.pictures import name_of, picture_of
from router.emulator.sounds import CONTENT_TYPES, seconds_of, sound_of

from .conftest import client_of

PNG_START = b"\x89PNG"
SOUND = sound_of("x" * 1200, "wav")  # twelve seconds


def test_a_picture_as_base64(client):
    made = client.images.generate(model="pictures", prompt="a cat", size="64x32", n=2)
    pictures = [base64.b64decode(image.b64_json) for image in made.data]
    assert all(picture.startswith(PNG_START) for picture in pictures)
    assert pictures[0][16:24] == (64).to_bytes(4, "big") + (32).to_bytes(4, "big")
    assert pictures[0] != pictures[1]
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens
    assert made.size == "64x32"


def test_a_picture_as_an_address_that_can_be_fetched(client):
    made = client.images.generate(model="paint", prompt="a cat", size="64x64")
    assert made.data[0].revised_prompt
    with urllib.request.urlopen(made.data[0].url) as answer:
        assert answer.read().startswith(PNG_START)
    packed = client.images.generate(model="paint", prompt="a cat", size="64x64", response_format="b64_json")
    assert base64.b64decode(packed.data[0].b64_json).startswith(PNG_START)


def test_a_picture_in_parts(client):
    events = list(client.images.generate(model="pictures", prompt="x", size="16x16", stream=True, partial_images=2))
    assert [e.type for e in events] == [*["image_generation.partial_image"] * 2, "image_generation.completed"]
    assert [e.partial_image_index for e in events[:2]] == [0, 1]
    assert events[-1].usage.total_tokens


def test_pictures_are_edited(client):
    image = ("cat.png", base64.b64decode("iVBORw0KGgo="), "image/png")
    made = client.images.edit(model="pictures", image=[image, image], mask=image, prompt="a hat", size="16x16", n=2)
    assert len(made.data) == 2
    one = client.images.edit(model="pictures", image=image, prompt="a hat", size="16x16", stream=True)
    assert [e.type for e in one] == ["image_edit.completed"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"prompt": ""}, "missing_required_parameter"),
        ({"prompt": "emulate:content_filter"}, "content_policy_violation"),
        ({"n": 11}, "invalid_value"),
        ({"size": "big"}, "invalid_value"),
        ({"response_format": "url"}, "unknown_parameter"),
        ({"model": "paint", "n": 2}, "invalid_value"),
        ({"model": "paint", "prompt": "x" * 4001}, "string_above_max_length"),
        ({"model": "chat"}, "OperationNotSupported"),
    ],
)
def test_pictures_that_are_not_made(client, asked, code):
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(**{"model": "pictures", "prompt": "a cat", **asked})
    assert caught.value.code == code


def test_an_edit_needs_a_picture(azure, monkeypatch):
    monkeypatch.setattr("router.emulator.operations.images.MAX_IMAGE_BYTES", 10)
    with client_of(azure, "v1") as client:
        for image, code in ((b"x" * 11, "image_file_too_large"), (b"", "empty_image_file")):
            with pytest.raises(openai.BadRequestError) as caught:
                client.images.edit(model="pictures", image=("a.png", image), prompt="x")
            assert caught.value.code == code


@pytest.mark.parametrize("name", ["0x5-1.png", "5x5-256.png", "x.png", "../etc/passwd"])
def test_only_names_that_say_a_picture_have_one(name):
    assert picture_of(name) is None
    assert picture_of(name_of(2, 3, 4)).startswith(PNG_START)


# ---- speech ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_speech_in_every_format(client, form, tmp_path):
    spoken = client.audio.speech.create(model="speaker", voice="alloy", input="hello there", response_format=form)
    assert spoken.response.headers["content-type"] == CONTENT_TYPES[form]
    assert spoken.content == sound_of("hello there", form)
    spoken.write_to_file(tmp_path / "speech")
    assert (tmp_path / "speech").read_bytes() == spoken.content


def test_speech_is_streamed_to_a_file(client, tmp_path):
    path = tmp_path / "speech.wav"
    asked = {"model": "speaker", "voice": "alloy", "input": "hello " * 100, "response_format": "wav"}
    with client.audio.speech.with_streaming_response.create(**asked) as answer:
        assert answer.headers["transfer-encoding"] == "chunked"
        answer.stream_to_file(path)
    with wave.open(str(path)) as sound:
        assert sound.getnframes() == 6 * 24_000
    with client.audio.speech.with_streaming_response.create(**asked) as answer:
        assert b"".join(answer.iter_bytes()) == path.read_bytes()


def test_speech_as_events(client):
    asked = {"model": "speaker", "voice": "alloy", "input": "hello", "stream_format": "sse", "response_format": "pcm"}
    lines = client.audio.speech.create(**asked).text.split("\n")
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    sound = b"".join(base64.b64decode(e["audio"]) for e in events[:-1])
    assert sound == sound_of("hello", "pcm")
    assert events[-1]["type"] == "speech.audio.done"


@pytest.mark.parametrize("asked", [{"input": ""}, {"input": "x" * 4097}, {"response_format": "ogg"}, {"speed": 9}])
def test_speech_that_is_refused(client, asked):
    with pytest.raises(openai.BadRequestError):
        client.audio.speech.create(**{"model": "speaker", "voice": "alloy", "input": "x", **asked})


# ---- writing down ------------------------------------------------------------------------------------------------


def heard(client, **more):
    return client.audio.transcriptions.create(**{"model": "listener", "file": ("a.wav", SOUND), **more})


def test_a_sound_is_written_down(client):
    plain = heard(client)
    assert isinstance(plain, openai.types.audio.Transcription)
    assert (plain.usage.type, plain.usage.seconds) == ("duration", 12)
    assert heard(client, response_format="text") == plain.text + "\n"
    assert heard(client).text == plain.text != heard(client, file=("b.wav", sound_of("y", "wav"))).text


def test_a_sound_in_detail(client):
    asked = {"response_format": "verbose_json", "timestamp_granularities": ["word", "segment"], "language": "english"}
    full = heard(client, **asked)
    assert isinstance(full, openai.types.audio.TranscriptionVerbose)
    assert (full.duration, full.language) == (12.0, "english")
    assert [(s.start, s.end) for s in full.segments] == [(0.0, 5.0), (5.0, 10.0), (10.0, 12.0)]
    assert " ".join(word.word for word in full.words) == full.text


def test_subtitles(client):
    srt, vtt = heard(client, response_format="srt"), heard(client, response_format="vtt")
    assert srt.startswith("1\n00:00:00,000 --> 00:00:05,000\n")
    assert "\n3\n00:00:10,000 --> 00:00:12,000\n" in srt
    assert vtt.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:05.000\n")


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # so the client calls the whole operation
def test_a_sound_is_translated(client):
    made = client.audio.translations.create(model="listener", file=("a.wav", SOUND))
    assert made.text
    asked = {"model": "listener", "file": ("a.wav", SOUND)}
    full = client.audio.translations.create(**asked, response_format="verbose_json")
    assert (full.language, full.segments[0].start) == ("english", 0.0)
    assert client.audio.translations.create(**asked, response_format="text") == made.text + "\n"
    assert client.audio.translations.create(**asked, response_format="srt").startswith("1\n00:00:00,000 --> ")
    assert client.audio.translations.create(**asked, response_format="vtt").startswith("WEBVTT\n\n")


def test_a_sound_is_written_down_as_it_is_heard(client):
    *deltas, done = heard(client, model="scribe", stream=True)
    assert "".join(e.delta for e in deltas) == done.text
    assert {e.type for e in deltas} == {"transcript.text.delta"}
    assert done.usage.total_tokens
    assert heard(client, model="scribe").usage.type == "tokens"


@pytest.mark.parametrize(
    "asked",
    [
        {"file": ("a.txt", b"x")},
        {"file": ("a.wav", b"")},
        {"response_format": "html"},
        {"model": "scribe", "response_format": "srt"},
        {"model": "listener", "stream": True},
        {"model": "chat"},
    ],
)
def test_sounds_that_are_refused(client, asked):
    with pytest.raises(openai.BadRequestError):
        heard(client, **asked)


def test_a_sound_may_be_too_long(azure, monkeypatch):
    monkeypatch.setattr("router.emulator.operations.transcription.MAX_BYTES", 10)
    with client_of(azure, "v1") as client, pytest.raises(openai.APIStatusError) as caught:
        heard(client)
    assert caught.value.status_code == 413


def test_only_requests_are_limited_for_sounds_and_pictures(azure):
    with client_of(azure, "v1") as client:
        client.images.generate(model="pictures", prompt="x" * 100, size="16x16")
    assert azure.emulator.log[-1].tokens == 0


@pytest.mark.parametrize("data", [b"", b"RIFF", SOUND[:50], b"x" * 32_000])
def test_what_is_no_wav_has_a_length_too(data):
    assert seconds_of(data) >= 0.0
