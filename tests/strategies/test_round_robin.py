"""Does each get its turn, also when one is missing?"""

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from strategies import Candidate, Sample, Situation
from strategies.round_robin import RoundRobin


def deployments(*names: str) -> list[Candidate]:
    return [Candidate(name, 0.5, 0, 100_000.0, weight=1.0, slowness=1.0) for name in names]


def taken(shown: list[Candidate], turn: int) -> str:
    return RoundRobin().choose(shown, Situation(now=0.0, turn=turn, tokens=500, rng=Random(1))).name


DOCSTRING = " ".join((RoundRobin.__doc__ or "").split())


def test_the_timetable_of_the_docstring_is_true():
    all_three = deployments("east", "west", "north")
    for sentence, turn, who in (
        ("At 10:00:00 turn 0 has come, and east, west and north are shown: east takes the call.", 0, "east"),
        ("At 10:00:05 it is turn 1: west takes the call.", 1, "west"),
        ("At 10:00:10 it is turn 2: north takes the call.", 2, "north"),
        ("At 10:00:15 it is turn 3: east takes the call.", 3, "east"),
    ):
        assert sentence in DOCSTRING
        assert taken(all_three, turn) == who

    assert "From 10:00:20 on west is full, so only east and north are shown: they take turns 4 to 9 by halves." in (
        DOCSTRING
    )
    left = deployments("east", "north")
    assert Counter(taken(left, turn) for turn in range(4, 10)) == {"east": 3, "north": 3}


@given(st.integers(1, 12), st.integers(0, 10**9), st.integers(1, 5))
def test_over_whole_rounds_each_of_those_shown_gets_the_same_number(size, start, rounds):
    shown = deployments(*map(str, range(size)))
    counts = Counter(taken(shown, turn) for turn in range(start, start + rounds * size))
    assert set(counts.values()) == {rounds}
    assert len(counts) == size


@given(st.integers(2, 12), st.integers(0, 10**9))
def test_the_next_turn_never_goes_to_the_same_one(size, turn):
    shown = deployments(*map(str, range(size)))
    assert taken(shown, turn) != taken(shown, turn + 1)


@given(st.integers(0, 10**9))
def test_the_one_that_the_router_picked_of_many_is_taken_whatever_the_turn(turn):
    assert taken(deployments("only"), turn) == "only"


@given(st.integers(3, 8), st.randoms(use_true_random=False))
def test_the_calls_of_a_missing_one_are_shared_by_all_the_others(size, dice):
    """The neighbour behind the missing one does not get twice as many."""
    shown = deployments(*map(str, range(size)))
    del shown[dice.randrange(size)]
    counts = Counter(taken(shown, turn) for turn in range(len(shown) * 10))
    assert set(counts.values()) == {10}


def test_it_asks_for_the_one_at_its_turn():
    assert RoundRobin.sample is Sample.TURN
