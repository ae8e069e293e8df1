"""Places are left to the first in the line; none is lost, whoever goes away, and nobody overtakes."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from router.azure.engines.loop_places import LoopPlaces


async def take(places: LoopPlaces) -> None:
    if places.free:
        places.free -= 1
    else:
        await places.wait()


async def lined_up(places: LoopPlaces, count: int) -> list[asyncio.Task[None]]:
    """Tasks that wait for a place, in this order."""
    tasks = [asyncio.create_task(take(places)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def served(tasks: list[asyncio.Task[None]]) -> list[bool]:
    for _ in range(3):
        await asyncio.sleep(0)
    return [task.done() and not task.cancelled() for task in tasks]


def test_a_place_goes_to_the_first_in_the_line_and_not_to_who_comes_meanwhile() -> None:
    async def scenario() -> None:
        places = LoopPlaces(1)
        await take(places)
        first, second = await lined_up(places, 2)
        places.leave()
        assert places.free == 0
        third = asyncio.create_task(take(places))
        assert await served([first, second, third]) == [True, False, False]
        places.leave()
        assert await served([second, third]) == [True, False]
        places.leave()
        assert await served([third]) == [True]
        places.leave()
        assert places.free == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("cancelled_first", [True, False], ids=["before its turn", "at its turn"])
@pytest.mark.parametrize("ticks", [0, 1])
def test_who_goes_away_leaves_its_place_to_the_next(cancelled_first: bool, ticks: int) -> None:
    async def scenario() -> None:
        places = LoopPlaces(1)
        await take(places)
        first, second = await lined_up(places, 2)
        deeds = [first.cancel, places.leave] if cancelled_first else [places.leave, first.cancel]
        deeds[0]()
        for _ in range(ticks if cancelled_first else 0):
            await asyncio.sleep(0)
        deeds[1]()
        assert await served([first, second]) == [False, True]
        assert first.cancelled()
        places.leave()
        assert places.free == 1

    asyncio.run(scenario())


def test_who_is_refused_hears_why_and_holds_nothing() -> None:
    async def scenario() -> None:
        places = LoopPlaces(1)
        await take(places)
        tasks = await lined_up(places, 3)
        places.refuse(partial(ValueError, "closed"))
        tasks[2].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [ValueError, ValueError, asyncio.CancelledError]
        places.leave()
        assert places.free == 1

    asyncio.run(scenario())
