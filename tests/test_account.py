"""What does one deployment's account hold, when has it room, and what does it learn from replies?"""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.account import DEFAULT_CAPACITY, NO_ROOM, Account
from router.charge import ChargePolicy
from router.configured import Deployment, HealthPolicy, RequestWindow
from router.effective import CUT_SHARE
from router.health import Resource
from router.values import Call, Lease, RateLimits
from router.window import slot_of

NOW = 1000.0


class Story:
    """One account and its clock."""

    def __init__(self, charge: ChargePolicy = ChargePolicy.AUTO, **options: Any) -> None:
        self.account = Account(Deployment("east", "g", "m", **options), HealthPolicy(), Resource(), charge)
        self.now = NOW

    def load(self, tokens: int) -> float:
        self.account.advance(slot_of(self.now), self.now)
        return self.account.projected(tokens)

    def take(self, tokens: int) -> Lease:
        """Reserve, as the ledger does."""
        load = self.load(tokens)
        call = Call("chat.completions", "g", {}, tokens)
        return self.account.reserve(call, slot_of(self.now), self.now, load, others=0)

    def reply(self, tokens: int, **limits: int) -> bool:
        """A whole call whose reply says this in its headers."""
        return self.account.learn(RateLimits(**limits), self.take(tokens), self.now)

    def refuse(self, tokens: int, **limits: int) -> None:
        """A whole call that ends in a 429."""
        self.account.contradicted(RateLimits(**limits), self.take(tokens), self.now)


# ---- room ------------------------------------------------------------------------------------------------------


def test_utilisation_is_that_of_the_tightest_window_with_this_call_added() -> None:
    story = Story(tpm=1000, rpm=4, windows=(RequestWindow(2, 10.0),))
    assert story.load(100) == 0.5  # one of two requests in 10 s
    assert story.load(600) == 0.6  # 600 of 1,000 tokens
    for _ in range(3):
        story.take(10)
        story.now += 12.0
    assert story.load(10) == 1.0  # the fourth request of four in a minute
    story.now += 60.0
    assert story.load(10) == 0.5


def test_a_deployment_without_limits_is_always_empty() -> None:
    story = Story()
    for _ in range(1000):
        story.take(100_000)
    assert story.load(10**9) == 0.0


def test_exactly_full_still_fits_and_one_token_more_does_not() -> None:
    story = Story(tpm=1000)
    story.take(400)
    assert story.load(600) == 1.0
    assert story.load(601) > 1.0


def test_one_request_per_minute_lets_the_first_call_through_and_not_the_second() -> None:
    story = Story(rpm=1)
    assert story.load(1) == 1.0
    story.take(1)
    assert story.load(1) == 2.0
    story.now += 60.75
    assert story.load(1) == 1.0


def test_open_calls_are_limited_where_max_parallel_requests_says_so() -> None:
    story = Story(max_parallel_requests=2)
    story.take(1)
    assert story.load(1) == 0.0
    story.take(1)
    assert story.load(1) == NO_ROOM
    assert story.account.opening(1, story.now) > story.now
    story.account.in_flight -= 1
    assert story.load(1) == 0.0


def test_a_lone_call_above_a_learned_cap_fits_as_long_as_the_known_limit_allows_it() -> None:
    """Else a cap that was learned from small calls would lock a large one out for minutes."""
    story = Story(tpm=10_000)
    story.account.limit.cut(1000, NOW)
    story.account.tokens.limit = story.account.limit.value
    assert story.load(5000) == 1.0
    assert story.account.opening(5000, NOW) == NOW
    assert story.load(10_001) > 1.0
    assert story.account.opening(10_001, NOW) is None
    story.take(10)
    assert story.load(5000) > 1.0
    opening = story.account.opening(5000, NOW)
    assert opening == pytest.approx(NOW + 60.75, abs=0.3)
    story.now = opening
    assert story.load(5000) == 1.0


@given(
    st.lists(st.tuples(st.floats(0.0, 20.0), st.integers(1, 1500)), max_size=30),
    st.integers(1, 1000),
    st.none() | st.integers(1, 20),
    st.none() | st.integers(100, 900),
)
def test_a_call_fits_at_its_opening_and_not_before(
    past: list[tuple[float, int]], tokens: int, rpm: int | None, cap: int | None
) -> None:
    story = Story(tpm=1000, rpm=rpm)
    for pause, charge in past:
        story.now += pause
        if story.load(charge) <= 1.0:
            story.take(charge)
    if cap is not None:
        story.account.limit.cut(cap, story.now - 85.0)  # a cap that hardly moves while we look
        story.account.tokens.limit = story.account.limit.value
    fits = story.load(tokens) <= 1.0
    opening = story.account.opening(tokens, story.now)
    assert opening is not None
    assert fits == (opening <= story.now)
    story.now = opening
    assert story.load(tokens) <= 1.0


def test_a_throttled_account_opens_when_its_rest_is_over() -> None:
    story = Story(tpm=1000)
    story.account.health.throttled(NOW, 7.0)
    assert story.account.opening(100, NOW) == NOW + 7.0


# ---- charges ---------------------------------------------------------------------------------------------------


def test_a_refund_gives_back_tokens_and_every_request_window() -> None:
    story = Story(tpm=1000, rpm=10, windows=(RequestWindow(2, 10.0),))
    lease = story.take(300)
    story.now += 5.0
    story.load(0)
    story.account.refund(lease)
    assert story.account.tokens.used == 0
    assert [window.used for window in story.account.requests] == [0, 0]
    assert lease.tokens_settled == 0


def test_a_refund_after_the_charge_has_aged_out_takes_from_nobody_else() -> None:
    story = Story(tpm=1000, rpm=10)
    lease = story.take(300)
    story.now += 100.0
    story.take(50)
    story.account.refund(lease)
    assert story.account.tokens.used == 50
    assert story.account.requests[0].used == 1


@pytest.mark.parametrize(
    ("policy", "billed", "stands", "gave_back"),
    [
        (ChargePolicy.ESTIMATE, 40, 100, False),
        (ChargePolicy.ACTUAL, 40, 40, True),
        (ChargePolicy.ACTUAL, 400, 400, False),
        (ChargePolicy.MAX, 40, 100, False),
        (ChargePolicy.ACTUAL, None, 100, False),
    ],
)
def test_settling_charges_by_the_policy_and_says_whether_tokens_came_back(
    policy: ChargePolicy, billed: int | None, stands: int, gave_back: bool
) -> None:
    story = Story(charge=policy, tpm=1000)
    lease = story.take(100)
    assert story.account.settle(lease, billed, story.now) is gave_back
    assert (story.account.tokens.used, lease.tokens_settled) == (stands, stands)


# ---- learning --------------------------------------------------------------------------------------------------


def test_a_stated_limit_moves_room_and_capacity_at_once() -> None:
    story = Story(tpm=100_000)
    assert story.account.capacity == 100_000
    assert story.reply(100, limit_tokens=40_000) is False
    assert story.account.capacity == story.account.tokens.limit == 40_000
    assert story.load(39_900) == 1.0
    assert story.reply(100, limit_tokens=80_000) is True
    assert story.account.capacity == 80_000


@pytest.mark.parametrize(
    ("options", "capacity"),
    [({"tpm": 5000, "rpm": 7}, 5000), ({"rpm": 7}, 7000), ({}, DEFAULT_CAPACITY)],
)
def test_capacity_is_tokens_else_requests_times_a_thousand_else_a_common_guess(
    options: dict[str, int], capacity: float
) -> None:
    assert Story(**options).account.capacity == capacity


def test_remaining_tokens_lower_our_headroom_and_never_raise_it() -> None:
    story = Story(tpm=1000)
    story.reply(100, remaining_tokens=950)
    assert story.account.tokens.used == 100
    story.reply(100, remaining_tokens=300)
    assert story.account.tokens.used == 700


def test_what_others_used_ages_out_a_minute_after_it_was_seen() -> None:
    story = Story(tpm=1000)
    story.reply(1, remaining_tokens=0)
    story.now += 60.0
    assert story.load(100) > 1.0
    story.now += 0.75
    assert story.load(100) <= 1.0


def test_what_others_used_counts_from_the_reply_and_not_from_the_last_reservation() -> None:
    """A reply that took 50 s says what stands in the service's window now."""
    story = Story(tpm=1000)
    lease = story.take(1)
    story.now += 50.0
    story.account.learn(RateLimits(remaining_tokens=0), lease, story.now)
    story.now += 40.0
    assert story.load(100) > 1.0
    story.now += 20.75
    assert story.load(100) <= 1.0


def test_remaining_tokens_mean_nothing_where_no_limit_is_known() -> None:
    story = Story()
    story.reply(100, remaining_tokens=0)
    assert story.load(10**6) == 0.0


def test_remaining_requests_lower_the_window_whose_limit_the_header_states() -> None:
    story = Story(rpm=60, windows=(RequestWindow(10, 10.0),))
    story.reply(1, limit_requests=10, remaining_requests=2)
    assert [window.used for window in story.account.requests] == [1, 8]
    story.reply(1, limit_requests=77, remaining_requests=0)
    assert [window.used for window in story.account.requests] == [2, 9]


def test_when_each_reply_shows_half_as_much_again_as_our_estimate_the_next_is_corrected() -> None:
    story = Story(tpm=1_000_000)
    left = 1_000_000
    for _ in range(60):
        left -= 150
        story.reply(100, remaining_tokens=left)
    assert story.account.factor == pytest.approx(1.5, abs=0.01)
    assert story.account.need(1000) == pytest.approx(1500, abs=15)


def test_the_correction_is_never_below_one() -> None:
    """A token bucket refills between two readings, which hides part of each charge."""
    story = Story(tpm=1_000_000)
    left = 900_000
    for _ in range(60):
        left -= 20
        story.reply(100, remaining_tokens=left)
    assert story.account.factor == 1.0
    assert story.account.need(1000) == 1000


def test_readings_with_other_calls_between_them_correct_nothing() -> None:
    story = Story(tpm=1_000_000)
    left = 1_000_000
    for _ in range(60):
        left -= 900
        first = story.take(100)
        story.take(100)
        story.account.learn(RateLimits(remaining_tokens=left), first, story.now)
    assert story.account.factor == 1.0


# ---- 429 -------------------------------------------------------------------------------------------------------


def busy_story(**options: Any) -> Story:
    """60 calls of 1,000 tokens stand in the window of a deployment that should take 100."""
    story = Story(**{"tpm": 100_000, **options})
    for _ in range(60):
        story.take(1000)
    return story


def test_a_429_where_we_believed_in_room_teaches_what_was_admitted() -> None:
    story = busy_story()
    story.refuse(1000)
    assert story.account.tokens.limit == pytest.approx(CUT_SHARE * 60_000)
    assert story.account.charge.mode is ChargePolicy.MAX
    story.now += 400.0
    assert story.load(1000) <= 1.0
    assert story.account.tokens.limit == 100_000


def test_a_429_of_a_deployment_that_we_knew_to_be_full_teaches_nothing() -> None:
    story = busy_story()
    for _ in range(39):
        story.take(1000)
    story.refuse(1000)
    assert story.account.tokens.limit == 100_000
    assert story.account.charge.mode is ChargePolicy.ESTIMATE


def test_a_429_with_hardly_anything_admitted_teaches_no_cap() -> None:
    """Somebody else fills the deployment: a cap at the little that we sent would starve us."""
    story = Story(tpm=100_000)
    for _ in range(10):
        story.take(1000)
    story.refuse(1000)
    assert story.account.tokens.limit == 100_000


def test_where_no_limit_is_known_a_handful_of_requests_is_evidence_enough() -> None:
    story = Story()
    for _ in range(4):
        story.take(1000)
    story.refuse(1000)
    assert story.account.tokens.limit == inf
    story.take(1000)
    story.refuse(1000)
    assert story.account.tokens.limit == pytest.approx(CUT_SHARE * 6000)


def test_a_429_with_tokens_and_requests_left_teaches_the_second_and_not_a_cap() -> None:
    story = busy_story(rpm=600)
    story.refuse(1000, remaining_tokens=40_000, remaining_requests=500)
    assert story.account.tokens.limit == 100_000
    assert [(window.seconds, window.limit) for window in story.account.requests] == [(60.0, 600), (1.0, 10)]
    story.refuse(1000, remaining_tokens=40_000, remaining_requests=500)
    assert len(story.account.requests) == 2


def test_without_a_known_rpm_no_second_is_learned() -> None:
    story = busy_story()
    story.refuse(1000, remaining_tokens=40_000, remaining_requests=500)
    assert len(story.account.requests) == 1


def test_a_lease_from_before_the_second_was_learned_still_gives_all_back() -> None:
    story = busy_story(rpm=600)
    lease = story.take(1000)
    story.refuse(1000, remaining_tokens=40_000, remaining_requests=500)
    before = story.account.requests[0].used
    story.account.refund(lease)
    assert story.account.requests[0].used == before - 1
    assert story.account.requests[1].used == 0


def test_a_repr_shows_numbers_and_no_secrets() -> None:
    story = Story(defaults={"api_key": "canary"}, endpoint="canary")
    story.take(7)
    assert repr(story.account) == "<Account east: 7 tokens, 1 in flight>"
