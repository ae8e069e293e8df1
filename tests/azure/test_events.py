"""However the bytes are cut, the events are the same."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.azure.events import Decoder, EventTooLarge


def events(*chunks, limit=1024 * 1024):
    decoder = Decoder(limit)
    found = []
    for chunk in chunks:
        found += decoder.feed(chunk)
    return found + decoder.end()


def cut(data, places):
    edges = [0, *sorted(p % (len(data) + 1) for p in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'data: {"a":1}\n\n', ['{"a":1}']),
        (b'data: {"a":1}\n\ndata: [DONE]\n\n', ['{"a":1}', "[DONE]"]),
        (b'data:{"a":1}\n\n', ['{"a":1}']),
        (b"data:  two spaces\n\n", [" two spaces"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
        (b"data: a\r\rdata: b\r\r", ["a", "b"]),
        (b"data: a\ndata: b\n\n", ["a\nb"]),
        (b"data: a\r\ndata: b\r\n\r\n", ["a\nb"]),
        (b"data\ndata: b\n\n", ["\nb"]),
        (b"data: a\ndata\n\n", ["a\n"]),
        (b": comment\n\ndata: a\n\n: ping\n\n", ["a"]),
        (b"event: error\nid: 7\nretry: 5\ndata: a\n\n", ["a"]),
        (b"data: a\nevent: x\n\n", ["a"]),
        (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
        (b"\xef\xbb\xbf\n\ndata: a\n\n", ["a"]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", ["a"]),
        (b"data:\n\ndata: \n\ndata: a\n\n", ["a"]),
        (b"data: a\n\n\n\n\ndata: b\n\n", ["a", "b"]),
        (b"datax: no\nDATA: no\n data: no\n\n", []),
        (b"data: [DONE]", ["[DONE]"]),
        (b"data: a\n", ["a"]),
        (b"data: a\n\ndata: {\"cut", ["a", '{"cut']),
        ("data: h\u00e9 \U0001f600\n\n".encode(), ["h\u00e9 \U0001f600"]),
        (b"data: \xff\n\n", ["\ufffd"]),
        ("data: \u2028 \x85\x0b\x0c no line ends\n\n".encode(), ["\u2028 \x85\x0b\x0c no line ends"]),
        (b"", []),
    ],
)  # fmt: skip
def test_events_are_decoded_whole_and_byte_by_byte(data, expected):
    assert events(data) == expected
    assert events(*(data[i : i + 1] for i in range(len(data)))) == expected
    for i in range(len(data)):
        assert events(data[:i], data[i:]) == expected


PIECES = st.sampled_from(
    [b"data: ", b"data:", b"data", b"{}", b"a", b"\n", b"\n\n", b"\r", b"\r\n", b": c", b"event: e", b"\xef\xbb\xbf",
     "é😀".encode(), b"data: x\n\n", b" "]
)  # fmt: skip


@given(st.lists(PIECES, max_size=20).map(b"".join), st.lists(st.integers(0, 400), max_size=6))
def test_any_cut_gives_the_same_events(data, places):
    assert events(*cut(data, places)) == events(*(data[i : i + 1] for i in range(len(data))))


def parsed_slowly(data):
    """The standard's own rules, on the whole text at once."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found, lines = [], []
    for line in [*text.split("\n"), ""]:
        if not line:
            if any(lines):
                found.append("\n".join(lines))
            lines = []
        elif line.partition(":")[0] == "data":
            lines.append(line.partition(":")[2].removeprefix(" "))
    return found


@given(st.lists(PIECES, max_size=20).map(b"".join))
def test_the_events_are_those_of_the_standards_rules(data):
    assert events(data) == parsed_slowly(data)


def test_an_event_is_given_as_soon_as_its_blank_line_is_there():
    decoder = Decoder()
    assert decoder.feed(b"data: a\n") == []
    assert decoder.feed(b"\nda") == ["a"]
    assert decoder.feed(b"ta: b\r\n\r") == ["b"]
    assert decoder.feed(b"\ndata: c\n\n") == ["c"]
    assert decoder.end() == []


@pytest.mark.parametrize(
    "data",
    [
        b"data: " + b"x" * 101 + b"\n\n",
        b"data: " + b"x" * 200,
        b": " + b"x" * 200,
        b"x" * 200,
        (b"data: " + b"x" * 60 + b"\n") * 2 + b"\n",
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_event_or_line_above_the_limit_is_an_error_however_it_is_cut(data, size):
    with pytest.raises(EventTooLarge, match="larger than 100 bytes"):
        events(*(data[i : i + size] for i in range(0, len(data), size)), limit=100)


def test_the_limit_is_for_one_event_not_for_the_stream():
    data = b"data: " + b"x" * 80 + b"\n\n"
    assert events(data * 50, limit=100) == ["x" * 80] * 50
