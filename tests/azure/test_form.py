"""A form is what a reader of forms reads, whatever is in it, and can be read again."""

from __future__ import annotations

import io
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.azure.endpoint import parse_endpoint
from router.azure.form import PIECE_BYTES, Form, form_of
from router.configured import Deployment
from router.errors import BadRequestError
from router.values import Call, Upload
from tests.azure.engines.sides import SIDES, Side
from tests.azure.fault_server import answer
from tests.recorder import Recorder

ENDPOINT = parse_endpoint("azure/dep", "https://r.openai.azure.com", "2024-10-21")
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=30)


def read(form: Form) -> list[Message]:
    body = b"".join(form.parts())
    assert form.size in (None, len(body))
    parts = BytesParser().parsebytes(f"Content-Type: {form.content_type}\r\n\r\n".encode() + body).get_payload()
    assert isinstance(parts, list)
    return parts  # type: ignore[return-value]


@given(st.lists(st.tuples(st.sampled_from(["a", "b[]", "c[d]"]), TEXT), min_size=1, max_size=5))
def test_fields_come_out_as_they_went_in(fields: list[tuple[str, str]]) -> None:
    parts = read(Form(fields, ()))
    assert [(p.get_param("name", header="content-disposition"), p.get_payload(decode=True)) for p in parts] == [
        (name, value.encode()) for name, value in fields
    ]


@given(st.binary(max_size=2000))
def test_files_come_out_as_they_went_in(content: bytes) -> None:
    upload = Upload("file", "a.bin", content, size=len(content))
    body = b"".join(Form([], (upload,), "b").parts())
    head, _, rest = body.partition(b"\r\n\r\n")
    assert b'name="file"; filename="a.bin"' in head
    assert rest == content + b"\r\n--b--\r\n"


@given(st.text(max_size=30))
def test_no_name_breaks_out_of_its_quotes(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    head = b"".join(Form([], (Upload("file", name, b"x", size=1),), "b").parts()).partition(b"\r\n\r\n")[0]
    assert len(head.split(b"\r\n")) == 3
    assert head.split(b"\r\n")[1].count(b'"') == 4


def test_values_become_fields_as_openais_client_writes_them() -> None:
    body: dict[str, Any] = {"n": 2, "f": 0.5, "yes": True, "no": None, "list": ["a", "b"], "after": {"seconds": 9}}
    call = Call("audio.transcriptions", "g", body, stream=True)
    form = form_of(ENDPOINT, Deployment("d", "g", "dep", defaults={"language": "en", "n": 7}), call)
    fields = [(p.get_param("name", header="content-disposition"), p.get_payload()) for p in read(form)]
    assert fields == [
        ("language", "en"), ("n", "2"), ("f", "0.5"), ("yes", "true"), ("list[]", "a"), ("list[]", "b"),
        ("after[seconds]", "9"), ("model", "dep"), ("stream", "true"),
    ]  # fmt: skip
    with pytest.raises(BadRequestError, match="`odd` is a object"):
        form_of(ENDPOINT, Deployment("d", "g", "dep"), Call("audio.transcriptions", "g", {"odd": object()}))


def test_what_manages_names_no_deployment() -> None:
    form = form_of(
        ENDPOINT, Deployment("d", "g", "dep", defaults={"x": 1}), Call("files.create", "g", {"purpose": "b"})
    )
    assert [p.get_payload() for p in read(form)] == ["b"]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.jsonl"
    path.write_bytes(b"0123456789abcdef" * (PIECE_BYTES // 8))
    return path


def pieces() -> Iterator[bytes]:
    yield b"one "
    yield b"two"


@pytest.mark.parametrize("side", SIDES, ids=str)
def test_every_engine_sends_every_kind_of_file(side: Side, large: Path) -> None:
    whole = large.read_bytes()
    with large.open("rb") as file, Recorder(answer({"id": "x"})) as server:
        uploads = (
            Upload("bytes", "a", b"bytes", size=5),
            Upload("path", "b", large, size=len(whole)),
            Upload("file", "c", file, size=len(whole)),
            Upload("memory", "d", io.BytesIO(b"xmem"), size=3, start=1),
            Upload("made", "e", pieces, size=7),
        )
        form = Form([("purpose", "batch")], uploads)

        async def scenario(engine: Any) -> None:
            from router.azure.engines import Request

            for _ in range(2):
                request = Request("POST", f"{server.base}/x", {"content-type": form.content_type}, form, timeout=10)
                assert (await engine.asend(request)).status == 200

        side.run(scenario)
    for asked in server.asked:
        assert int(asked.headers["content-length"]) == form.size == len(asked.body)
        assert asked.fields == {
            "purpose": b"batch", "bytes": b"bytes", "path": whole, "file": whole, "memory": b"mem", "made": b"one two",
        }  # fmt: skip
    assert len(server.asked) == 2


def test_an_unknown_size_travels_in_chunks() -> None:
    form = Form([], (Upload("made", "e", pieces),))
    from router.azure.engines import Request

    assert form.size is None
    assert Request("POST", "https://x", {}, form).framing() == {"transfer-encoding": "chunked"}
