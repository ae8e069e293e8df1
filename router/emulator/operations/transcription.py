"""Transcription and translation: a sound becomes a text, in each of the formats."""

from __future__ import annotations

import math
from random import Random
from typing import Any
from zlib import crc32

from router.emulator import refusals
from router.emulator.dialects import compact, event
from router.emulator.filler import words
from router.emulator.forms import FormFile
from router.emulator.headers import EVENTS, JSON
from router.emulator.plan import Chunk
from router.emulator.refusals import Refusal, invalid
from router.emulator.sounds import seconds_of

from .base import Call, Operation, Reply, nothing
from .chat_replies import logprobs

MAX_BYTES = 25 * 1024 * 1024
FORMATS = ("json", "text", "srt", "verbose_json", "vtt")
_FILES = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm")
SEGMENT_S = 5.0
WORDS_PER_SECOND = 2.5
_SAMPLE = 1 << 16


def objection(call: Call) -> Refusal | None:
    """What the model says against it."""
    body, file = call.body, call.body.get("file")
    if not isinstance(file, FormFile):
        return invalid("Missing required parameter: 'file'.", "file", "missing_required_parameter")
    if len(file.data) > MAX_BYTES:
        said = f"Maximum content size limit ({MAX_BYTES}) exceeded ({len(file.data)} bytes read)"
        return Refusal(413, "413", said, {"type": "server_error", "param": None})
    if not len(file.data):
        return invalid("Audio file might be corrupted or unsupported", "file", "invalid_value")
    if call.strict and file.filename.rpartition(".")[2].lower() not in _FILES:
        return invalid(f"Invalid file format. Supported formats: {list(_FILES)}", "file")
    form = body.get("response_format", "json")
    if form not in FORMATS:
        said = f"Invalid value: '{form}'. Supported values are: {', '.join(map(repr, FORMATS))}."
        return invalid(said, "response_format", "invalid_value")
    whisper = "whisper" in call.d.model
    if call.strict and not whisper:
        if call.route.operation == "audio/translations":
            return refusals.wrong_operation(call.route.operation, call.d.model)
        if form not in ("json", "text"):
            return refusals.not_among("response_format", form, ("json", "text"))
    return refusals.unsupported_parameter("stream") if call.streams and whisper else None


def reply(call: Call) -> Reply:
    """The text."""
    body = call.body
    data = bytes(call.body["file"].data)
    duration = round(seconds_of(data), 2)
    dice = Random(crc32(data[:_SAMPLE]))
    pieces = words(dice, max(1, round(duration * WORDS_PER_SECOND)))
    text, form = "".join(pieces), body.get("response_format", "json")
    delay = call.latency.first(call.rng, len(pieces))
    if call.streams:
        chunks = _events(call, duration, pieces)
        content = range(len(chunks) - 1)
        return Reply(delay=delay, chunks=chunks, content=content, manner="responses", content_type=EVENTS)
    if form == "json":
        translates = call.route.operation == "audio/translations"
        used = {} if translates else {"usage": _usage(call, duration, pieces)}
        return Reply(compact({"text": text, **used}), delay)
    if form == "verbose_json":
        return Reply(compact(_verbose(call, duration, pieces)), delay, content_type=JSON)
    written = {"text": text + "\n", "srt": _srt(duration, pieces), "vtt": _vtt(duration, pieces)}[form]
    return Reply(written.encode(), delay, content_type="text/plain; charset=utf-8")


def _usage(call: Call, duration: float, pieces: list[str]) -> dict[str, Any]:
    if "whisper" in call.d.model:
        return {"type": "duration", "seconds": math.ceil(duration)}
    heard, out = math.ceil(10 * duration), len(pieces)
    return {
        "type": "tokens",
        "input_tokens": heard,
        "input_token_details": {"audio_tokens": heard, "text_tokens": 0},
        "output_tokens": out,
        "total_tokens": heard + out,
    }


def _segments(duration: float, pieces: list[str]) -> list[tuple[float, float, str]]:
    """Start, end and text of each five seconds."""
    count = max(1, math.ceil(duration / SEGMENT_S))
    each = math.ceil(len(pieces) / count)
    made: list[tuple[float, float, str]] = []
    for place in range(count):
        text = "".join(pieces[place * each : (place + 1) * each]).strip()
        if text:
            made.append((place * SEGMENT_S, min(duration, (place + 1) * SEGMENT_S), text))
    return made


def _verbose(call: Call, duration: float, pieces: list[str]) -> dict[str, Any]:
    body = call.body
    translates = call.route.operation == "audio/translations"
    whole: dict[str, Any] = {
        "task": "translate" if translates else "transcribe",
        "language": "english" if translates else body.get("language", "english"),
        "duration": duration,
        "text": "".join(pieces),
    }
    if not translates:
        whole["usage"] = _usage(call, duration, pieces)
    wanted = body.get("timestamp_granularities", ["segment"])
    if "segment" in wanted:
        whole["segments"] = [
            {
                "id": place,
                "seek": 0,
                "start": start,
                "end": end,
                "text": " " + text,
                "tokens": [50_364 + place],
                "temperature": 0.0,
                "avg_logprob": -0.2,
                "compression_ratio": 1.2,
                "no_speech_prob": 0.01,
            }
            for place, (start, end, text) in enumerate(_segments(duration, pieces))
        ]
    if "word" in wanted:
        each = duration / len(pieces)
        whole["words"] = [
            {"word": piece.strip(), "start": round(place * each, 2), "end": round((place + 1) * each, 2)}
            for place, piece in enumerate(pieces)
        ]
    return whole


def _clock(seconds: float, comma: str) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{comma}{thousandths:03}"


def _srt(duration: float, pieces: list[str]) -> str:
    return "".join(
        f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{text}\n\n"
        for number, (start, end, text) in enumerate(_segments(duration, pieces), 1)
    )


def _vtt(duration: float, pieces: list[str]) -> str:
    shown = (f"{_clock(a, '.')} --> {_clock(b, '.')}\n{text}\n\n" for a, b, text in _segments(duration, pieces))
    return "WEBVTT\n\n" + "".join(shown)


def _events(call: Call, duration: float, pieces: list[str]) -> list[Chunk]:
    each, burst = call.latency.token(call.rng), call.d.burst_tokens
    chunks: list[Chunk] = []
    include = call.body.get("include") or ()
    known = {"top_logprobs": 0}
    for start in range(0, len(pieces), burst):
        some = pieces[start : start + burst]
        delta: dict[str, Any] = {"type": "transcript.text.delta", "delta": "".join(some)}
        if "logprobs" in include:
            delta["logprobs"] = logprobs(some, known)
        chunks.append((each * len(some), event("transcript.text.delta", delta)))
    done = {"type": "transcript.text.done", "text": "".join(pieces), "usage": _usage(call, duration, pieces)}
    return [*chunks, (0.0, event("transcript.text.done", done))]


TRANSCRIPTIONS = Operation("Audio_Transcriptions", ("transcription",), nothing, objection, reply, filtered=False)
TRANSLATIONS = Operation("Audio_Translations", ("transcription",), nothing, objection, reply, filtered=False)
