"""Does everybody hear what happened, at the right level, and does nobody disturb the call?"""

from __future__ import annotations

import logging
from typing import get_args

import pytest

from router.events import (
    Chosen,
    Disabled,
    Ejected,
    Event,
    FellBack,
    GaveUp,
    Recovered,
    Settled,
    StoreBack,
    StoreLost,
    StoreMended,
    StrategyFailed,
    Throttled,
)
from router.listeners import LEVELS, Listeners, describe

TOLD: list[tuple[Event, int, str]] = [
    (Chosen("g", "east", 120, 2), logging.DEBUG, "g: attempt 2 goes to east, 120 tokens reserved"),
    (Settled("g", "east", "ok", 200, 120, 90, 0.25), logging.DEBUG, "g: east ok (200) in 0.250 s, 90 of 120 tokens"),
    (Throttled("g", "east", 7.0), logging.INFO, "g: east is throttled and rests 7.0 s"),
    (Recovered("g", "east"), logging.INFO, "g: east is back"),
    (FellBack("g", "h", "server_error"), logging.INFO, "g: falls back to h (server_error)"),
    (Ejected("g", "east", 5.0, "reset"), logging.WARNING, "g: east is ejected for 5.0 s (reset)"),
    (GaveUp("g", "RateLimitError", 3), logging.WARNING, "g: gave up with RateLimitError after 3 attempts"),
    (
        StoreLost("g", "timeout", "share", 0.25),
        logging.WARNING,
        "g: the shared store does not answer (timeout); this replica goes on with 25% of each limit",
    ),
    (
        StoreLost("g", "refused", "strict", 0.0),
        logging.WARNING,
        "g: the shared store does not answer (refused); calls wait until it is back",
    ),
    (
        StoreBack("g", 12.0),
        logging.INFO,
        "g: the shared store is back after 12.0 s; limits are shared again",
    ),
    (
        StoreMended("g", 2),
        logging.ERROR,
        "g: 2 keys of the shared store held something that is not ours; they were taken over",
    ),
    (
        StrategyFailed("g", "Mine", "it raised KeyError"),
        logging.ERROR,
        "g: the strategy Mine failed (it raised KeyError); least load decided instead",
    ),
    (
        Disabled("g", "east", 300.0, "authentication"),
        logging.ERROR,
        "g: east is disabled (authentication): check its key, its role and its name; tried again in 300 s",
    ),
]
by_name = pytest.mark.parametrize(("event", "level", "text"), TOLD, ids=lambda v: type(v).__name__)


def test_every_kind_of_event_has_a_level_and_a_line_here() -> None:
    kinds = set(get_args(Event))
    assert set(LEVELS) == kinds
    assert {type(event) for event, _, _ in TOLD} == kinds


@by_name
def test_each_event_is_logged_as_one_line_at_its_level(
    event: Event, level: int, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert describe(event) == text
    with caplog.at_level(logging.DEBUG, "router"):
        Listeners().tell(event)
    assert [(r.name, r.levelno, r.getMessage()) for r in caplog.records] == [("router", level, text)]


@by_name
def test_an_event_below_the_level_of_the_log_costs_no_line(
    event: Event, level: int, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(level + 1, "router"):
        Listeners().tell(event)
    assert caplog.records == []


def test_every_listener_hears_every_event_in_order() -> None:
    first: list[Event] = []
    second: list[Event] = []
    listeners = Listeners([first.append, second.append])
    for event, _, _ in TOLD:
        listeners.tell(event)
    assert first == second == [event for event, _, _ in TOLD]


def test_a_listener_that_raises_is_logged_by_its_type_and_the_others_still_hear(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[Event] = []

    def broken(event: Event) -> None:
        raise ValueError("canary-secret")

    with caplog.at_level(logging.ERROR, "router"):
        Listeners([broken, heard.append]).tell(Recovered("g", "east"))
    assert heard == [Recovered("g", "east")]
    assert [r.getMessage() for r in caplog.records] == ["a listener raised ValueError on Recovered; it was ignored"]
    assert "canary" not in caplog.text


def test_ctrl_c_in_a_listener_is_not_swallowed() -> None:
    def interrupted(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Listeners([interrupted]).tell(Recovered("g", "east"))


def test_attempts_are_watched_when_somebody_listens_or_the_log_is_that_fine(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "router"):
        assert not Listeners().watch_attempts
        assert Listeners([lambda event: None]).watch_attempts
    with caplog.at_level(logging.DEBUG, "router"):
        assert Listeners().watch_attempts
