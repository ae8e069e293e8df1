"""How does a fault change an answer?  One small function per kind, from a good plan to a bad one."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from functools import lru_cache
from random import Random

from .dialects import event
from .faults import Fault, FaultKind
from .plan import Chunk, Plan, Wire

HTML = b"<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
BOMB_BYTES = 80 * 1024 * 1024
STREAM_ERROR = {
    "message": "The server had an error while processing your request. Sorry about that!",
    "type": "server_error",
    "param": None,
    "code": "server_error",
}


def spoil(plan: Plan, fault: Fault, rng: Random) -> Plan:
    """Let the fault act on a plan, in place.

    Args:
        plan: of a good answer, or, for faults of the front door, of whatever the kind asks for.
        fault: what happens.
        rng: dice, for `shred`.
    """
    kind = FaultKind(fault.kind)
    if kind is FaultKind.SHRED:
        _shred(plan, rng)
    elif kind in _WIRES:
        plan.wire = _WIRES[kind]
    elif kind in _CHANGES:
        _CHANGES[kind](plan, fault)
    for name, value in fault.headers.items():
        if value:
            plan.headers[name.lower()] = value
        else:
            plan.headers.pop(name.lower(), None)
    return plan


_WIRES = {
    FaultKind.DNS: Wire.DNS,
    FaultKind.REFUSE: Wire.REFUSE,
    FaultKind.CONNECT_TIMEOUT: Wire.CONNECT_TIMEOUT,
    FaultKind.TLS: Wire.TLS,
    FaultKind.RESET: Wire.RESET,
    FaultKind.RESET_AFTER_HEADERS: Wire.RESET_AFTER_HEADERS,
    FaultKind.BAD_FRAMING: Wire.BAD_FRAMING,
    FaultKind.CLOSE_AFTER: Wire.CLOSE_AFTER,
}


def _replace(plan: Plan, body: bytes, content_type: str | None = None) -> None:
    plan.body, plan.chunks, plan.content = body, None, range(0)
    if content_type is not None:
        plan.headers["content-type"] = content_type


def _hang(plan: Plan, _: Fault) -> None:
    _replace(plan, b"")
    plan.wire = Wire.HANG


def _truncate(plan: Plan, fault: Fault) -> None:
    plan.wire = Wire.TRUNCATE
    whole = plan.payload
    kept = whole[: min(len(whole) - 1, fault.after_bytes if fault.after_bytes is not None else len(whole) // 2)]
    if plan.chunks is None:
        plan.announced = len(whole)
        plan.body = kept
    else:
        plan.chunks = [(0.0, kept)]


def _slow(plan: Plan, fault: Fault) -> None:
    plan.delay = plan.delay * fault.factor + (fault.seconds or 0.0)
    if plan.chunks is not None:
        plan.chunks = [(delay * fault.factor, data) for delay, data in plan.chunks]


def _drip(plan: Plan, fault: Fault) -> None:
    pause = 1.0 if fault.seconds is None else fault.seconds
    plan.chunks = [(pause, bytes([byte])) for byte in plan.payload]


def _shred(plan: Plan, rng: Random) -> None:
    data = plan.payload
    pieces: list[Chunk] = []
    while data:
        size = rng.randint(1, 3)
        pieces.append((0.0, data[:size]))
        data = data[size:]
    plan.chunks = pieces


def _html(plan: Plan, fault: Fault) -> None:
    plan.status = 200 if fault.status == 500 else fault.status
    _replace(plan, fault.body.encode() if fault.body is not None else HTML, "text/html; charset=utf-8")


def _empty(plan: Plan, _: Fault) -> None:
    _replace(plan, b"")


def _bad_json(plan: Plan, _: Fault) -> None:
    whole = plan.payload
    _replace(plan, whole[: len(whole) // 2])


def _bad_shape(plan: Plan, fault: Fault) -> None:
    _replace(plan, (fault.body or "null").encode(), "application/json")


def _usage(plan: Plan, usage: dict[str, object] | None) -> None:
    if plan.chunks is None:
        if plan.headers.get("content-type", "").startswith("application/json"):
            plan.body = _with_usage(plan.body, usage)
        return
    plan.chunks = [(delay, _event_with_usage(data, usage)) for delay, data in plan.chunks]


def _event_with_usage(data: bytes, usage: dict[str, object] | None) -> bytes:
    head, mark, written = data.partition(b"data: ")
    if not mark or b'"usage":{' not in written:
        return data
    return head + mark + _with_usage(written[:-2], usage) + b"\n\n"


def _with_usage(data: bytes, usage: dict[str, object] | None) -> bytes:
    value = json.loads(data)
    for holder in (value, value.get("response"), value.get("message")):
        if isinstance(holder, dict) and "usage" in holder:
            if usage is None:
                del holder["usage"]
            else:
                holder["usage"] = usage
    return json.dumps(value).encode()


def _bad_usage(plan: Plan, _: Fault) -> None:
    _usage(plan, {"prompt_tokens": -5, "completion_tokens": "many", "total_tokens": 10**12})


def _redirect(plan: Plan, _: Fault) -> None:
    plan.status = 307
    plan.headers["location"] = "https://elsewhere.example.com/openai"
    _replace(plan, b"")


def _huge_header(plan: Plan, _: Fault) -> None:
    plan.headers["x-huge"] = "x" * 1_000_000


def _gzip_bomb(plan: Plan, _: Fault) -> None:
    _replace(plan, _bomb(), "application/json")
    plan.headers["content-encoding"] = "gzip"


@lru_cache(maxsize=1)
def _bomb() -> bytes:
    """Blanks, packed; made when first needed, in a third of a second."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b" " * (1024 * 1024)
    parts = [packer.compress(block) for _ in range(BOMB_BYTES // len(block))]
    return b"".join([*parts, packer.flush()])


def _cut_at(plan: Plan, fault: Fault, content: int | None) -> list[Chunk]:
    """The first `after_events`, else up to so many content events (None: all of them)."""
    stop = plan.content.stop if content is None else min(plan.content.start + content, plan.content.stop)
    return (plan.chunks or [])[: stop if fault.after_events is None else fault.after_events]


def _stream_cut(plan: Plan, fault: Fault) -> None:
    plan.chunks = _cut_at(plan, fault, 2)
    plan.wire = Wire.CUT


def _stream_hang(plan: Plan, fault: Fault) -> None:
    plan.chunks = _cut_at(plan, fault, 2)
    plan.wire = Wire.HANG


def _stream_no_finish(plan: Plan, fault: Fault) -> None:
    plan.chunks = _cut_at(plan, fault, None)


def _stream_error(plan: Plan, fault: Fault) -> None:
    kept = _cut_at(plan, fault, 2)
    plan.chunks = [*kept, (0.0, _error_event(plan, len(kept)))]


def _error_event(plan: Plan, number: int) -> bytes:
    """An error among events: Azure nests it under `error` in Responses too, unlike OpenAI."""
    if plan.manner == "anthropic":
        error = {"type": "overloaded_error", "message": "Overloaded"}
        return event("error", {"type": "error", "error": error})
    if plan.manner == "responses":
        return event("error", {"type": "error", "sequence_number": number, "error": STREAM_ERROR})
    return b"data: " + json.dumps({"error": STREAM_ERROR}).encode() + b"\n\n"


def _stream_bad_json(plan: Plan, fault: Fault) -> None:
    plan.chunks = [*_cut_at(plan, fault, 2), (0.0, b'data: {"id":"chatcmpl-\n\n')]


_CHANGES: dict[FaultKind, Callable[[Plan, Fault], None]] = {
    FaultKind.HANG: _hang,
    FaultKind.TRUNCATE: _truncate,
    FaultKind.SLOW: _slow,
    FaultKind.DRIP: _drip,
    FaultKind.HTML: _html,
    FaultKind.EMPTY: _empty,
    FaultKind.BAD_JSON: _bad_json,
    FaultKind.BAD_SHAPE: _bad_shape,
    FaultKind.NO_USAGE: lambda plan, _: _usage(plan, None),
    FaultKind.BAD_USAGE: _bad_usage,
    FaultKind.REDIRECT: _redirect,
    FaultKind.HUGE_HEADER: _huge_header,
    FaultKind.GZIP_BOMB: _gzip_bomb,
    FaultKind.STREAM_CUT: _stream_cut,
    FaultKind.STREAM_HANG: _stream_hang,
    FaultKind.STREAM_NO_FINISH: _stream_no_finish,
    FaultKind.STREAM_ERROR: _stream_error,
    FaultKind.STREAM_BAD_JSON: _stream_bad_json,
}
