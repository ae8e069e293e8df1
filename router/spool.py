"""How is a batch file made ready for one deployment without being held in memory?

Its lines are read from wherever they are, checked, rewritten (`batch_lines.py`) and written to a temporary file that
is sent and then gone.  So a bad line is found before anything is sent, the length is known, and a second try on another
resource begins anew.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from .batch_lines import First, first_request, rewritten
from .errors import BadRequestError
from .values import Upload

IN_MEMORY_BYTES = 1024 * 1024
"""Smaller files never touch the disk."""


def first_of(upload: Upload) -> First:
    """What the first line of a batch file names.  Raises BadRequestError."""
    with _lines(upload) as lines:
        return first_request(lines)


def spooled(upload: Upload, model: str | None, meant: Callable[[str], bool]) -> tuple[Upload, IO[bytes]]:
    """A batch file as one deployment takes it, and the temporary file that holds it, which the caller closes.

    Args:
        upload: the file as it came.
        model, meant: as for `batch_lines.rewritten`.

    Raises:
        BadRequestError: names the line that would make the batch fail.
    """
    from tempfile import SpooledTemporaryFile  # and what it brings, which only this needs

    file = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 - it lives as long as the upload
    try:
        with _lines(upload) as lines:
            for line in rewritten(lines, model, meant):
                file.write(line)  # `writelines` would look at its size at the end only
        size = file.tell()
    except BaseException:
        file.close()
        raise
    return Upload(upload.key, upload.name, file, upload.content_type, size), cast("IO[bytes]", file)


@contextmanager
def _lines(upload: Upload) -> Iterator[Iterator[bytes]]:
    content: Any = upload.content
    try:
        if isinstance(content, bytes):
            yield iter(io.BytesIO(content))
        elif isinstance(content, str | os.PathLike):
            with open(content, "rb") as file:
                yield iter(file)
        else:
            content.seek(upload.start)
            yield iter(content.readline, b"")
    except OSError as error:
        raise BadRequestError(
            f"`{upload.key}` cannot be read ({error.strerror or type(error).__name__}).  Nothing was sent."
        ) from None
