"""Text completions: of one prompt or many, whole or streamed."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from router.emulator.dialects import compact
from router.emulator.estimate import Demand, input_tokens, number
from router.emulator.faults import FaultKind
from router.emulator.filters import ANSWER_RESULTS, BLOCKED_RESULTS, PROMPT_RESULTS
from router.emulator.headers import EVENTS
from router.emulator.refusals import Refusal, invalid

from .base import Call, Operation, Reply, weight_of
from .chat import timed, times
from .chat_answer import Answer, Choice, answer
from .chat_checks import prompt_objection, whole_number
from .chat_events import DONE, Event
from .chat_replies import logprobs, usage
from .known import COMPLETIONS, stranger

DEFAULT_TOKENS = 16
"""What answers are cut to unless `max_tokens` says otherwise."""


def prompts_of(body: dict[str, Any]) -> list[Any]:
    """The prompts, each a text or token ids; a request without one continues nothing."""
    given = body.get("prompt")
    if given is None:
        return ["<|endoftext|>"]
    return given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]


def demand(body: dict[str, Any]) -> Demand:
    """The prompts, and for each `max_tokens` times the larger of `n` and `best_of`."""
    prompts = [p for p in prompts_of(body) if isinstance(p, (str, list))]
    best = body.get("best_of")
    drawn = max(number(body), best if isinstance(best, int) else 1)
    bound = body.get("max_tokens")
    tokens = bound if isinstance(bound, int) else None
    return Demand(sum(input_tokens(p) for p in prompts), drawn * len(prompts), tokens)


def objection(call: Call) -> Refusal | None:
    """What the model says against it."""
    unknown = stranger(call, COMPLETIONS)
    if unknown is not None:
        return unknown
    body = call.body
    prompts = prompts_of(body)
    if not prompts or not all(isinstance(p, (str, list)) and p for p in prompts):
        return invalid("'prompt' must be a text, texts, or token ids, none of them empty.", "prompt")
    for name in ("n", "best_of", "max_tokens"):
        wrong = whole_number(body, name)
        if wrong is not None:
            return wrong
    best = body.get("best_of")
    if best is not None and best < number(body):
        return invalid("You requested that the server return more choices than it will generate.", "best_of")
    if best is not None and best > 1 and body.get("stream"):
        return invalid("Cannot stream results with best_of > 1.", "best_of")
    for prompt in prompts:
        wrong = prompt_objection(call.d, _chat(body, prompt), "prompt")
        if wrong is not None:
            return wrong
    return None


def reply(call: Call) -> Reply:
    """The continuations."""
    body = call.body
    overrun = call.fault is FaultKind.OVERRUN
    parts = [answer(call.d, _chat(body, p), call.rng, int(call.wall), overrun=overrun) for p in prompts_of(body)]
    prompt_tokens = sum(input_tokens(p) for p in prompts_of(body))
    choices = [choice for part in parts for choice in part.choices]
    identity = parts[0].id.replace("chatcmpl", "cmpl")
    marks = "".join(part.marks for part in parts)
    made = Answer(identity, parts[0].created, call.d.model, choices, prompt_tokens, marks=marks)
    first, per_token = times(call, made)
    used = prompt_tokens + weight_of(call.d) * made.completion_tokens
    if call.streams:
        written, content = _events(call, made)
        chunks = timed(written, per_token / len(choices))
        return Reply(delay=first, used=used, chunks=chunks, content=content, content_type=EVENTS)
    whole = {**_head(made), "choices": _whole(call, made), "usage": _usage(made)}
    if call.annotated:
        count = range(len(parts))
        whole["prompt_filter_results"] = [{"prompt_index": i, "content_filter_results": PROMPT_RESULTS} for i in count]
    return Reply(compact(whole), first + per_token * max(choice.tokens for choice in choices), used)


def _chat(body: dict[str, Any], prompt: Any) -> dict[str, Any]:
    """One prompt in the shape of a chat."""
    text = prompt if isinstance(prompt, str) else ""
    limit = body.get("max_tokens")
    return {
        "messages": [{"role": "user", "content": text}],
        "n": number(body),
        "max_tokens": DEFAULT_TOKENS if limit is None else limit,
        "stop": body.get("stop"),
    }


def _whole(call: Call, made: Answer) -> list[dict[str, Any]]:
    prompts, each = prompts_of(call.body), number(call.body)
    choices: list[dict[str, Any]] = []
    for index, choice in enumerate(made.choices):
        prompt = prompts[index // each]
        echoed = prompt if call.body.get("echo") and isinstance(prompt, str) else ""
        choices.append(_choice(call, index, echoed + choice.text, choice.pieces, choice))
    return choices


def _choice(call: Call, index: int, text: str, pieces: list[str], choice: Choice | None) -> dict[str, Any]:
    """One choice, or with None an event before its end."""
    reason = choice.finish_reason if choice is not None else None
    made: dict[str, Any] = {"text": text, "index": index, "finish_reason": reason, "logprobs": None}
    if isinstance(call.body.get("logprobs"), int) and not isinstance(call.body["logprobs"], bool):
        made["logprobs"] = _logprobs(pieces, call.body["logprobs"])
    if call.annotated:
        made["content_filter_results"] = BLOCKED_RESULTS if reason == "content_filter" else ANSWER_RESULTS
    return made


def _logprobs(pieces: list[str], top: int) -> dict[str, Any]:
    tokens = logprobs(pieces, {"top_logprobs": top})
    offsets = [sum(len(piece) for piece in pieces[:i]) for i in range(len(pieces))]
    return {
        "tokens": pieces,
        "token_logprobs": [token["logprob"] for token in tokens],
        "top_logprobs": [{t["token"]: t["logprob"] for t in token["top_logprobs"]} for token in tokens],
        "text_offset": offsets,
    }


def _head(made: Answer) -> dict[str, Any]:
    return {"id": made.id, "object": "text_completion", "created": made.created, "model": made.model}


def _usage(made: Answer) -> dict[str, Any]:
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {name: value for name, value in usage(made).items() if name in names}


def _events(call: Call, made: Answer) -> tuple[list[Event], range]:
    head = _head(made)

    def data(choices: list[dict[str, Any]], **more: Any) -> bytes:
        return b"data: " + compact({**head, "choices": choices, **more}) + b"\n\n"

    written: list[Event] = []
    if call.annotated:
        found = [{"prompt_index": 0, "content_filter_results": PROMPT_RESULTS}]
        written.append((0, data([], prompt_filter_results=found)))
    start, burst = len(written), call.d.burst_tokens
    columns = [
        [
            (len(tokens), data([_choice(call, index, "".join(tokens), tokens, None)]))
            for place in range(0, len(choice.pieces), burst)
            if (tokens := choice.pieces[place : place + burst])
        ]
        for index, choice in enumerate(made.choices)
    ]
    written += [event for row in zip_longest(*columns) for event in row if event is not None]
    content = range(start, len(written))
    written += [(0, data([_choice(call, i, "", [], choice)])) for i, choice in enumerate(made.choices)]
    options = call.body.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        written.append((0, data([], usage=_usage(made))))
    written.append((0, DONE))
    return written, content


OPERATION = Operation("Completions_Create", ("completions",), demand, objection, reply)
