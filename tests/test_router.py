"""The whole house, from `completion()` to real sockets and back, against the emulator."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import anyio
import anyio.to_thread
import pytest

import router as package
from router import (
    APIConnectionError,
    APIResponseValidationError,
    AuthenticationError,
    BadRequestError,
    ConfigError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    Router,
    RouterClosed,
    StreamInterrupted,
)
from router.emulator import EmulatorServer, Fault, Latency
from router.events import Chosen, Event, Settled
from router.status import DeploymentStatus
from strategies import Candidate, Situation
from strategies.least_loaded import LeastLoaded
from tests.azure.fault_server import FaultServer, Peer

from .fleets import HELLO, KEY, emulated, entry, router_for
from .redis_servers import Server


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    with emulated("east", "west") as running:
        yield running


@pytest.fixture
def router(server: EmulatorServer) -> Iterator[Router]:
    with router_for(server) as made:
        yield made


# ---- the calls -------------------------------------------------------------------------------------------------


def test_a_blocking_completion_has_attributes_items_and_routing(router: Router) -> None:
    reply = router.completion(model="gpt-4o", messages=HELLO, max_tokens=30)
    assert reply.choices[0].message.content
    assert reply["usage"]["total_tokens"] == reply.usage.total_tokens > 0
    assert reply.choices[0].content_filter_results["hate"]["severity"] == "safe"
    assert "routing" not in reply.model_dump()
    assert json.loads(reply.model_dump_json())["object"] == "chat.completion"
    assert reply.routing.group == "gpt-4o"
    assert [a.reason for a in reply.routing.attempts] == ["ok"]
    assert reply.routing.tokens_reserved == reply.routing.tokens_settled > 30


async def test_an_awaiting_completion_works_on_both_libraries(server: EmulatorServer) -> None:
    async with router_for(server) as router:
        reply = await router.acompletion(model="gpt-4o", messages=HELLO)
    assert reply.choices[0].finish_reason == "stop"


def test_a_blocking_stream_is_settled_at_its_end(router: Router) -> None:
    stream = router.completion(model="gpt-4o", messages=HELLO, stream=True, stream_options={"include_usage": True})
    assert sum(d.in_flight for d in router.status()) == 1
    chunks = list(stream)
    assert chunks[0].choices == []
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == stream.text
    assert chunks[-1].usage.total_tokens > 0
    assert sum(d.in_flight for d in router.status()) == 0
    assert stream.routing.tokens_settled > 0


async def test_an_awaiting_stream_is_settled_at_its_end(server: EmulatorServer) -> None:
    async with router_for(server) as router:
        stream = await router.acompletion(model="gpt-4o", messages=HELLO, stream=True)
        text = "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])
        assert text == stream.text != ""
        assert sum(d.in_flight for d in router.status()) == 0


def test_a_stream_left_early_gives_its_place_back_at_once(router: Router) -> None:
    with router.completion(model="gpt-4o", messages=HELLO, stream=True) as stream:
        next(stream)
    assert sum(d.in_flight for d in router.status()) == 0
    assert list(stream) == []


async def test_an_awaiting_stream_left_early_gives_its_place_back_at_once(server: EmulatorServer) -> None:
    async with router_for(server) as router:
        async with await router.acompletion(model="gpt-4o", messages=HELLO, stream=True) as stream:
            async for _ in stream:
                break
        assert sum(d.in_flight for d in router.status()) == 0


def test_a_forgotten_stream_gives_its_place_back(router: Router) -> None:
    stream = router.completion(model="gpt-4o", messages=HELLO, stream=True)
    next(stream)
    del stream
    assert sum(d.in_flight for d in router.status()) == 0


@pytest.mark.parametrize("shared", [False, True], ids=["memory", "redis"])
def test_streams_that_are_collected_in_the_middle_of_a_decision_give_their_places_back(
    server: EmulatorServer, redis_server: Server, shared: bool
) -> None:
    """The collector may run at any allocation, so also where the store holds its lock: here it always does."""

    class Collecting(LeastLoaded):
        def choose(self, candidates: Sequence[Candidate], situation: Situation) -> Candidate:
            gc.collect()
            return super().choose(candidates, situation)

    options = {"redis_url": redis_server.url} if shared else {}
    with router_for(server, routing_strategy=Collecting(), **options) as router:
        stream = router.completion(model="gpt-4o", messages=HELLO, stream=True)
        next(stream)
        cycle: list[Any] = [stream]
        cycle.append(cycle)
        del stream, cycle
        asking = threading.Thread(target=router.completion, args=["gpt-4o", HELLO], daemon=True)
        asking.start()
        asking.join(10.0)
        assert not asking.is_alive()
        assert sum(d.in_flight for d in router.status()) == 0


def test_embeddings(router: Router) -> None:
    reply = router.embedding(model="gpt-4o", input=["one", "two"], dimensions=8)
    assert [len(e.embedding) for e in reply.data] == [8, 8]
    assert reply.routing.tokens_reserved == 2


async def test_awaiting_embeddings(server: EmulatorServer) -> None:
    async with router_for(server) as router:
        reply = await router.aembedding(model="gpt-4o", input="one")
    assert len(reply["data"]) == 1


def test_tools_travel_both_ways(router: Router) -> None:
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    reply = router.completion(model="gpt-4o", messages=HELLO, tools=tools, tool_choice="required")
    assert reply.choices[0].message.tool_calls[0].function.name == "weather"
    assert reply.choices[0].finish_reason == "tool_calls"


def test_the_two_faces_have_the_same_parameters() -> None:
    for name, method in inspect.getmembers(Router, inspect.isfunction):
        twin = getattr(Router, f"a{name}", None)
        if name.startswith("_") or twin is None:
            continue
        assert inspect.signature(method).parameters == inspect.signature(twin).parameters, name


# ---- names -----------------------------------------------------------------------------------------------------


def test_two_threads_may_open_one_name_at_once(server: EmulatorServer) -> None:
    """The second asks while the first is about to open the group: a deployment's id is a group of its own."""
    opening, go_on = threading.Event(), threading.Event()
    with router_for(server) as router:
        store = router._works.store
        look = store.look

        def slowly(question: Any) -> Any:
            store.look = look  # type: ignore[method-assign]
            opening.set()
            assert go_on.wait(10.0)
            return look(question)

        store.look = slowly  # type: ignore[method-assign]
        first = threading.Thread(target=router.completion, args=["west", HELLO])
        first.start()
        assert opening.wait(10.0)
        assert router.completion("west", HELLO).routing.deployment == "west"
        go_on.set()
        first.join(10.0)
        assert router.completion("west", HELLO).routing.deployment == "west"


def test_ids_aliases_and_wildcards_are_names_too(server: EmulatorServer) -> None:
    """Scenarios 21 and 22."""
    wild = entry(server, "east", group="azure/*")
    wild["litellm_params"]["model"] = "azure/*"
    del wild["model_info"]
    models = [entry(server, "east"), entry(server, "west"), wild]
    aliases = {"fast": "gpt-4o", "secret": {"model": "gpt-4o", "hidden": True}}
    with Router(models, model_group_alias=aliases) as router:
        for _ in range(4):
            assert router.completion(model="west", messages=HELLO).routing.deployment == "west"
        assert router.completion(model="fast", messages=HELLO).routing.group == "gpt-4o"
        assert router.completion(model="secret", messages=HELLO).routing.group == "gpt-4o"
        assert router.completion(model="azure/west", messages=HELLO).routing.deployment.startswith("west@")
        assert "secret" not in router.models()
        assert "fast" in router.models()


def test_an_unknown_model_is_told_what_exists(router: Router) -> None:
    """Scenario 26."""
    with pytest.raises(NotFoundError, match="Did you mean 'gpt-4o'") as caught:
        router.completion(model="gpt-4", messages=HELLO)
    assert caught.value.status_code == 404


def test_an_unknown_model_goes_to_the_default_fallback(server: EmulatorServer) -> None:
    with router_for(server, default_fallbacks=["gpt-4o"]) as router:
        assert router.completion(model="nobody", messages=HELLO).routing.group == "gpt-4o"


# ---- bad input -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"messages": []}, BadRequestError),
        ({"messages": "hello"}, BadRequestError),
        ({"messages": ["hello"]}, BadRequestError),
        ({"messages": [{"role": "user", "content": object()}]}, BadRequestError),
        ({"timeout": 0}, ConfigError),
        ({"timeout": -1}, ConfigError),
        ({"timeout": float("inf")}, ConfigError),
        ({"num_retries": -1}, ConfigError),
        ({"num_retries": True}, ConfigError),
        ({"fallbacks": ["nobody"]}, ConfigError),
        ({"fallbacks": "nobody"}, ConfigError),
        ({"api_base": "https://elsewhere.example"}, ConfigError),
        ({"extra_headers": {"api-key": "other"}}, BadRequestError),
        ({"extra_headers": {"x": "a\r\nb: c"}}, BadRequestError),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    server: EmulatorServer, router: Router, arguments: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        router.completion(**{"model": "gpt-4o", "messages": HELLO, **arguments})
    assert server.emulator.served == 0
    assert "canary" not in str(caught.value)
    assert sum(d.in_flight for d in router.status()) == 0


@pytest.mark.parametrize("content", ["\ud800", object()], ids=["lone surrogate", "object"])
def test_what_cannot_be_written_as_json_costs_nothing(router: Router, content: object) -> None:
    """Fault 80: refused after a deployment was chosen, so what was reserved there comes back."""
    with pytest.raises(BadRequestError):
        router.completion(model="gpt-4o", messages=[{"role": "user", "content": content}], max_tokens=5_000)
    assert [d.tokens_used for d in router.status()] == [0, 0]


def test_long_conversations_and_large_images_pass(router: Router) -> None:
    """Fault 80."""
    many = [{"role": "user", "content": "hi"}] * 2_000
    assert router.completion(model="gpt-4o", messages=many).choices
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5_000_000}}
    reply = router.completion(model="gpt-4o", messages=[{"role": "user", "content": [image]}])
    assert reply.routing.tokens_reserved < 2_000


@pytest.mark.parametrize("name", ["azure/../../files", "azure/a?api-version=evil", "azure/a#b", "azure/", "azure/a b"])
def test_a_name_that_a_wildcard_matches_cannot_change_the_path(server: EmulatorServer, name: str) -> None:
    wild = entry(server, "east", group="azure/*")
    wild["litellm_params"]["model"] = "azure/*"
    del wild["model_info"]
    with Router([wild]) as router, pytest.raises(NotFoundError):
        router.completion(model=name, messages=HELLO)
    assert server.emulator.served == 0


def test_a_strategy_of_the_users_own_decides(server: EmulatorServer) -> None:
    class AlwaysLast:
        def choose(self, candidates: Any, situation: Any) -> Any:
            return candidates[-1]

    with router_for(server, routing_strategy=AlwaysLast()) as router:
        used = {router.completion(model="gpt-4o", messages=HELLO).routing.deployment for _ in range(6)}
    assert used == {"west"}


def test_tiers_are_used_in_order_with_every_strategy(server: EmulatorServer) -> None:
    """Scenario 16."""
    models = [entry(server, "east", order=1), entry(server, "west", order=2)]
    for strategy in ("least-loaded", "simple-shuffle", "round-robin"):
        server.emulator.set_fault("east", None)
        with Router(models, routing_strategy=strategy, cooldown_time=0.2) as router:
            used = [router.completion(model="gpt-4o", messages=HELLO).routing.deployment for _ in range(5)]
            assert set(used) == {"east"}
            server.emulator.set_fault("east", Fault("status", 429, retry_after_s=20.0))
            used = [router.completion(model="gpt-4o", messages=HELLO).routing.deployment for _ in range(5)]
            assert set(used) == {"west"}


def test_a_full_deployment_is_waited_for_and_then_refused(server: EmulatorServer) -> None:
    """Scenarios 7 and 8: rpm 1 each; two calls pass, the third is refused at once with its time."""
    models = [entry(server, "east", rpm=1), entry(server, "west", rpm=1)]
    with Router(models, max_wait=0.0) as router:
        used = {router.completion(model="gpt-4o", messages=HELLO).routing.deployment for _ in range(2)}
        assert used == {"east", "west"}
        with pytest.raises(RateLimitError) as caught:
            router.completion(model="gpt-4o", messages=HELLO)
        assert 55 < (caught.value.retry_after or 0) < 62


def test_the_callers_objects_are_never_changed(router: Router) -> None:
    messages = [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]
    before = json.dumps(messages)
    router.completion(model="gpt-4o", messages=messages, max_tokens=5)
    assert json.dumps(messages) == before


# ---- faults on real sockets (ecosystem.md §5.6 A and B) ----------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["reset", "refuse", "reset_after_headers", "truncate", "html", "empty", "bad_json", "bad_shape"]
)
async def test_a_broken_answer_is_replaced_by_anothers(server: EmulatorServer, kind: str) -> None:
    server.emulator.set_fault("east", Fault(kind))
    async with router_for(server) as router:
        replies = [await router.acompletion(model="gpt-4o", messages=HELLO) for _ in range(6)]
    assert {r.routing.deployment for r in replies} == {"west"}
    assert any(r.routing.retries == 1 for r in replies)


@pytest.mark.parametrize("kind", ["reset", "reset_after_headers", "truncate", "html", "empty", "bad_json", "bad_shape"])
def test_a_broken_answer_is_replaced_by_anothers_when_blocking(server: EmulatorServer, kind: str) -> None:
    server.emulator.set_fault("east", Fault(kind))
    with router_for(server) as router:
        replies = [router.completion(model="gpt-4o", messages=HELLO) for _ in range(6)]
    assert {r.routing.deployment for r in replies} == {"west"}


@pytest.mark.parametrize(
    ("kind", "error"),
    [("reset", APIConnectionError), ("bad_shape", APIResponseValidationError), ("html", APIResponseValidationError)],
)
def test_the_error_of_a_lone_broken_deployment_is_typed(
    server: EmulatorServer, kind: str, error: type[Exception]
) -> None:
    server.emulator.set_fault("east", Fault(kind))
    with router_for(server, "east") as router, pytest.raises(error) as caught:
        router.completion(model="gpt-4o", messages=HELLO, num_retries=0)
    assert caught.value.deployment == "east"
    assert len(caught.value.attempts) == 1


def test_a_hang_ends_by_the_timeout_and_goes_elsewhere(server: EmulatorServer) -> None:
    server.emulator.set_fault("east", Fault("hang"))
    with router_for(server) as router:
        for _ in range(3):
            reply = router.completion(model="gpt-4o", messages=HELLO, timeout=2.0)
            assert reply.routing.deployment == "west"


@pytest.mark.parametrize("after", [0, 1])
async def test_a_stream_that_breaks_before_content_moves_invisibly(server: EmulatorServer, after: int) -> None:
    """Faults 30 and 33: cut, an error frame, or a mere end before the first content."""
    for kind in ("stream_cut", "stream_error", "stream_no_finish"):
        server.emulator.set_fault("east", Fault(kind, after_events=after))
        async with router_for(server) as router:
            for _ in range(3):
                stream = await router.acompletion(model="gpt-4o", messages=HELLO, stream=True)
                assert [c async for c in stream]
                assert stream.routing.deployment == "west"


@pytest.fixture
def dripping() -> Iterator[EmulatorServer]:
    """Events that come one by one, so that the first has been handed over when a later one breaks."""
    with emulated("east", latency=Latency(1, 0.0, 4)) as running:
        yield running


@pytest.mark.parametrize("kind", ["stream_cut", "stream_error", "stream_no_finish"])
async def test_a_stream_that_breaks_after_content_raises_with_what_came(dripping: EmulatorServer, kind: str) -> None:
    """Faults 31, 32, 33: never silently, never restarted."""
    dripping.emulator.set_fault("east", Fault(kind, after_events=5))
    async with router_for(dripping) as router:
        stream = await router.acompletion(model="gpt-4o", messages=HELLO, stream=True)
        seen: list[str] = []

        async def read() -> None:
            async for chunk in stream:
                seen.extend(c.delta.content or "" for c in chunk.choices)

        with pytest.raises(StreamInterrupted) as caught:
            await read()
        assert caught.value.partial == "".join(seen) != ""
        assert sum(d.in_flight for d in router.status()) == 0


def test_a_blocking_stream_that_breaks_after_content_raises_with_what_came(dripping: EmulatorServer) -> None:
    dripping.emulator.set_fault("east", Fault("stream_no_finish", after_events=5))
    with router_for(dripping) as router, pytest.raises(StreamInterrupted) as caught:
        list(router.completion(model="gpt-4o", messages=HELLO, stream=True))
    assert caught.value.partial


@pytest.mark.parametrize(
    ("status", "error"), [(500, InternalServerError), (503, InternalServerError), (429, RateLimitError)]
)
def test_statuses_become_typed_errors(server: EmulatorServer, status: int, error: type[Exception]) -> None:
    server.emulator.set_fault("east", Fault("status", status))
    with router_for(server, "east") as router, pytest.raises(error) as caught:
        router.completion(model="gpt-4o", messages=HELLO, num_retries=0)
    assert caught.value.status_code == status
    assert caught.value.request_id


def test_the_models_own_refusals_reach_the_caller(server: EmulatorServer, router: Router) -> None:
    """Scenario 72, fault 19: typed, once, and no harm to the deployment."""
    for marker, error in (
        ("emulate:content_filter", ContentPolicyViolationError),
        ("emulate:context_length", ContextWindowExceededError),
    ):
        with pytest.raises(error) as caught:
            router.completion(model="gpt-4o", messages=[{"role": "user", "content": marker}])
        assert len(caught.value.attempts) == 1
    assert {d.state for d in router.status()} == {"ready"}


def test_a_wrong_key_and_a_wrong_name_are_told_apart(server: EmulatorServer) -> None:
    wrong_key = entry(server, "east", api_key="not-the-key")
    with Router([wrong_key]) as router, pytest.raises(AuthenticationError) as caught:
        router.completion(model="gpt-4o", messages=HELLO)
    assert "not-the-key" not in str(caught.value)
    wrong_name = entry(server, "east", model="azure/nowhere")
    with Router([wrong_name]) as router, pytest.raises(NotFoundError):
        router.completion(model="gpt-4o", messages=HELLO)


def test_a_throttled_deployment_is_shown_with_its_rest(server: EmulatorServer) -> None:
    server.emulator.set_fault("east", Fault("status", 429, retry_after_s=30.0, count=1))
    with router_for(server) as router:
        for _ in range(4):
            assert router.completion(model="gpt-4o", messages=HELLO).routing.deployment
        east = next(d for d in router.status() if d.deployment == "east")
    assert (east.state, east.reason, east.throttles) == ("throttled", "throttled", 1)
    assert 25 < (east.opens_in or 0) <= 30


# ---- fallbacks over the wire ------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
async def test_fallbacks_serve_completions_and_streams(server: EmulatorServer, stream: bool) -> None:
    """Scenarios 47 and 55."""
    server.emulator.set_fault("east", Fault("status", 500))
    models = [entry(server, "east", group="a"), entry(server, "west", group="b")]
    async with Router(models, fallbacks=[{"a": ["b"]}], num_retries=0) as router:
        reply = await router.acompletion(model="a", messages=HELLO, stream=stream)
        if stream:
            assert [c async for c in reply]
        assert reply.routing.deployment == "west"
        assert reply.routing.fallbacks == 1
        assert [a.reason for a in reply.routing.attempts] == ["server_error", "ok"]


def test_request_fallbacks_replace_the_configured_and_can_be_switched_off(server: EmulatorServer) -> None:
    """Scenario 52."""
    server.emulator.set_fault("east", Fault("status", 500))
    models = [entry(server, "east", group="a"), entry(server, "west", group="b"), entry(server, "west", group="c")]
    models[2]["model_info"] = {"id": "west-c"}
    with Router(models, fallbacks=[{"a": ["b"]}], num_retries=0) as router:
        own = router.completion(model="a", messages=HELLO, fallbacks=[{"model": "c", "max_tokens": 3}])
        assert own.routing.deployment == "west-c"
        assert own.usage.completion_tokens <= 3
        with pytest.raises(InternalServerError):
            router.completion(model="a", messages=HELLO, disable_fallbacks=True)
        assert router.completion(model="b", messages=HELLO, mock_testing_fallbacks=True, fallbacks=["c"])


# ---- lifecycle (ecosystem.md §5.6 D) -----------------------------------------------------------------------------


def test_one_router_serves_successive_event_loops(router: Router) -> None:
    """Fault 60."""
    for _ in range(3):
        reply = asyncio.run(router.acompletion(model="gpt-4o", messages=HELLO))
        assert reply.choices


def test_a_blocking_call_works_inside_a_running_loop(router: Router) -> None:
    async def cell() -> str:
        return router.completion(model="gpt-4o", messages=HELLO).routing.deployment

    assert asyncio.run(cell()) in ("east", "west")


def test_one_router_serves_threads_and_loops_at_once(router: Router) -> None:
    """Fault 61."""
    failures: list[BaseException] = []

    def blocking() -> None:
        try:
            for _ in range(10):
                router.completion(model="gpt-4o", messages=HELLO)
        except BaseException as error:
            failures.append(error)

    async def several() -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(10):
                tasks.create_task(router.acompletion(model="gpt-4o", messages=HELLO))

    def looping() -> None:
        try:
            asyncio.run(several())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=blocking if i % 2 else looping) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(d.in_flight for d in router.status()) == 0
    assert sum(d.successes for d in router.status()) == 80


async def test_cancelled_calls_leave_nothing_behind(server: EmulatorServer) -> None:
    """Fault 59, smaller: 300 calls that hang, cancelled all at once."""
    for name in server.emulator.deployments:
        server.emulator.set_fault(name, Fault("hang"))
    async with router_for(server) as router:
        async with anyio.create_task_group() as tasks:
            for _ in range(300):
                tasks.start_soon(lambda: router.acompletion(model="gpt-4o", messages=HELLO))
            await anyio.sleep(0.5)
            tasks.cancel_scope.cancel()
        assert sum(d.in_flight for d in router.status()) == 0
        for name in server.emulator.deployments:
            server.emulator.set_fault(name, None)
        assert (await router.acompletion(model="gpt-4o", messages=HELLO)).choices


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_a_router_survives_a_fork(router: Router) -> None:
    """Fault 62: the child calls with sockets of its own, and the parent goes on with its own."""
    router.completion(model="gpt-4o", messages=HELLO)
    stream = router.completion(model="gpt-4o", messages=HELLO, stream=True)
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            fine = bool(router.completion(model="gpt-4o", messages=HELLO).choices)
            fine &= sum(d.in_flight for d in router.status()) == 0
            os._exit(0 if fine else 1)
        except BaseException:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert list(stream)
    assert router.completion(model="gpt-4o", messages=HELLO).choices


def test_a_closed_router_says_so(server: EmulatorServer) -> None:
    router = router_for(server)
    router.close()
    router.close()
    with pytest.raises(RouterClosed):
        router.completion(model="gpt-4o", messages=HELLO)


async def test_a_call_that_runs_when_its_router_is_closed_ends_then_and_is_not_tried_again() -> None:
    def script(peer: Peer) -> None:
        peer.request()
        arrived.set()
        peer.hang()

    async def call() -> None:
        with pytest.raises(APIConnectionError, match="the router was closed"):
            await router.acompletion(model="gpt-4o", messages=HELLO)
        ended.append(router.status()[0])

    arrived, ended = threading.Event(), list[DeploymentStatus]()
    with FaultServer(script) as server, anyio.fail_after(5):
        params = {"model": "azure/east", "api_base": f"http://127.0.0.1:{server.port}", "api_key": KEY}
        router = Router([{"model_name": "gpt-4o", "litellm_params": params}])
        async with anyio.create_task_group() as group:
            group.start_soon(call)
            await anyio.to_thread.run_sync(arrived.wait, 5)
            await router.aclose()
        assert server.connections == 1
    assert [(east.failures, east.in_flight) for east in ended] == [(0, 0)]


def test_many_routers_come_and_go(server: EmulatorServer) -> None:
    """Scenario 62: 200 routers, and the last has all its senses."""
    for _ in range(200):
        router_for(server).close()
    server.emulator.set_fault("east", Fault("status", 429, retry_after_s=20.0))
    with router_for(server) as router:
        for _ in range(4):
            router.completion(model="gpt-4o", messages=HELLO)
        assert {d.deployment: d.state for d in router.status()}["east"] == "throttled"


def test_a_listener_hears_every_attempt_and_may_fail(server: EmulatorServer, caplog: pytest.LogCaptureFixture) -> None:
    """Fault 64."""
    heard: list[Event] = []

    def listen(event: Event) -> None:
        heard.append(event)
        raise RuntimeError("the listener's own fault")

    with router_for(server, listeners=[listen]) as router:
        router.completion(model="gpt-4o", messages=HELLO)
    assert [type(e) for e in heard] == [Chosen, Settled]
    assert "RuntimeError" in caplog.text


# ---- nothing leaks -----------------------------------------------------------------------------------------------


def test_no_key_and_no_prompt_in_logs_errors_or_reprs(server: EmulatorServer, caplog: pytest.LogCaptureFixture) -> None:
    """Fault 92: canaries in the key and in the prompt are found nowhere."""
    caplog.set_level(logging.DEBUG)
    heard: list[str] = []
    for fault in (None, Fault("reset"), Fault("status", 500), Fault("bad_json"), Fault("status", 401)):
        server.emulator.set_fault("east", fault)
        with router_for(server, "east", listeners=[lambda e: heard.append(repr(e))]) as router:
            try:
                router.completion(model="gpt-4o", messages=HELLO, num_retries=0)
            except package.RouterError as error:
                heard.extend((str(error), repr(error), repr(error.__dict__)))
                heard.extend((repr(error.__cause__), repr(error.__context__)))
            heard.extend((repr(router), repr(router.status()), repr(router.__dict__), repr(router._works.settings)))
    text = "\n".join(heard) + caplog.text
    assert KEY not in text
    assert "canary-prompt" not in text
