"""The four ways in which an engine is used, behind one face, so that each scenario is written once."""

from __future__ import annotations

import asyncio
import gc
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import trio

from router.azure.engines import Answer, Request
from router.azure.engines.aiohttp_engine import AiohttpEngine
from router.azure.engines.httpx2_engine import Httpx2Engine

T = TypeVar("T")


def until(done: Callable[[], object]) -> None:
    """Wait for something that nobody tells us of."""
    end = time.monotonic() + 5
    while not done():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.001)


class BlockingFace:
    """A blocking engine or body under the names of the awaiting methods."""

    def __init__(self, below: Any) -> None:
        self._below = below

    async def asend(self, request: Request) -> Answer:
        answer: Answer = self._below.send(request)
        if answer.chunks is not None:
            answer.chunks = BlockingFace(answer.chunks)  # type: ignore[assignment]
        return answer

    async def aread(self, timeout: float) -> bytes:
        data: bytes = self._below.read(timeout)
        return data

    async def aclose(self) -> None:
        self._below.close()

    def abandon(self) -> None:
        self._below.abandon()


@dataclass(frozen=True)
class Side:
    """One way: which engine, and what runs it."""

    name: str
    engine: Callable[..., Any]
    """Takes `tls=`; for httpx2 also `client=` and `async_client=`."""
    runner: Callable[..., Any]
    blocking: bool = False

    def run(self, scenario: Callable[[Any], Awaitable[T]], *, tls: ssl.SSLContext | None = None) -> T:
        """Run a scenario on a new engine in a new event loop; nobody closes what it has opened on a loop."""
        engine = self.engine(tls=tls)
        face = BlockingFace(engine) if self.blocking else engine
        try:
            result: T = self.runner(scenario, face)
        finally:
            engine.close()
            gc.collect(1)  # what was left open warns now, and warnings are errors
        return result

    def __str__(self) -> str:
        return self.name


def _asyncio(scenario: Callable[[Any], Any], face: Any) -> Any:
    return asyncio.run(scenario(face))


AIOHTTP = Side("aiohttp on asyncio", AiohttpEngine, _asyncio)
HTTPX2_ASYNCIO = Side("httpx2 on asyncio", Httpx2Engine, _asyncio)
HTTPX2_TRIO = Side("httpx2 on trio", Httpx2Engine, trio.run)
HTTPX2_BLOCKING = Side("httpx2 blocking", Httpx2Engine, _asyncio, blocking=True)
SIDES = (AIOHTTP, HTTPX2_ASYNCIO, HTTPX2_TRIO, HTTPX2_BLOCKING)
AWAITING = (AIOHTTP, HTTPX2_ASYNCIO, HTTPX2_TRIO)
