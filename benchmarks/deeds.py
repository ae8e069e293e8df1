"""What a worker can be asked to measure.  Each deed takes the contender and its world, and returns figures.

CPU is the process's own (`time.process_time`), the collector stays on, and each measurement begins with a while that
is not counted, in which connections open and caches fill.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

from .contenders import Contender, NotOffered

__all__ = ["DEEDS", "NotOffered", "Stopwatch"]

WARM_SHARE = 0.25
"""Of the time that a measurement takes, what comes before it uncounted."""


class Stopwatch:
    """Adds up the time and the CPU spent inside `with`."""

    __slots__ = ("_cpu", "_wall", "cpu", "wall")

    def __init__(self) -> None:
        self.wall = self.cpu = self._wall = self._cpu = 0.0

    def __enter__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.cpu += time.process_time() - self._cpu
        self.wall += time.perf_counter() - self._wall

    def per(self, count: int) -> dict[str, float]:
        """Microseconds for each of `count`, and how many a second would hold."""
        return {"count": count, "cpu_us": self.cpu / count * 1e6, "wall_us": self.wall / count * 1e6,
                "per_second": count / self.wall, "cpu_share": self.cpu / self.wall}  # fmt: skip


async def calls(
    contender: Contender, world: str, *, shape: str, concurrency: int = 1, seconds: float = 1.0, exactly: int = 0
) -> dict[str, float]:
    """Calls, so many at a time (in threads, where they block), for some seconds; or `exactly` so many."""
    if world == "blocking":
        return _repeated_blocking(contender.call_blocking, shape, seconds, threads=concurrency)
    expected = await contender.call(shape)
    assert expected.startswith("lorem"), f"not the reply of the service: {expected[:100]!r}"

    async def one() -> int:
        return bool(await contender.call(shape))

    if not exactly:
        await _many(world, one, concurrency, seconds * WARM_SHARE)
    before = contender.counters()
    watch = Stopwatch()
    with watch:
        count = await _many(world, one, concurrency, seconds, exactly)
    return watch.per(count) | _growth(before, contender.counters(), count)


async def crowd(
    contender: Contender, world: str, *, shape: str, tasks: int, concurrency: int, threshold: int = 0
) -> dict[str, float]:
    """A call for each of many tasks that are there from the start, as where a program has a long list.

    `threshold` is that of Python's garbage collector, 0 for its own.
    """
    places = asyncio.Semaphore(concurrency)

    async def one() -> None:
        async with places:
            await contender.call(shape)

    await asyncio.gather(*(one() for _ in range(2 * concurrency)))
    usual, watch = gc.get_threshold(), Stopwatch()
    if threshold:
        gc.set_threshold(threshold)
    try:
        with watch:
            await asyncio.gather(*(one() for _ in range(tasks)))
    finally:
        gc.set_threshold(*usual)
    return watch.per(tasks)


async def streams(contender: Contender, world: str, *, shape: str, pieces: int, seconds: float) -> dict[str, float]:
    """Streams one after the other, for some seconds; figures are per piece of text."""
    if world == "blocking":
        return _repeated_blocking(contender.stream_blocking, shape, seconds, per=pieces)

    async def one() -> int:
        seen = await contender.stream(shape)
        assert seen == pieces, f"{seen} pieces of text came, not {pieces}"
        return seen

    await _many(world, one, 1, seconds * WARM_SHARE)
    watch = Stopwatch()
    with watch:
        count = await _many(world, one, 1, seconds)
    return watch.per(count)


async def paced(contender: Contender, world: str, *, shape: str, per_second: int, seconds: float) -> dict[str, float]:
    """Calls that begin at an even pace, whatever the earlier ones do: what does the process use of its core?"""
    await contender.call(shape)
    await _pace(contender, shape, per_second, min(1.2, 2 * seconds))  # leases begin after a second
    before = contender.counters()
    watch = Stopwatch()
    with watch:
        count = await _pace(contender, shape, per_second, seconds)
    return watch.per(count) | _growth(before, contender.counters(), count)


async def decisions(
    contender: Contender, world: str, *, deployments: int, whole: bool, seconds: float
) -> dict[str, float]:
    """Decisions among so many deployments: the choice alone, or the whole of routing."""
    built: dict[str, int] = contender.__dict__.setdefault("built", {"deployments": 0})
    if built["deployments"] != deployments:
        contender.build(deployments)
        built["deployments"] = deployments
    act = contender.route if whole else contender.decide
    count, warm = 10, Stopwatch()
    while True:  # as many as the time allows: a peer may need a thousand times longer
        await act(count, warm)
        if warm.wall >= seconds * WARM_SHARE or count > 1_000_000:
            break
        count *= 4
    watch, done = Stopwatch(), 0
    while watch.wall < seconds:
        await act(count, watch)
        done += count
    return watch.per(done)


async def start(contender: Contender, world: str, *, deployments: int) -> dict[str, float]:
    """How long it takes to make a router; what imports cost was paid before."""
    contender.__dict__.pop("_built", None)
    gc.collect()
    watch = Stopwatch()
    with watch:
        contender.build(deployments)
    return {"cpu_ms": watch.cpu * 1e3, "wall_ms": watch.wall * 1e3}


async def weight(contender: Contender, world: str, *, deployments: int) -> dict[str, float]:
    """What one more deployment weighs in Python's memory: twice as many, less the half, by count of all allocations."""
    held = []
    for size in (deployments, 2 * deployments):
        contender.__dict__.pop("_built", None)
        gc.collect()
        tracemalloc.start()
        contender.build(size)
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
    return {"kb_each": (held[1] - held[0]) / deployments / 1024}


async def memory(contender: Contender, world: str, *, shape: str, concurrency: int, exactly: int) -> dict[str, float]:
    """Resident memory after exactly so many more calls."""
    figures = await calls(contender, world, shape=shape, concurrency=concurrency, exactly=exactly)
    gc.collect()
    return {"resident_kb": resident_kb(), "calls": exactly, "per_second": figures["per_second"]}


def resident_kb() -> float:
    """What the process holds of the machine's memory, in units of 1,024 bytes."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


# ---- inside -------------------------------------------------------------------------------------------------------


async def _many(
    world: str, one: Callable[[], Awaitable[int]], concurrency: int, seconds: float, exactly: int = 0
) -> int:
    """Keep so many going until the time is up, or `exactly` so many are done; returns what they add up to."""
    done = begun = 0
    end = time.perf_counter() + seconds

    async def keep_going() -> None:
        nonlocal done, begun
        while (begun < exactly) if exactly else (time.perf_counter() < end or not done):
            begun += 1
            more = await one()
            done += more  # not in one line: `done` would be read before the others have added theirs

    if concurrency == 1:
        await keep_going()
    elif world == "trio":
        import trio

        async with trio.open_nursery() as nursery:
            for _ in range(concurrency):
                nursery.start_soon(keep_going)
    else:
        await asyncio.gather(*(keep_going() for _ in range(concurrency)))
    return done


def _repeated_blocking(
    act: Callable[[str], object], shape: str, seconds: float, *, per: int = 1, threads: int = 1
) -> dict[str, float]:
    """Blocking calls stand in the loop's way, which has nothing else to do."""

    def keep_going(end: float) -> int:
        done = 0
        while time.perf_counter() < end or not done:
            act(shape)
            done += per
        return done

    for length in (seconds * WARM_SHARE, seconds):
        watch = Stopwatch()
        with watch:
            end = time.perf_counter() + length
            if threads == 1:
                count = keep_going(end)
            else:
                with ThreadPoolExecutor(threads) as pool:
                    count = sum(pool.map(keep_going, [end] * threads))
    return watch.per(count)


async def _pace(contender: Contender, shape: str, per_second: int, seconds: float) -> int:
    started = time.perf_counter()
    tasks: set[asyncio.Task[str]] = set()
    count = round(per_second * seconds)
    for number in range(count):
        pause = started + number / per_second - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        task = asyncio.create_task(contender.call(shape))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return count


def _growth(before: dict[str, int], after: dict[str, int], count: int) -> dict[str, float]:
    return {f"{name}_per_call": (after[name] - before[name]) / count for name in after}


DEEDS: dict[str, Any] = {
    deed.__name__: deed for deed in (calls, crowd, streams, paced, decisions, start, weight, memory)
}
