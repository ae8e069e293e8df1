"""The judge of a stream knows when content began, when it ended, and when it only stopped."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.azure.chunks import ChunkReader, choices_of
from router.values import Failure, Kind, Usage

FIRST = {
    "id": "",
    "object": "",
    "created": 0,
    "model": "",
    "choices": [],
    "prompt_filter_results": [{"prompt_index": 0}],
}


def chunk(delta=None, finish=None, index=0, **more):
    choice = {"index": index, "finish_reason": finish} | ({} if delta is None else {"delta": delta})
    return {"id": "c", "choices": [choice], "usage": None, **more}


def read(reader, *values):
    return [reader.read(value if isinstance(value, str) else json.dumps(value)) for value in values]


def test_a_whole_stream_is_read():
    reader = ChunkReader()
    frames = [
        FIRST,
        chunk({"role": "assistant", "content": "", "refusal": None}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}),
        chunk({}, "stop"),
        {"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 2, "total_tokens": 22}},
    ]
    begun = []
    for frame in frames:
        assert read(reader, frame) == [frame]
        begun.append(reader.begun)
    assert begun == [False, False, True, True, True, True]
    assert reader.finished
    assert not reader.done
    assert read(reader, "[DONE]") == [None]
    assert reader.done
    assert (reader.text, reader.characters, reader.usage) == ("Hello", 5, Usage(20, 2, 22))
    assert reader.end() is None


@pytest.mark.parametrize(
    ("delta", "characters"),
    [
        ({"content": "abc"}, 3),
        (
            {
                "tool_calls": [
                    {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                ]
            },
            3,
        ),
        ({"function_call": {"name": "f", "arguments": ""}}, 1),
        ({"refusal": "no"}, 2),
        ({"audio": {"id": "a", "transcript": "hi"}}, 2),
        ({"reasoning_content": "hm"}, 2),
    ],
)
def test_content_begins_with_any_part_of_an_answer(delta, characters):
    reader = ChunkReader()
    read(reader, chunk({"role": "assistant", "content": None, **delta}))
    assert reader.begun
    assert reader.characters == characters


@pytest.mark.parametrize(
    "frame",
    [
        FIRST,
        chunk({"role": "assistant"}),
        chunk({"content": ""}),
        chunk({"content": None, "tool_calls": None, "refusal": None}),
        chunk({"tool_calls": []}),
        chunk(None),
        chunk(None, content_filter_results={}, content_filter_offsets={}),
        {"choices": None},
        {},
    ],
)
def test_a_role_an_annotation_or_nothing_is_no_content(frame):
    reader = ChunkReader()
    assert read(reader, frame) == [frame]
    assert not reader.begun
    assert not reader.finished


def test_the_old_completions_stream_is_understood():
    reader = ChunkReader()
    read(reader, {"choices": [{"index": 0, "text": "ab", "finish_reason": None}]})
    read(reader, {"choices": [{"index": 0, "text": "c", "finish_reason": "length"}]})
    assert (reader.text, reader.begun, reader.finished) == ("abc", True, True)


def test_only_the_first_choice_is_the_text_but_all_are_counted():
    reader = ChunkReader()
    read(reader, chunk({"content": "one"}), chunk({"content": "other"}, index=1))
    assert (reader.text, reader.characters) == ("one", 8)


def test_several_choices_are_finished_when_all_are():
    reader = ChunkReader()
    read(reader, chunk({"content": "a"}), chunk({"content": "b"}, index=1), chunk({}, "stop"))
    assert not reader.finished
    read(reader, chunk({}, "stop", index=1))
    assert reader.finished


def test_a_choice_that_was_asked_for_and_has_not_begun_is_waited_for():
    reader = ChunkReader(choices=2)
    read(reader, chunk({"content": "a"}), chunk({}, "stop"), chunk({}, "stop"))
    assert not reader.finished
    assert reader.end() is not None
    read(reader, chunk({"content": "b"}, index=1), chunk({}, "stop", index=1))
    assert reader.finished
    assert reader.end() is None


@pytest.mark.parametrize(
    ("body", "choices"),
    [
        ({}, 1),
        ({"n": 3}, 3),
        ({"n": None}, 1),
        ({"n": "3"}, 1),
        ({"n": 0}, 1),
        ({"prompt": "one"}, 1),
        ({"prompt": ["one", "two"], "n": 2}, 4),
        ({"prompt": [1, 2, 3]}, 1),
        ({"prompt": [[1, 2], [3]]}, 2),
        ({"prompt": []}, 1),
    ],
)
def test_so_many_choices_are_asked_for(body, choices):
    assert choices_of(body) == choices


def test_a_late_annotation_does_not_open_a_finished_answer():
    reader = ChunkReader()
    read(reader, chunk({"content": "a"}), chunk({}, "stop"), chunk(None, None))
    assert reader.finished
    assert reader.end() is None


def test_a_late_annotation_does_not_open_one_of_several_answers_either():
    reader = ChunkReader()
    read(reader, chunk({"content": "a"}), chunk({"content": "b"}, index=1))
    read(reader, chunk({}, "stop"), chunk(None, None), chunk({}, "stop", index=1))
    assert reader.finished


def test_a_choice_that_begins_after_another_was_finished_is_waited_for():
    reader = ChunkReader()
    read(reader, chunk({"content": "a"}), chunk({}, "stop"), chunk({"content": "b"}, index=1))
    assert not reader.finished
    assert reader.end() is not None


@pytest.mark.parametrize("frames", [[], [FIRST], [FIRST, chunk({"content": "Hel"})]])
def test_bytes_that_end_without_a_finish_are_a_failure_with_what_had_come(frames):
    reader = ChunkReader()
    read(reader, *frames)
    failure = reader.end()
    assert failure is not None
    assert failure.kind is Kind.STREAM
    assert "without a finish_reason" in failure.message
    assert failure.partial == reader.text


def test_done_without_a_finish_ends_properly_once_content_had_come():
    reader = ChunkReader()
    assert read(reader, chunk({"content": "a"}), "[DONE]")[-1] is None
    assert reader.end() is None


def test_done_before_anything_is_a_failure():
    (failure,) = read(ChunkReader(), "[DONE]")
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.STREAM


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"error": {"message": "The server had an error", "type": "server_error", "code": None}}, Kind.SERVER_ERROR),
        ({"error": {"message": "slow down", "code": "429"}}, Kind.THROTTLED),
        ({"error": {"message": "filtered", "code": "content_filter"}}, Kind.CONTENT_POLICY),
        ({"error": {"message": "words"}}, Kind.STREAM),
        ({"error": "words"}, Kind.STREAM),
        (
            {"type": "error", "sequence_number": 3, "error": {"code": "rate_limit_exceeded", "message": "m"}},
            Kind.THROTTLED,
        ),
        ({"type": "error", "code": "server_error", "message": "m", "param": None}, Kind.SERVER_ERROR),
        ('{"id": "cut', Kind.STREAM),
        ("", Kind.STREAM),
        ("null", Kind.STREAM),
        ("[]", Kind.STREAM),
        ({"choices": {"a": 1}}, Kind.STREAM),
        ({"choices": ["a"]}, Kind.STREAM),
    ],
)
def test_an_error_inside_the_stream_is_a_failure_with_the_partial_text_and_usage(frame, kind):
    reader = ChunkReader()
    read(reader, chunk({"content": "Hel"}, usage={"prompt_tokens": 5, "completion_tokens": 1}))
    (failure,) = read(reader, frame)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.partial, failure.usage) == (kind, "Hel", Usage(5, 1, 6))


def test_a_failure_holds_no_secret_and_never_quotes_a_broken_event():
    key = "0123456789abcdef"
    (failure,) = read(ChunkReader((key,)), {"error": {"message": f"bad {key}"}})
    assert key not in f"{failure.message}{failure.body}"
    (failure,) = read(ChunkReader(), '{"prompt of mine')
    assert "prompt" not in failure.message


def test_a_null_error_is_none():
    reader = ChunkReader()
    frame = chunk({"content": "a"}, error=None)
    assert read(reader, frame) == [frame]


def test_a_usage_that_cannot_be_true_is_flagged():
    reader = ChunkReader()
    read(reader, {"choices": [], "usage": {"prompt_tokens": -1}})
    assert reader.usage is None
    assert reader.usage_is_nonsense


def test_half_an_emoji_does_not_break_the_stream():
    reader = ChunkReader()
    reader.read('{"choices":[{"index":0,"delta":{"content":"a\\ud83d"}}]}')
    assert reader.text == "a\ufffd"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["choices", "delta", "content", "index", "finish_reason", "usage", "error", "tool_calls"]),
        inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(JSON, max_size=4), st.text(max_size=10))
def test_no_events_whatever_make_it_raise(values, text):
    reader = ChunkReader()
    for value in values:
        read(reader, {"choices": [value]}, value if isinstance(value, dict) else {"choices": value})
    reader.read(text)
    assert isinstance(reader.text, str)
    assert reader.characters >= len(reader.text)
    reader.end()
