"""JSON from outside is decoded or refused, and a usage is believed only where it can be true."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.azure.payload import decode, is_nonsense, usage_from
from router.values import Usage

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_what_is_json_is_decoded(value):
    assert decode(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_a_value_error(data):
    with suppress(ValueError):
        decode(data)


def test_a_byte_order_mark_and_half_an_emoji_are_forgiven():
    assert decode(b"\xef\xbb\xbf{}") == {}
    assert decode(b'{"\\ud83da": ["\\ude00 \\ud83d\\ude00"]}') == {"\ufffda": ["\ufffd \U0001f600"]}


@pytest.mark.parametrize("data", [b"NaN", b'{"a": Infinity}', b'{"a":1', b"{}x", b"[" * 100_000, b"", "{"])
def test_what_is_no_json_is_refused(data):
    with pytest.raises(ValueError, match="not valid JSON"):
        decode(data)


@pytest.mark.parametrize(
    ("stated", "usage"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}, Usage(3, 4, 7)),
        ({"prompt_tokens": 3, "total_tokens": 3}, Usage(3, 0, 3)),
        ({"prompt_tokens": 3, "completion_tokens": 4}, Usage(3, 4, 7)),
        ({"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}, Usage(3, 4, 7)),
        ({"prompt_tokens": 0, "completion_tokens": None, "total_tokens": 0}, Usage(0, 0, 0)),
        (
            {"input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 6},
            Usage(14, 4, 18),
        ),
        ({"input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": None}, Usage(3, 4, 7)),
        ({"prompt_tokens": 10**9}, Usage(10**9, 0, 10**9)),
    ],
)
def test_a_usage_is_read_under_both_names(stated, usage):
    assert usage_from(stated) == usage
    assert not is_nonsense(stated)


@pytest.mark.parametrize(
    "stated",
    [
        {"prompt_tokens": -1},
        {"prompt_tokens": "3"},
        {"prompt_tokens": True},
        {"prompt_tokens": 3.5},
        {"input_tokens": 3, "cache_read_input_tokens": -1},
        {"prompt_tokens": 3, "completion_tokens": 10**12},
        {"prompt_tokens": 3, "total_tokens": [3]},
        {},
        {"other": 1},
        [],
        "3",
        7,
    ],
)
def test_a_usage_that_cannot_be_true_is_ignored_and_said_to_be(stated):
    assert usage_from(stated) is None
    assert is_nonsense(stated)


def test_a_missing_usage_is_no_nonsense():
    assert usage_from(None) is None
    assert not is_nonsense(None)


@given(JSON)
def test_no_usage_whatever_raises(stated):
    usage = usage_from(stated)
    assert usage is None or min(usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) >= 0
