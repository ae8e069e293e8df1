"""Does `least-loaded` even out utilisation, and does its docstring tell the truth?"""

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies import Candidate, Sample, Situation
from strategies.least_loaded import NEAR, LeastLoaded

CHOOSE = LeastLoaded().choose


def deployment(name: str, utilisation: float = 0.0, in_flight: int = 0, capacity: float = 100_000.0) -> Candidate:
    return Candidate(name, utilisation, in_flight, capacity, weight=1.0, slowness=1.0)


def moment(seed: int = 1, turn: int = 0) -> Situation:
    return Situation(now=0.0, turn=turn, tokens=500, rng=Random(seed))


def shares(candidates: Sequence[Candidate], calls: int = 4_000) -> Counter[str]:
    situation = moment()
    return Counter(CHOOSE(candidates, situation).name for _ in range(calls))


DOCSTRING = " ".join((LeastLoaded.__doc__ or "").split())
TIMETABLE = [
    (
        "At 10:00:00 east is 40 % full and west 20 %: west takes the call.",
        [deployment("east", 0.40), deployment("west", 0.20)],
        "west",
    ),
    (
        "At 10:00:05 east is 40 % full and west 45 %: east takes the call.",
        [deployment("east", 0.40), deployment("west", 0.45)],
        "east",
    ),
    (
        "At 10:00:10 both are 50 % full, east has 3 calls open and west 1: west takes the call.",
        [deployment("east", 0.50, 3), deployment("west", 0.50, 1)],
        "west",
    ),
    (
        "At 10:00:15 east and north are 50 % full, east has 2 calls open and north 3: north takes the call.",
        [deployment("east", 0.50, 2), deployment("north", 0.50, 3, 300_000.0)],
        "north",
    ),
    (
        "At 10:00:25 east is 50.2 % full and idle, west is 50.0 % full with 5 calls open: "
        "that is a tie, so east takes the call.",
        [deployment("east", 0.502), deployment("west", 0.500, 5)],
        "east",
    ),
]


@pytest.mark.parametrize(("sentence", "shown", "taken"), TIMETABLE)
@pytest.mark.parametrize("seed", range(5))
def test_the_timetable_of_the_docstring_is_true(sentence, shown, taken, seed):
    assert sentence in DOCSTRING
    assert CHOOSE(shown, moment(seed)).name == taken
    assert CHOOSE(shown[::-1], moment(seed)).name == taken


def test_the_dice_of_the_timetable_follow_size():
    assert (
        "At 10:00:20 all three are empty and idle: dice decide, and north comes up three times as often as east."
    ) in DOCSTRING
    taken = shares([deployment("east"), deployment("west"), deployment("north", capacity=300_000.0)], 10_000)
    assert taken["east"] == pytest.approx(2_000, abs=200)
    assert taken["west"] == pytest.approx(2_000, abs=200)
    assert taken["north"] == pytest.approx(6_000, abs=250)


def test_idle_deployments_without_limits_share_evenly_and_the_first_is_not_preferred():
    taken = shares([deployment(name) for name in ("a", "b", "c", "d")])
    assert all(count == pytest.approx(1_000, abs=130) for count in taken.values())
    assert len(taken) == 4


def test_without_limits_a_deployment_that_holds_long_calls_gets_no_new_ones():
    assert shares([deployment("held", in_flight=4), deployment("free")], 200) == {"free": 200}


def test_with_equal_open_calls_the_split_is_even():
    taken = shares([deployment("east", in_flight=2), deployment("west", in_flight=2)])
    assert taken["east"] == pytest.approx(2_000, abs=200)


def test_open_calls_do_not_outweigh_a_clear_difference_in_utilisation():
    shown = [deployment("fuller", NEAR * 2.1), deployment("busier", 0.0, in_flight=50)]
    assert shares(shown, 50) == {"busier": 50}


def test_a_lowered_capacity_gets_a_smaller_part_of_what_is_tied():
    taken = shares([deployment("recovering", capacity=10_000.0), deployment("well", capacity=90_000.0)])
    assert taken["recovering"] == pytest.approx(400, abs=90)


def test_near_ties_are_judged_against_the_lowest_so_the_order_cannot_chain_them():
    """Three in steps just under NEAR: the third is no tie of the first, though it is one of the second."""
    step = NEAR * 0.9
    shown = [deployment("a", 2 * step), deployment("b", step, 3), deployment("c", 0.0, 5)]
    for order in (shown, shown[::-1], [shown[1], shown[0], shown[2]]):
        assert CHOOSE(order, moment()).name == "b"


def test_a_capacity_of_nothing_is_the_last_resort_and_no_error():
    assert shares([deployment("none", capacity=0.0), deployment("some", in_flight=9)], 20) == {"some": 20}
    assert CHOOSE([deployment("none", capacity=0.0)], moment()).name == "none"


def test_a_utilisation_that_is_no_number_is_not_preferred():
    assert CHOOSE([deployment("nan", float("nan")), deployment("ok", 0.9)], moment()).name == "ok"
    assert CHOOSE([deployment("nan", float("nan"))], moment()).name == "nan"


CANDIDATES = st.lists(
    st.builds(
        deployment,
        st.just("d"),
        st.sampled_from([0.0, 0.001, 0.004, 0.5]) | st.floats(0.0, 1.0),
        st.integers(0, 5),
        st.sampled_from([1_000.0, 60_000.0, 600_000.0]),
    ),
    min_size=1,
    max_size=12,
)


@given(CANDIDATES, st.integers(0, 99))
def test_none_is_clearly_emptier_than_the_one_chosen(candidates, seed):
    chosen = CHOOSE(candidates, moment(seed))
    assert chosen.utilisation <= min(c.utilisation for c in candidates) + NEAR


@given(CANDIDATES, st.integers(0, 99))
def test_among_the_near_ties_none_is_less_busy_for_its_size(candidates, seed):
    chosen = CHOOSE(candidates, moment(seed))
    near = [c for c in candidates if c.utilisation <= min(c.utilisation for c in candidates) + NEAR]
    assert chosen.in_flight / chosen.capacity == min(c.in_flight / c.capacity for c in near)


@settings(max_examples=40)  # each of them places some hundred calls
@given(st.randoms(use_true_random=False), st.lists(st.sampled_from([60, 120, 600]), min_size=2, max_size=6))
def test_tokens_end_up_spread_by_size_whatever_the_sizes_of_the_calls(dice, sizes):
    """Place calls until the group is half full: the spread stays within two calls and a tie."""
    limits = [size * 1_000.0 for size in sizes]
    used = [0.0] * len(limits)
    largest = 2_000
    while sum(used) < 0.5 * sum(limits):
        tokens = dice.randint(500, largest)
        shown = [deployment(str(i), (used[i] + tokens) / limits[i], capacity=limits[i]) for i in range(len(limits))]
        used[int(CHOOSE(shown, Situation(0.0, 0, tokens, dice)).name)] += tokens
    heat = [u / limit for u, limit in zip(used, limits, strict=True)]
    assert max(heat) - min(heat) <= 2 * largest / min(limits) + NEAR


def test_it_asks_for_a_sample_by_capacity():
    assert LeastLoaded.sample is Sample.CAPACITY
