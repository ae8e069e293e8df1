"""Carries conversations out on asyncio: one of these per event loop.

Calls that are made in the same turn of the loop travel together, and so do those that come while `FLIGHTS` exchanges
are under way.  So few connections serve any number of calls, nobody waits for a free one, and a call costs less the
more of them there are.  A flight is a task of its own: a caller who is cancelled leaves no reply unread.
"""

from __future__ import annotations

import asyncio
import select
from collections import defaultdict, deque
from typing import Any, TypeVar

from redis.exceptions import ResponseError

from .access import Access, Address
from .blocking import IDLE_LINES, OLD_S, is_demoted
from .reasons import StoreUnavailable, reason_of
from .route import Call, Conversation, Exchange, Replies, Route

T = TypeVar("T")
FLIGHTS = 4
"""Exchanges under way at once, per lane."""
PASSENGERS = 128
"""Calls in one exchange."""


class _Lane:
    """Calls that can share an exchange."""

    __slots__ = ("boarding", "flying", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[tuple[Call, asyncio.Future[Any]]] = deque()
        self.boarding = False
        """Whether a flight will begin in the next turn of the loop."""
        self.flying = 0


class AwaitingLines:
    """The connections of one event loop.

    Args:
        access: makes them.
        route: whom to ask.
        timeout: seconds for a call: its wait for a flight, and the flight.
    """

    def __init__(self, access: Access, route: Route, timeout: float) -> None:
        self._access = access
        self._route = route
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._lanes: defaultdict[int, _Lane] = defaultdict(_Lane)
        self._flights: set[asyncio.Task[None]] = set()
        self._idle: defaultdict[tuple[Address, bool], list[tuple[Any, float]]] = defaultdict(list)

    async def run(self, call: Call) -> Any:
        """The script's answer.

        Raises:
            StoreUnavailable: there is none.
        """
        number = self._route.lane(call.keys)
        lane = self._lanes[number]
        future: asyncio.Future[Any] = self._loop.create_future()
        lane.waiting.append((call, future))
        self._board(number, lane)
        alarm = self._loop.call_later(self._timeout, self._late, future)
        try:
            return await future
        finally:
            alarm.cancel()

    async def carry(self, conversation: Conversation[T]) -> T:
        """Carry a conversation out, within the timeout.

        Raises:
            StoreUnavailable: what the conversation raised.
        """
        deadline = self._loop.time() + self._timeout
        try:
            step = next(conversation)
            while True:
                try:
                    replies = await self._exchange(step, deadline)
                except StoreUnavailable as error:
                    step = conversation.throw(error)
                else:
                    step = conversation.send(replies)
        except StopIteration as done:
            result: T = done.value
            return result

    async def aclose(self) -> None:
        """Close every connection, and give up what is under way."""
        for task in list(self._flights):
            task.cancel()
        await asyncio.gather(*self._flights, return_exceptions=True)
        lines = [line for idle in self._idle.values() for line, _ in idle]
        self._idle.clear()
        await asyncio.gather(*(line.disconnect() for line in lines), return_exceptions=True)

    def _late(self, future: asyncio.Future[Any]) -> None:
        if not future.done():
            future.set_exception(StoreUnavailable("timeout", self._access.shown))

    def _board(self, number: int, lane: _Lane) -> None:
        if not lane.boarding and lane.flying < FLIGHTS:
            lane.boarding = True
            task = self._loop.create_task(self._fly(number, lane))
            self._flights.add(task)
            task.add_done_callback(self._flights.discard)

    async def _fly(self, number: int, lane: _Lane) -> None:
        lane.boarding = False
        batch: list[tuple[Call, asyncio.Future[Any]]] = []
        while lane.waiting and len(batch) < PASSENGERS:
            call, future = lane.waiting.popleft()
            if not future.done():  # who was cancelled before the flight is not sent
                batch.append((call, future))
        if not batch:
            return
        lane.flying += 1
        try:
            if lane.waiting:
                self._board(number, lane)
            replies = await self.carry(self._route.run(number, [call for call, _ in batch]))
        except StoreUnavailable as error:
            replies = [StoreUnavailable(error.reason, error.shown) for _ in batch]
        except BaseException:
            for _, future in batch:
                future.cancel()
            raise
        finally:
            lane.flying -= 1
            if lane.waiting and not self._loop.is_closed():
                self._board(number, lane)
        for (_, future), reply in zip(batch, replies, strict=True):
            if future.done():
                continue
            if isinstance(reply, StoreUnavailable):
                future.set_exception(reply)
            else:
                future.set_result(reply)

    async def _exchange(self, step: Exchange, deadline: float) -> Replies:
        line: Any = None
        try:
            async with asyncio.timeout_at(deadline):
                line, born = await self._line(step)
                await line.send_packed_command(line.pack_commands(step.commands), check_health=False)
                replies = [await _reply(line) for _ in step.commands]
        except BaseException as error:
            if line is not None:
                await _drop(line)  # a reply may still be on its way, and would be taken for the next one's
            if not isinstance(error, Exception):
                raise
            failed = StoreUnavailable(reason_of(error), self._access.shown)
        else:
            idle = self._idle[step.address, step.sentinel]
            demoted = is_demoted(replies)
            if demoted or len(idle) >= IDLE_LINES:
                await _drop(line)
            else:
                idle.append((line, born))
            while demoted and idle:
                await _drop(idle.pop()[0])
            return replies
        raise failed  # without the library's error behind it: that may quote a password

    async def _line(self, step: Exchange) -> tuple[Any, float]:
        idle = self._idle[step.address, step.sentinel]
        while idle:
            line, born = idle.pop()
            try:
                if self._loop.time() - born < OLD_S and not await _has_ended(line):
                    return line, born
            except BaseException:
                await _drop(line)
                raise
            await _drop(line)
        line = self._access.aline(step.address, self._timeout, step.sentinel)
        try:
            await line.connect()
        except BaseException:
            await _drop(line)
            raise
        return line, self._loop.time()


async def _drop(line: Any) -> None:
    await line.disconnect(nowait=True)


async def _reply(line: Any) -> Any:
    try:
        return await line.read_response()
    except ResponseError as error:
        return error


async def _has_ended(line: Any) -> bool:
    """Whether the server has closed it, or it holds something that nobody asked for.

    redis-py knows what the loop has read so far.  An end that came since the loop polled last is still in the socket;
    to look there costs 3 µs.
    """
    try:
        if await line.can_read():
            return True
        sock = line._writer.get_extra_info("socket")
    except Exception:
        return True
    if sock is None or not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))
