"""In which state is a job?  Its age says so: one step for each state."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moment:
    """Where on its way a job is."""

    state: str
    share: float
    """Of the state's time that has passed, 0.0 to 1.0."""


def moment(age_s: float, states: tuple[tuple[str, float], ...], final: str) -> Moment:
    """The state at an age.

    Args:
        age_s: seconds since the job was created.
        states: each with its seconds, in order.
        final: what comes after them.
    """
    left = age_s
    for state, seconds in states:
        if left < seconds:
            return Moment(state, left / seconds)
        left -= seconds
    return Moment(final, 1.0)
