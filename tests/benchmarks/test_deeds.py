from __future__ import annotations

import asyncio
import gc
from typing import ClassVar

import anyio

from benchmarks.deeds import Stopwatch, _many, crowd


class Calls:
    """Counts what is begun and what is over."""

    def __init__(self) -> None:
        self.begun = self.most = self.open = 0

    async def one(self) -> int:
        self.begun += 1
        self.open += 1
        self.most = max(self.most, self.open)
        await anyio.lowlevel.checkpoint()
        self.open -= 1
        return 3


async def test_exactly_so_many_are_made_and_none_is_lost_in_the_count(anyio_backend_name: str) -> None:
    calls = Calls()
    assert await _many(anyio_backend_name, calls.one, 7, 0.0, exactly=100) == 300
    assert (calls.begun, calls.open) == (100, 0)
    assert calls.most == 7


async def test_each_makes_one_at_least_and_all_are_counted(anyio_backend_name: str) -> None:
    calls = Calls()
    assert await _many(anyio_backend_name, calls.one, 5, 0.0) == 3 * calls.begun
    assert calls.begun == 5


async def test_one_at_a_time_is_one_at_a_time(anyio_backend_name: str) -> None:
    calls = Calls()
    await _many(anyio_backend_name, calls.one, 1, 0.0, exactly=9)
    assert (calls.begun, calls.most) == (9, 1)


def test_a_crowd_makes_a_call_for_each_task_and_leaves_the_collector_as_it_was() -> None:
    class Contender(Calls):
        thresholds: ClassVar[set[int]] = set()

        async def call(self, shape: str) -> None:
            assert shape == "b1000"
            self.thresholds.add(gc.get_threshold()[0])
            await self.one()

    usual, contender = gc.get_threshold(), Contender()
    values = asyncio.run(crowd(contender, "asyncio", shape="b1000", tasks=50, concurrency=7, threshold=9_999))  # type: ignore[arg-type]
    assert (contender.begun, contender.most, values["count"]) == (2 * 7 + 50, 7, 50)
    assert contender.thresholds == {usual[0], 9_999}
    assert gc.get_threshold() == usual


def test_a_stopwatch_adds_up_and_says_what_each_took() -> None:
    watch = Stopwatch()
    for _ in range(2):
        with watch:
            sum(range(10_000))
    wall = watch.wall
    assert wall > 0
    assert watch.per(4) == {
        "count": 4,
        "cpu_us": watch.cpu / 4 * 1e6,
        "wall_us": wall / 4 * 1e6,
        "per_second": 4 / wall,
        "cpu_share": watch.cpu / wall,
    }
