"""The estimate is what Azure's limiter charges at arrival, and it survives anything that looks like a body."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.azure.operations import OPERATIONS
from router.tokens import AUDIO_TOKENS, FILE_TOKENS, estimate, text_tokens


def chat(*contents: object, **more: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": c} for c in contents], **more}


def image(detail: str | None = None) -> dict[str, object]:
    url: dict[str, object] = {"url": "data:image/png;base64," + "A" * 100_000}
    if detail:
        url["detail"] = detail
    return {"type": "image_url", "image_url": url}


@pytest.mark.parametrize(("characters", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (19, 5), (4000, 1000)])
def test_four_characters_are_a_token_rounded_up(characters, tokens):
    assert text_tokens(characters) == tokens


def test_the_capture_of_april_2026_is_reproduced():
    """19 characters and no output limit were charged 5 (azure.md §3.3)."""
    assert estimate("chat.completions", chat("x" * 19)) == 5


def test_the_text_of_all_messages_is_rounded_up_once_and_the_output_limit_is_added():
    assert estimate("chat.completions", chat("12345", "123", max_tokens=100)) == 2 + 100


@pytest.mark.parametrize("name", ["max_completion_tokens", "max_tokens", "max_output_tokens"])
def test_each_spelling_of_the_output_limit_counts(name):
    assert estimate("chat.completions", chat("1234", **{name: 50})) == 51


def test_the_newer_spelling_wins_where_two_are_given():
    assert estimate("chat.completions", chat(max_completion_tokens=7, max_tokens=50)) == 7


def test_several_answers_multiply_the_output_and_not_the_prompt():
    assert estimate("chat.completions", chat("1234" * 10, max_tokens=50, n=3)) == 10 + 150


def test_best_of_multiplies_the_output_of_completions():
    assert estimate("completions", {"prompt": "12345678", "max_tokens": 10, "n": 2, "best_of": 5}) == 2 + 50


@pytest.mark.parametrize(("detail", "tokens"), [("low", 85), ("high", 765), ("auto", 765), (None, 765)])
def test_an_image_costs_its_own_rule_and_never_its_base64_length(detail, tokens):
    body = chat([{"type": "text", "text": "12345678"}, image(detail)])
    assert estimate("chat.completions", body) == 2 + tokens


def test_sound_and_files_cost_a_constant_and_never_their_base64_length():
    sound = {"type": "input_audio", "input_audio": {"data": "A" * 100_000, "format": "wav"}}
    file = {"type": "file", "file": {"file_data": "A" * 100_000}}
    assert estimate("chat.completions", chat([sound, file])) == AUDIO_TOKENS + FILE_TOKENS


def test_tools_count_by_name_and_description_and_their_calls_by_name_and_arguments():
    tool = {"type": "function", "function": {"name": "abcd", "description": "12345678", "parameters": {"x": "y" * 99}}}
    call = {"id": "1", "type": "function", "function": {"name": "abcd", "arguments": "{'a':12}"}}
    asked = {"role": "assistant", "content": None, "tool_calls": [call]}
    assert estimate("chat.completions", {"messages": [], "tools": [tool]}) == 3
    assert estimate("chat.completions", {"messages": [asked]}) == 3


def test_embeddings_round_each_input_up_and_count_arrays_of_tokens_by_length():
    assert estimate("embeddings", {"input": "12345"}) == 2
    assert estimate("embeddings", {"input": ["1", "12345", ""]}) == 3
    assert estimate("embeddings", {"input": [11, 22, 33]}) == 3
    assert estimate("embeddings", {"input": [[1, 2, 3], [4]]}) == 4


def test_a_response_counts_instructions_input_items_and_tools():
    body = {
        "instructions": "1234",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "1234"}]},
            {"role": "user", "content": [{"type": "input_image", "image_url": "data:,", "detail": "low"}]},
            {"type": "function_call", "call_id": "1", "name": "f", "arguments": "1234"},
            {"type": "function_call_output", "call_id": "1", "output": "12345678"},
        ],
        "tools": [{"type": "function", "name": "1234", "description": "1234"}],
        "max_output_tokens": 10,
    }
    assert estimate("responses", body) == 1 + 1 + 85 + 1 + 2 + 2 + 10
    assert estimate("responses", {"input": "12345"}) == 2


def test_anthropic_messages_count_as_a_chat_under_any_name():
    result = {"type": "tool_result", "content": [{"type": "text", "text": "12345678"}, image("low")]}
    body = {
        "system": [{"type": "text", "text": "1234"}],
        "messages": [{"role": "user", "content": [result]}],
        "max_tokens": 9,
    }
    assert estimate("some.new.operation", body) == 1 + 2 + 85 + 9


@pytest.mark.parametrize(
    "operation", ["images.generations", "audio.speech", "audio.transcriptions", "files.create", "batches.create"]
)
def test_what_azure_limits_by_requests_alone_costs_no_tokens(operation):
    assert estimate(operation, {"prompt": "x" * 100, "input": "y" * 100}) == 0


@pytest.mark.parametrize("limit", [True, -5, 0, 2.5, "100", None, [], {}])
def test_an_output_limit_that_is_no_positive_whole_number_counts_as_absent(limit):
    assert estimate("chat.completions", chat("1234", max_tokens=limit, n=limit)) == 1


KEYS = st.sampled_from(
    "messages input prompt content text type role tools function name description arguments tool_calls output "
    "system instructions image_url detail max_tokens max_completion_tokens n best_of".split()
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["text", "image_url", "file", "low"])
)
ODD = st.recursive(SCALARS, lambda x: st.lists(x, max_size=3) | st.dictionaries(KEYS, x, max_size=4), max_leaves=25)


@given(st.sampled_from([*OPERATIONS, "unknown"]), st.dictionaries(KEYS, ODD))
def test_odd_input_never_raises_and_never_costs_less_than_nothing(operation, body):
    tokens = estimate(operation, body)
    assert isinstance(tokens, int)
    assert tokens >= 0


@given(st.lists(st.text(max_size=50)), st.text(min_size=1, max_size=50))
def test_a_longer_prompt_never_costs_less(contents, more):
    assert estimate("chat.completions", chat(*contents, more)) >= estimate("chat.completions", chat(*contents))
