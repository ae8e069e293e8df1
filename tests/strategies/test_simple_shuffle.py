"""Do shares follow the weights, and are LiteLLM's traps gone?"""

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import Candidate, Sample, Situation
from strategies.simple_shuffle import SimpleShuffle, effective_weights


def deployment(name: str, weight: float) -> Candidate:
    return Candidate(name, utilisation=0.5, in_flight=0, capacity=100_000.0, weight=weight, slowness=1.0)


def shares(weights: Sequence[float], calls: int = 1_000, seed: int = 1) -> Counter[str]:
    """Calls per deployment; they are called east, west and north in this order."""
    shown = [deployment(name, weight) for name, weight in zip(("east", "west", "north"), weights, strict=False)]
    situation = Situation(now=0.0, turn=0, tokens=500, rng=Random(seed))
    strategy = SimpleShuffle()
    return Counter(strategy.choose(shown, situation).name for _ in range(calls))


DOCSTRING = " ".join((SimpleShuffle.__doc__ or "").split())
TIMETABLE = [
    (
        "At 10:00:00 east has weight 9 and west weight 1: of 1,000 calls east takes about 900.",
        [9, 1],
        900,
    ),
    ("At 10:00:05 east is full, so only west is shown: west takes every call.", [1], 1_000),
    ("At 10:00:10 east has weight 1 and west weight 0: east takes every call.", [1, 0], 1_000),
    (
        "At 10:00:15 east rests after a 429, so only west (weight 0) is shown: west takes every call.",
        [0],
        1_000,
    ),
    ("At 10:00:20 east and west have weight 0: each takes about half.", [0, 0], 500),
]


@pytest.mark.parametrize(("sentence", "weights", "first_takes"), TIMETABLE)
def test_the_timetable_of_the_docstring_is_true(sentence, weights, first_takes):
    assert sentence in DOCSTRING
    # A certainty has to hold exactly, a share within four standard deviations.
    tolerance = 0 if first_takes == 1_000 else 65
    assert abs(shares(weights)["east"] - first_takes) <= tolerance


def test_three_equal_deployments_get_a_third_each():
    assert all(count == pytest.approx(1_000, abs=110) for count in shares([1, 1, 1], 3_000).values())


def test_weight_zero_gets_no_call_wherever_it_stands():
    for weights in ([0, 1, 1], [1, 0, 1], [1, 1, 0]):
        assert len(shares(weights)) == 2


def test_a_rounding_error_at_the_end_does_not_reach_a_weight_of_zero():
    """Dice at the top of their range, where the differences of ten 0.1 do not come out at zero."""

    class Top(Random):
        def random(self) -> float:
            return 1.0

    shown = [deployment(str(i), 0.1) for i in range(10)] + [deployment("off", 0.0)]
    assert SimpleShuffle().choose(shown, Situation(0.0, 0, 1, Top())).name == "9"


@given(st.lists(st.sampled_from([0.0, 0.5]) | st.floats(0.0, 1e9), min_size=1, max_size=12), st.integers(0, 9))
def test_a_weight_of_zero_is_never_chosen_beside_a_positive_one(weights, seed):
    shown = [deployment(str(i), weight) for i, weight in enumerate(weights)]
    chosen = SimpleShuffle().choose(shown, Situation(0.0, 0, 1, Random(seed)))
    assert chosen.weight > 0.0 or not any(weights)


@given(st.lists(st.integers(0, 20), min_size=2, max_size=3).filter(any))
def test_shares_follow_weights(weights):
    taken = shares(weights, 2_000)
    for name, weight in zip(("east", "west", "north"), weights, strict=False):
        # Five standard deviations of a fair draw are at most 112 of 2,000.
        assert abs(taken[name] - 2_000 * weight / sum(weights)) <= 115


def test_it_asks_for_a_sample_by_weight():
    assert SimpleShuffle.sample is Sample.WEIGHT


N = None
RULES = [
    ("weights as they are", [(1, N, N), (9, N, N)], [1, 9]),
    ("rpm without weights", [(N, 100, N), (N, 900, N)], [100, 900]),
    ("tpm alone", [(N, N, 1_000), (N, N, 3_000)], [1_000, 3_000]),
    ("weights win over rpm and tpm", [(1, 900, 5), (9, 100, 5)], [1, 9]),
    ("rpm wins over tpm", [(N, 100, 9_000), (N, 900, 1_000)], [100, 900]),
    ("nothing stated is uniform", [(N, N, N), (N, N, N), (N, N, N)], [1, 1, 1]),
    ("a weight on one of two leaves the other the same", [(4, N, N), (N, N, N)], [4, 4]),
    ("one that lacks a weight gets the mean of the others", [(1, N, N), (5, N, N), (N, N, N)], [1, 5, 3]),
    ("rpm on one and tpm on the other share evenly", [(N, 100, N), (N, N, 6_000)], [100, 100]),
    ("weight 0 takes one out", [(0, N, N), (9, N, N)], [0, 9]),
    ("weight 0 beside one that states nothing", [(0, N, N), (N, N, N)], [0, 1]),
    ("weight 0 does not lower the mean", [(0, N, N), (4, N, N), (N, N, N)], [0, 4, 4]),
    ("weight 0 holds where rpm decides", [(0, 100, N), (N, 100, N), (N, 900, N)], [0, 100, 900]),
    ("all zero is uniform", [(0, N, N), (0, N, N)], [1, 1]),
    ("all zero is uniform whatever rpm says", [(0, 100, N), (0, 900, N)], [1, 1]),
    ("a metric of nothing but zeros is passed over", [(N, 0, 10), (N, 0, 30)], [10, 30]),
    ("no deployments", [], []),
]


@pytest.mark.parametrize(("items", "expected"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES])
def test_effective_weights_follow_their_rule(items, expected):
    assert effective_weights(items) == expected


def test_the_examples_of_the_docstring_are_the_tested_ones():
    text = " ".join((effective_weights.__doc__ or "").split())
    examples = text.split("Examples:")[1]
    spoken = 0
    for _, items, expected in RULES:
        cells = ["(" + ", ".join("-" if v is None else str(v) for v in item) + ")" for item in items]
        spoken += f"{', '.join(cells)} → {', '.join(map(str, expected))}." in examples
    assert spoken == examples.count("→")


@pytest.mark.parametrize("bad", [-1, float("nan"), float("inf")])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_value_that_cannot_be_a_share_is_refused_by_name(bad, place):
    item = [None, None, None]
    item[place] = bad
    with pytest.raises(ValueError, match=rf"^{('weight', 'rpm', 'tpm')[place]} is {bad}"):
        effective_weights([(1, 1, 1), tuple(item)])


VALUE = st.none() | st.just(0) | st.integers(1, 10**7) | st.floats(0.001, 1e6)
ITEMS = st.lists(st.tuples(VALUE, VALUE, VALUE), min_size=1, max_size=10)


@given(ITEMS)
def test_there_is_one_weight_per_deployment_and_never_only_zeros(items):
    weights = effective_weights(items)
    assert len(weights) == len(items)
    assert min(weights) >= 0.0
    assert max(weights) > 0.0


@given(ITEMS)
def test_only_a_stated_zero_is_without_traffic(items):
    for item, weight in zip(items, effective_weights(items), strict=True):
        assert weight > 0.0 or 0 in item


@given(ITEMS, st.randoms(use_true_random=False))
def test_the_order_of_the_deployments_does_not_matter(items, dice):
    order = list(range(len(items)))
    dice.shuffle(order)
    weights = effective_weights(items)
    assert effective_weights([items[i] for i in order]) == pytest.approx([weights[i] for i in order])
