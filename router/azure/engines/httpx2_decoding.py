"""How is a compressed answer read?  By httpx2's own response, which needs importing only where one comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpcore2
import httpx2


def decoded(answer: httpcore2.Response) -> httpx2.Response:
    """An answer of a pool's whose body comes out as it was before it was compressed."""
    return httpx2.Response(
        answer.status, headers=answer.headers, stream=_Body(answer.stream), extensions=answer.extensions
    )


class _Body(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body as httpx2 takes it; its pool was a blocking or an awaiting one."""

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
