"""Does a tour run the same blocking and awaiting, and does it always get to clean up?"""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from router.question import Question
from router.tours import Pause, Tour, Work, arun, run

ASKED = Question("models.list", "g")


def everything(log: list[Any]) -> Tour[str]:
    try:
        log.append((yield ASKED))
        log.append((yield Work(threading.get_ident)))
        log.append((yield Pause(0.0)))
        try:
            yield ASKED
        except ValueError as error:
            log.append(str(error))
        return "done"
    finally:
        log.append("cleaned")


class Door:
    """Answers the first question and fails the second."""

    def __init__(self) -> None:
        self.asked = 0

    def ask(self, question: Question) -> str:
        assert question is ASKED
        self.asked += 1
        if self.asked == 2:
            raise ValueError("no")
        return "yes"

    async def aask(self, question: Question) -> str:
        return self.ask(question)


def test_blocking() -> None:
    log: list[Any] = []
    assert run(everything(log), Door().ask) == "done"
    assert log == ["yes", threading.get_ident(), None, "no", "cleaned"]


async def test_awaiting_does_work_in_a_thread() -> None:
    log: list[Any] = []
    assert await arun(everything(log), Door().aask) == "done"
    assert log.pop(1) != threading.get_ident()
    assert log == ["yes", None, "no", "cleaned"]


def broken(log: list[Any]) -> Tour[None]:
    try:
        yield ASKED
    finally:
        log.append("cleaned")


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_an_error_that_it_does_not_take_comes_out(kind: type[BaseException]) -> None:
    def ask(_: Question) -> Any:
        raise kind

    log: list[Any] = []
    with pytest.raises(kind):
        run(broken(log), ask)
    assert log == ["cleaned"]


def test_a_cancelled_one_cleans_up() -> None:
    log: list[Any] = []

    async def ask(_: Question) -> None:
        await asyncio.Event().wait()

    async def scenario() -> None:
        task = asyncio.create_task(arun(broken(log), ask))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert log == ["cleaned"]
