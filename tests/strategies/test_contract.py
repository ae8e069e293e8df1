"""What does every built-in strategy owe to the router?  One suite; a line in `NAMES` is enough to join it."""

import ast
import sys
from copy import deepcopy
from dataclasses import FrozenInstanceError, astuple, fields, is_dataclass
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
from strategies import Candidate, Sample, Situation, Strategy
from strategies.by_name import NAMES

pytestmark = pytest.mark.parametrize("name", NAMES)

FOLDER = Path(strategies.__file__).parent


def shown(size: int, **facts: float) -> list[Candidate]:
    """So many candidates, all alike but for their names."""
    values = {
        "utilisation": 0.5,
        "in_flight": 1,
        "capacity": 60_000.0,
        "weight": 1.0,
        "slowness": 1.0,
        **facts,
    }
    return [Candidate(f"d{i}", **values) for i in range(size)]


def moment(seed: int = 1, turn: int = 0) -> Situation:
    return Situation(now=3.0, turn=turn, tokens=500, rng=Random(seed))


@st.composite
def groups(draw, max_size: int = 12) -> list[Candidate]:
    """Candidates as the router makes them, extremes and ties included."""
    size = draw(st.integers(1, max_size))
    return [
        Candidate(
            name=f"d{i}",
            utilisation=draw(st.sampled_from([0.0, 0.5, 1.0]) | st.floats(0.0, 1.0)),
            in_flight=draw(st.integers(0, 3) | st.integers(0, 10_000)),
            capacity=draw(st.sampled_from([0.0, 100_000.0]) | st.floats(1.0, 1e8)),
            weight=draw(st.sampled_from([0.0, 1.0]) | st.floats(0.0, 1e8)),
            slowness=draw(st.floats(0.01, 100.0)),
        )
        for i in range(size)
    ]


MOMENTS = st.builds(moment, st.integers(0, 999), st.integers(0, 10**9))


@given(candidates=groups(), situation=MOMENTS)
def test_it_returns_one_of_the_candidates_itself(name, candidates, situation):
    chosen = NAMES[name]().choose(candidates, situation)
    assert any(chosen is candidate for candidate in candidates)


@given(candidates=groups(), situation=MOMENTS)
def test_the_same_question_gets_the_same_answer(name, candidates, situation):
    """Also from another object: what decides is in the arguments alone."""
    again = deepcopy(situation)
    first, second = NAMES[name](), NAMES[name]()
    for _ in range(3):
        assert first.choose(candidates, situation).name == second.choose(deepcopy(candidates), again).name


@given(candidates=groups(), situation=MOMENTS)
def test_it_changes_neither_the_candidates_nor_the_situation(name, candidates, situation):
    before = [astuple(candidate) for candidate in candidates]
    facts = (situation.now, situation.turn, situation.tokens)
    order = [id(candidate) for candidate in candidates]
    NAMES[name]().choose(candidates, situation)
    assert [astuple(candidate) for candidate in candidates] == before
    assert [id(candidate) for candidate in candidates] == order
    assert (situation.now, situation.turn, situation.tokens) == facts


@given(candidates=groups(max_size=6), situation=MOMENTS)
def test_any_sequence_will_do(name, candidates, situation):
    again = deepcopy(situation)
    strategy = NAMES[name]()
    assert strategy.choose(tuple(candidates), situation) is strategy.choose(candidates, again)


@given(candidate=groups(max_size=1), situation=MOMENTS)
def test_the_only_candidate_is_taken(name, candidate, situation):
    assert NAMES[name]().choose(candidate, situation) is candidate[0]


@given(candidates=groups(max_size=6), situation=MOMENTS, later=st.floats(-1e9, 1e9))
def test_only_differences_of_time_mean_anything(name, candidates, situation, later):
    again = deepcopy(situation)
    again.now += later
    strategy = NAMES[name]()
    assert strategy.choose(candidates, situation) is strategy.choose(candidates, again)


def test_a_thousand_alike_are_all_used(name):
    """None of a large group is left out; 20,000 fair draws from 1,000 miss one with a probability of 2e-6."""
    strategy, dice, group = NAMES[name](), Random(1), shown(1_000)
    places = {candidate.name for candidate in group}
    for turn in range(20_000):
        places.discard(strategy.choose(group, Situation(0.0, turn, 500, dice)).name)
        if not places:
            break
    assert not places


@pytest.mark.parametrize("backwards", [False, True])
def test_candidates_that_are_alike_share_evenly_in_any_order(name, backwards):
    strategy, dice = NAMES[name](), Random(1)
    group = shown(4)[:: -1 if backwards else 1]
    counts = dict.fromkeys((candidate.name for candidate in group), 0)
    for turn in range(4_000):
        counts[strategy.choose(group, Situation(0.0, turn, 500, dice)).name] += 1
    # Five standard deviations of a fair draw.
    assert all(abs(count - 1_000) <= 140 for count in counts.values())


def test_what_is_unlike_shares_alike_in_any_order(name):
    """Long-run shares follow the facts of a candidate, never its place in the list."""
    strategy = NAMES[name]()
    group = shown(3)
    group[0].utilisation, group[1].weight, group[2].in_flight, group[2].capacity = 0.9, 5.0, 4, 240_000.0
    shares = []
    for order in (group, group[::-1]):
        dice = Random(1)
        names = [strategy.choose(order, Situation(0.0, turn, 500, dice)).name for turn in range(6_000)]
        shares.append([names.count(candidate.name) for candidate in group])
    assert shares[0] == pytest.approx(shares[1], abs=200)


def test_it_keeps_to_the_protocol_and_says_what_it_wants_to_see(name):
    strategy = NAMES[name]()
    assert isinstance(strategy, Strategy)
    assert isinstance(strategy.sample, Sample)


def test_it_is_a_frozen_slotted_value(name):
    strategy = NAMES[name]()
    assert is_dataclass(strategy)
    assert not hasattr(strategy, "__dict__")
    assert strategy == NAMES[name]()
    for field in fields(strategy):
        with pytest.raises(FrozenInstanceError):
            setattr(strategy, field.name, None)
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        strategy.memory = 1


def test_its_docstring_tells_a_timetable(name):
    assert (type(NAMES[name]()).__doc__ or "").count("At 10:00:") >= 3


def test_its_file_imports_only_the_standard_library_and_no_clock_or_io(name):
    source = Path(sys.modules[type(NAMES[name]()).__module__].__file__ or "")
    assert source.parent == FOLDER
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [] if node.level == 1 else [node.module or ""]
        else:
            continue
        for module in modules:
            top = module.split(".")[0]
            assert top in sys.stdlib_module_names or top == "strategies"
            assert top not in {
                "time",
                "datetime",
                "random",
                "asyncio",
                "threading",
                "os",
                "socket",
                "logging",
            }
