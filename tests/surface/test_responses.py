"""Responses find their way back to the resource that keeps them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router import BadRequestError, InternalServerError, NotFoundError, RateLimitError, Router, StreamInterrupted
from tests.azure.fault_server import answer, chunked
from tests.recorder import Recorder
from tests.worlds import World

from .conftest import deployment

RESPONSE: dict[str, Any] = {
    "id": "resp_abc",
    "object": "response",
    "status": "completed",
    "model": "gpt-4.1",
    "output": [
        {"type": "reasoning", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]},
    ],
    "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
}


def test_a_response_is_asked_of_the_resource_and_its_id_tells_the_deployment(
    world: World, router: Router, server: Recorder
) -> None:
    server.reply = answer(RESPONSE)
    reply = world.call(router, "responses", model="g", input="Hi", metadata={"a": "b"}, max_output_tokens=9)
    assert (server.last.method, server.last.path) == ("POST", "/openai/responses")
    assert server.last.query == {"api-version": "2025-04-01-preview"}
    assert server.last.json == {"model": "dep", "input": "Hi", "metadata": {"a": "b"}, "max_output_tokens": 9}
    assert reply.output_text == "Hello"
    assert reply.id.startswith("resp_azr")
    assert reply.routing.tokens_reserved == 10

    for name, method, path in [
        ("get_response", "GET", ""),
        ("cancel_response", "POST", "/cancel"),
        ("delete_response", "DELETE", ""),
    ]:
        again = world.call(router, name, reply.id)
        assert (server.last.method, server.last.path) == (method, f"/openai/responses/resp_abc{path}")
        assert server.last.body == b""
        assert "content-type" not in server.last.headers
        assert again.id == reply.id
        assert again.routing.tokens_settled == 0

    server.reply = answer({"object": "list", "data": [{"id": "msg_1"}], "has_more": True, "last_id": "msg_1"})
    page = world.call(router, "response_input_items", reply.id, limit=1, after="msg_0")
    assert server.last.path == "/openai/responses/resp_abc/input_items"
    assert server.last.query == {"api-version": "2025-04-01-preview", "limit": "1", "after": "msg_0"}
    assert page.has_more


def test_what_manages_counts_against_no_limit(world: World, server: Recorder) -> None:
    server.reply = answer(RESPONSE)
    with Router([{**deployment(server), "rpm": 6, "tpm": 60}], max_wait=0, num_retries=0) as router:
        reply = world.call(router, "responses", model="g", input="Hi", max_output_tokens=50)
        for _ in range(20):
            world.call(router, "get_response", reply.id)
        (status,) = router.status()
        assert (status.requests_used, status.in_flight, status.tokens_used) == (1, 0, 51)


@pytest.mark.parametrize(
    ("base", "version", "path"),
    [
        ("", "2024-10-21", "/openai/v1/responses"),
        ("", None, "/openai/v1/responses"),
        ("", "2025-03-01-preview", "/openai/responses"),
        ("", "v1", "/openai/v1/responses"),
    ],
)
def test_a_version_that_has_no_responses_goes_to_the_v1_api(
    base: str, version: str | None, path: str, server: Recorder
) -> None:
    server.reply = answer(RESPONSE)
    with Router([deployment(server, api_version=version)]) as router:
        router.responses(model="g", input="Hi")
    assert server.last.path == path


def test_going_on_from_a_response_goes_to_its_resource(world: World, server: Recorder) -> None:
    server.reply = answer(RESPONSE)
    with Recorder(answer(RESPONSE)) as other:
        entries = [deployment(server, "one"), deployment(other, "two"), deployment(other, "three", "h")]
        with Router(entries, seed=1, num_retries=0) as router:
            first = world.call(router, "responses", model="two", input="Hi")
            for _ in range(5):
                following = world.call(router, "responses", model="g", input="And?", previous_response_id=first.id)
                assert following.routing.deployment == "two"
            assert other.last.json["previous_response_id"] == "resp_abc"
            beside = world.call(router, "responses", model="h", input="And?", previous_response_id=first.id)
            assert beside.routing.deployment == "three"
            assert server.asked == []


def test_ids_that_lead_nowhere_are_refused_before_anything_is_sent(server: Recorder) -> None:
    server.reply = answer(RESPONSE)
    with Recorder(answer(RESPONSE)) as other:
        with Router([deployment(server, "one"), deployment(other, "two", "h")]) as router:
            with pytest.raises(BadRequestError, match="not handed out by this router"):
                router.get_response("resp_foreign")
            with pytest.raises(BadRequestError, match="no id has"):
                router.get_response("../files/x", model="g")
            assert router.get_response("resp_foreign", model="two").routing.deployment == "two"
            mine = router.responses(model="g", input="Hi")
            with pytest.raises(BadRequestError, match="has no deployment"):
                router.responses(model="h", input="And?", previous_response_id=mine.id)
            before = len(server.asked) + len(other.asked)
        with Router([deployment(other, "two", "h")]) as later, pytest.raises(NotFoundError, match="'one'"):
            later.get_response(mine.id)
        assert len(server.asked) + len(other.asked) == before


def test_an_unknown_response_says_so_and_the_deployment_stays_well(router: Router, server: Recorder) -> None:
    server.reply = answer({"error": {"code": "not_found", "message": "no such response"}}, 404)
    with pytest.raises(NotFoundError, match="no such response"):
        router.get_response("resp_gone")
    assert router.status()[0].state == "ready"


def event(kind: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **fields}).encode())


BEGUN = event("response.created", response={"id": "resp_abc", "status": "in_progress"}) + event("response.in_progress")


def test_a_response_streams_and_its_events_tell_the_deployment(world: World, router: Router, server: Recorder) -> None:
    server.reply = chunked(
        BEGUN,
        event("response.output_text.delta", delta="Hel"),
        event("response.output_text.delta", delta="lo"),
        event("response.completed", response=RESPONSE),
    )
    events = world.call(router, "responses", model="g", input="Hi", stream=True)
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == "Hello"
    ids = {e.response["id"] for e in events if e.get("response")}
    assert len(ids) == 1
    assert ids.pop().startswith("resp_azr")
    (status,) = router.status()
    assert (status.in_flight, status.successes) == (0, 1)


@pytest.mark.parametrize(
    "end",
    [
        event("response.failed", response={"id": "r", "error": {"code": "server_error", "message": "broken"}}),
        event("error", code="server_error", message="broken"),
        b"",
    ],
)
def test_a_response_that_fails_before_its_first_word_goes_elsewhere(world: World, server: Recorder, end: bytes) -> None:
    server.reply = chunked(BEGUN, end)
    good = chunked(BEGUN, event("response.output_text.delta", delta="Hi"), event("response.completed"))
    with (
        Recorder(good) as other,
        Router(
            [
                deployment(server, "one", order=1),
                deployment(other, "two", order=2),
            ]
        ) as router,
    ):
        events = world.call(router, "responses", model="g", input="Hi", stream=True)
    assert (events[-1].type, len(server.asked), len(other.asked)) == ("response.completed", 1, 1)


def test_a_response_that_breaks_off_after_its_first_word_says_so(
    world: World, router: Router, server: Recorder
) -> None:
    server.reply = chunked(BEGUN, event("response.output_text.delta", delta="Hel"))
    with pytest.raises(StreamInterrupted) as error:
        world.call(router, "responses", model="g", input="Hi", stream=True)
    assert error.value.partial == "Hel"


def test_a_whole_response_is_a_stream_of_one_event(world: World, router: Router, server: Recorder) -> None:
    server.reply = answer(RESPONSE)
    (only,) = world.call(router, "responses", model="g", input="Hi", stream=True)
    assert only.type == "response.completed"
    assert only.response["output"] == RESPONSE["output"]


def test_a_failed_response_is_an_error_and_a_failed_one_looked_up_is_an_answer(
    router: Router, server: Recorder
) -> None:
    failed = {**RESPONSE, "status": "failed", "error": {"code": "server_error", "message": "broken"}}
    server.reply = answer(failed)
    with pytest.raises(InternalServerError, match="broken"):
        router.responses(model="g", input="Hi")
    assert router.get_response("resp_abc").error["message"] == "broken"


def test_what_manages_goes_through_where_the_deployment_rests(router: Router, server: Recorder) -> None:
    server.reply = answer({"error": {"message": "slow down"}}, 429, retry_after="60")
    with pytest.raises(RateLimitError):
        router.responses(model="g", input="Hi")
    assert router.status()[0].state == "throttled"
    server.reply = answer(RESPONSE)
    assert router.get_response("resp_abc").status == "completed"
    assert router.status()[0].state == "throttled"


def test_the_output_of_a_response_is_handed_back_as_input(world: World, router: Router, server: Recorder) -> None:
    call = {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"}
    server.reply = answer({"id": "resp_1", "status": "completed", "output": [call]})
    output = world.call(router, "responses", "g", "Hi").output
    told = {"type": "function_call_output", "call_id": "call_1", "output": "a cat"}
    world.call(router, "responses", "g", [{"role": "user", "content": "Hi"}, *output, told])
    assert server.last.json["input"] == [{"role": "user", "content": "Hi"}, call, told]
