"""Do replies hold what the service sent, whatever it sent?"""

from __future__ import annotations

import json

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


def test_a_reply_of_its_own_making_has_no_routing() -> None:
    with pytest.raises(AttributeError, match="not made by a router"):
        _ = ChatCompletion(choices=[]).routing


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
