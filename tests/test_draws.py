"""What is drawn of many is drawn by its size, whatever the sizes are."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.draws import CARDS_EACH, HAND, Urn, deal

sizes_of_some = st.lists(st.just(0.0) | st.floats(0.001, 1000.0), min_size=1, max_size=12)


def share(sizes: list[float], place: int) -> float:
    """Of all, what one has; they are alike where none has any size."""
    return sizes[place] / sum(sizes) if sum(sizes) else 1 / len(sizes)


@given(sizes_of_some)
def test_an_urn_holds_each_by_its_size(sizes: list[float]) -> None:
    """Drawn from with even steps instead of dice, which gives the shares to about a step for each place."""
    urn, steps = Urn(range(len(sizes)), sizes), 6000
    dice = iter([(step + 0.5) / steps for step in range(steps)])
    drawn = Counter(urn.draw(lambda: next(dice)) for _ in range(steps))
    for place, size in enumerate(sizes):
        assert drawn[place] / steps == pytest.approx(share(sizes, place), abs=2 * len(sizes) / steps)
        assert size or not sum(sizes) or not drawn[place]


@given(sizes_of_some, st.integers(0, 1000))
def test_every_item_is_in_some_hand_and_twice_in_none(sizes: list[float], seed: int) -> None:
    hands = deal(range(len(sizes)), sizes, Random(seed))
    assert {item for hand in hands for item in hand} == set(range(len(sizes)))
    assert all(1 <= len(hand) == len(set(hand)) <= HAND for hand in hands)


def test_what_is_larger_than_all_the_rest_is_in_nearly_every_hand_and_seldom_alone() -> None:
    hands = deal("abcdefghij", [91.0] + [1.0] * 9, Random(1))
    assert sum("a" in hand for hand in hands) >= 0.85 * len(hands)
    assert sum(len(hand) > 1 for hand in hands) >= 0.95 * len(hands)


@given(st.lists(st.floats(1.0, 10.0), min_size=31, max_size=60), st.integers(0, 1000))
def test_of_many_each_is_in_as_many_hands_as_its_size_asks(sizes: list[float], seed: int) -> None:
    """But for what rounding costs."""
    hands = deal(range(len(sizes)), sizes, Random(seed))
    cards = Counter(item for hand in hands for item in hand)
    for place in range(len(sizes)):
        assert cards[place] == pytest.approx(share(sizes, place) * CARDS_EACH * len(sizes), abs=2)


@pytest.mark.parametrize("size", [9, 10, 100, 1000])
def test_nearly_all_hands_of_equal_items_hold_three_and_they_bring_everyone_together_with_many(size: int) -> None:
    hands = deal(range(size), [1.0] * size, Random(1))
    assert len(hands) == pytest.approx(size * CARDS_EACH / HAND, abs=5)
    assert sum(len(hand) == HAND for hand in hands) >= len(hands) - 5
    met = [{item for hand in hands if place in hand for item in hand} for place in range(size)]
    assert min(len(others) for others in met) - 1 >= min(size // 2, 15)


def test_two_routers_deal_differently() -> None:
    assert deal(range(20), [1.0] * 20, Random(1)) != deal(range(20), [1.0] * 20, Random(2))


def test_small_ones_have_a_card_each_and_not_at_the_expense_of_whoever_comes_next() -> None:
    sizes = [1.0] * 950 + [1000.0] * 50
    cards = Counter(item for hand in deal(range(1000), sizes, Random(1)) for item in hand)
    assert {cards[place] for place in range(950)} == {1}
    large = [cards[place] for place in range(950, 1000)]
    assert max(large) - min(large) <= 1
