"""Is what docs/strategies.md says true, and does its example run?"""

import ast
import re
from pathlib import Path
from random import Random

import pytest

from strategies import Candidate, Sample, Situation, Strategy
from strategies.by_name import ALIASES, DEFAULT, ELSEWHERE, NAMES, strategy_named
from strategies.simple_shuffle import effective_weights

PAGE = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text(encoding="utf-8")
LIMITS = {"large": 600_000, "a": 60_000, "b": 60_000, "c": 60_000, "d": 60_000}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table after a heading, without its head."""
    table = re.search(r"(?:^\|.*\n)+", PAGE.split(f"# {heading}\n")[1], flags=re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[0].splitlines()[2:]]


@pytest.fixture(scope="module")
def example():
    """The names that the page's example defines, from running its blocks one after the other."""
    names: dict[str, object] = {"__name__": "example"}
    source = blocks("python")
    assert len(source) == 2
    for block in source:
        exec(compile(block, "docs/strategies.md", "exec"), names)
    return names


def test_the_tests_on_the_page_pass(example):
    tests = [value for name, value in example.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()


def test_the_example_is_a_strategy_and_its_timetable_is_true(example):
    strategy = example["FillFirst"]()
    assert isinstance(strategy, Strategy)
    situation = Situation(0.0, 0, 500, Random(1))
    for sentence, ptu, east, taken in (
        ("At 10:00:00 ptu is 50 % full and east is empty: ptu takes the call.", 0.5, 0.0, "ptu"),
        ("At 10:00:05 ptu is 85 % full and east is empty: east takes the call.", 0.85, 0.0, "east"),
        ("At 10:00:10 ptu is 85 % full and east 95 %: ptu takes the call.", 0.85, 0.95, "ptu"),
    ):
        assert sentence in strategy.__doc__
        shown = [Candidate("ptu", ptu, 0, 1e5, 1.0, 1.0), Candidate("east", east, 0, 1e5, 1.0, 1.0)]
        assert strategy.choose(shown, situation).name == taken


def test_what_the_page_hands_to_the_router_is_a_name_or_an_object_of_the_example(example):
    given = []
    for block in blocks("python no-run"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.keyword) and node.arg == "routing_strategy":
                given.append(eval(ast.unparse(node.value), dict(example)))
    assert len(given) == 2
    for value in given:
        assert isinstance(strategy_named(value) if isinstance(value, str) else value, Strategy)


def test_the_first_table_lists_every_strategy_and_the_default():
    names = [cells[0] for cells in rows("Strategies")]
    assert sorted(names) == sorted(f"`{name}`" + (" (default)" if name == DEFAULT else "") for name in NAMES)
    for name in (*ALIASES, *ELSEWHERE):
        assert f"`{name}`" in PAGE


def test_every_sample_is_explained():
    explained = " ".join(cells[0] for cells in rows("Writing a strategy"))
    assert all(f"`Sample.{sample.name}`" in explained for sample in Sample)


def heat(name: str) -> dict[str, int]:
    """How full each deployment is, in per cent, after the traffic that the page describes."""
    used, strategy, turn, dice = dict.fromkeys(LIMITS, 0), NAMES[name](), 0, Random(1)
    while sum(used.values()) < 0.7 * sum(LIMITS.values()):
        shown = [
            Candidate(one, (used[one] + 1_000) / limit, 0, float(limit), float(limit), 1.0)
            for one, limit in LIMITS.items()
            if used[one] + 1_000 <= limit
        ]
        used[strategy.choose(shown, Situation(0.0, turn, 1_000, dice)).name] += 1_000
        turn += 1
    return {one: round(100 * used[one] / limit) for one, limit in LIMITS.items()}


@pytest.mark.parametrize("cells", rows("The same traffic, three strategies"), ids=lambda cells: cells[0])
def test_the_same_traffic_fills_them_as_the_page_says(cells):
    name = re.findall(r"`(.*?)`", cells[0])[0]
    full = heat(name)
    small = [full[one] for one in "abcd"]
    large, *bounds = [int(number) for number in re.findall(r"\d+", " ".join(cells[1:]))]
    assert full["large"] == large
    assert {min(small), max(small)} == set(bounds)


@pytest.mark.parametrize("cells", rows("Weights"), ids=lambda cells: cells[0])
def test_the_weights_are_those_of_the_page(cells):
    items = []
    for stated in cells[0].split(", "):
        metric, _, value = stated.partition(" ")
        items.append(tuple(float(value) if metric == m else None for m in ("weight", "rpm", "tpm")))
    weights = effective_weights(items)
    shares = ", ".join(f"{round(100 * weight / sum(weights))} %" for weight in weights)
    assert shares == cells[1]
