"""What takes several calls: a list over many resources, an upload that may go elsewhere, a wait of hours.

A tour is a generator, so that it exists once and runs blocking and awaiting: it yields questions, pauses and work
that would block an event loop, is sent the answers, and gets their errors thrown in where it yielded.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from .question import Question

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """Do something that may take long, such as reading a large file; the answer is what it returns."""

    task: Callable[[], Any]


Tour = Generator[Question | Pause | Work, Any, T]


def run(tour: Tour[T], ask: Callable[[Question], Any]) -> T:
    """Run a tour to its end, blocking.

    Args:
        tour: what is to be done.
        ask: the blocking door of a router.
    """
    try:
        step = next(tour)
        while True:
            try:
                answer: Any = None
                if isinstance(step, Question):
                    answer = ask(step)
                elif isinstance(step, Work):
                    answer = step.task()
                else:
                    time.sleep(step.seconds)
            except BaseException as error:
                step = tour.throw(error)
            else:
                step = tour.send(answer)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


async def arun(tour: Tour[T], ask: Callable[[Question], Awaitable[Any]]) -> T:
    """The same, awaiting.  Work is done in a thread; a cancellation waits for it, since it may hold files open."""
    try:
        step = next(tour)
        while True:
            try:
                answer: Any = None
                if isinstance(step, Question):
                    answer = await ask(step)
                elif isinstance(step, Work):
                    answer = await anyio.to_thread.run_sync(step.task)
                else:
                    await anyio.sleep(step.seconds)
            except BaseException as error:
                step = tour.throw(error)
            else:
                step = tour.send(answer)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
