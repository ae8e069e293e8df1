"""How is something waited for that takes hours?

Asks at intervals until it has ended, tells the caller what it saw, and lets passing troubles pass: a batch runs for
up to a day, and a region that cannot be reached for some minutes of it is no reason to give up.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from .errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APITimeoutError,
    ConfigError,
    InternalServerError,
    RateLimitError,
)
from .question import Question
from .tours import Pause, Tour
from .values import Attempt

POLL_INTERVAL_S = 60.0
"""Azure asks for no more than one question a minute (azure.md §5.6)."""
PATIENCE = 10
"""Questions in a row that may fail before the wait does."""
LEAST_S = 5.0
"""A question that begins just before the end may take this long."""
PASSING = (APIConnectionError, APIResponseValidationError, InternalServerError, RateLimitError)


def waiting(
    question: Callable[[float | None], Question],
    ended: Callable[[Any], bool],
    *,
    what: str,
    poll_interval: float = POLL_INTERVAL_S,
    timeout: float | None = None,
    report: Callable[[Any], Any] | None = None,
) -> Tour[Any]:
    """Ask until the reply has `ended`, and return it.

    Args:
        question: given the seconds that are left for it (None: as always).
        ended: whether a reply is the last.
        what: is waited for, for the message.
        poll_interval: seconds between two questions.
        timeout: seconds for all of it; None: as long as it takes.
        report: called with every reply, the last one included.

    Raises:
        APITimeoutError: it has not ended in time; it goes on all the same.
        APIError: a question failed for good, or the tenth in a row failed.
        ConfigError: an interval that makes no sense; nothing was asked.
    """
    _check("poll_interval", poll_interval)
    if timeout is not None:
        _check("timeout", timeout)
    passed = 0.0
    troubles = 0
    while True:
        trouble: APIError | None = None
        try:
            reply = yield question(None if timeout is None else max(LEAST_S, timeout - passed))
        except PASSING as error:
            troubles += 1
            if troubles >= PATIENCE:
                raise
            trouble = error
            passed += _seconds(error.attempts)
        else:
            troubles = 0
            passed += _seconds(reply.routing.attempts) + reply.routing.waited
            if report is not None:
                report(reply)
            if ended(reply):
                return reply
        if timeout is not None and passed >= timeout:
            raise APITimeoutError(
                f"{what} has not ended within {timeout:g} s.  It goes on, and can be waited for again."
            ) from trouble
        pause = poll_interval if timeout is None else min(poll_interval, timeout - passed)
        yield Pause(pause)
        passed += pause


def _seconds(attempts: tuple[Attempt, ...]) -> float:
    return sum(attempt.seconds for attempt in attempts)


def _check(name: str, seconds: Any) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not isfinite(seconds) or seconds <= 0:
        raise ConfigError(f"`{name}` must be a number of seconds above 0")
