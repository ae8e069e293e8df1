"""One group of Azure by date, Azure v1, OpenAI and Claude: whoever answers, the caller sees one shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from router import Router
from router.azure.anthropic.stream import as_events
from tests.azure.fault_server import answer
from tests.recorder import Asked, Recorder
from tests.worlds import WORLDS, World

HELLO = [{"role": "user", "content": "Who are you?"}]
PATHS = {
    "dated": "/openai/deployments/chat/chat/completions",
    "v1": "/openai/v1/chat/completions",
    "openai": "/chat/completions",
    "claude": "/anthropic/v1/messages",
}
HEADERS = {"dated": "api-key", "v1": "api-key", "openai": "authorization", "claude": "x-api-key"}
SECRETS = ("api-key", "authorization", "x-api-key")


def openais(asked: Asked) -> bytes:
    if asked.json.get("stream"):
        piece = {"id": "c", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "A model."}}]}
        last = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in (piece, last)) + "data: [DONE]\n\n"
        return answer(text.encode(), kind="text/event-stream")
    message = {"role": "assistant", "content": "A model."}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return answer({"id": "c", "choices": choices, "usage": {"prompt_tokens": 3, "completion_tokens": 2}})


def anthropics(asked: Asked) -> bytes:
    message = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": "A model."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    if asked.json.get("stream"):
        text = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in as_events(message))
        return answer(text.encode(), kind="text/event-stream")
    return answer(message)


@pytest.fixture
def servers() -> Iterator[dict[str, Recorder]]:
    with (
        Recorder(openais) as dated,
        Recorder(openais) as v1,
        Recorder(openais) as plain,
        Recorder(anthropics) as claude,
    ):
        yield {"dated": dated, "v1": v1, "openai": plain, "claude": claude}


def group(servers: dict[str, Recorder]) -> list[dict[str, Any]]:
    """All four in the group `any`, tried in this order."""
    params = {
        "dated": {"model": "azure/chat", "api_version": "2024-10-21"},
        "v1": {"model": "azure/chat", "api_version": "v1"},
        "openai": {"model": "openai/gpt-4o"},
        "claude": {"model": "azure/claude-sonnet-4-5"},
    }
    return [
        {
            "model_name": "any",
            "litellm_params": {**params[id], "api_base": server.base, "api_key": f"key-of-{id}", "order": place},
            "model_info": {"id": id},
        }
        for place, (id, server) in enumerate(servers.items(), start=1)
    ]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("alive", list(PATHS))
@pytest.mark.parametrize("world", [World(name) for name in WORLDS], ids=str)
def test_whoever_is_left_answers_in_one_shape(
    servers: dict[str, Recorder], world: World, alive: str, stream: bool
) -> None:
    for id, server in servers.items():
        if id != alive:
            server.reply = answer({"error": {"message": "down"}}, 503)
    with Router(group(servers), num_retries=4) as router:
        reply = world.call(router, "completion", "any", HELLO, stream=stream, max_tokens=50)
    if stream:
        text = "".join(choice.delta.content or "" for chunk in reply for choice in chunk.choices)
        finish = [choice.finish_reason for chunk in reply for choice in chunk.choices if choice.finish_reason]
    else:
        text, finish = reply.choices[0].message.content, [reply.choices[0].finish_reason]
        assert reply.routing.deployment == alive
        assert reply.usage.total_tokens == 5 or alive != "claude"
    assert (text, finish) == ("A model.", ["stop"])
    asked = servers[alive].last
    assert asked.path == PATHS[alive]
    assert [name for name in SECRETS if name in asked.headers] == [HEADERS[alive]]
    assert f"key-of-{alive}" in asked.headers[HEADERS[alive]]
    tried = list(PATHS)[: list(PATHS).index(alive) + 1]
    assert [id for id, server in servers.items() if server.asked] == tried


@pytest.mark.parametrize("world", [World(name) for name in WORLDS], ids=str)
def test_claude_falls_back_to_the_others_too(servers: dict[str, Recorder], world: World) -> None:
    """The other way round: the translated request leaves no trace in what the next one is sent."""
    entries = group(servers)
    entries[3]["litellm_params"]["order"] = 0
    servers["claude"].reply = answer({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, 529)
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    with Router(entries) as router:
        reply = world.call(router, "completion", "any", HELLO, tools=tools, stop="END")
    assert reply.routing.deployment == "dated"
    assert [a.status for a in reply.routing.attempts] == [529, 200]
    assert servers["claude"].last.json["stop_sequences"] == ["END"]
    assert servers["dated"].last.json == {"model": "chat", "messages": HELLO, "tools": tools, "stop": "END"}


def test_what_one_does_not_serve_goes_to_those_that_do(servers: dict[str, Recorder]) -> None:
    """`order` would have them the other way round."""
    entries = group(servers)
    with Router(entries) as router:
        message = router.anthropic_messages("any", HELLO, max_tokens=5)
    assert (message.routing.deployment, len(message.routing.attempts)) == ("claude", 1)
    entries[3]["litellm_params"]["order"] = 0
    with Router(entries) as router:
        assert router.completion("any", HELLO, seed=3).routing.deployment == "dated"
        assert router.completion("any", HELLO, seed=3, drop_params=True).routing.deployment == "claude"
        assert router.completion("any", HELLO).routing.deployment == "claude"
        servers["dated"].reply = answer({"data": [{"index": 0, "embedding": [0.5]}]})
        assert router.embedding("any", "text").routing.deployment == "dated"


def test_claude_keeps_no_files(servers: dict[str, Recorder]) -> None:
    for server in servers.values():
        server.reply = answer({"object": "list", "data": []})
    with Router(group(servers)) as router:
        assert router.list_files().data == []
    assert [id for id, server in servers.items() if server.asked] == ["dated", "v1", "openai"]
