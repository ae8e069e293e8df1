"""Whose turn is it?

Each in turn, in the order of the configuration.  Predictable, and blind to size and load: the router's limits
still hold, but a large deployment gets no more than a small one until the small one is full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from . import Candidate, Sample, Situation

__all__ = ["RoundRobin"]


@dataclass(frozen=True, slots=True)
class RoundRobin:
    """One after the other, in the order of the configuration.

    At 10:00:00 turn 0 has come, and east, west and north are shown: east takes the call.
    At 10:00:05 it is turn 1: west takes the call.
    At 10:00:10 it is turn 2: north takes the call.
    At 10:00:15 it is turn 3: east takes the call.
    From 10:00:20 on west is full, so only east and north are shown: they take turns 4 to 9 by halves.

    With one missing (full, resting, or tried before by this call) the turn counts among those that are left,
    so they share its calls evenly; the neighbour behind it does not get them all.  Where it comes and goes in
    step with the turns, the shares can be uneven; otherwise they are even in the long run.

    Of more than eight deployments the router shows one, the first that fits from the place of the turn.
    There the calls of a missing deployment do go to the next one that fits.
    """

    sample: ClassVar[Sample] = Sample.TURN

    def choose(self, candidates: Sequence[Candidate], situation: Situation) -> Candidate:
        """Return the candidate at the place of the turn; O(1)."""
        return candidates[situation.turn % len(candidates)]
