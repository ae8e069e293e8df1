"""Is a batch file read from wherever it is, more than once, and is its copy gone afterwards?"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from router import BadRequestError
from router.spool import IN_MEMORY_BYTES, first_of, spooled
from router.uploads import upload

LINE = json.dumps({"custom_id": "a", "body": {"model": "g"}}).encode() + b"\n"


def sources(folder: Path, text: bytes) -> list[Any]:
    path = folder / "in.jsonl"
    path.write_bytes(text)
    stream = io.BytesIO(b"before" + text)
    stream.seek(6)
    return [text, path, ("name.jsonl", text), stream]


def test_every_source_can_be_read_again(tmp_path: Path) -> None:
    for given in sources(tmp_path, LINE):
        item = upload("file", given)
        assert first_of(item).model == "g"
        for model in ("east", "west"):
            ready, file = spooled(item, model, lambda _: True)
            with file:
                file.seek(0)
                text = file.read()
            assert json.loads(text)["body"] == {"model": model}
            assert (ready.key, ready.name, ready.content_type) == (item.key, item.name, item.content_type)
            assert ready.size == len(text)


def test_a_large_one_is_on_disk_and_a_small_one_is_not() -> None:
    small, file = spooled(upload("file", LINE), "d", lambda _: True)
    with file:
        assert not small.content._rolled
    padded = json.dumps({"custom_id": "a", "body": {"model": "g", "x": "y" * IN_MEMORY_BYTES}}).encode()
    large, file = spooled(upload("file", padded), "d", lambda _: True)
    with file:
        assert large.content._rolled


def test_nothing_is_left_of_a_file_with_a_bad_line(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    real = io.BytesIO

    def temporary(_: int) -> Any:
        made.append(real())
        return made[-1]

    monkeypatch.setattr("tempfile.SpooledTemporaryFile", temporary)
    with pytest.raises(BadRequestError, match="line 2"):
        spooled(upload("file", LINE + b"{"), "d", lambda _: True)
    assert made[0].closed


def test_a_file_that_goes_away_is_a_typed_error(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(LINE)
    item = upload("file", path)
    path.unlink()
    with pytest.raises(BadRequestError, match="cannot be read"):
        first_of(item)
