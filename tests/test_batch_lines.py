"""Does each line come out with its deployment's name and nothing else changed, and is a bad line found?"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router import BadRequestError
from router.batch_lines import First, first_request, rewritten


def line(model: str | None = "group", name: str = "t-0", **body: Any) -> bytes:
    named = {} if model is None else {"model": model}
    request = {"custom_id": name, "method": "POST", "url": "/chat/completions", "body": {**named, **body}}
    return json.dumps(request).encode() + b"\n"


def renamed(*lines: bytes) -> list[bytes]:
    return list(rewritten(lines, "east-batch", lambda name: name == "group"))


def test_every_line_names_the_deployment_and_keeps_the_rest() -> None:
    out = renamed(line(name="a", messages=[{"role": "user", "content": "two\nlines"}]), line(None, "b", max_tokens=5))
    first, second = (json.loads(text) for text in out)
    assert first == {
        "custom_id": "a",
        "method": "POST",
        "url": "/chat/completions",
        "body": {"model": "east-batch", "messages": [{"role": "user", "content": "two\nlines"}]},
    }
    assert second["body"] == {"model": "east-batch", "max_tokens": 5}
    assert all(text.endswith(b"\n") and text.count(b"\n") == 1 for text in out)


def test_a_line_that_names_the_deployment_already_is_left_as_it_is() -> None:
    odd = b'{"custom_id": "a",  "body": {"model": "east-batch", "temperature": 1.50}}\r\n'
    assert renamed(odd) == [odd.strip() + b"\n"]


def test_a_byte_order_mark_and_empty_lines_are_left_out_and_lines_keep_their_numbers() -> None:
    assert len(renamed(b"\xef\xbb\xbf" + line(name="a"), b"\n", b"  \r\n", line(name="b"))) == 2
    with pytest.raises(BadRequestError, match="line 4 of the batch file is no JSON"):
        renamed(line(), b"\n", b"\n", b"{secret\n")


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(st.text(), json_values, max_size=4), min_size=1, max_size=5), st.booleans())
def test_whatever_a_body_holds_comes_out_equal(bodies: list[dict[str, Any]], escaped: bool) -> None:
    given = [
        json.dumps({"custom_id": str(i), "body": {**body, "model": "group"}}, ensure_ascii=escaped).encode() + b"\n"
        for i, body in enumerate(bodies)
    ]
    out = [json.loads(text) for text in renamed(*given)]
    assert out == [{"custom_id": str(i), "body": {**b, "model": "east-batch"}} for i, b in enumerate(bodies)]


@given(st.text(alphabet=st.characters(codec=None, categories=("Cs", "Lu", "So")), max_size=6))
def test_halves_of_surrogate_pairs_survive(text: str) -> None:
    (out,) = renamed(line(prompt=text))
    assert json.loads(out)["body"]["prompt"] == json.loads(json.dumps(text))


@given(st.binary(max_size=200))
def test_rubbish_is_refused_or_passed_as_whole_lines_and_never_breaks_the_reader(rubbish: bytes) -> None:
    try:
        out = list(rewritten(io.BytesIO(rubbish), "d", lambda _: True))
    except BadRequestError:
        return
    assert all(json.loads(text)["body"]["model"] == "d" for text in out)


@pytest.mark.parametrize(
    ("bad", "problem", "code"),
    [
        (b'{"custom_id": "b", "body": {"prompt": "my secret', "is no JSON", "invalid_json_line"),
        (b'["my secret"]', "is no JSON object", "invalid_json_line"),
        (b'{"custom_id": "b", "prompt": "my secret"}', "has no object as its `body`", "invalid_json_line"),
        (b'{"custom_id": "b", "body": "my secret"}', "has no object as its `body`", "invalid_json_line"),
        (b'{"body": {"model": "group"}}', "has no text as its `custom_id`", "invalid_request"),
        (b'{"custom_id": 7, "body": {}}', "has no text as its `custom_id`", "invalid_request"),
        (b'{"custom_id": "b", "body": {"model": ["group"]}}', "has no text as its `body.model`", "invalid_request"),
        (b'{"custom_id": "b", "body": {"temperature": NaN}}', "is no JSON", "invalid_json_line"),
        (b'{"custom_id": "b", "body": {"seed": 1e999}}', "holds a number that is too large", "invalid_json_line"),
        (b"\xff\xfe", "is no JSON", "invalid_json_line"),
        (b"[" * 100_000, "is no JSON", "invalid_json_line"),
        (line("other", "b"), "names the model 'other'", "model_mismatch"),
        (line("group", "t-0"), "has the custom_id of line 1", "duplicate_custom_id"),
    ],
)
def test_a_line_that_would_fail_the_batch_is_named_and_not_quoted(bad: bytes, problem: str, code: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        renamed(line(), bad)
    assert f"line 2 of the batch file {problem}" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.code == code


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(BadRequestError, match="empty") as caught:
        renamed(b"\n", b"")
    assert caught.value.code == "empty_file"
    with pytest.raises(BadRequestError, match="empty"):
        first_request([])


def test_the_first_request_tells_the_model() -> None:
    assert first_request([b"\n", line("group"), b"rubbish"]) == First("group", "/chat/completions")
    assert first_request([line(None)]).model is None
    assert first_request([b'{"body": {}}']) == First(None, None)
    with pytest.raises(BadRequestError, match="has no text as its `url`"):
        first_request([b'{"body": {}, "url": 7}'])


def test_lines_that_nobody_renames_are_left_as_they_are_and_must_agree() -> None:
    same = [line("x", "a", temperature=0.50), line("x", "b")]
    assert list(rewritten(same, None, lambda _: False)) == same
    with pytest.raises(BadRequestError, match="line 2 of the batch file names the model 'y'"):
        list(rewritten([line("x", "a"), line("y", "b")], None, lambda _: False))


def test_lines_are_read_one_at_a_time() -> None:
    read = 0

    def source() -> Iterator[bytes]:
        nonlocal read
        for i in range(100):
            read += 1
            yield line(name=str(i))

    out = rewritten(source(), "d", lambda _: True)
    next(out)
    assert read == 1
