"""Which deployment has the smallest share of its limits used?

The default.  Utilisation is projected (this call's tokens are already added), so a large call avoids a small
deployment, and it is relative, so a deployment of ten times the size gets ten times the calls.  A lowest
*absolute* count, or a count of calls alone, has neither property; see docs/strategies.md for the comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar

from . import Candidate, Sample, Situation

__all__ = ["NEAR", "LeastLoaded"]

NEAR = 0.005
"""Utilisations this close count as equal.  Half a percent of a minute's tokens is about the size of one call,
so a smaller difference says where the last call went rather than which deployment is busier."""


@dataclass(frozen=True, slots=True)
class LeastLoaded:
    """The lowest projected utilisation; then the fewest open calls for its size; then dice.

    East and west have 100,000 tokens per minute each, north has 300,000, and none is busy with anything else.

    At 10:00:00 east is 40 % full and west 20 %: west takes the call.
    At 10:00:05 east is 40 % full and west 45 %: east takes the call.
    At 10:00:10 both are 50 % full, east has 3 calls open and west 1: west takes the call.
    At 10:00:15 east and north are 50 % full, east has 2 calls open and north 3: north takes the call.
    At 10:00:20 all three are empty and idle: dice decide, and north comes up three times as often as east.
    At 10:00:25 east is 50.2 % full and idle, west is 50.0 % full with 5 calls open: that is a tie, so east
    takes the call.

    Deployments without limits are always 0 % full, so among them this is "fewest open calls".  Dice, not the
    order of the configuration, settle what is left, so that many routers do not march in step.

    A deployment in its slow start needs no rule of its own: the router leaves it out of some questions, nine of ten
    at first and none 30 s later.
    """

    sample: ClassVar[Sample] = Sample.CAPACITY

    def choose(self, candidates: Sequence[Candidate], situation: Situation) -> Candidate:
        """Return the least loaded of `candidates`; O(n), two plain passes, about 1 µs for three."""
        lowest = inf
        for candidate in candidates:
            if candidate.utilisation < lowest:
                lowest = candidate.utilisation
        # A second pass, because "near" is not transitive: one pass would depend on the order.
        limit = lowest + NEAR
        best = candidates[0]
        fewest = inf
        total = 0.0  # capacity of those tied so far; 0.0: none yet
        for candidate in candidates:
            if candidate.utilisation > limit:
                continue
            capacity = candidate.capacity
            busy = candidate.in_flight / capacity if capacity > 0.0 else inf
            if busy < fewest:
                best, fewest, total = candidate, busy, capacity
            elif busy == fewest:
                # Each of those tied ends up chosen with the probability capacity / total.
                total += capacity
                if situation.rng.random() * total < capacity:
                    best = candidate
        return best
