"""Can this file be sent, and sent again?

Turns what callers hand in (bytes, a path, an open file, or a tuple with a name, as OpenAI's client takes them) into
`Upload`s.  Everything that cannot be read is refused here, before anything is sent; a file is not read into memory
unless it is a stream that can be read only once.
"""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import Any

from .errors import BadRequestError
from .values import Upload

_TYPES = {
    "flac": "audio/flac",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "jsonl": "application/jsonl",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "mp4": "audio/mp4",
    "ogg": "audio/ogg",
    "png": "image/png",
    "wav": "audio/wav",
    "webm": "audio/webm",
    "webp": "image/webp",
}
"""What Azure is known to look at; the rest is told by the content itself.  (Python's own table follows the system.)"""


def upload(field: str, given: Any) -> Upload:
    """The upload of what a caller gave for a field of a form.

    Args:
        field: its name.
        given: bytes, a path object, a binary file, or a tuple `(name, content)` or `(name, content, content type)`.

    Raises:
        BadRequestError: it cannot be read, is empty, or is none of these.
    """
    name, content, content_type = _parts(field, given)
    size: int
    start = 0
    if isinstance(content, bytes | bytearray | memoryview):
        content = bytes(content)
        size = len(content)
    elif isinstance(content, os.PathLike):
        size = _size_of(field, content)
        name = name or PurePath(content).name
    elif callable(getattr(content, "read", None)):
        name = name or _name_of(content)
        content, start, size = _opened(field, content)
    else:
        hint = "  Is it a path?  Then give pathlib.Path(…)." if isinstance(content, str) else ""
        raise BadRequestError(
            f"`{field}` must be bytes, a path object, a file opened in binary mode, or a tuple (name, content), not"
            f" {type(content).__name__}.{hint}"
        )
    if not size:
        more = "; it was read to its end before, so rewind it with seek(0)" if start else ""
        raise BadRequestError(f"`{field}` is empty{more}.  Nothing was sent.")
    name = name or field
    return Upload(field, name, content, content_type or _type_of(name), size, start)


def uploads(field: str, given: Any) -> tuple[Upload, ...]:
    """One upload, or several as `field[]` where a list is given.  Raises BadRequestError as `upload` does."""
    if not isinstance(given, list):
        return (upload(field, given),)
    if not given:
        raise BadRequestError(f"`{field}` is an empty list: give at least one file")
    return tuple(upload(f"{field}[]", item) for item in given)


def _parts(field: str, given: Any) -> tuple[str, Any, str]:
    """Name, content and content type; "" for what is not stated."""
    if not isinstance(given, tuple):
        return "", given, ""
    if not 2 <= len(given) <= 4:
        raise BadRequestError(f"`{field}` must be a tuple (name, content) or (name, content, content type)")
    name, content, *rest = given
    content_type = rest[0] if rest else None
    if not isinstance(name, str | None) or not isinstance(content_type, str | None):
        raise BadRequestError(f"`{field}`: the name and the content type of a file must be text")
    if content_type and not (content_type.isascii() and content_type.isprintable()):
        raise BadRequestError(f"`{field}`: the content type holds a character that no header may have")
    return name or "", content, content_type or ""


def _size_of(field: str, path: os.PathLike[str]) -> int:
    try:
        with open(path, "rb") as file:
            return os.fstat(file.fileno()).st_size
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise BadRequestError(f"`{field}` cannot be read ({why}).  Nothing was sent.") from None


def _opened(field: str, file: Any) -> tuple[Any, int, int]:
    """Something to read from, where its content begins, and its size.  What cannot be rewound is read now."""
    if getattr(file, "closed", False):
        raise BadRequestError(f"`{field}` is a closed file: give its path, or keep it open until the call returns")
    if hasattr(file, "encoding"):
        raise BadRequestError(f"`{field}` is a file opened as text: open it in binary mode ('rb')")
    try:
        if not file.seekable():
            content = file.read()
            return content, 0, len(content)
        start = file.tell()
        size = file.seek(0, os.SEEK_END) - start
        file.seek(start)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise BadRequestError(f"`{field}` cannot be read ({type(error).__name__}).  Nothing was sent.") from None
    return file, start, size


def _name_of(file: Any) -> str:
    """The last part of the file's own name, if it is one for people: temporary files are named by a number."""
    name = getattr(file, "name", None)
    return PurePath(name).name if isinstance(name, str) else ""


def _type_of(name: str) -> str:
    return _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
