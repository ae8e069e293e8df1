"""How are calls spread by fixed weights?

Weighted dice without memory: shares follow `weight`, else `rpm`, else `tpm`, else they are equal.  The name
and the order of the metrics are LiteLLM's, so its configurations keep their shares; its traps are left out,
see `effective_weights`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

from . import Candidate, Sample, Situation

__all__ = ["SimpleShuffle", "effective_weights"]

Item = tuple[float | None, float | None, float | None]
"""`weight`, `rpm` and `tpm` of one deployment as configured; None: not stated."""

_METRICS = ("weight", "rpm", "tpm")


@dataclass(frozen=True, slots=True)
class SimpleShuffle:
    """Random, in proportion to `weight`.

    At 10:00:00 east has weight 9 and west weight 1: of 1,000 calls east takes about 900.
    At 10:00:05 east is full, so only west is shown: west takes every call.
    At 10:00:10 east has weight 1 and west weight 0: east takes every call.
    At 10:00:15 east rests after a 429, so only west (weight 0) is shown: west takes every call.
    At 10:00:20 east and west have weight 0: each takes about half.

    Up to eight deployments are all shown and drawn from here.  Of more, the router draws by weight and shows
    the one that it drew: a second draw among several drawn ones would count the weights twice.
    """

    sample: ClassVar[Sample] = Sample.WEIGHT

    def choose(self, candidates: Sequence[Candidate], situation: Situation) -> Candidate:
        """Return one of `candidates` with a probability in proportion to its weight."""
        if len(candidates) == 1:
            return candidates[0]
        total = 0.0
        for candidate in candidates:
            total += candidate.weight
        if total <= 0.0:
            return candidates[int(situation.rng.random() * len(candidates))]
        left = situation.rng.random() * total
        chosen = candidates[0]
        for candidate in candidates:
            weight = candidate.weight
            if weight > 0.0:
                chosen = candidate
                left -= weight
                if left < 0.0:
                    break
        return chosen  # after a rounding error at the very end: the last that has a weight


def effective_weights(items: Sequence[Item]) -> list[float]:
    """The weights of one group's deployments, from what each of them states; meant to run once per group.

    1. A stated `weight` of 0 means: no calls while another deployment is available, whatever else is stated.
    2. The metric is the first of `weight`, `rpm`, `tpm` of which any of the others states more than 0.
    3. One that lacks the metric gets the mean of the rest; a stated 0 stays 0 and does not lower the mean.
    4. Where no metric is stated, and where all would be 0, each gets 1.0.

    LiteLLM ranks the metrics alike but gives 0 to those that lack the chosen one: a weight on one of two
    deployments silently sends it everything, and so does `rpm` on one and `tpm` on the other.

    Args:
        items: per deployment `(weight, rpm, tpm)`; None where not stated.

    Returns:
        One weight per item, in the same order; 0.0 or more, and at least one of them above 0.0.

    Raises:
        ValueError: if a value is negative, infinite or not a number.

    Examples:
        (1, -, -), (9, -, -) → 1, 9.  (4, -, -), (-, -, -) → 4, 4.  (0, -, -), (-, -, -) → 0, 1.
        (-, 100, -), (-, 900, -) → 100, 900.  (-, 100, -), (-, -, 6000) → 100, 100.
        (0, 100, -), (-, 100, -), (-, 900, -) → 0, 100, 900.
    """
    for item in items:
        _check(item)
    others = [item for item in items if item[0] != 0]
    for metric in range(len(_METRICS)):
        stated = [value for item in others if (value := item[metric])]
        if stated:
            mean = sum(stated) / len(stated)
            return [0.0 if item[0] == 0 else _value(item[metric], mean) for item in items]
    if others:
        return [0.0 if item[0] == 0 else 1.0 for item in items]
    return [1.0] * len(items)


def _value(stated: float | None, default: float) -> float:
    return default if stated is None else float(stated)


def _check(item: Item) -> None:
    for name, value in zip(_METRICS, item, strict=True):
        if value is not None and not (value >= 0 and isfinite(value)):
            raise ValueError(f"{name} is {value}, but has to be a finite number, 0 or more.")
