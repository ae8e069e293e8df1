"""How is a compressed body read?  To its very end, in pieces whose size is bounded however far they inflate.

A body of gzip may consist of several members, and only their own trailers say whether it is whole: what somebody cut
before it was sent, HTTP brings as complete as anything else.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

_PIECE_BYTES = 2**20


class Garbled(Exception):
    """The body is not compressed in the way that its header says."""


class CutInside(Exception):
    """The body ended before what is compressed in it did."""


class Decoder:
    """Takes a compressed body as it comes: `feed` each part of it, then `end` it.

    Args:
        is_gzip: else it is deflate, which some services send without the frame of zlib that it should have.
    """

    __slots__ = ("_inflating", "_is_gzip", "_is_whole")

    def __init__(self, *, is_gzip: bool) -> None:
        self._is_gzip = is_gzip
        self._inflating: Any = None
        self._is_whole = True

    def feed(self, data: bytes) -> Iterator[bytes]:
        """A part, decompressed, in pieces of 1 MiB at most; to be read to the end before the next part is fed.

        Raises:
            Garbled: it is nothing compressed.
        """
        is_full = False
        while data or is_full:
            self._is_whole = False
            inflating = self._inflating
            if inflating is None or inflating.eof:
                inflating = self._begin(data)
            try:
                piece = inflating.decompress(data, _PIECE_BYTES)
            except zlib.error as error:
                raise Garbled from error
            if inflating.eof:
                data, is_full = inflating.unused_data, False
                self._is_whole = not data
            else:
                data, is_full = inflating.unconsumed_tail, len(piece) == _PIECE_BYTES
            if piece:
                yield piece

    def end(self) -> None:
        """There are no more parts.

        Raises:
            CutInside: there should be.
        """
        if not self._is_whole:
            raise CutInside

    def _begin(self, data: bytes) -> Any:
        if self._is_gzip:
            window = zlib.MAX_WBITS | 16
        elif self._inflating is None:
            window = zlib.MAX_WBITS if data[0] & 15 == 8 else -zlib.MAX_WBITS
        else:
            raise Garbled
        self._inflating = zlib.decompressobj(window)
        return self._inflating


def decoder_for(encoding: str) -> Decoder | None:
    """What reads a body of this `content-encoding`; None: we do not ask for such a one, and leave it as it is."""
    match encoding.strip().lower():
        case "gzip":
            return Decoder(is_gzip=True)
        case "deflate":
            return Decoder(is_gzip=False)
        case _:
            return None
