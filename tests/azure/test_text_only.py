"""Chats as texts and back, without a socket; `tests/surface/test_completions.py` has the whole way."""

from __future__ import annotations

import pytest

from router.azure.text_only import ChatChunks, as_chat, as_text_call, prompt_of
from router.values import Call


@pytest.mark.parametrize(
    ("chat", "text"),
    [
        ({"logprobs": True, "top_logprobs": 3}, {"logprobs": 3}),
        ({"logprobs": True}, {"logprobs": 0}),
        ({"logprobs": False}, {}),
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 5, "store": True, "temperature": 0}, {"max_tokens": 5, "temperature": 0}),
        ({"tools": [], "response_format": {"type": "text"}}, {}),
    ],
)
def test_parameters_go_by_their_names_there(chat: dict[str, object], text: dict[str, object]) -> None:
    call = Call("chat.completions", "g", {"messages": [{"role": "user", "content": "Hi"}], **chat}, 9)
    made = as_text_call(call)
    assert made.body == {"prompt": "Hi", **text}
    assert (made.operation, made.tokens) == ("completions", 9)
    assert "prompt" not in call.body


def test_an_empty_message_is_an_empty_line() -> None:
    assert prompt_of([{"role": "user", "content": None}]) == ""
    assert prompt_of([{"content": "a"}, {"role": "tool", "content": []}]) == "User: a\n\nTool: \n\nAssistant:"


def test_choices_keep_what_else_they_hold() -> None:
    chat = as_chat({"id": "c", "choices": [{"index": 1, "text": "x", "content_filter_results": {}}]})
    assert chat["choices"] == [
        {"index": 1, "content_filter_results": {}, "message": {"role": "assistant", "content": "x"}}
    ]
    chunks = ChatChunks()
    (first,) = chunks({"choices": [{"index": 0, "text": "a"}, {"index": 1, "text": "b"}]})
    (second,) = chunks({"choices": [{"index": 1, "text": "c"}]})
    assert [c["delta"].get("role") for c in (*first["choices"], *second["choices"])] == ["assistant", "assistant", None]
