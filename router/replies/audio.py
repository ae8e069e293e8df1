"""Speech, and what was heard."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import anyio

from router.values import Routing

from .base import Routed
from .free import Free


class Binary:
    """An answer that is bytes: speech, the content of a file.  Held whole in memory.

    Attributes:
        content: the bytes.
        content_type: as the service stated it; "" if it did not.
    """

    __slots__ = ("_routing", "content", "content_type")

    def __init__(self, content: bytes, content_type: str, routing: Routing) -> None:
        self.content = content
        self.content_type = content_type
        self._routing = routing

    def __repr__(self) -> str:
        return f"<Binary: {len(self.content):,} bytes of {self.content_type or 'no stated type'}>"

    def __len__(self) -> int:
        return len(self.content)

    @property
    def routing(self) -> Routing:
        """What happened to the call."""
        return self._routing

    @property
    def text(self) -> str:
        """The bytes as UTF-8; what is none becomes U+FFFD."""
        return self.content.decode("utf-8", "replace")

    def read(self) -> bytes:
        """The bytes."""
        return self.content

    async def aread(self) -> bytes:
        """The bytes."""
        return self.content

    def iter_bytes(self, chunk_size: int = 64 * 1024) -> Iterator[bytes]:
        """The bytes in pieces of at most so many."""
        for start in range(0, len(self.content), chunk_size):
            yield self.content[start : start + chunk_size]

    def write_to_file(self, file: str | PathLike[str]) -> None:
        """Write the bytes to a file, replacing what was there.  Raises OSError."""
        Path(file).write_bytes(self.content)

    stream_to_file = write_to_file
    """The name that OpenAI's client gives it."""

    async def awrite_to_file(self, file: str | PathLike[str]) -> None:
        """The same, awaiting."""
        await anyio.Path(file).write_bytes(self.content)

    astream_to_file = awrite_to_file


class Transcription(Routed):
    """A transcription or a translation.

    `text` holds subtitles too where `srt` or `vtt` were asked for; `verbose_json` adds `language`, `duration`,
    `segments` and `words`.
    """

    text: str = ""
    language: str | None = None
    duration: float | None = None
    segments: list[Free] | None = None
    words: list[Free] | None = None
    usage: Free = None
