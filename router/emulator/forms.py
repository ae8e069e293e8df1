"""What does a multipart form hold?  Fields as text, files as views into the body: nothing is copied."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

Body = bytes | mmap.mmap
"""As sent, in memory or on disk."""
MAX_PARTS = 1000
_PARAMETER = re.compile(rb'([a-zA-Z*]+)="((?:[^"\\]|\\.)*)"|([a-zA-Z*]+)=([^;\s"]+)')


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file in a form."""

    filename: str
    content_type: str
    data: memoryview = field(repr=False)


def boundary_of(content_type: str) -> bytes | None:
    """The boundary that a Content-Type names; None: it is no form."""
    message = Message()
    message["content-type"] = content_type
    if message.get_content_type() != "multipart/form-data":
        return None
    boundary = message.get_boundary()
    return boundary.encode("latin-1", "replace") if boundary else None


def parse_form(content_type: str, body: Body) -> dict[str, Any]:
    """Read a form.

    Args:
        content_type: with the boundary.
        body: as sent.

    Returns:
        By name: a text, a `FormFile`, or a list of them where the name ends in `[]` (which it loses) or comes again.

    Raises:
        ValueError: it is no form, or it ends too early.
    """
    boundary = boundary_of(content_type)
    if boundary is None:
        raise ValueError("the Content-Type is not multipart/form-data with a boundary")
    form: dict[str, Any] = {}
    for name, value in _parts(boundary, body):
        short = name.removesuffix("[]")
        if name != short:
            form.setdefault(short, []).append(value)
        elif name in form:
            old = form[name]
            form[name] = [*old, value] if isinstance(old, list) else [old, value]
        else:
            form[name] = value
    return form


def _parts(boundary: bytes, body: Body) -> Iterator[tuple[str, str | FormFile]]:
    mark = b"\r\n--" + boundary
    whole = memoryview(body)
    place = 0 if body[: len(mark) - 2] == mark[2:] else body.find(mark) + 2
    if place == 1:
        raise ValueError("the form does not begin with its boundary")
    for _ in range(MAX_PARTS):
        place += len(mark) - 2
        if body[place : place + 2] == b"--":
            return
        head_end = body.find(b"\r\n\r\n", place)
        end = body.find(mark, head_end + 2) if head_end >= 0 else -1
        if end < 0:
            raise ValueError("the form ends within a part")
        start = min(head_end + 4, end)
        yield _part(bytes(body[place:head_end]), whole[start:end])
        place = end + 2
    raise ValueError(f"the form has more than {MAX_PARTS} parts")


def _part(head: bytes, data: memoryview) -> tuple[str, str | FormFile]:
    names: dict[str, str] = {}
    kind = "application/octet-stream"
    for line in head.split(b"\r\n"):
        header, _, value = line.partition(b":")
        if header.strip().lower() == b"content-disposition":
            for quoted, text, plain, word in _PARAMETER.findall(value):
                names[(quoted or plain).decode("latin-1")] = re.sub(
                    r"\\(.)", r"\1", (text or word).decode("utf-8", "replace")
                )
        elif header.strip().lower() == b"content-type":
            kind = value.strip().decode("latin-1")
    if "name" not in names:
        raise ValueError("a part of the form has no name")
    if "filename" in names:
        return names["name"], FormFile(names["filename"], kind, data)
    return names["name"], bytes(data).decode("utf-8", "replace")
