"""How is a compressed answer read?  By httpx2's own response, which needs importing only where one comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

import httpx2

from .http1 import Headers


def decoded(status: int, headers: Headers, stream: Any, extensions: MutableMapping[str, Any]) -> httpx2.Response:
    """An answer whose body comes out as it was before it was compressed; see `httpx2_messages.Unread`."""
    return httpx2.Response(status, headers=headers, stream=_Body(stream), extensions=extensions)


class _Body(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body as httpx2 takes it, a blocking or an awaiting one."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        self._stream.close()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()  # type: ignore[no-any-return]

    async def aclose(self) -> None:
        await self._stream.aclose()
