"""Multipart forms: whatever a client writes is read, and nonsense is an error and no more."""

from __future__ import annotations

import mmap
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.emulator.forms import FormFile, boundary_of, parse_form

TYPE = "multipart/form-data; boundary=edge"
NAME = st.text(st.characters(codec="ascii", exclude_characters='"\\\r\n[]', min_codepoint=32), min_size=1)


def form(*parts):
    written = b""
    for head, data in parts:
        written += b"--edge\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + data + b"\r\n"
    return written + b"--edge--\r\n"


@given(st.dictionaries(NAME, st.binary().filter(lambda data: b"--edge" not in data), min_size=1))
def test_files_come_back_byte_by_byte(files):
    body = form(*((f'name="{name}"; filename="f"', data) for name, data in files.items()))
    assert {name: bytes(file.data) for name, file in parse_form(TYPE, body).items()} == files


@given(st.binary(max_size=200))
def test_nonsense_is_a_value_error(data):
    for body in (data, b"--edge" + data, b"--edge\r\n" + data + b"--edge--"):
        try:
            parse_form(TYPE, body)
        except ValueError:
            continue


def test_fields_lists_and_names():
    body = form(
        ('name="model"', b"chat"),
        ('name="image[]"; filename="a.png"', b"1"),
        ('name="image[]"; filename="b\\".png"', b"2"),
        ('name="again"', b"x"),
        ('name="again"', b"y"),
        ('name="expires_after[seconds]"', b"5"),
    )
    made = parse_form(TYPE, body)
    assert made["model"] == "chat"
    assert [image.filename for image in made["image"]] == ["a.png", 'b".png']
    assert made["again"] == ["x", "y"]
    assert made["expires_after[seconds]"] == "5"


def test_a_form_on_disk_is_not_copied():
    with tempfile.TemporaryFile() as file:
        file.write(form(('name="file"; filename="f"', b"data")))
        file.flush()
        body = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    found = parse_form(TYPE, body)["file"]
    assert isinstance(found, FormFile)
    assert found.data.obj is body


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data", "multipart/mixed; boundary=edge"])
def test_other_types_are_no_forms(kind):
    assert boundary_of(kind) is None
    with pytest.raises(ValueError, match="boundary"):
        parse_form(kind, b"")
