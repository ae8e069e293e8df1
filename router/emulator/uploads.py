"""How is the body of a request read?  Into memory, or, where it is an upload, onto the disk."""

from __future__ import annotations

import asyncio
import mmap
import tempfile
from collections.abc import Mapping

from aiohttp import web

from .forms import Body


def is_upload(method: str, path: str, headers: Mapping[str, str]) -> bool:
    """The request brings a file to keep."""
    return method == "POST" and path.endswith("/files") and headers.get("content-type", "").startswith("multipart/")


async def read_body(request: web.BaseRequest, most: int) -> bytes | None:
    """The body in memory; None if it is longer than `most` bytes."""
    if not request.can_read_body:
        return b""
    parts: list[bytes] = []
    size = 0
    while part := await request.content.readany():
        size += len(part)
        if size > most:
            return None
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def read_upload(request: web.BaseRequest, most: int) -> Body | None:
    """The body in a file without a name, which is gone when nothing refers to it; None if it is too long.

    A connection that breaks on the way raises, and leaves nothing behind.
    """
    size = 0
    with tempfile.TemporaryFile() as file:
        while part := await request.content.readany():
            size += len(part)
            if size > most:
                return None
            await asyncio.to_thread(file.write, part)
        if not size:
            return b""
        file.flush()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
