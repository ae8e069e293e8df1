"""Claude on the emulated Foundry: balanced, limited and failed over like everything else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from router import BadRequestError, Router
from router.emulator import EmulatedDeployment, EmulatorConfig, EmulatorServer, Fault
from tests.worlds import WORLDS, World

KEY = "canary-key-1f9d"
HELLO = [{"role": "user", "content": "What is a router?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
worlds = pytest.mark.parametrize("world", [World(name) for name in WORLDS], ids=str)


@pytest.fixture
def azure() -> Iterator[EmulatorServer]:
    named = [
        EmulatedDeployment(f"claude-{place}", "claude-sonnet-4-5", resource=place, context_window=2000)
        for place in ("east", "west")
    ]
    big = EmulatedDeployment("claude-big", "claude-opus-5", resource="north")
    with EmulatorServer.in_thread(EmulatorConfig([*named, big], keys=[KEY], strict=True, step_s=0.0)) as server:
        yield server


def entry(azure: EmulatorServer, place: str, name: str = "", group: str = "claude", **params: Any) -> dict[str, Any]:
    params = {"model": f"azure/claude-{name or place}", "api_base": azure.base(place), "api_key": KEY, **params}
    return {"model_name": group, "litellm_params": params, "model_info": {"id": place}}


def pair(azure: EmulatorServer, **params: Any) -> list[dict[str, Any]]:
    return [entry(azure, "east", **params), entry(azure, "west", **params)]


@worlds
def test_two_claudes_share_the_calls(azure: EmulatorServer, world: World) -> None:
    with Router(pair(azure, rpm=1000), seed=1) as router:
        served = Counter(
            world.call(router, name, "claude", HELLO, max_tokens=20).routing.deployment
            for name in ("completion", "anthropic_messages") * 6
        )
    assert min(served["east"], served["west"]) >= 3


@worlds
@pytest.mark.parametrize("name", ["completion", "anthropic_messages"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [529, 429])
def test_a_failing_claude_is_left(azure: EmulatorServer, world: World, name: str, stream: bool, status: int) -> None:
    azure.emulator.set_fault("claude-east", Fault("status", status=status))
    entries = pair(azure)
    entries[1]["litellm_params"]["order"] = 2
    with Router(entries) as router:
        reply = world.call(router, name, "claude", HELLO, max_tokens=20, stream=stream)
        totals = {status.deployment: (status.attempts, status.successes) for status in router.status()}
    assert totals == {"east": (1, 0), "west": (1, 1)}
    assert len(reply) > 3 if stream else reply.routing.retries == 1


@worlds
def test_tools_go_round_in_openais_words(azure: EmulatorServer, world: World) -> None:
    with Router([entry(azure, "east")]) as router:
        asked = {"tools": [TOOL], "tool_choice": "required", "max_tokens": 100}
        reply = world.call(router, "completion", "claude", HELLO, **asked)
        [call] = reply.choices[0].message.tool_calls
        assert (call.function.name, reply.choices[0].finish_reason) == ("get_weather", "tool_calls")
        assert "city" in json.loads(call.function.arguments)
        chunks = world.call(router, "completion", "claude", HELLO, stream=True, **asked)
        pieces = [p for c in chunks for choice in c.choices for p in choice.delta.tool_calls or ()]
        assert pieces[0].function.name == "get_weather"
        assert "city" in json.loads("".join(p.function.arguments for p in pieces))
        said = reply.choices[0].message.model_dump(exclude_none=True)
        answered = {"role": "tool", "tool_call_id": call.id, "content": "sun"}
        last = world.call(router, "completion", "claude", [*HELLO, said, answered], tools=[TOOL], max_tokens=50)
    assert last.choices[0].message.content


@worlds
def test_thinking_comes_back_and_may_be_shown_again(azure: EmulatorServer, world: World) -> None:
    with Router([entry(azure, "east")]) as router:
        reply = world.call(router, "completion", "claude", HELLO, reasoning_effort="low")
        message = reply.choices[0].message
        assert message.reasoning_content
        assert message.thinking_blocks[0]["signature"]
        chunks = world.call(router, "completion", "claude", HELLO, reasoning_effort="low", stream=True)
        said = "".join(choice.delta.get("reasoning_content") or "" for c in chunks for choice in c.choices)
        assert said == message.reasoning_content
        again = [*HELLO, message.model_dump(exclude_none=True), *HELLO]
        assert world.call(router, "completion", "claude", again, reasoning_effort="low").choices[0].message.content


def test_a_prompt_that_is_too_long_goes_to_the_bigger_one(azure: EmulatorServer) -> None:
    entries = [entry(azure, "east"), entry(azure, "north", "big", "big")]
    with Router(entries, context_window_fallbacks=[{"claude": ["big"]}]) as router:
        reply = router.completion("claude", [{"role": "user", "content": "word " * 4000}], max_tokens=20)
    assert (reply.routing.deployment, reply.routing.attempts[0].reason) == ("north", "context_window")


def test_a_wrong_key_is_said_and_not_shown(azure: EmulatorServer) -> None:
    from router import AuthenticationError

    with Router([entry(azure, "east", api_key="canary-other")]) as router, pytest.raises(AuthenticationError) as caught:
        router.completion("claude", HELLO)
    assert "canary" not in str(caught.value)


def test_a_call_costs_what_claude_costs(azure: EmulatorServer) -> None:
    with Router([entry(azure, "east", base_model="claude-sonnet-4-5")]) as router:
        reply = router.completion("claude", HELLO, max_tokens=20)
        message = router.anthropic_messages("claude", HELLO, max_tokens=20)
        stream = router.completion("claude", HELLO, max_tokens=20, stream=True)
        list(stream)
    usage = reply.usage
    assert reply.routing.cost == pytest.approx(usage.prompt_tokens * 3e-6 + usage.completion_tokens * 15e-6)
    spent = message.usage
    assert message.routing.cost == pytest.approx(spent.input_tokens * 3e-6 + spent.output_tokens * 15e-6)
    assert stream.routing.cost is not None
    assert not stream.routing.cost_is_estimate


@worlds
def test_the_tokens_of_a_prompt_are_counted_for_nothing(azure: EmulatorServer, world: World) -> None:
    with Router(pair(azure, rpm=1), seed=1, max_wait=0) as router:
        counts = [
            world.call(router, "anthropic_count_tokens", "claude", HELLO, system="Be brief.", tools=[])
            for _ in range(4)
        ]
        message = world.call(router, "anthropic_messages", "claude", HELLO, max_tokens=20, system="Be brief.")
        assert {count.input_tokens for count in counts} == {message.usage.input_tokens}
        assert counts[0].routing.cost == 0.0
        assert sum(d.requests_used for d in router.status()) == 1
        with pytest.raises(BadRequestError, match="messages"):
            world.call(router, "anthropic_count_tokens", "claude", [])


def test_claude_alone_counts_tokens(azure: EmulatorServer) -> None:
    plain = {"model": "azure/chat", "api_base": azure.base("east"), "api_key": KEY}
    other = {"model_name": "claude", "litellm_params": {**plain, "order": 0}, "model_info": {"id": "other"}}
    with Router([other, *pair(azure)]) as router:
        assert router.anthropic_count_tokens("claude", HELLO).routing.deployment in ("east", "west")
    with Router([other]) as router, pytest.raises(BadRequestError, match="served by Claude alone"):
        router.anthropic_count_tokens("claude", HELLO)
