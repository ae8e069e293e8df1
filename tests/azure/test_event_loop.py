"""Whose task is running?"""

from __future__ import annotations

from router.azure.event_loop import on_asyncio


async def test_the_running_loop_is_known(anyio_backend: str) -> None:
    assert on_asyncio() == (anyio_backend == "asyncio")


def test_no_loop_is_not_asyncios() -> None:
    assert not on_asyncio()
