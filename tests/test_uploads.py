"""What can be sent as a file, and under which name and type."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from router.errors import BadRequestError
from router.uploads import upload


@pytest.mark.parametrize(
    ("given", "name", "content_type", "size"),
    [
        (b"abc", "file", "application/octet-stream", 3),
        (bytearray(b"abc"), "file", "application/octet-stream", 3),
        (("a.JSONL", b"abc"), "a.JSONL", "application/jsonl", 3),
        (("a.png", io.BytesIO(b"abc")), "a.png", "image/png", 3),
        (("a.png", b"abc", "image/x-mine"), "a.png", "image/x-mine", 3),
        ((None, b"abc"), "file", "application/octet-stream", 3),
        (("a.wav", b"abc", None, {"x": "y"}), "a.wav", "audio/wav", 3),
    ],
    ids=repr,
)
def test_name_type_and_size(given: Any, name: str, content_type: str, size: int) -> None:
    made = upload("file", given)
    assert (made.key, made.name, made.content_type, made.size) == ("file", name, content_type, size)


def test_paths_and_open_files_keep_their_name(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(b"abcdef")
    with path.open("rb") as file:
        file.read(2)
        made = upload("file", file)
        assert (made.name, made.content_type, made.size, made.start) == ("a.mp3", "audio/mpeg", 4, 2)
        assert file.tell() == 2
    assert upload("file", path).content == path
    assert upload("file", path).size == 6


def test_what_can_be_read_only_once_is_read_now() -> None:
    end, start = os.pipe()
    os.write(start, b"piped")
    os.close(start)
    with open(end, "rb") as file:
        made = upload("file", file)
    assert (made.content, made.size) == (b"piped", 5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((), "tuple"),
        (("a",), "tuple"),
        ((1, b"x"), "must be text"),
        (("a", b"x", "text/plain\r\nx: y"), "no header"),
        (("a", "text"), "pathlib.Path"),
        (None, "must be bytes"),
        (io.BytesIO(b""), "is empty"),
    ],
    ids=repr,
)
def test_what_cannot_be_sent_says_why(given: Any, message: str) -> None:
    with pytest.raises(BadRequestError, match=message):
        upload("file", given)
