"""Who hears what a router does: the log, and the caller's own listeners.

The log is `logging.getLogger("router")`.  Events hold names and numbers only, so nothing here can leak a key, a
token or a prompt.  A listener that raises is logged once by its type and does not disturb the call.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from .events import (
    Chosen,
    Disabled,
    Ejected,
    Event,
    FellBack,
    GaveUp,
    Listener,
    Recovered,
    Settled,
    StoreBack,
    StoreLost,
    StoreMended,
    StrategyFailed,
    Throttled,
)

log = logging.getLogger("router")

LEVELS: dict[type[Event], int] = {
    Chosen: logging.DEBUG,
    Settled: logging.DEBUG,
    Throttled: logging.INFO,
    Recovered: logging.INFO,
    FellBack: logging.INFO,
    Ejected: logging.WARNING,
    GaveUp: logging.WARNING,
    StoreBack: logging.INFO,
    StoreLost: logging.WARNING,
    StoreMended: logging.ERROR,
    StrategyFailed: logging.ERROR,
    Disabled: logging.ERROR,
}


class Listeners:
    """Passes each event to the log and to every listener."""

    def __init__(self, listeners: Iterable[Listener] = ()) -> None:
        self.listeners = tuple(listeners)

    @property
    def watch_attempts(self) -> bool:
        """Does anybody want an event for every attempt?"""
        return bool(self.listeners) or log.isEnabledFor(logging.DEBUG)

    def tell(self, event: Event) -> None:
        """Let everybody know; nothing that a listener raises comes back."""
        level = LEVELS[type(event)]
        if log.isEnabledFor(level):
            log.log(level, "%s", describe(event))
        for listener in self.listeners:
            try:
                listener(event)
            except Exception as error:  # the caller's code must not break the caller's call
                log.error("a listener raised %s on %s; it was ignored", type(error).__name__, type(event).__name__)


def describe(event: Event) -> str:
    """One line of text for an event."""
    match event:
        case Chosen(group, deployment, tokens, attempt):
            return f"{group}: attempt {attempt} goes to {deployment}, {tokens} tokens reserved"
        case Throttled(group, deployment, seconds):
            return f"{group}: {deployment} is throttled and rests {seconds:.1f} s"
        case Ejected(group, deployment, seconds, reason):
            return f"{group}: {deployment} is ejected for {seconds:.1f} s ({reason})"
        case Disabled(group, deployment, seconds, reason):
            return (
                f"{group}: {deployment} is disabled ({reason}): check its key, its role and its name; "
                f"tried again in {seconds:.0f} s"
            )
        case Recovered(group, deployment):
            return f"{group}: {deployment} is back"
        case Settled(group, deployment, reason, status, reserved, settled, seconds):
            return f"{group}: {deployment} {reason} ({status}) in {seconds:.3f} s, {settled} of {reserved} tokens"
        case FellBack(group, to, reason):
            return f"{group}: falls back to {to} ({reason})"
        case GaveUp(group, error, attempts):
            return f"{group}: gave up with {error} after {attempts} attempts"
        case StoreLost(group, reason, mode, share):
            what = {
                "share": f"this replica goes on with {share:.0%} of each limit",
                "open": "every replica goes on with the whole of each limit",
                "strict": "calls wait until it is back",
            }
            return f"{group}: the shared store does not answer ({reason}); {what[mode]}"
        case StoreBack(group, seconds):
            return f"{group}: the shared store is back after {seconds:.1f} s; limits are shared again"
        case StoreMended(group, keys):
            return f"{group}: {keys} keys of the shared store held something that is not ours; they were taken over"
        case StrategyFailed(group, strategy, problem):
            return f"{group}: the strategy {strategy} failed ({problem}); least load decided instead"
