"""Chat completions: whole, streamed, and below the old `/extensions`."""

from __future__ import annotations

from router.emulator.dialects import compact
from router.emulator.estimate import chat_demand
from router.emulator.faults import FaultKind
from router.emulator.headers import EVENTS
from router.emulator.plan import Chunk
from router.emulator.refusals import Refusal

from . import chat_checks
from .base import Call, Operation, Reply, weight_of
from .chat_answer import Answer, answer
from .chat_events import Event, events
from .chat_replies import completion
from .known import CHAT, EXTENSIONS, stranger

EXTENSION_TOKENS = 16
"""What answers below `/extensions` are cut to unless `max_tokens` says otherwise, as documented."""


def objection(call: Call) -> Refusal | None:
    """What the model says against it."""
    known = CHAT | EXTENSIONS if call.route.extensions else CHAT
    return stranger(call, known) or chat_checks.objection(call)


def reply(call: Call) -> Reply:
    """The answer, at once or as events."""
    body, rng = call.body, call.rng
    if call.route.extensions and body.get("max_tokens") is None and call.strict:
        body = {**body, "max_tokens": EXTENSION_TOKENS}
    made = answer(call.d, body, rng, int(call.wall), overrun=call.fault is FaultKind.OVERRUN)
    first, per_token = times(call, made)
    used = made.prompt_tokens + weight_of(call.d) * made.completion_tokens
    if call.streams:
        options = body.get("stream_options")
        usage = isinstance(options, dict) and bool(options.get("include_usage"))
        written, content = events(made, body, call.d.burst_tokens, include_usage=usage, annotated=call.annotated)
        chunks = timed(written, per_token / len(made.choices))
        return Reply(delay=first, used=used, chunks=chunks, content=content, content_type=EVENTS)
    whole = compact(completion(made, body, annotated=call.annotated))
    return Reply(whole, first + per_token * max(choice.tokens for choice in made.choices), used)


def times(call: Call, made: Answer) -> tuple[float, float]:
    """Seconds to the first token, thought included, and seconds per token."""
    per_token = call.latency.token(call.rng)
    thought = per_token * made.reasoning_tokens / len(made.choices)
    return call.latency.first(call.rng, made.prompt_tokens) + thought, per_token


def timed(written: list[Event], per_token: float) -> list[Chunk]:
    """Events, each after the time that its tokens take."""
    return [(tokens * per_token, data) for tokens, data in written]


OPERATION = Operation("ChatCompletions_Create", ("chat", "o_series", "gpt5"), chat_demand, objection, reply)
