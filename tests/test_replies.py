"""Do replies hold what the service sent, whatever it sent?"""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from router.replies import ChatCompletion, event_maker, reply_model
from router.values import Routing

ROUTING = Routing("east", "g")
BODY = {
    "id": "x",
    "model": "gpt-4o-2024-11-20",
    "brand_new": {"field": 1},
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "prompt_tokens_details": {"cached": 1}},
}


def test_attributes_and_items_are_the_same() -> None:
    reply = reply_model("chat.completions", BODY, ROUTING)
    assert isinstance(reply, ChatCompletion)
    assert reply.choices[0].message.content == reply["choices"][0]["message"]["content"] == "Hi"
    assert reply.get("nothing", 7) == 7
    assert "usage" in reply
    with pytest.raises(KeyError):
        reply["nothing"]


def test_unknown_fields_are_kept_and_dumped() -> None:
    reply = reply_model("chat.completions", BODY, ROUTING)
    assert reply.brand_new == {"field": 1}
    dumped = json.loads(reply.model_dump_json())
    assert dumped["brand_new"] == {"field": 1}
    assert dumped["usage"]["prompt_tokens_details"] == {"cached": 1}
    assert "routing" not in dumped


def test_what_is_not_declared_has_attributes_too_and_stays_what_it_was() -> None:
    tokens = [{"token": "Hi", "logprob": -0.5, "top_logprobs": [{"token": "Ha", "logprob": -1.5}]}]
    message = {"role": "assistant", "audio": {"id": "a", "data": "UklGRg==", "transcript": "Hi"}}
    choice = {"index": 0, "message": message, "logprobs": {"content": tokens}, "content_filter_results": {"items": 1}}
    body = {**BODY, "choices": [choice]}
    original = copy.deepcopy(body)
    reply = reply_model("chat.completions", body, ROUTING)
    answer = reply.choices[0]
    assert answer.message.audio.data == answer.message.audio["data"] == "UklGRg=="
    assert answer.message.audio is answer.message.audio
    assert answer.logprobs.content[0].top_logprobs[0].token == "Ha"
    assert reply.usage.prompt_tokens_details.cached == 1
    assert answer.content_filter_results["items"] == 1
    with pytest.raises(AttributeError, match=r"no 'voice' here; there are: id, data, transcript"):
        answer.message.audio.voice  # noqa: B018
    for twin in (copy.deepcopy(reply), pickle.loads(pickle.dumps(reply))):
        assert twin.choices[0].message.audio.data == "UklGRg=="
    assert json.loads(reply.model_dump_json()) == reply.model_dump()
    assert reply.model_dump()["choices"][0]["logprobs"] == {"content": tokens}
    assert body == original


def test_the_items_of_a_response_and_of_a_page_have_attributes() -> None:
    item = {"type": "message", "content": [{"type": "output_text", "text": "Hello", "annotations": []}]}
    body = {"id": "r", "output": [item], "usage": {"input_tokens": 3, "output_tokens_details": {"reasoning_tokens": 2}}}
    reply: Any = reply_model("responses", body, ROUTING)
    assert reply.output[0].content[0].text == reply.output_text == "Hello"
    assert (reply.usage.input_tokens, reply.usage.output_tokens_details.reasoning_tokens) == (3, 2)
    page: Any = reply_model("responses.input_items", {"data": [{"id": "a"}, {"id": "b"}]}, ROUTING)
    assert [item.id for item in page] == ["a", "b"]
    event: Any = event_maker("responses")({"type": "response.completed", "response": body})
    assert event.response.output[0].content[0].text == "Hello"


def test_a_reply_of_its_own_making_has_no_routing() -> None:
    with pytest.raises(AttributeError, match="not made by a router"):
        _ = ChatCompletion(choices=[]).routing


def test_copies_know_what_happened_and_nobody_else_sees_it() -> None:
    reply = reply_model("chat.completions", BODY, ROUTING)
    for twin in (reply.model_copy(), copy.copy(reply), copy.deepcopy(reply), pickle.loads(pickle.dumps(reply))):
        assert isinstance(twin, ChatCompletion)
        assert twin.routing == ROUTING
        assert twin == reply == ChatCompletion.model_validate(BODY)
        assert repr(twin) == repr(ChatCompletion.model_validate(BODY))
    assert dict(reply).keys() == reply.model_dump().keys() == set(reply.keys())


@pytest.mark.parametrize("usage", [{"total_tokens": "many"}, "none", -1, []])
def test_a_strange_field_does_not_cost_the_answer(usage: object) -> None:
    """Fault 13: the answer is delivered."""
    reply = reply_model("chat.completions", {**BODY, "usage": usage}, ROUTING)
    assert reply["choices"][0]["message"]["content"] == "Hi"
    assert reply.routing is ROUTING


def test_chunks_without_a_delta_or_without_choices_are_chunks() -> None:
    chunk = event_maker("chat.completions")
    assert chunk({"choices": []}).choices == []
    only_filters = chunk({"choices": [{"index": 0, "content_filter_results": {}}]})
    assert only_filters.choices[0].delta.content is None
