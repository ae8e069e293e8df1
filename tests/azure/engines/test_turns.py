"""Answers that come together are parsed a few at a time; none is lost, whatever happens while it waits for its turn."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp.client_exceptions import ServerDisconnectedError
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import EofStream

from router.azure.engines import Request, aiohttp_turns
from router.azure.engines.aiohttp_engine import AiohttpEngine
from router.azure.engines.aiohttp_turns import AT_ONCE, Handler, Turns
from router.azure.engines.breakdowns import breakdown_of
from router.values import Kind
from tests.azure.fault_server import FaultServer, Peer, answer, chunked

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Place: %d\r\n\r\nok"
Scenario = Callable[[list[Handler], list["asyncio.Task[str]"]], Awaitable[None]]


async def place(handler: Handler) -> str:
    """What a call does: wait for the head, say which it was."""
    message, _ = await handler.read()
    return message.headers["X-Place"]


def played(scenario: Scenario, count: int) -> None:
    """Connections on each of which a call waits for an answer."""

    async def play() -> None:
        loop = asyncio.get_running_loop()
        turns = Turns(loop)
        handlers = [Handler(loop, turns) for _ in range(count)]
        for handler in handlers:
            handler.set_response_params(read_until_eof=True, auto_decompress=False)
        tasks = [asyncio.create_task(place(handler)) for handler in handlers]
        await asyncio.sleep(0)
        await scenario(handlers, tasks)
        await asyncio.wait(tasks, timeout=5)

    asyncio.run(play())


def answered(handlers: list[Handler]) -> None:
    """All answers come in one turn of the loop."""
    for number, handler in enumerate(handlers):
        handler.data_received(WHOLE % number)


def test_calls_go_on_a_few_at_a_time_in_the_order_of_their_answers() -> None:
    async def scenario(handlers: list[Handler], tasks: list[asyncio.Task[str]]) -> None:
        answered(handlers)
        done = []
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            done.append([place for place, task in enumerate(tasks) if task.done()])
        assert [len(places) for places in done] == [AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 5]
        assert all(places == list(range(len(places))) for places in done)
        assert [task.result() for task in tasks] == [str(place) for place in range(len(tasks))]

    played(scenario, 2 * AT_ONCE + 5)


def test_parsed_answers_do_not_pile_up() -> None:
    async def counted(handler: Handler) -> None:
        await handler.read()
        if handler in some:  # to look at all objects takes its time
            alive.append(sum(isinstance(thing, RawResponseMessage) for thing in gc.get_objects()))

    async def scenario(handlers: list[Handler], tasks: list[asyncio.Task[str]]) -> None:
        some.extend(handlers[:: AT_ONCE // 4])
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)
        readers = [asyncio.create_task(counted(handler)) for handler in handlers]
        await asyncio.sleep(0)
        answered(handlers)
        await asyncio.gather(*readers)

    alive, some = list[int](), list[Handler]()
    played(scenario, 3 * AT_ONCE)
    assert len(alive) == len(some) == 12
    assert max(alive) <= AT_ONCE


def test_answers_that_come_one_by_one_are_parsed_at_once_however_many() -> None:
    async def scenario(handlers: list[Handler], tasks: list[asyncio.Task[str]]) -> None:
        for number, handler in enumerate(handlers):
            handler.data_received(WHOLE % number)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert tasks[number].result() == str(number)

    played(scenario, 2 * AT_ONCE + 5)


Event = Callable[[Handler], object]


@pytest.fixture(
    params=[
        lambda handler: handler.set_exception(TimeoutError()),
        lambda handler: handler.connection_lost(None),
        lambda handler: handler.connection_lost(ConnectionResetError()),
    ],
    ids=["deadline", "end", "reset"],
)
def event(request: pytest.FixtureRequest) -> Iterator[Event]:
    return request.param  # type: ignore[no-any-return]


def test_an_answer_that_waits_for_its_turn_has_come_whatever_happens_next(event: Event) -> None:
    async def scenario(handlers: list[Handler], tasks: list[asyncio.Task[str]]) -> None:
        answered(handlers)
        assert not tasks[-1].done()
        event(handlers[-1])
        assert await tasks[-1] == str(AT_ONCE)

    played(scenario, AT_ONCE + 1)


def test_an_answer_that_comes_in_pieces_while_it_waits_is_whole() -> None:
    async def scenario(handlers: list[Handler], tasks: list[asyncio.Task[str]]) -> None:
        answered(handlers[:-1])
        for byte in WHOLE % 7:
            handlers[-1].data_received(bytes([byte]))
        assert await tasks[-1] == "7"

    played(scenario, AT_ONCE + 1)


def test_what_is_no_answer_breaks_its_own_call_alone() -> None:
    async def scenario(handlers: list[Handler], tasks: list[asyncio.Task[str]]) -> None:
        answered(handlers[:-2])
        handlers[-2].data_received(b"220 mail.example ESMTP\r\n\r\n")
        handlers[-1].data_received(WHOLE % 9)
        with pytest.raises(HttpProcessingError, match="220 mail"):
            await tasks[-2]
        assert await tasks[-1] == "9"

    played(scenario, AT_ONCE + 2)


def test_who_goes_away_holds_nobody_up_and_leaves_a_connection_that_is_not_used_again() -> None:
    async def scenario(handlers: list[Handler], tasks: list[asyncio.Task[str]]) -> None:
        answered(handlers)
        tasks[AT_ONCE].cancel()
        assert await tasks[-1] == str(AT_ONCE + 1)
        assert handlers[AT_ONCE].should_close

    played(scenario, AT_ONCE + 2)


def test_a_connection_that_ends_without_an_answer_says_so_at_once() -> None:
    async def scenario(handlers: list[Handler], tasks: list[asyncio.Task[str]]) -> None:
        answered(handlers[:-1])
        handlers[-1].connection_lost(None)
        with pytest.raises(ServerDisconnectedError):
            await tasks[-1]

    played(scenario, AT_ONCE + 1)


@pytest.mark.parametrize("its_turn_comes_first", [False, True])
def test_a_long_answer_in_chunks_is_whole_though_its_connection_ends(
    its_turn_comes_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parser stops where a reader has enough, and what it holds still counts."""
    chunks = 20_000

    async def whole(handler: Handler) -> bytes:
        _, content = await handler.read()
        return await content.read()

    async def scenario(handlers: list[Handler], tasks: list[asyncio.Task[str]]) -> None:
        tasks[-1].cancel()
        await asyncio.sleep(0)
        reader = asyncio.create_task(whole(handlers[-1]))
        await asyncio.sleep(0)
        answered(handlers[:-1])
        handlers[-1].data_received(chunked(*[b"x"] * chunks))
        if its_turn_comes_first:
            handlers[-1].catch_up()
        monkeypatch.setattr(ResponseHandler, "data_received", counting)
        handlers[-1].connection_lost(None)
        assert len(fed) == 1  # and not chunk by chunk, each with a copy of all the rest
        assert await reader == b"x" * chunks

    def counting(self: ResponseHandler, data: bytes) -> None:
        fed.append(len(data))
        honest(self, data)

    fed, honest = list[int](), ResponseHandler.data_received
    played(scenario, AT_ONCE + 1)


def test_a_parser_that_goes_on_is_no_answer() -> None:
    """As it does for each piece that is read of the answer before, while the next call waits on the connection."""

    async def scenario(handlers: list[Handler], tasks: list[asyncio.Task[str]]) -> None:
        for _ in range(2 * AT_ONCE):
            handlers[0].resume_reading()
        handlers[1].data_received(WHOLE % 5)
        await asyncio.sleep(0)
        assert tasks[1].result() == "5"

    played(scenario, 2)


def test_a_connection_that_waits_for_its_turn_takes_no_more_than_a_readers_fill() -> None:
    transport = Mock()

    async def scenario(handlers: list[Handler], tasks: list[asyncio.Task[str]]) -> None:
        answered(handlers[:-1])
        handlers[-1].connection_made(transport)
        head = b"HTTP/1.1 200 OK\r\nX-Place: 3\r\nContent-Length: 9000000\r\n\r\n"
        come = [head] + [bytes(50_000)] * (handlers[-1]._read_bufsize // 50_000)
        for piece in come:
            assert not transport.pause_reading.called
            handlers[-1].data_received(piece)
        handlers[-1].data_received(bytes(50_000))
        assert transport.pause_reading.call_count == 1
        assert not transport.resume_reading.called
        assert await tasks[-1] == "3"

    played(scenario, AT_ONCE + 1)


@pytest.mark.parametrize("struck", [1, 2], ids=["when a batch is full", "when the next one is"])
def test_after_a_ctrl_c_the_next_answer_brings_on_all_that_wait(struck: int) -> None:
    async def scenario(handlers: list[Handler], tasks: list[asyncio.Task[str]]) -> None:
        loop, turns = asyncio.get_running_loop(), list[Callable[[], object]]()
        times = 0

        def call_soon(callback: Callable[..., object], *args: object, **options: Any) -> object:
            nonlocal times
            if getattr(callback, "__name__", "") != "_next":
                return honest(callback, *args, **options)
            times += 1
            if times == struck:
                raise KeyboardInterrupt
            return turns.append(callback)

        honest, loop.call_soon = loop.call_soon, call_soon  # type: ignore[method-assign, assignment]
        try:
            for number, handler in enumerate(handlers):
                while turns and number == len(handlers) - 1:
                    with suppress(KeyboardInterrupt):
                        turns.pop()()
                with suppress(KeyboardInterrupt):
                    handler.data_received(WHOLE % number)
            while turns:
                turns.pop()()
        finally:
            loop.call_soon = honest  # type: ignore[method-assign]
        async with asyncio.timeout(5):
            assert [await task for task in tasks] == [str(number) for number in range(len(tasks))]

    played(scenario, 3 * AT_ONCE)


def test_with_many_calls_at_once_each_gets_its_own_answer_and_the_collector_runs_half_as_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All answers are there before the loop looks.  The other half is no matter of parsing."""
    count = 450

    def script(peer: Peer) -> None:
        while request := peer.request():
            arrived.release()
            together.wait(20)
            peer.say(answer(request.rpartition(b"\r\n")[2]))
            said.release()

    async def call(engine: AiohttpEngine, text: bytes) -> None:
        answer = await engine.asend(Request("POST", server.url, {}, text, 20.0))
        assert answer.body == text

    async def collections_of_a_round(engine: AiohttpEngine) -> int:
        together.clear()
        calls = [asyncio.create_task(call(engine, b"%d" % place)) for place in range(count)]
        for _ in range(count):
            await asyncio.to_thread(arrived.acquire, timeout=20)
        together.set()
        for _ in range(count):  # the loop stands still meanwhile
            assert said.acquire(timeout=20)
        gc.collect()
        before = gc.get_stats()[0]["collections"]
        await asyncio.gather(*calls)
        return int(gc.get_stats()[0]["collections"] - before)

    async def collections() -> int:
        engine = AiohttpEngine()
        await collections_of_a_round(engine)  # makes the parsers
        count = await collections_of_a_round(engine)
        await engine.aclose()
        return count

    arrived, said, together = threading.Semaphore(0), threading.Semaphore(0), threading.Event()
    with FaultServer(script) as server:
        a_few_at_a_time = asyncio.run(collections())
        monkeypatch.setattr(aiohttp_turns, "AT_ONCE", count)
        assert a_few_at_a_time <= asyncio.run(collections()) / 2


def test_a_connection_that_has_no_further_head_was_broken_off() -> None:
    """So it ends where all is closed in the turn in which an interim answer came."""
    broken = breakdown_of(EofStream(), Request("POST", "https://x.openai.azure.com/", {}, b"", 1.0), None)
    assert broken.kind is Kind.RESET
