"""Text completions, and chats of deployments that only complete texts."""

from __future__ import annotations

from typing import Any

import pytest

from router import BadRequestError, Router, UnsupportedParamsError
from tests.azure.fault_server import answer, chunked
from tests.recorder import Recorder
from tests.worlds import World

from .conftest import deployment

REPLY: dict[str, Any] = {
    "id": "cmpl-1",
    "object": "text_completion",
    "model": "gpt-35-turbo-instruct",
    "choices": [{"index": 0, "text": " fine", "finish_reason": "stop", "logprobs": None}],
    "usage": {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3},
}
STREAM = chunked(
    b'data: {"choices":[{"index":0,"text":" fi","finish_reason":null}]}\n\n',
    b'data: {"choices":[{"index":0,"text":"ne","finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
)


def test_a_text_is_completed(world: World, router: Router, server: Recorder) -> None:
    server.reply = answer(REPLY)
    reply = world.call(router, "text_completion", model="g", prompt="I am", max_tokens=5)
    assert server.last.path == "/openai/deployments/dep/completions"
    assert server.last.json == {"model": "dep", "prompt": "I am", "max_tokens": 5}
    assert reply.choices[0].text == " fine"
    assert reply.routing.tokens_reserved == 6


@pytest.mark.parametrize("reply", [STREAM, answer({**REPLY, "choices": [{**REPLY["choices"][0]}]})])
def test_a_text_is_streamed_even_where_it_comes_whole(
    world: World, router: Router, server: Recorder, reply: bytes
) -> None:
    server.reply = reply
    chunks = world.call(router, "text_completion", model="g", prompt="I am", stream=True)
    assert server.last.json["stream"] is True
    assert "".join(c.choices[0].text for c in chunks) == " fine"


def text_router(server: Recorder) -> Router:
    return Router([deployment(server, model="azure_text/dep")], num_retries=0)


def test_a_chat_of_a_text_deployment_comes_back_as_a_chat(world: World, server: Recorder) -> None:
    server.reply = answer(REPLY)
    with text_router(server) as router:
        messages = [{"role": "user", "content": "How are you?"}]
        reply = world.call(router, "completion", model="g", messages=messages, max_completion_tokens=7, top_p=1)
        assert server.last.path == "/openai/deployments/dep/completions"
        assert server.last.json == {"model": "dep", "prompt": "How are you?", "max_tokens": 7, "top_p": 1}
        assert reply.object == "chat.completion"
        assert reply.choices[0].message.content == " fine"
        assert reply.choices[0].finish_reason == "stop"
        assert reply.usage.total_tokens == 3


def test_several_messages_become_a_dialogue(server: Recorder) -> None:
    server.reply = answer(REPLY)
    with text_router(server) as router:
        messages = [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": [{"type": "text", "text": "Well?"}]},
        ]
        router.completion(model="g", messages=messages)
    assert server.last.json["prompt"] == "Be kind.\n\nUser: Hi\n\nAssistant: Hello\n\nUser: Well?\n\nAssistant:"


@pytest.mark.parametrize("reply", [STREAM, answer(REPLY)])
def test_a_chat_of_a_text_deployment_streams_as_a_chat(world: World, server: Recorder, reply: bytes) -> None:
    server.reply = reply
    with text_router(server) as router:
        messages = [{"role": "user", "content": "How are you?"}]
        chunks = world.call(router, "completion", model="g", messages=messages, stream=True)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.choices[0].delta.content for c in chunks) == " fine"
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_what_no_text_completion_can_do_is_refused_before_anything_is_sent(server: Recorder) -> None:
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}]
    with text_router(server) as router:
        with pytest.raises(UnsupportedParamsError, match="tools"):
            router.completion(model="g", messages=[{"role": "user", "content": "Hi"}], tools=[{"type": "function"}])
        with pytest.raises(BadRequestError, match=r"messages\[0\].content"):
            router.completion(model="g", messages=picture)
        assert router.status()[0].in_flight == router.status()[0].requests_used == 0
    assert server.asked == []
