"""Attempts through the transport to a server that misbehaves, blocking, on asyncio and on trio."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

import anyio
import anyio.to_thread
import httpx2
import pytest
import trio

from router.azure.credentials import ApiKey, Credential, TokenProvider
from router.azure.endpoint import parse_endpoint
from router.azure.open_stream import OpenStream
from router.azure.transport import AzureTransport, Target
from router.configured import Deployment
from router.errors import BadRequestError, RouterClosed
from router.values import Call, Failure, Kind, Lease, Reply, Usage
from tests.azure.fault_server import (
    FaultServer,
    Peer,
    Script,
    always,
    answer,
    chunk,
    chunked,
    closed_port,
)

KEY = "sk-canary-77aa"
COMPLETION: dict[str, object] = {
    "id": "c1",
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
FILTERS = b'data: {"choices":[],"prompt_filter_results":[]}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'
DONE = b"data: [DONE]\n\n"
ERROR = b'data: {"error":{"code":"429","message":"slow down"}}\n\n'


def word(text: str) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % text.encode()


def lease_on(
    server: FaultServer | int, credential: Credential | None = None, stream_timeout: float | None = None, **call: Any
) -> Lease:
    port = server if isinstance(server, int) else server.port
    endpoint = parse_endpoint("azure/chat", f"http://127.0.0.1:{port}", "2024-10-21", allow_http=True)
    deployment = Deployment(
        "d", "g", "chat", stream_timeout=stream_timeout, endpoint=Target(endpoint, credential or ApiKey(KEY))
    )
    settings: dict[str, Any] = {"body": {"messages": [{"role": "user", "content": "hi"}]}} | call
    return Lease(deployment, Call("chat.completions", "g", **settings), 10, 0.0)


class Caller:
    """One way of calling, behind awaiting names."""

    def __init__(self, name: str, transport: AzureTransport) -> None:
        self.name = name
        self.transport = transport

    async def send(self, lease: Lease, timeout: float = 5.0) -> Reply | Failure:
        if self.name == "blocking":
            return self.transport.send(lease, timeout)
        return await self.transport.asend(lease, timeout)

    async def next(self, stream: OpenStream, timeout: float = 5.0) -> dict[str, Any] | Failure | None:
        return stream.next(timeout) if self.name == "blocking" else await stream.anext(timeout)

    async def close(self, stream: OpenStream) -> None:
        if self.name == "blocking":
            stream.close()
        else:
            await stream.aclose()

    async def drained(self, reply: Reply | Failure) -> tuple[str, Failure | None]:
        """The text of a whole stream, and what ended it."""
        assert isinstance(reply, Reply), reply
        while isinstance(item := await self.next(reply.body), dict):
            assert "choices" in item
        assert await self.next(reply.body) is item, "the end stays the end"
        return reply.body.text, item


Run = Callable[[Callable[[Caller], Any]], Any]


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a scenario with one of the three callers."""

    def runner(scenario: Callable[[Caller], Any]) -> Any:
        transport = AzureTransport()
        caller = Caller(request.param, transport)
        result = trio.run(scenario, caller) if request.param == "trio" else asyncio.run(scenario(caller))
        transport.close()
        return result

    return runner


def sent_to(run: Run, script: Script, timeout: float = 5.0, **lease: Any) -> Any:
    with FaultServer(script) as server:
        return run(lambda caller: caller.send(lease_on(server, **lease), timeout))


def streamed(run: Run, data: bytes) -> tuple[str, Failure | None, Usage | None]:
    """The text of a stream that the server sends as this body, its end, and its usage."""

    async def scenario(caller: Caller) -> tuple[str, Failure | None, Usage | None]:
        reply = await caller.send(lease_on(server, stream=True))
        text, end = await caller.drained(reply)
        assert isinstance(reply, Reply)
        return text, end, reply.body.usage

    with FaultServer(always(chunked(data))) as server:
        return run(scenario)  # type: ignore[no-any-return]


def test_a_success_is_a_reply_with_usage_limits_and_request_id(run: Run) -> None:
    script = always(answer(COMPLETION, apim_request_id="r-1", x_ratelimit_remaining_tokens="900"))
    reply = sent_to(run, script)
    assert isinstance(reply, Reply)
    assert reply.body == COMPLETION
    assert reply.usage == Usage(3, 1, 4)
    assert reply.limits.remaining_tokens == 900
    assert reply.request_id == "r-1"
    assert 0 < reply.seconds < 5


def test_the_request_names_the_deployment_and_carries_the_key(run: Run) -> None:
    with FaultServer(always(answer(COMPLETION))) as server:
        run(lambda caller: caller.send(lease_on(server)))
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /openai/deployments/chat/chat/completions?api-version=2024-10-21 ")
    assert f"api-key: {KEY}".encode() in head.replace(b"Api-Key", b"api-key")
    assert b'"messages"' in body


def test_a_throttled_answer_is_a_failure_with_its_retry_after(run: Run) -> None:
    body: dict[str, object] = {"error": {"code": "429", "message": "Rate limit is exceeded"}}
    failure = sent_to(run, always(answer(body, 429, retry_after_ms="1500")))
    assert (failure.kind, failure.status, failure.retry_after) == (Kind.THROTTLED, 429, 1.5)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (answer(b"<html>", kind="text/html"), Kind.BAD_CONTENT_TYPE),
        (answer(b"{"), Kind.BAD_JSON),
        (answer(b"null"), Kind.BAD_SHAPE),
        (answer(b""), Kind.EMPTY),
        (answer(b"", 307, Location="http://elsewhere.example"), Kind.REDIRECT),
        (answer(b"{}", 503), Kind.SERVER_ERROR),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_is_none_is_a_failure(run: Run, data: bytes, kind: Kind, stream: bool) -> None:
    failure = sent_to(run, always(data), stream=stream)
    assert isinstance(failure, Failure)
    assert failure.kind is kind
    assert failure.sent


def test_a_refused_connection_was_not_sent(run: Run) -> None:
    failure = run(lambda caller: caller.send(lease_on(closed_port())))
    assert (failure.kind, failure.sent) == (Kind.CONNECT, False)


def test_a_hanging_service_is_a_timeout_after_the_attempts_time(run: Run) -> None:
    failure = sent_to(run, Peer.hang, 0.1)
    assert (failure.kind, failure.sent) == (Kind.TIMEOUT, True)
    assert 0.05 < failure.seconds < 2


def test_what_has_no_time_left_is_not_sent(run: Run) -> None:
    with FaultServer(always(answer(COMPLETION))) as server:
        failure = run(lambda caller: caller.send(lease_on(server), 0.0))
        assert server.connections == 0
    assert (failure.kind, failure.sent) == (Kind.TIMEOUT, False)
    assert "before the request could be sent" in failure.message


def test_neither_is_it_once_more_after_a_token_that_came_too_late(run: Run) -> None:
    class Late(ApiKey):
        renews = True

        def authorization(self, timeout: float = inf, refused: str | None = None) -> str:
            time.sleep(0.0 if refused is None else timeout)
            return "new" if refused else "old"

        async def aauthorization(self, timeout: float = inf, refused: str | None = None) -> str:
            return self.authorization(timeout, refused)

    with FaultServer(bearer("new")) as server:
        failure = run(lambda caller: caller.send(lease_on(server, Late(KEY)), 0.5))
        assert len(server.requests) == 1
    assert (failure.kind, failure.sent) == (Kind.TIMEOUT, False)


def test_input_that_cannot_be_sent_is_the_callers_error(run: Run) -> None:
    with FaultServer(always(answer(COMPLETION))) as server:
        with pytest.raises(BadRequestError):
            run(lambda caller: caller.send(lease_on(server, body={"messages": [object()]})))
        assert server.requests == []


def tokens(*given: str) -> tuple[TokenProvider, list[str]]:
    """A provider of these tokens in turn, and what it has handed out."""
    left, used = list(given), []

    def provide() -> str:
        used.append(left[0])
        return left.pop(0) if len(left) > 1 else left[0]

    return TokenProvider(provide), used


def bearer(token: str) -> Script:
    """A service that accepts one token only."""

    def script(peer: Peer) -> None:
        while request := peer.request():
            right = f"bearer {token}".encode() in request.lower()
            peer.say(answer(COMPLETION if right else {"error": {"message": "no"}}, 200 if right else 401))

    return script


def test_a_refused_token_is_fetched_anew_and_the_attempt_succeeds(run: Run) -> None:
    credential, used = tokens("old", "new")
    assert isinstance(sent_to(run, bearer("new"), credential=credential), Reply)
    assert used == ["old", "new"]


def test_a_token_that_is_refused_twice_fails_after_two_requests(run: Run) -> None:
    credential, _ = tokens("old", "new", "newer")
    with FaultServer(bearer("newest")) as server:
        failure = run(lambda caller: caller.send(lease_on(server, credential)))
        assert len(server.requests) == 2
    assert (failure.kind, failure.status) == (Kind.SIGN_IN_REFUSED, 401)


def test_a_refused_token_is_not_sent_again_where_the_provider_has_no_other(run: Run) -> None:
    calls: list[None] = []

    def provide() -> str:
        calls.append(None)
        return "the-same"

    with FaultServer(bearer("another")) as server:
        failure = run(lambda caller: caller.send(lease_on(server, TokenProvider(provide))))
        assert len(server.requests) == 1
    assert len(calls) == 2
    assert (failure.kind, failure.status) == (Kind.SIGN_IN_REFUSED, 401)


def test_a_provider_that_hangs_takes_no_more_than_the_attempts_time(run: Run) -> None:
    gate = threading.Event()
    with FaultServer(always(answer(COMPLETION))) as server:
        credential = TokenProvider(lambda: str(gate.wait(10)))
        failure = run(lambda caller: caller.send(lease_on(server, credential), 0.05))
        gate.set()
        assert server.requests == []
    assert (failure.kind, failure.sent) == (Kind.CREDENTIALS, False)
    assert failure.seconds < 5


def test_a_refused_key_is_not_tried_again(run: Run) -> None:
    with FaultServer(always(answer({"error": {"message": f"bad key {KEY}"}}, 401))) as server:
        failure = run(lambda caller: caller.send(lease_on(server)))
        assert len(server.requests) == 1
    assert failure.kind is Kind.AUTHENTICATION
    assert KEY not in repr(failure) + failure.message


def test_a_provider_that_fails_is_a_failure_of_credentials(run: Run) -> None:
    def provide() -> str:
        raise RuntimeError(f"no token, {KEY}")

    with FaultServer(always(answer(COMPLETION))) as server:
        failure = run(lambda caller: caller.send(lease_on(server, TokenProvider(provide))))
        assert server.requests == []
    assert (failure.kind, failure.sent) == (Kind.CREDENTIALS, False)
    assert KEY not in failure.message


def test_a_stream_delivers_every_chunk_its_text_and_its_usage(run: Run) -> None:
    data = FILTERS + ROLE + word("Hel") + word("lo") + STOP + USAGE + DONE
    assert streamed(run, data) == ("Hello", None, Usage(3, 2, 5))


def test_a_stream_is_handed_over_at_its_first_content(run: Run) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(HEAD + chunk(FILTERS) + chunk(ROLE) + chunk(word("Hel")))
        peer.wait_for_goodbye()

    async def scenario(caller: Caller) -> None:
        reply = await caller.send(lease_on(server, stream=True))
        assert isinstance(reply, Reply)
        head = [await caller.next(reply.body) for _ in range(3)]
        assert head[2] == {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}
        assert (reply.body.text, reply.body.completion_chars) == ("Hel", 3)
        await caller.close(reply.body)
        await caller.close(reply.body)
        assert isinstance(await caller.next(reply.body), Failure)
        for _ in range(100):
            if server.goodbyes.is_set():
                return
            await anyio.sleep(0.01)
        raise AssertionError("the connection was not dropped")

    with FaultServer(script) as server:
        run(scenario)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (chunked(ROLE, ERROR), Kind.THROTTLED),
        (chunked(ROLE, b"data: {broken\n\n"), Kind.STREAM),
        (chunked(ROLE), Kind.STREAM),
        (chunked(DONE), Kind.STREAM),
        (chunked(ROLE, end=False), Kind.TRUNCATED),
        (chunked(word("Hel") + ERROR), Kind.THROTTLED),
        (chunked(b"data: " + b"x" * 2_000_000), Kind.STREAM),
    ],
    ids=["error event", "broken event", "no content", "only done", "cut", "error with the first", "huge event"],
)
def test_what_goes_wrong_before_content_is_handed_over_is_a_failure(run: Run, data: bytes, kind: Kind) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say_and_close(data)

    failure = sent_to(run, script, stream=True)
    assert isinstance(failure, Failure), failure
    assert failure.kind is kind
    assert failure.seconds > 0


def broken_after_a_word(run: Run, rest: Script, timeout: float = 5.0) -> Failure:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(HEAD + chunk(ROLE) + chunk(word("Hel")))
        time.sleep(0.05)  # so that the word is handed over first
        rest(peer)

    async def scenario(caller: Caller) -> Failure | None:
        reply = await caller.send(lease_on(server, stream=True))
        assert isinstance(reply, Reply), reply
        while isinstance(item := await caller.next(reply.body, timeout), dict):
            pass
        return item

    with FaultServer(script) as server:
        failure = run(scenario)
    assert isinstance(failure, Failure)
    assert failure.partial == "Hel"
    return failure


@pytest.mark.parametrize(
    ("rest", "kind"),
    [
        (lambda peer: None, Kind.TRUNCATED),
        (Peer.reset, Kind.RESET),
        (lambda peer: peer.say(b"0\r\n\r\n"), Kind.STREAM),
        (lambda peer: peer.say(chunk(ERROR)), Kind.THROTTLED),
        (lambda peer: peer.say(chunk(b"data: {\n\n")), Kind.STREAM),
    ],
    ids=["cut", "reset", "end without finish", "error event", "broken event"],
)
def test_a_stream_that_breaks_after_content_ends_in_a_failure_with_the_text(run: Run, rest: Script, kind: Kind) -> None:
    assert broken_after_a_word(run, rest).kind is kind


def test_a_stream_that_falls_silent_ends_at_the_time_for_the_next_chunk(run: Run) -> None:
    started = time.monotonic()
    assert broken_after_a_word(run, Peer.hang, 0.1).kind is Kind.TIMEOUT
    assert time.monotonic() - started < 3


def test_comments_that_keep_a_connection_open_do_not_extend_the_time(run: Run) -> None:
    def comments(peer: Peer) -> None:
        peer.say_slowly([chunk(b": still here\n\n")] * 100)

    started = time.monotonic()
    failure = broken_after_a_word(run, comments, 0.2)
    assert (failure.kind, failure.message) == (Kind.TIMEOUT, "no further event came within 0.2 s")
    assert time.monotonic() - started < 3


def test_a_connection_that_breaks_after_the_finish_loses_nothing(run: Run) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(HEAD + chunk(ROLE) + chunk(word("Hello")))
        time.sleep(0.05)
        peer.say(chunk(STOP))
        time.sleep(0.05)
        peer.reset()

    async def scenario(caller: Caller) -> tuple[str, Failure | None]:
        return await caller.drained(await caller.send(lease_on(server, stream=True)))

    with FaultServer(script) as server:
        assert run(scenario) == ("Hello", None)


@pytest.mark.parametrize("by", ["the call", "the deployment"])
def test_a_connection_that_breaks_before_the_last_of_several_choices_loses_it(run: Run, by: str) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say_and_close(HEAD + chunk(ROLE) + chunk(word("Hello")) + chunk(STOP))

    async def scenario(caller: Caller) -> tuple[str, Failure | None]:
        return await caller.drained(await caller.send(lease))

    with FaultServer(script) as server:
        lease = lease_on(server, stream=True)
        if by == "the call":
            lease.call.body = {**lease.call.body, "n": 2}
        else:
            lease.deployment = replace(lease.deployment, defaults={"n": 2})
        text, end = run(scenario)
    assert text == "Hello"
    assert end is not None
    assert end.kind is Kind.TRUNCATED


@pytest.mark.parametrize("before", [b"", HEAD, HEAD + chunk(FILTERS), HEAD + chunk(b": wait\n\n")])
def test_no_first_content_in_time_is_a_first_event_timeout(run: Run, before: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(before)
        peer.wait_for_goodbye()

    failure = sent_to(run, script, stream=True, stream_timeout=0.1)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.sent) == (Kind.FIRST_EVENT_TIMEOUT, True)
    assert failure.seconds < 2


def test_the_calls_own_stream_timeout_wins_over_the_deployments(run: Run) -> None:
    async def scenario(caller: Caller) -> Reply | Failure:
        lease = lease_on(server, stream=True, stream_timeout=30.0)
        lease.call.stream_timeout = 0.1
        return await caller.send(lease)

    with FaultServer(Peer.hang) as server:
        failure = run(scenario)
    assert failure.kind is Kind.FIRST_EVENT_TIMEOUT


def test_a_stream_that_uses_up_the_attempts_time_is_a_plain_timeout(run: Run) -> None:
    failure = sent_to(run, Peer.hang, 0.1, stream=True, stream_timeout=30.0)
    assert failure.kind is Kind.TIMEOUT


@pytest.mark.parametrize(
    ("first", "limits", "says"),
    [
        (b"", {"timeout": 0.5, "stream_timeout": 30.0}, "no event came within 0.5 s"),
        (b"", {"timeout": 30.0, "stream_timeout": 0.5}, "no event came within 0.5 s"),
        (chunk(FILTERS), {"timeout": 30.0, "stream_timeout": 0.5}, "no further event came within 0.5 s"),
    ],
)
def test_a_stream_without_content_is_told_by_all_of_its_time(
    run: Run, first: bytes, limits: dict[str, float], says: str
) -> None:
    """And not by what is left of it after the last comment."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.say_slowly([HEAD, first, *[chunk(b": wait\n\n")] * 100])

    assert sent_to(run, script, stream=True, **limits).message == says


def test_a_stream_timeout_does_not_bound_a_whole_answer(run: Run) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        time.sleep(0.15)
        peer.say(answer(COMPLETION))

    assert isinstance(sent_to(run, script, stream_timeout=0.05), Reply)


def test_a_whole_answer_where_a_stream_was_asked_for_becomes_a_stream_of_one_chunk(run: Run) -> None:
    async def scenario(caller: Caller) -> tuple[list[Any], Usage | None]:
        reply = await caller.send(lease_on(server, stream=True))
        assert isinstance(reply, Reply)
        return [await caller.next(reply.body) for _ in range(3)], reply.body.usage

    with FaultServer(always(answer(COMPLETION))) as server:
        (only, *ends), usage = run(scenario)
    assert only["object"] == "chat.completion.chunk"
    assert only["choices"][0]["delta"]["content"] == "Hello"
    assert only["choices"][0]["finish_reason"] == "stop"
    assert "message" not in only["choices"][0]
    assert ends == [None, None]
    assert usage == Usage(3, 1, 4)


@pytest.mark.parametrize("late", [False, True])
def test_the_connection_of_a_finished_stream_is_used_again(run: Run, late: bool) -> None:
    def script(peer: Peer) -> None:
        while peer.request():
            peer.say(HEAD + chunk(ROLE + word("Hi") + STOP + DONE))
            if late:
                time.sleep(0.01)
            peer.say(b"0\r\n\r\n")

    async def scenario(caller: Caller) -> None:
        for _ in range(3):
            assert await caller.drained(await caller.send(lease_on(server, stream=True))) == ("Hi", None)

    with FaultServer(script) as server:
        run(scenario)
        assert server.connections == 1


def test_a_stream_whose_connection_stays_open_after_done_ends_all_the_same(run: Run) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(HEAD + chunk(ROLE + word("Hi") + STOP + DONE))
        peer.wait_for_goodbye()

    async def scenario(caller: Caller) -> tuple[str, Failure | None]:
        return await caller.drained(await caller.send(lease_on(server, stream=True)))

    started = time.monotonic()
    with FaultServer(script) as server:
        assert run(scenario) == ("Hi", None)
        assert server.goodbyes.wait(2)
    assert time.monotonic() - started < 3


def test_a_forgotten_stream_is_abandoned_without_waiting(run: Run) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(HEAD + chunk(word("Hi")))
        peer.wait_for_goodbye()

    async def scenario(caller: Caller) -> bool:
        reply = await caller.send(lease_on(server, stream=True))
        assert isinstance(reply, Reply)
        reply.body.abandon()
        for _ in range(100):
            if server.goodbyes.is_set():
                return True
            await anyio.sleep(0.01)
        return False

    with FaultServer(script) as server:
        assert run(scenario)


async def test_a_cancelled_head_of_a_stream_hangs_up() -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(HEAD + chunk(ROLE))
        peer.wait_for_goodbye()

    transport = AzureTransport()
    with FaultServer(script) as server:
        with anyio.move_on_after(0.1) as scope:
            await transport.asend(lease_on(server, stream=True), 5.0)
        assert scope.cancelled_caught
        for _ in range(100):
            if server.goodbyes.is_set():
                break
            await anyio.sleep(0.01)
        else:
            raise AssertionError("the connection was not dropped")
    await transport.aclose()


def test_nothing_is_sent_after_a_close(run: Run) -> None:
    async def scenario(caller: Caller) -> None:
        assert isinstance(await caller.send(lease_on(server)), Reply)
        caller.transport.close()
        with pytest.raises(RouterClosed):
            await caller.send(lease_on(server))

    with FaultServer(always(answer(COMPLETION))) as server:
        run(scenario)
        assert len(server.requests) == 1


def test_a_later_attempt_opens_anew_after_a_mere_hanging_up(run: Run) -> None:
    async def scenario(caller: Caller) -> None:
        caller.transport.hang_up()
        assert isinstance(await caller.send(lease_on(server)), Reply)

    with FaultServer(always(answer(COMPLETION))) as server:
        run(scenario)


@pytest.mark.parametrize("said", [b"", HEAD + chunk(ROLE)], ids=["no answer", "no content"])
def test_an_attempt_that_a_close_breaks_off_is_no_failure_of_the_service(run: Run, said: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.say(said)
        arrived.set()
        peer.hang()

    async def send(caller: Caller) -> None:
        lease = lease_on(server, stream=True)
        if caller.name == "blocking":
            results.append(await anyio.to_thread.run_sync(caller.transport.send, lease, 30.0))
        else:
            results.append(await caller.send(lease, 30.0))

    async def scenario(caller: Caller) -> None:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as group:
                group.start_soon(send, caller)
                await anyio.to_thread.run_sync(arrived.wait, 5)
                caller.transport.close()
                await caller.transport.aclose()

    arrived, results = threading.Event(), list[Reply | Failure]()
    with FaultServer(script) as server:
        run(scenario)
    [failure] = results
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.CANCELLED
    assert "router was closed" in failure.message


def test_the_engines_are_named() -> None:
    assert repr(AzureTransport()) == "AzureTransport(blocking: httpx2, asyncio: aiohttp, trio: httpx2)"
    client = httpx2.Client()
    assert "blocking: the caller's httpx2.Client, asyncio: aiohttp" in repr(AzureTransport(client=client))
    client.close()


async def test_an_awaiting_client_of_the_caller_serves_its_side() -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json=COMPLETION)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(handler)) as client:
        transport = AzureTransport(async_client=client)
        reply = await transport.asend(lease_on(1), 5.0)
        await transport.aclose()
        assert isinstance(reply, Reply)
        assert "asyncio: the caller's httpx2.AsyncClient" in repr(transport)


def test_a_target_shows_no_secret() -> None:
    endpoint = parse_endpoint("azure/chat", "https://a.openai.azure.com", "2024-10-21")
    assert KEY not in repr(Target(endpoint, ApiKey(KEY)))
