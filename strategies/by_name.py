"""Which strategy does a name in the configuration mean?

A new strategy joins by one line in `NAMES`; the contract tests then run on it by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches

from . import Strategy
from .least_loaded import LeastLoaded
from .round_robin import RoundRobin
from .simple_shuffle import SimpleShuffle

__all__ = ["ALIASES", "DEFAULT", "ELSEWHERE", "NAMES", "strategy_named"]

NAMES: Mapping[str, Callable[[], Strategy]] = {
    "least-loaded": LeastLoaded,
    "simple-shuffle": SimpleShuffle,
    "round-robin": RoundRobin,
}
"""Every built-in strategy by its name in the configuration (`routing_strategy`)."""

DEFAULT = "least-loaded"
"""What a router runs that names none."""

ALIASES: Mapping[str, str] = {
    "least-busy": "least-loaded",
    "usage-based-routing": "least-loaded",
    "usage-based-routing-v2": "least-loaded",
}
"""LiteLLM's names for what `least-loaded` does: lowest use where there are limits, fewest open calls where
there are none.  (Its `simple-shuffle` exists here by the same name.)"""

ELSEWHERE: tuple[str, ...] = (
    "latency-based-routing",
    "cost-based-routing",
    "provider-budget-routing",
    "lar1",
)
"""LiteLLM's strategies that this version does not have; naming one is an error, not a silent default."""


def strategy_named(name: str) -> Strategy:
    """A new strategy for a name of `NAMES` or `ALIASES`.

    Raises:
        ValueError: if there is no such strategy.  The message lists those that exist, and the nearest name.
    """
    make = NAMES.get(ALIASES.get(name, name))
    if make is None:
        raise ValueError(_unknown(name))
    return make()


def _unknown(name: str) -> str:
    known = [*NAMES, *ALIASES]
    if name in ELSEWHERE:
        problem = f"The strategy {name!r} of LiteLLM is not available in this version."
    else:
        near = get_close_matches(name.lower().replace("_", "-"), known, n=1, cutoff=0.5)
        hint = f"  Did you mean {near[0]!r}?" if near else ""
        problem = f"No strategy is called {name!r}.{hint}"
    aliases = ", ".join(f"{alias} (runs {target})" for alias, target in ALIASES.items())
    return (
        f"{problem}  There are: {', '.join(NAMES)}; accepted as well: {aliases}.  "
        "Your own strategy is any object with choose(candidates, situation)."
    )
