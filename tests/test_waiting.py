"""A wait of hours under virtual time: how often it asks, what it endures, when it ends."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router import APIConnectionError, APITimeoutError, BadRequestError, RateLimitError
from router.question import Question
from router.tours import Pause
from router.values import Attempt
from router.waiting import LEAST_S, PATIENCE, waiting


class Clock:
    """Answers a wait's questions from a timetable; each question takes `cost` seconds."""

    def __init__(self, ends_at: float, cost: float = 0.0, troubles: dict[int, Exception] | None = None) -> None:
        self.now, self.ends_at, self.cost, self.troubles = 0.0, ends_at, cost, troubles or {}
        self.asked: list[float] = []
        self.bounds: list[float | None] = []
        self.reports: list[bool] = []

    def wait(self, **options: Any) -> Any:
        tour = waiting(self._question, lambda reply: bool(reply.ended), what="it", report=self._report, **options)
        try:
            step = next(tour)
            while True:
                if isinstance(step, Pause):
                    self.now += step.seconds
                    step = tour.send(None)
                else:
                    number = len(self.asked)
                    self.asked.append(self.now)
                    self.now += self.cost
                    trouble = self.troubles.get(number)
                    step = tour.throw(trouble) if trouble is not None else tour.send(self._reply())
        except StopIteration as stop:
            return stop.value

    def _question(self, left: float | None) -> Question:
        self.bounds.append(left)
        return Question("batches.retrieve", "g")

    def _reply(self) -> Any:
        attempt = Attempt("d", 200, "ok", self.cost)
        routing = SimpleNamespace(attempts=(attempt,), waited=0.0)
        return SimpleNamespace(ended=self.now >= self.ends_at, routing=routing)

    def _report(self, reply: Any) -> None:
        self.reports.append(reply.ended)


def test_a_day_is_waited_for_a_minute_at_a_time() -> None:
    clock = Clock(ends_at=24 * 3600.0)
    assert clock.wait().ended
    assert len(clock.asked) == 24 * 60 + 1
    assert clock.bounds[0] is None
    assert clock.reports == [False] * (24 * 60) + [True]


def test_what_has_ended_is_not_waited_for() -> None:
    clock = Clock(ends_at=0.0)
    clock.wait(timeout=1.0)
    assert (clock.now, clock.reports) == (0.0, [True])


def test_the_end_of_the_time_is_asked_about_once_more() -> None:
    clock = Clock(ends_at=100.0)
    assert clock.wait(timeout=100.0).ended
    assert clock.asked == [0.0, 60.0, 100.0]
    assert clock.bounds == [100.0, 40.0, LEAST_S]


@given(st.floats(1.0, 1e5), st.floats(0.1, 1e3), st.floats(0.0, 50.0))
def test_a_wait_never_outlasts_its_time_by_more_than_a_question(timeout: float, interval: float, cost: float) -> None:
    if timeout / interval > 2000:
        return
    clock = Clock(ends_at=1e9, cost=cost)
    with pytest.raises(APITimeoutError, match="It goes on"):
        clock.wait(timeout=timeout, poll_interval=interval)
    assert timeout * 0.999 <= clock.now <= timeout * 1.001 + cost


def test_passing_troubles_pass() -> None:
    trouble = {n: APIConnectionError("away") for n in range(1, PATIENCE)}
    clock = Clock(ends_at=3600.0, troubles={**trouble, 15: RateLimitError("slow down")})
    assert clock.wait().ended


def test_the_tenth_trouble_in_a_row_is_raised() -> None:
    clock = Clock(ends_at=3600.0, troubles={n: APIConnectionError("away") for n in range(50)})
    with pytest.raises(APIConnectionError, match="away"):
        clock.wait()
    assert len(clock.asked) == PATIENCE


def test_what_will_not_pass_is_raised_at_once() -> None:
    clock = Clock(ends_at=3600.0, troubles={0: BadRequestError("no")})
    with pytest.raises(BadRequestError):
        clock.wait()
    assert clock.now == 0.0


def test_a_wait_that_runs_out_in_trouble_says_so() -> None:
    trouble = APIConnectionError("away")
    clock = Clock(ends_at=3600.0, troubles=dict.fromkeys(range(5), trouble))
    with pytest.raises(APITimeoutError) as caught:
        clock.wait(timeout=90.0)
    assert caught.value.__cause__ is trouble
