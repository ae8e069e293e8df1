"""Which deployment should take this call?

This package owns the words in which a strategy is asked, and the built-in answers.  A strategy is one file:
a class with `choose(candidates, situation)` that returns one of the candidates.  It is called while the router
holds a lock, so it must not block, do I/O, read a clock or draw dice of its own: the time and the dice come in
with the `Situation`.  The package imports the standard library only and knows nothing of the router.

The router asks only about deployments that are usable, have room for the call and were not tried by it before;
a strategy never has to check limits or health.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Protocol, runtime_checkable

__all__ = ["Candidate", "Sample", "Situation", "Strategy"]


@dataclass(slots=True, eq=False)
class Candidate:
    """What a strategy may know of one deployment that could take the call now.

    For reading, and valid until `choose` returns: the router keeps one for each deployment and brings it up to date
    for each question, because making three anew for each call would cost a microsecond.
    """

    name: str
    """The deployment's id, unique within a router."""
    utilisation: float
    """Share of the tightest limit that is used once this call is added: 0.0 (empty) to 1.0 (full).

    0.0 without limits."""
    in_flight: int
    """Calls that are open on it now, streams counted until their last byte."""
    capacity: float
    """Its weight by size: effective tokens per minute, else 1,000 times its requests per minute, else 100,000."""
    weight: float
    """Its weight for weighted strategies: `weight`, else `rpm`, else `tpm`, else 1.0 (see `simple-shuffle`)."""
    slowness: float
    """Seconds per call compared with the group when it last answered: 1.0 is typical, 2.0 takes twice as long.

    1.0 before the first reply."""


@dataclass(slots=True)
class Situation:
    """The moment in which a strategy is asked.  For reading, and valid until `choose` returns."""

    now: float
    """Seconds on the router's clock; only differences mean anything."""
    turn: int
    """How many calls this group has placed so far."""
    tokens: int
    """The estimated charge of the call, in tokens."""
    rng: Random
    """The only dice a strategy may use; seeded in tests, so that a choice can be repeated."""


class Sample(Enum):
    """Which of many candidates a strategy wants to see.  Up to eight, it is shown all of them, whatever it asks."""

    ALL = "all"
    """Every one that fits.  Costs time in proportion to the group; the default for a strategy that does not say."""
    CAPACITY = "capacity"
    """Up to three, drawn with a probability in proportion to `capacity`."""
    WEIGHT = "weight"
    """One, drawn with a probability in proportion to `weight`."""
    TURN = "turn"
    """The first that fits from a place that moves on by one with each call."""


@runtime_checkable
class Strategy(Protocol):
    """One way of choosing.  Any object with this method will do; an attribute `sample: Sample` is optional."""

    def choose(self, candidates: Sequence[Candidate], situation: Situation) -> Candidate:
        """Return one of `candidates` itself, no copy of it (never empty, in the order of the configuration)."""
        ...
