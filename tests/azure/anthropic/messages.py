"""Messages of Anthropic's shape, as a service sends them, for golden tests and for hypothesis."""

from typing import Any

from hypothesis import strategies as st

ANSWER: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [
        {"type": "thinking", "thinking": "Two cities.", "signature": "sig"},
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Zürich"}},
        {"type": "tool_use", "id": "toolu_2", "name": "time", "input": {}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 10,
        "cache_read_input_tokens": 7,
        "cache_creation_input_tokens": 3,
        "output_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 2},
    },
}
COMPLETION: dict[str, Any] = {
    "id": "msg_1",
    "object": "chat.completion",
    "created": 9,
    "model": "claude-sonnet-4-5",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "logprobs": None,
            "message": {
                "role": "assistant",
                "content": "I look.",
                "reasoning_content": "Two cities.",
                "thinking_blocks": [{"type": "thinking", "thinking": "Two cities.", "signature": "sig"}],
                "tool_calls": [
                    {
                        "id": "toolu_1",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city": "Zürich"}'},
                    },
                    {"id": "toolu_2", "type": "function", "function": {"name": "time", "arguments": "{}"}},
                ],
            },
        }
    ],
    "usage": {
        "prompt_tokens": 20,
        "completion_tokens": 5,
        "total_tokens": 25,
        "prompt_tokens_details": {"cached_tokens": 7, "cache_creation_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 2},
    },
}

_words = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)
_blocks = st.one_of(
    st.builds(lambda t: {"type": "text", "text": t}, _words),
    st.builds(lambda t, s: {"type": "thinking", "thinking": t, "signature": s}, _words, _words),
    st.builds(lambda d: {"type": "redacted_thinking", "data": d}, _words),
    st.builds(
        lambda i, n, v: {"type": "tool_use", "id": i, "name": n, "input": v},
        _words, _words, st.dictionaries(_words, st.one_of(st.integers(-9, 9), _words), max_size=2),
    ),
)  # fmt: skip
answers = st.builds(
    lambda blocks, reason: {**ANSWER, "content": blocks, "stop_reason": reason},
    st.lists(_blocks, max_size=4),
    st.sampled_from(["end_turn", "max_tokens", "tool_use", "refusal", "pause_turn"]),
)
