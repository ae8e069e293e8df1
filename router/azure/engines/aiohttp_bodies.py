"""How is a compressed body read from aiohttp?  By a decoder of ours: aiohttp's own takes one that is cut for whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiohttp import StreamReader

from .decoding import Decoder, decoder_for


class Decompressed:
    """A reader of aiohttp's, as far as we use one, of a body as it was before it was compressed."""

    __slots__ = ("_content", "_decoder", "_pieces")

    def __init__(self, content: StreamReader, decoder: Decoder) -> None:
        self._content = content
        self._decoder = decoder
        self._pieces: Iterator[bytes] = iter(())

    def read_nowait(self) -> bytes:
        """What is here already; b"" if that is nothing."""
        if piece := next(self._pieces, b""):
            return piece
        self._pieces = self._decoder.feed(self._content.read_nowait())
        return next(self._pieces, b"")

    async def readany(self) -> bytes:
        """What is here, else what comes next; b"" at the end."""
        while not (piece := next(self._pieces, b"")):
            part = await self._content.readany()
            if not part:
                self._decoder.end()
                return b""
            self._pieces = self._decoder.feed(part)
        return piece

    def is_eof(self) -> bool:
        """Whether all of it is here: only `readany` tells."""
        return False

    at_eof = is_eof

    def exception(self) -> BaseException | None:
        """What broke it."""
        return self._content.exception()

    def set_exception(self, *broken: Any) -> None:
        """Tell whoever reads."""
        self._content.set_exception(*broken)


def readable(content: StreamReader, encoding: str | None) -> StreamReader | Decompressed:
    """The same reader, or one that decompresses where the body needs it."""
    decoder = decoder_for(encoding) if encoding is not None else None
    return content if decoder is None else Decompressed(content, decoder)
