"""How does a call with files become a multipart form?

One encoder for all engines (RFC 7578): the pools below httpx2 have none, and two libraries would write two forms of the
same call.  A `Form` is read anew by each attempt and holds no file in memory; its length is known beforehand where the
sizes of all files are, because Azure's front end dislikes chunked uploads.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from typing import Any, cast

import anyio.to_thread

from router.configured import Deployment
from router.errors import BadRequestError
from router.values import Call, Kind, Upload

from .endpoint import Endpoint, wire_name
from .engines import Breakdown
from .fitting import fitted
from .operations import OPERATIONS

PIECE_BYTES = 256 * 1024
"""Read and sent at a time."""

_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""As browsers write them in the quotes of a header (WHATWG HTML §4.10.21.8)."""


class Form:
    """The body of one request: fields, then files.

    Attributes:
        content_type: with the boundary.
        size: in bytes; None where a file's size is not known.
    """

    __slots__ = ("_boundary", "_fields", "_uploads", "content_type", "size")

    def __init__(self, fields: list[tuple[str, str]], uploads: tuple[Upload, ...], boundary: str | None = None) -> None:
        """`boundary` is drawn at random unless a test states it."""
        self._boundary = boundary or os.urandom(16).hex()
        self._fields = fields
        self._uploads = uploads
        self.content_type = f"multipart/form-data; boundary={self._boundary}"
        self.size = self._size()

    def __repr__(self) -> str:
        return f"<Form: {len(self._fields)} fields, {len(self._uploads)} files>"

    def parts(self) -> Iterator[bytes]:
        """The body in pieces, from the start."""
        yield self._front()
        for upload in self._uploads:
            yield self._head(upload)
            yield from _pieces(upload)
            yield b"\r\n"
        yield self._end()

    async def aparts(self) -> AsyncGenerator[bytes, None]:
        """The same; files are read in a thread, so the event loop never waits for a disk."""
        yield self._front()
        for upload in self._uploads:
            yield self._head(upload)
            if isinstance(upload.content, bytes):
                yield upload.content
            else:
                pieces = _pieces(upload)
                try:
                    while piece := await anyio.to_thread.run_sync(next, pieces, b""):
                        yield piece
                finally:
                    pieces.close()
            yield b"\r\n"
        yield self._end()

    def _size(self) -> int | None:
        size = len(self._front()) + len(self._end())
        for upload in self._uploads:
            if upload.size is None:
                return None
            size += len(self._head(upload)) + upload.size + 2
        return size

    def _front(self) -> bytes:
        return b"".join(
            f'--{self._boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}\r\n'.encode()
            for name, value in self._fields
        )

    def _head(self, upload: Upload) -> bytes:
        return (
            f'--{self._boundary}\r\nContent-Disposition: form-data; name="{_quoted(upload.key)}";'
            f' filename="{_quoted(upload.name)}"\r\nContent-Type: {upload.content_type}\r\n\r\n'
        ).encode()

    def _end(self) -> bytes:
        return f"--{self._boundary}--\r\n".encode()


def form_of(endpoint: Endpoint, deployment: Deployment, call: Call) -> Form:
    """The form of a call for one deployment: its body's fields and its uploads.

    What runs a model gets the deployment's name as `model`, and its defaults under the fields that the call states.
    Lists become `name[]`, objects `name[key]`, as OpenAI's client writes them.

    Raises:
        BadRequestError: a value that no form can hold.
    """
    values: dict[str, Any] = dict(call.body)
    if OPERATIONS[call.operation].charged:
        body, defaults, _ = fitted(endpoint, deployment, call)
        values = {**defaults, **body, "model": wire_name(endpoint, deployment.model)}
    if call.stream:
        values["stream"] = True
    return Form([pair for name, value in values.items() for pair in _pairs(name, value)], call.uploads)


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A value as fields."""
    if value is None:
        return
    if isinstance(value, bool):
        yield name, "true" if value else "false"
    elif isinstance(value, str | int | float):
        yield name, str(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _pairs(f"{name}[{key}]", item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _pairs(f"{name}[]", item)
    else:
        raise BadRequestError(f"`{name[:60]}` is a {type(value).__name__}, which no form can hold.  Nothing was sent.")


def _pieces(upload: Upload) -> Generator[bytes]:
    """The content of a file, from its start.  Raises Breakdown, as the caller's fault, if it cannot be read."""
    try:
        yield from _read(upload)
    except Exception as error:  # a file object of the caller's may raise whatever it likes
        why = getattr(error, "strerror", None) or type(error).__name__
        what = f"`{upload.key}` cannot be read ({why}).  The upload was broken off"
        raise Breakdown(Kind.BAD_REQUEST, what, sent=True) from None


def _read(upload: Upload) -> Iterator[bytes]:
    content = upload.content
    if isinstance(content, bytes):
        yield content
    elif isinstance(content, str | os.PathLike):
        with open(content, "rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece
    elif callable(content):
        yield from cast("Iterator[bytes]", content())
    else:
        content.seek(upload.start)
        while piece := content.read(PIECE_BYTES):
            yield piece


def _quoted(text: str) -> str:
    return text.translate(_ESCAPES)
