"""Claude on Foundry: asked in Anthropic's words and in OpenAI's, in each of the three worlds."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

import router as package
from router import Router
from router.azure.anthropic.stream import as_events
from router.errors import APIError, UnsupportedParamsError
from tests.azure.anthropic.messages import ANSWER, COMPLETION
from tests.azure.fault_server import FaultServer, Peer, answer
from tests.recorder import Recorder
from tests.worlds import World

from .conftest import deployment

HELLO = [{"role": "user", "content": "canary-prompt"}]
NOW = "Wed, 21 Oct 2026 07:28:00 GMT"


def events(stream: Iterable[Mapping[str, Any]]) -> bytes:
    data = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in stream)
    return answer(data.encode(), kind="text/event-stream")


def claude(server: Recorder, id: str = "one", **params: Any) -> dict[str, Any]:
    return deployment(server, id, model="azure/claude-sonnet-4-5", **params)


@pytest.fixture
def router(server: Recorder) -> Any:
    server.reply = answer(ANSWER)
    with Router([claude(server)], num_retries=0) as made:
        yield made


def test_a_message_goes_and_comes_as_it_is(world: World, server: Recorder, router: Router) -> None:
    params = {"system": "Be brief.", "top_k": 5, "thinking": {"type": "adaptive"}, "stop_sequences": ["x"]}
    reply = world.call(router, "anthropic_messages", "g", HELLO, 64, metadata={"user_id": "u"}, **params)
    asked = server.last
    assert (asked.method, asked.path, asked.query) == ("POST", "/anthropic/v1/messages", {})
    body = {"messages": HELLO, "max_tokens": 64, "metadata": {"user_id": "u"}, **params, "model": "claude-sonnet-4-5"}
    assert asked.json == body
    assert asked.headers["x-api-key"] == "canary-key"
    assert asked.headers["anthropic-version"] == "2023-06-01"
    assert not asked.headers.keys() & {"api-key", "authorization"}
    assert reply.model_dump() == ANSWER
    assert reply.content[1].text == reply["content"][1]["text"] == "I look."
    assert (reply.usage.input_tokens, reply.routing.deployment) == (10, "one")
    assert reply.routing.tokens_settled == reply.routing.tokens_reserved == 70  # the limit is kept, as on Azure


def test_events_are_passed_through_whole(world: World, server: Recorder, router: Router) -> None:
    came = list(as_events(ANSWER))
    came.insert(2, {"type": "ping"})
    server.reply = events(came)
    got = world.call(router, "anthropic_messages", "g", HELLO, max_tokens=64, stream=True)
    assert [event.model_dump() for event in got] == came
    assert [event.delta.text for event in got if event.type == "content_block_delta" and "text" in event.delta] == [
        "I look."
    ]
    assert server.last.json["stream"] is True


def test_a_whole_message_where_a_stream_was_asked_for_is_a_stream(world: World, router: Router) -> None:
    got = world.call(router, "anthropic_messages", "g", HELLO, max_tokens=64, stream=True)
    assert [event.model_dump() for event in got] == list(as_events(ANSWER))
    chunks = world.call(router, "completion", "g", HELLO, stream=True)
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "I look."


def test_a_token_travels_as_a_bearer_and_the_callers_headers_beside_it(world: World, server: Recorder) -> None:
    server.reply = answer(ANSWER)
    entry = claude(server, api_key=None, azure_ad_token="t" * 20)
    with Router([entry]) as made:
        beta = {"anthropic-beta": "b", "anthropic-version": "2024-01-01"}
        world.call(made, "anthropic_messages", "g", HELLO, 64, extra_headers=beta)
    headers = server.last.headers
    assert headers["authorization"] == f"Bearer {'t' * 20}"
    assert "x-api-key" not in headers
    assert (headers["anthropic-beta"], headers["anthropic-version"]) == ("b", "2024-01-01")


def test_chat_is_translated_both_ways(world: World, server: Recorder, router: Router) -> None:
    question = [{"role": "system", "content": "Be brief."}, *HELLO]
    reply = world.call(router, "completion", "g", question, max_tokens=99, user="u")
    assert server.last.path == "/anthropic/v1/messages"
    assert server.last.json == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 99,
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "canary-prompt"}]}],
        "metadata": {"user_id": "u"},
    }
    got = reply.model_dump(exclude_unset=True)
    assert got.pop("created") > 0
    assert got == {key: value for key, value in COMPLETION.items() if key != "created"}
    assert reply.choices[0].message.tool_calls[0].function.name == "weather"
    assert reply.choices[0].message.reasoning_content == "Two cities."
    assert reply.usage.prompt_tokens_details["cached_tokens"] == 7


def test_a_stream_of_chat_is_translated_and_settled(world: World, server: Recorder, router: Router) -> None:
    server.reply = events(as_events(ANSWER))
    options = {"include_usage": True}
    chunks = world.call(router, "completion", "g", HELLO, stream=True, stream_options=options)
    deltas = [c.choices[0].delta for c in chunks if c.choices]
    assert "".join(d.content or "" for d in deltas) == "I look."
    assert "".join(d.get("reasoning_content") or "" for d in deltas) == "Two cities."
    calls = [call for d in deltas for call in d.tool_calls or ()]
    assert [(c.index, c.id, c.function.name) for c in calls if c.id] == [
        (0, "toolu_1", "weather"),
        (1, "toolu_2", "time"),
    ]
    assert "".join(c.function.arguments for c in calls if c.index == 0) == '{"city": "Zürich"}'
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "tool_calls"
    assert chunks[-1].usage.total_tokens == 25
    [status] = router.status()
    assert (status.successes, status.in_flight) == (1, 0)


def test_what_claude_does_not_take_is_named_before_anything_is_sent(
    world: World, server: Recorder, router: Router
) -> None:
    with pytest.raises(UnsupportedParamsError, match="`logprobs`, `seed` are refused by Claude"):
        world.call(router, "completion", "g", HELLO, logprobs=True, seed=1)
    assert server.asked == []


@pytest.mark.parametrize(
    ("name", "args", "words"),
    [
        ("anthropic_messages", ([], 5), "`messages` is empty"),
        ("anthropic_messages", (HELLO, None), "max_tokens"),
        ("anthropic_messages", (HELLO, "9"), "max_tokens"),
        ("embedding", ("text",), "Claude serves messages and chat"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    world: World, server: Recorder, router: Router, name: str, args: Any, words: str
) -> None:
    with pytest.raises(package.BadRequestError, match=words):
        world.call(router, name, "g", *args)
    assert server.asked == []


def test_messages_are_not_for_other_models(world: World, server: Recorder) -> None:
    with Router([deployment(server)]) as made, pytest.raises(package.BadRequestError, match="Claude alone"):
        world.call(made, "anthropic_messages", "g", HELLO, 5)
    assert server.asked == []


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, "invalid_request_error", package.BadRequestError),
        (401, "authentication_error", package.AuthenticationError),
        (403, "permission_error", package.PermissionDeniedError),
        (404, "not_found_error", package.NotFoundError),
        (413, "request_too_large", package.BadRequestError),
        (429, "rate_limit_error", package.RateLimitError),
        (500, "api_error", package.InternalServerError),
        (529, "overloaded_error", package.InternalServerError),
    ],
)
def test_anthropics_errors_are_ours(
    server: Recorder, router: Router, status: int, error: str, kind: type[APIError]
) -> None:
    body = {"type": "error", "error": {"type": error, "message": "words canary-key"}, "request_id": "req_1"}
    server.reply = answer(body, status, request_id="req_1")
    with pytest.raises(kind, match="words") as caught:
        router.completion("g", HELLO)
    assert (caught.value.status_code, caught.value.type) == (status, error)
    assert caught.value.request_id == "req_1"
    assert "canary" not in str(caught.value)


def test_a_429_tells_when_to_come_back(server: Recorder, router: Router) -> None:
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "words"}}
    server.reply = answer(body, 429, anthropic_ratelimit_tokens_reset="2026-10-21T07:28:09Z", date=NOW)
    with pytest.raises(package.RateLimitError) as caught:
        router.completion("g", HELLO)
    assert caught.value.retry_after == 9.0


@pytest.mark.parametrize("name", ["completion", "anthropic_messages"])
def test_an_error_before_the_answer_moves_the_stream(world: World, server: Recorder, name: str) -> None:
    start = {"type": "message_start", "message": {**ANSWER, "content": []}}
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    with Recorder(events(as_events(ANSWER))) as second:
        server.reply = events([start, overloaded])
        entries = [claude(server, "one"), claude(second, "two", order=2)]
        with Router(entries) as made:
            got = world.call(made, name, "g", HELLO, max_tokens=9, stream=True)
    assert (len(server.asked), len(second.asked)) == (1, 1)
    assert len(got) > 5


def test_an_error_after_the_first_text_is_raised_with_what_came() -> None:
    come = [event for event in as_events(ANSWER) if event["type"] not in ("message_delta", "message_stop")]
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    spoken = events([*come, error])
    cut = spoken.index(b"event: error")
    taken = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.say(spoken[:cut])
        taken.wait(10)
        peer.say(spoken[cut:])

    with FaultServer(script) as server:
        entry = {
            "model_name": "g",
            "params": {"model": "azure/claude-x", "api_base": f"http://127.0.0.1:{server.port}", "api_key": "k"},
        }
        with Router([entry], num_retries=0) as router, router.completion("g", HELLO, stream=True) as stream:
            next(stream)
            taken.set()
            with pytest.raises(package.StreamInterrupted, match="Overloaded") as caught:
                list(stream)
    assert caught.value.partial == "I look."
