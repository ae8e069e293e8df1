"""Does a name in the configuration lead to the strategy that it means, and an unknown one to a way out?"""

import re

import pytest

from strategies.by_name import ALIASES, DEFAULT, ELSEWHERE, NAMES, strategy_named
from strategies.least_loaded import LeastLoaded
from strategies.round_robin import RoundRobin
from strategies.simple_shuffle import SimpleShuffle


@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        ("least-loaded", LeastLoaded()),
        ("simple-shuffle", SimpleShuffle()),
        ("round-robin", RoundRobin()),
        ("least-busy", LeastLoaded()),
        ("usage-based-routing", LeastLoaded()),
        ("usage-based-routing-v2", LeastLoaded()),
    ],
)
def test_a_name_leads_to_its_strategy(name, strategy):
    assert strategy_named(name) == strategy


def test_the_default_is_least_loaded():
    assert strategy_named(DEFAULT) == LeastLoaded()


def test_every_alias_leads_to_a_name_and_hides_none():
    assert set(ALIASES.values()) <= set(NAMES)
    assert not set(ALIASES) & set(NAMES)
    assert not set(ELSEWHERE) & (set(ALIASES) | set(NAMES))


def test_every_strategy_of_litellm_has_an_answer():
    litellm = {
        "simple-shuffle",
        "least-busy",
        "usage-based-routing",
        "usage-based-routing-v2",
        "latency-based-routing",
        "cost-based-routing",
        "provider-budget-routing",
        "lar1",
    }
    assert litellm <= {*NAMES, *ALIASES, *ELSEWHERE}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_strategy_that_only_litellm_has_is_refused_by_name(name):
    with pytest.raises(ValueError, match=f"{name!r} of LiteLLM is not available in this version"):
        strategy_named(name)


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("leest-loaded", "least-loaded"),
        ("least_loaded", "least-loaded"),
        ("Round-Robin", "round-robin"),
        ("roundrobin", "round-robin"),
        ("shuffle", "simple-shuffle"),
        ("usage-based-routing-v3", "usage-based-routing-v2"),
    ],
)
def test_a_typo_is_answered_with_the_nearest_name(typo, meant):
    with pytest.raises(ValueError, match=f"called {typo!r}.  Did you mean {meant!r}"):
        strategy_named(typo)


def test_a_name_like_no_other_gets_no_guess():
    with pytest.raises(ValueError, match=r"No strategy is called 'zzz'\.  There are: "):
        strategy_named("zzz")


@pytest.mark.parametrize("name", ["zzz", "least-loded", "lar1", ""])
def test_every_refusal_lists_what_exists_and_how_to_bring_your_own(name):
    with pytest.raises(ValueError) as caught:
        strategy_named(name)
    for known in (*NAMES, *ALIASES, "choose(candidates, situation)"):
        assert re.search(re.escape(known), str(caught.value))
