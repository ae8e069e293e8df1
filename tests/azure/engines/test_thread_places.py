"""Threads that stand in line for a connection: who is next, and that no place is lost."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from router.azure.engines import Answer, Request, httpx2_pools, roster
from router.azure.engines.httpx2_engine import Httpx2Engine
from router.azure.engines.thread_places import ThreadPlaces, Turn
from tests.azure.fault_server import FaultServer, always, chunked

from .sides import until


def taken(places: ThreadPlaces, seconds: float = 5.0) -> Turn | None:
    """A turn that has a place."""
    turn = Turn()
    if places.take(turn, seconds):
        return turn
    places.give_back(turn)
    return None


def test_who_gives_a_place_back_stands_behind_those_that_wait() -> None:
    places, order = ThreadPlaces(1), []
    mine = taken(places)
    assert mine is not None

    def wait(name: int) -> None:
        turn = taken(places)
        assert turn is not None
        order.append(name)
        places.give_back(turn)

    with ThreadPoolExecutor(3) as threads:
        for name in range(3):
            threads.submit(wait, name)
            until(lambda: len(places._waiting) == name + 1)  # noqa: B023
        places.give_back(mine)
        assert taken(places) is not None
        assert order == [0, 1, 2]


@pytest.fixture
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine may have more."""
    for module in (httpx2_pools, roster):
        monkeypatch.setattr(module, "MAX_CONNECTIONS", 1)


@pytest.mark.usefixtures("one_connection")
def test_a_call_that_waits_goes_before_the_next_one_of_the_thread_that_was_served() -> None:
    def send(path: str, **changes: bool) -> Answer:
        return engine.send(Request("POST", server.url + path, {}, b"{}", timeout=5.0, **changes))

    with FaultServer(always(chunked(b"1"))) as server, ThreadPoolExecutor(1) as threads:
        engine = Httpx2Engine()
        chunks = send("/first", stream=True).chunks
        assert chunks is not None
        [pools] = engine._pools.values()
        waiting = threads.submit(send, "/second")
        until(lambda: pools._places._waiting)
        chunks.close()
        send("/third")
        assert waiting.result(5).status == 200
        assert [request.split()[1].rsplit(b"/", 1)[1] for request in server.requests] == [b"first", b"second", b"third"]
        engine.close()


@pytest.mark.usefixtures("one_connection")
def test_a_call_that_waits_gets_the_place_of_a_stream_that_is_collected() -> None:
    with FaultServer(always(chunked(b"1"))) as server, ThreadPoolExecutor(1) as threads:
        engine = Httpx2Engine()
        request = Request("POST", server.url, {}, b"{}", timeout=1.0, stream=True)
        chunks = engine.send(request).chunks
        assert chunks is not None
        [pools] = engine._pools.values()
        waiting = threads.submit(engine.send, request)
        until(lambda: pools._places._waiting)
        chunks.abandon()
        second = waiting.result(5).chunks
        assert second is not None
        second.close()
        engine.close()


class Response:
    """One whose stream was collected."""

    def __init__(self, places: ThreadPlaces, turn: Turn) -> None:
        self.close = lambda: places.give_back(turn)


def test_the_collector_may_run_while_the_line_is_locked() -> None:
    places = ThreadPlaces(1)
    mine = taken(places)
    assert mine is not None
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(taken, places)
        until(lambda: places._waiting)
        with places._lock:
            places.abandoned.append(Response(places, mine))
        assert waiting.result(5) is not None


def test_what_was_noted_for_a_thread_that_leaves_is_swept_by_the_next() -> None:
    places, late = ThreadPlaces(1), Turn()
    mine = taken(places)
    assert mine is not None
    assert not places.take(late, 0.0)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(taken, places, 1.0)
        until(lambda: len(places._waiting) == 2)
        places.abandoned.append(Response(places, mine))
        places.give_back(late)
        assert waiting.result(5) is not None


def test_a_place_that_is_handed_over_when_the_time_is_up_goes_on() -> None:
    places, late = ThreadPlaces(1), Turn()
    mine = taken(places)
    assert mine is not None
    assert not places.take(late, 0.0)
    places.give_back(mine)  # to the one whose time was up, and who has not left yet
    assert late.has_place
    places.give_back(late)
    assert taken(places, 0.0) is not None


def test_giving_back_twice_gives_back_once() -> None:
    places = ThreadPlaces(2)
    first, second = taken(places), taken(places)
    assert first is not None
    assert second is not None
    for _ in range(2):
        places.give_back(first)
    assert taken(places, 0.0) is not None
    assert taken(places, 0.0) is None


def test_ctrl_c_while_waiting_loses_no_place_and_leaves_the_line() -> None:
    places, turn = ThreadPlaces(1), Turn()
    mine = taken(places)
    assert mine is not None

    def interrupt() -> None:
        until(lambda: places._waiting)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with ThreadPoolExecutor(1) as threads:
        threads.submit(interrupt)
        with pytest.raises(KeyboardInterrupt):
            places.take(turn, 5.0)
    places.give_back(turn)
    assert not places._waiting
    places.give_back(mine)
    assert taken(places, 0.0) is not None


def test_no_place_is_lost_however_often_threads_give_up_waiting() -> None:
    places, inside, most = ThreadPlaces(2), [], []

    def come_and_go(seed: int) -> int:
        dice, served = Random(seed), 0
        for _ in range(300):
            turn = taken(places, dice.choice([0.0, 0.00005, 0.0002]))
            if turn is not None:
                inside.append(turn)
                most.append(len(inside))
                inside.remove(turn)
                places.give_back(turn)
                served += 1
        return served

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(come_and_go, range(8))) > 0
    assert max(most) <= 2
    assert not places._waiting
    assert taken(places, 0.0) is not None
    assert taken(places, 0.0) is not None
    assert taken(places, 0.0) is None
