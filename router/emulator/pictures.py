"""A real picture for every prompt: one plain grey, of the size that was asked for."""

from __future__ import annotations

import re
import struct
import zlib
from functools import lru_cache

PATH = "/emulator/images/"
"""Where pictures that are answered as addresses can be fetched."""
_NAME = re.compile(r"(\d{1,4})x(\d{1,4})-(\d{1,3})\.png")


@lru_cache(maxsize=64)
def png(width: int, height: int, grey: int) -> bytes:
    """A PNG of 8 bits.

    Args:
        width: pixels.
        height: pixels.
        grey: 0 to 255.
    """
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    packer = zlib.compressobj(6)
    row = b"\x00" + bytes([grey]) * width
    data = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    return b"\x89PNG\r\n\x1a\n" + _piece(b"IHDR", head) + _piece(b"IDAT", data) + _piece(b"IEND", b"")


def _piece(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def name_of(width: int, height: int, grey: int) -> str:
    """The file name of a picture; it says all about it, so nothing is kept."""
    return f"{width}x{height}-{grey}.png"


def picture_of(name: str) -> bytes | None:
    """The picture of a file name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    width, height, grey = (int(part) for part in match.groups())
    return png(width, height, grey) if width and height and grey < 256 else None
