"""A Message as a chat completion."""

import pytest

from router.azure.anthropic.reply import finish, to_completion, to_usage

from .messages import ANSWER, COMPLETION


def test_a_whole_message_is_a_completion():
    assert to_completion(ANSWER, 9) == COMPLETION


def test_calls_alone_have_no_content_and_nothing_at_all_is_an_empty_text():
    calls = [block for block in ANSWER["content"] if block["type"] == "tool_use"]
    assert to_completion({**ANSWER, "content": calls})["choices"][0]["message"]["content"] is None
    assert to_completion({**ANSWER, "content": []})["choices"][0]["message"] == {"role": "assistant", "content": ""}


def test_texts_are_joined_and_blocks_of_anthropics_own_tools_are_left_out():
    blocks = [{"type": "text", "text": "a"}, {"type": "server_tool_use", "id": "x"}, {"type": "text", "text": "b"}]
    assert to_completion({**ANSWER, "content": blocks})["choices"][0]["message"]["content"] == "ab"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("new_one", "stop"),
        (None, None),
    ],
)
def test_why_it_stopped(reason, expected):
    assert finish(reason) == expected


def test_usage_without_a_cache_and_no_usage():
    assert to_usage({"input_tokens": 4, "output_tokens": 2}) == {
        "prompt_tokens": 4,
        "completion_tokens": 2,
        "total_tokens": 6,
        "prompt_tokens_details": {"cached_tokens": 0, "cache_creation_tokens": 0},
    }
    assert to_usage(None) is None


def test_odd_fields_count_as_absent():
    odd = {"content": [{"type": "text", "text": 7}, {"type": "thinking"}], "usage": {"input_tokens": "x"}}
    made = to_completion(odd)
    assert made["choices"][0]["message"]["content"] == ""
    assert made["usage"]["total_tokens"] == 0
