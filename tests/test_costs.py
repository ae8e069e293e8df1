"""The arithmetic of costs: every amount once, at its own price, and never a guess where a price is missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.amounts import Amounts
from router.costs import Prices, Tiers, cost, merged

TEXT = Prices(2.0, 10.0)
FULL = Prices(2.0, 10.0, 1.0, 3.0, 20.0, 40.0, 5.0, 7.0, 11.0, 6.0, 13.0)


@pytest.mark.parametrize(
    ("amounts", "prices", "expected"),
    [
        (Amounts(100, 10), TEXT, 300.0),
        (Amounts(100, 0), Prices(2.0), 200.0),  # embeddings
        (Amounts(100, 10, cached=40), FULL, 60 * 2 + 40 * 1 + 10 * 10),
        (Amounts(100, 10, cached=40), TEXT, 300.0),  # no discount is stated
        (Amounts(100, 0, cached=40, cache_written=50), FULL, 10 * 2 + 50 * 3 + 40 * 1),
        (Amounts(100, 10, input_audio=30, output_audio=4), FULL, 70 * 2 + 30 * 20 + 6 * 10 + 4 * 40),
        (Amounts(100, 10, input_audio=30, output_audio=4), TEXT, 300.0),
        (Amounts(100, 0, cached=50, input_audio=30, cached_audio=20), FULL, 40 * 2 + 30 * 1 + 10 * 20 + 20 * 5),
        (Amounts(100, 10, input_image=90, output_image=10), FULL, 10 * 2 + 90 * 7 + 10 * 11),
        (Amounts(0, 10, images=1), FULL, 10 * 11),  # all that came is the image
        (Amounts(0, 10, images=1, output_image=4), FULL, 6 * 10 + 4 * 11),
        (Amounts(100, 0, cached=30, input_image=90), FULL, 10 * 1 + 70 * 7 + 20 * 6),
        (Amounts(0, 10, reasoning=8), FULL, 2 * 10 + 8 * 13),
        (Amounts(0, 10, reasoning=8), TEXT, 100.0),  # part of the answer
        (Amounts(100, 10, batch=True), TEXT, 150.0),
        (Amounts(100, 10, batch=True), Prices(2.0, 10.0, batch_input_token=0.5, batch_output_token=1.0), 60.0),
        (Amounts(characters=7), Prices(character=3.0), 21.0),
        (Amounts(seconds=7.5), Prices(second=2.0), 15.0),
        (Amounts(10, 10, seconds=7.5), Prices(2.0, 1.0, second=99.0), 30.0),
        (Amounts(10, 10, images=2), Prices(1.0, 1.0, image=5.0), 10.0),
        (Amounts(images=3, quality="hd", size="1x1"), Prices(images={("hd", "1x1"): 4.0}), 12.0),
        (Amounts(images=1, size="10x20"), Prices(pixel=2.0), 400.0),
        (Amounts(), Prices(request=2.0), 2.0),
        (Amounts(10, 0), Prices(1.0, request=2.0), 12.0),
        (Amounts(0, 0), Prices(0.0, 0.0), 0.0),
    ],
)
def test_what_was_used_has_its_price(amounts, prices, expected):
    assert cost(amounts, prices) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("amounts", "prices"),
    [
        (Amounts(), TEXT),  # nobody said how many tokens
        (Amounts(10, 1), Prices(2.0)),
        (Amounts(10, 1), Prices(output_token=2.0)),
        (Amounts(10, 1), Prices()),
        (Amounts(10, 1), Prices(request=1.0, input_token=1.0)),
        (Amounts(), Prices(second=1.0)),
        (Amounts(), Prices(character=1.0)),
        (Amounts(images=1, quality="hd", size="9x9"), Prices(images={("hd", "1x1"): 4.0})),
        (Amounts(images=1, size="auto"), Prices(pixel=1.0)),
    ],
)
def test_what_is_not_known_is_none_and_never_nothing(amounts, prices):
    assert cost(amounts, prices) is None


def test_a_long_prompt_pays_its_tier_for_all_its_tokens():
    prices = Prices(Tiers(1.0, ((100, 2.0), (1000, 4.0))), Tiers(3.0, ((100, 5.0),)))
    assert cost(Amounts(100, 10), prices) == 130.0
    assert cost(Amounts(101, 10), prices) == 252.0
    assert cost(Amounts(1001, 0), prices) == 4004.0


def test_own_prices_silence_those_that_would_not_match_them():
    assert merged(Prices(9.0), FULL) == Prices(9.0, 10.0, None, None, None, 40.0, None, None, 11.0, None, 13.0)
    assert merged(Prices(output_token=0.0), FULL) == Prices(2.0, 0.0, 1.0, 3.0, 20.0, None, 5.0, 7.0, None, 6.0, None)
    assert merged(Prices(cached_token=0.5), FULL).cached_token == 0.5
    assert merged(Prices(9.0, cached_token=0.5), FULL).cached_token == 0.5
    assert merged(Prices(9.0), None) == Prices(9.0)


COUNTS = st.integers(0, 1000)
AMOUNTS = st.builds(
    Amounts, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, batch=st.booleans()
)
RATES = st.one_of(st.none(), st.floats(0, 100), st.builds(Tiers, st.floats(0, 9), st.just(((500, 7.0),))))
PRICES = st.builds(Prices, *[RATES] * 13)


@given(AMOUNTS, PRICES)
def test_a_cost_is_never_negative_whatever_the_parts_claim(amounts, prices):
    total = cost(amounts, prices)
    assert total is None or total >= 0.0


@given(AMOUNTS, st.floats(0, 10))
def test_at_one_price_the_parts_make_the_whole(amounts, price):
    """However the tokens are split, each is counted once."""
    share = 0.5 if amounts.batch else 1.0
    one = Prices(*[price] * 11)
    assert cost(amounts, one) == pytest.approx((amounts.input + amounts.output) * price * share)


@given(AMOUNTS)
def test_a_cheaper_cache_never_makes_a_call_dearer(amounts):
    assert cost(amounts, Prices(2.0, 1.0, 0.5)) <= cost(amounts, Prices(2.0, 1.0))
