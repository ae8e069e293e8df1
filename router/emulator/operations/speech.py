"""Speech: a text becomes the bytes of a sound, at once or as they are made."""

from __future__ import annotations

import base64

from router.emulator import refusals
from router.emulator.dialects import event
from router.emulator.headers import EVENTS
from router.emulator.plan import Chunk
from router.emulator.refusals import Refusal, invalid
from router.emulator.sounds import CONTENT_TYPES, sound_of

from .base import Call, Operation, Reply, nothing

FORMATS = tuple(name for name in CONTENT_TYPES if name != "pcm16")
MAX_CHARACTERS = 4096
_PIECE = 4096


def objection(call: Call) -> Refusal | None:
    """What the model says against it."""
    body = call.body
    for name in ("input", "voice"):
        if not body.get(name):
            return invalid(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")
    if not isinstance(body["input"], str):
        return invalid("Invalid type for 'input': expected a string.", "input", "invalid_type")
    if len(body["input"]) > MAX_CHARACTERS:
        said = f"Invalid 'input': string too long. Expected a string with maximum length {MAX_CHARACTERS}."
        return invalid(said, "input", "string_above_max_length")
    form = body.get("response_format", "mp3")
    if form not in FORMATS:
        allowed = ", ".join(f"'{name}'" for name in FORMATS)
        said = f"Invalid value: '{form}'. Supported values are: {allowed}."
        return invalid(said, "response_format", "invalid_value")
    speed = body.get("speed", 1.0)
    if not isinstance(speed, (int, float)) or not 0.25 <= speed <= 4.0:
        return invalid("Invalid 'speed': expected a decimal from 0.25 to 4.0.", "speed", "invalid_value")
    if body.get("stream_format") == "sse" and call.d.model.startswith("tts-1"):
        return refusals.not_among("stream_format", "sse", ("audio",))
    return None


def reply(call: Call) -> Reply:
    """The sound, in pieces."""
    body = call.body
    form = body.get("response_format", "mp3")
    sound = sound_of(body["input"], form)
    pieces = [sound[i : i + _PIECE] for i in range(0, len(sound), _PIECE)]
    first, each = call.latency.first(call.rng, len(body["input"]) // 4), call.latency.token(call.rng)
    if body.get("stream_format") != "sse":
        chunks: list[Chunk] = [(each, piece) for piece in pieces]
        return Reply(delay=first, chunks=chunks, content_type=CONTENT_TYPES[form])
    chunks = []
    for piece in pieces:
        delta = {"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()}
        chunks.append((each, event("speech.audio.delta", delta)))
    asked, out = len(body["input"]) // 4 + 1, len(pieces)
    usage = {"input_tokens": asked, "output_tokens": out, "total_tokens": asked + out}
    content = range(len(chunks))
    chunks.append((0.0, event("speech.audio.done", {"type": "speech.audio.done", "usage": usage})))
    return Reply(delay=first, chunks=chunks, content=content, manner="responses", content_type=EVENTS)


OPERATION = Operation("Speech_Create", ("speech",), nothing, objection, reply, filtered=False)
