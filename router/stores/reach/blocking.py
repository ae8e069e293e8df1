"""Carries conversations out, blocking: for threads.

At most `LINES` connections; whoever finds all of them in use waits for one within its own time.
"""

from __future__ import annotations

import threading
import time
from typing import Any, TypeVar

from redis.exceptions import ResponseError

from .access import Access, Address
from .reasons import StoreUnavailable, reason_of
from .route import Conversation, Exchange, Replies

T = TypeVar("T")
LINES = 32
"""Connections of one process for blocking calls."""
IDLE_LINES = 8
"""Of these, how many are kept open while nobody needs them, per server."""
OLD_S = 300.0
"""Seconds after which a connection is made anew.  Entra's tokens live longer than that after they are handed out, so a
connection never outlives the token that it was opened with; and new servers behind a name get their share."""


class BlockingLines:
    """The connections of blocking calls.

    Args:
        access: makes them.
        timeout: seconds for a whole conversation.
    """

    def __init__(self, access: Access, timeout: float) -> None:
        self._access = access
        self._timeout = timeout
        self._room = threading.BoundedSemaphore(LINES)
        self._idle: dict[tuple[Address, bool], list[tuple[Any, float]]] = {}
        self._closed = False

    def carry(self, conversation: Conversation[T]) -> T:
        """Carry a conversation out.

        Raises:
            StoreUnavailable: what the conversation raised.
        """
        deadline = time.monotonic() + self._timeout
        if not self._room.acquire(timeout=self._timeout):
            raise StoreUnavailable("crowded", self._access.shown)
        try:
            step = next(conversation)
            while True:
                try:
                    replies = self._exchange(step, deadline)
                except StoreUnavailable as error:
                    step = conversation.throw(error)
                else:
                    step = conversation.send(replies)
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            self._room.release()

    def close(self) -> None:
        """Close every connection; those in use, when they are given back."""
        self._closed = True
        for lines in list(self._idle.values()):
            while lines:
                lines.pop()[0].disconnect()

    def _exchange(self, step: Exchange, deadline: float) -> Replies:
        line: Any = None
        try:
            line, born = self._line(step, deadline)
            line.send_packed_command(line.pack_commands(step.commands))
            replies = [_reply(line, deadline) for _ in step.commands]
        except BaseException as error:
            if line is not None:
                line.disconnect()  # a reply may still be on its way, and would be taken for the next one's
            if not isinstance(error, Exception):
                raise
            failed = StoreUnavailable(reason_of(error), self._access.shown)
        else:
            self._give_back(step, line, born, is_demoted(replies))
            return replies
        raise failed  # without the library's error behind it: that may quote a password

    def _line(self, step: Exchange, deadline: float) -> tuple[Any, float]:
        idle = self._lines_to(step)
        while True:
            try:
                line, born = idle.pop()
            except IndexError:
                break
            if time.monotonic() - born < OLD_S and not _has_ended(line):
                return line, born
            line.disconnect()
        line = self._access.line(step.address, _left(deadline), step.sentinel)
        try:
            line.connect()
        except BaseException:
            line.disconnect()
            raise
        return line, time.monotonic()

    def _give_back(self, step: Exchange, line: Any, born: float, demoted: bool) -> None:
        idle = self._lines_to(step)
        if self._closed or demoted or len(idle) >= IDLE_LINES:
            line.disconnect()
        else:
            idle.append((line, born))
        while demoted and idle:
            idle.pop()[0].disconnect()

    def _lines_to(self, step: Exchange) -> list[tuple[Any, float]]:
        return self._idle.setdefault((step.address, step.sentinel), [])


def is_demoted(replies: Replies) -> bool:
    """Whether the server has become a copy: its name may lead to another one by now, so connect anew."""
    return any(isinstance(reply, ResponseError) and reason_of(reply) == "readonly" for reply in replies)


def _reply(line: Any, deadline: float) -> Any:
    try:
        return line.read_response(timeout=_left(deadline))
    except ResponseError as error:
        return error


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0.0:
        raise TimeoutError
    return left


def _has_ended(line: Any) -> bool:
    """Whether the server has closed it, or it holds something that nobody asked for."""
    try:
        return bool(line.can_read())
    except Exception:
        return True
