"""Which deployments are looked at for a call, how many, and which are left out?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from random import Random
from typing import Any

import pytest

from router.account import Account
from router.charge import ChargePolicy
from router.choice import FULL_SCAN, HANDS, Asking, Tier, sample_of, tier_for
from router.configured import Deployment, HealthPolicy
from router.draws import HAND
from router.group import Group
from router.health import Resource
from router.values import Kind
from router.window import slot_of
from strategies import Candidate, Sample
from strategies.least_loaded import LeastLoaded

NOW = 1000.0


def account(name: str, **options: Any) -> Account:
    return Account(Deployment(name, "g", name, **options), HealthPolicy(), Resource(), ChargePolicy.AUTO)


def tier(size: int, sample: Sample = Sample.ALL, **options: Any) -> Tier:
    return tier_for([account(f"d{i}", **options) for i in range(size)], sample, Random(5))


def seen_by(sample: Sample, tier: Tier) -> Tier:
    """The same deployments, as a strategy is shown them that wants this sample."""
    return tier_for(tier.accounts, sample, Random(5))


def asking(tokens: int = 10, seed: int = 1, skip: Collection[str] = (), turn: int = 0) -> Asking:
    return Asking(Random(seed)).about(tokens, NOW, turn, skip)


def names(found: list[Account]) -> list[str]:
    return [account.deployment.id for account in found]


def fill(account: Account, tokens: int) -> None:
    account.advance(slot_of(NOW), NOW)
    account.tokens.add(slot_of(NOW), tokens)


def eject(account: Account, now: float = NOW) -> None:
    for _ in range(5):
        account.health.failed(now, Kind.SERVER_ERROR, 1.0, True, Random(1))


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often each account was asked for its utilisation."""
    counted: Counter[str] = Counter()
    honest = Account.projected

    def counting(self: Account, tokens: int) -> float:
        counted[self.deployment.id] += 1
        return honest(self, tokens)

    monkeypatch.setattr(Account, "projected", counting)
    return counted


# ---- how many ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", list(Sample))
@pytest.mark.parametrize("size", [1, 2, FULL_SCAN])
def test_up_to_eight_all_are_shown_in_the_order_of_the_configuration(size: int, sample: Sample) -> None:
    assert names(tier(size, sample, tpm=1000).candidates(asking())) == [f"d{i}" for i in range(size)]


@pytest.mark.parametrize("size", [10, 100, 1000, 10_000])
@pytest.mark.parametrize(("sample", "most"), [(Sample.CAPACITY, HAND), (Sample.WEIGHT, 1), (Sample.TURN, 1)], ids=str)
def test_above_eight_a_choice_among_ten_thousand_looks_at_as_few_as_one_among_ten(
    size: int, sample: Sample, most: int, looks: Counter[str]
) -> None:
    group = tier(size, sample, tpm=1000)
    for turn in range(50):
        looks.clear()
        assert 1 <= len(group.candidates(asking(seed=turn, turn=turn))) <= most
        assert sum(looks.values()) <= most


def test_with_half_of_a_thousand_full_a_choice_still_looks_at_no_more_than_three_hands(looks: Counter[str]) -> None:
    group = tier(1000, Sample.CAPACITY, tpm=1000)
    for full in group.accounts[::2]:
        fill(full, 1000)
    for seed in range(200):
        looks.clear()
        found = group.candidates(asking(seed=seed))
        assert found
        assert sum(looks.values()) <= HANDS * HAND + 10  # with nine misses in a row, one time in 500, it walks


def test_the_last_one_with_room_is_found_however_large_the_group() -> None:
    group = tier(1000, tpm=1000)
    for full in group.accounts:
        if full.deployment.id != "d777":
            fill(full, 1000)
    for sample in Sample:
        assert names(seen_by(sample, group).candidates(asking())) == ["d777"]


def test_nothing_is_found_where_nothing_fits() -> None:
    for sample in Sample:
        assert tier(20, sample, tpm=1000).candidates(asking(tokens=1001)) == []


def test_a_strategy_that_wants_all_sees_all() -> None:
    assert len(tier(50, tpm=1000).candidates(asking())) == 50


# ---- by which shares ---------------------------------------------------------------------------------------------


def one_of_ten_is_big() -> Tier:
    """It has 91 % of the capacity."""
    fleet = [account("big", tpm=91_000), *(account(f"s{i}", tpm=1000) for i in range(9))]
    return tier_for(fleet, Sample.CAPACITY, Random(5))


def test_one_that_is_larger_than_all_others_together_is_mostly_shown_and_hardly_ever_alone() -> None:
    group = one_of_ten_is_big()
    shown = [names(group.candidates(asking(seed=seed))) for seed in range(1000)]
    others = Counter(name for found in shown for name in found)
    assert others.pop("big") >= 0.85 * len(shown)
    assert sum(2 <= len(found) <= HAND for found in shown) >= 0.99 * len(shown)
    assert len(others) == 9


def test_what_is_shown_follows_the_capacity() -> None:
    group = [account(f"d{i}", tpm=1000 * (1 + i % 3)) for i in range(12)]
    tier = tier_for(group, Sample.CAPACITY, Random(5))
    rng = Random(7)
    shown = Counter(n for _ in range(12_000) for n in names(tier.candidates(asking(seed=rng.getrandbits(30)))))
    for i in range(12):
        assert shown[f"d{i}"] / shown.total() == pytest.approx((1 + i % 3) / 24, abs=0.01)


def test_draws_follow_the_weight_where_the_strategy_asks_for_it() -> None:
    group = [account(f"d{i}", tpm=1000) for i in range(10)]
    for i, member in enumerate(group):
        member.weight = float(i)
    weighted = tier_for(group, Sample.WEIGHT, Random(5))
    rng = Random(7)
    drawn = Counter(names(weighted.candidates(asking(seed=rng.getrandbits(30))))[0] for _ in range(9000))
    assert drawn["d0"] == 0
    for i in range(1, 10):
        assert drawn[f"d{i}"] / 9000 == pytest.approx(i / 45, abs=0.02)


def test_draws_are_distinct() -> None:
    group = tier(9, Sample.CAPACITY, tpm=1000)
    for seed in range(100):
        drawn = names(group.candidates(asking(seed=seed)))
        assert len(set(drawn)) == len(drawn) == HAND


def test_a_weight_of_zero_takes_calls_only_when_no_other_can() -> None:
    group = tier(20, tpm=1000)
    for member in group.accounts[1:]:
        member.weight = 0.0
    weighted = tier_for(group.accounts, Sample.WEIGHT, Random(5))
    assert {n for s in range(50) for n in names(weighted.candidates(asking(seed=s)))} == {"d0"}
    fill(group.accounts[0], 1000)
    spilled = {n for s in range(50) for n in names(weighted.candidates(asking(seed=s)))}
    assert len(spilled) > 5
    assert "d0" not in spilled


def test_turns_walk_through_all_in_order_and_pass_over_the_full() -> None:
    group = tier(12, Sample.TURN, tpm=1000)
    fill(group.accounts[3], 1000)
    turns = [names(group.candidates(asking(turn=turn)))[0] for turn in range(12)]
    assert turns == ["d0", "d1", "d2", "d4", *(f"d{i}" for i in range(4, 12))]


# ---- who is left out ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [4, 40])
@pytest.mark.parametrize("sample", list(Sample), ids=str)
def test_what_the_call_must_leave_alone_is_left_out(size: int, sample: Sample) -> None:
    group = tier(size, sample, tpm=1000)
    left = {f"d{i}" for i in range(size)} - {"d0", "d1"}
    seen: set[str] = set()
    for seed in range(20 * size):
        question = asking(seed=seed, turn=seed, skip={"d0", "d1"})
        seen |= set(names(group.candidates(question)))
    assert seen == left


def test_an_ejected_a_throttled_and_an_unreachable_one_are_left_out() -> None:
    group = tier(5, tpm=1000)
    eject(group.accounts[0])
    group.accounts[1].health.throttled(NOW, 5.0)
    for _ in range(3):
        group.accounts[2].resource.failed(NOW, "d2", Random(1))
    group.accounts[3].health.disabled(NOW, Kind.AUTHENTICATION)
    assert names(group.candidates(asking())) == ["d4"]


def test_in_a_panic_ejections_are_not_believed_but_throttles_and_refused_keys_are() -> None:
    group = tier(4, tpm=1000)
    eject(group.accounts[0])
    group.accounts[1].health.throttled(NOW, 5.0)
    for _ in range(3):
        group.accounts[2].resource.failed(NOW, "d2", Random(1))
    group.accounts[3].health.disabled(NOW, Kind.AUTHENTICATION)
    question = asking()
    question.panic, question.eases = True, False
    assert names(group.candidates(question)) == ["d0", "d2"]
    question.desperate = True
    assert names(group.candidates(question)) == ["d0", "d1", "d2", "d3"]


@pytest.mark.parametrize(("after", "share"), [(0.0, 0.1), (15.0, 0.5), (31.0, 1.0)])
@pytest.mark.parametrize("size", [2, 20])
def test_one_that_came_back_is_shown_to_a_tenth_at_first_and_to_all_half_a_minute_later(
    size: int, after: float, share: float
) -> None:
    group = tier(size, tpm=1000)
    back = group.accounts[0]
    eject(back, NOW - 100.0)
    back.health.begin_probe(NOW - after)
    assert back.health.succeeded(NOW - after)
    rng = Random(3)
    asked = [asking(seed=rng.getrandbits(30)) for _ in range(2000)]
    times = sum("d0" in names(group.candidates(question)) for question in asked)
    assert times / 2000 == pytest.approx(share, abs=0.04)


def test_a_probe_that_is_due_is_always_shown() -> None:
    group = tier(2, tpm=1000)
    eject(group.accounts[0], NOW - 100.0)
    assert all("d0" in names(group.candidates(asking(seed=s))) for s in range(100))


# ---- what a strategy is told -------------------------------------------------------------------------------------


def test_a_candidate_says_what_the_account_is() -> None:
    east = account("east", tpm=60_000)
    east.seconds, east.in_flight, east.weight = 3.0, 2, 0.5
    assert asking(tokens=15_000).fitting([east]) == [east]
    assert isinstance(east, Candidate)
    assert (east.name, east.utilisation, east.in_flight) == ("east", 0.25, 2)
    assert (east.capacity, east.weight) == (60_000, 0.5)


def test_slowness_is_against_the_group_when_the_deployment_last_answered() -> None:
    east, west = fleet = [account("east"), account("west")]
    group = Group("g", fleet, LeastLoaded(), [], Random(5))
    assert east.slowness == west.slowness == 1.0  # before the first replies
    group.timed(east, 1.0)
    assert (east.slowness, west.slowness) == (1.0, 1.0)
    group.timed(west, 3.0)
    assert group.seconds == pytest.approx(1.1)
    assert east.slowness == 1.0
    assert west.slowness == pytest.approx(3.0 / 1.1)


def test_a_deployment_asked_for_by_its_id_is_not_compared_with_itself() -> None:
    east, west = fleet = [account("east"), account("west")]
    group, alone = Group("g", fleet, LeastLoaded(), [], Random(5)), Group("east", [east], LeastLoaded(), [], Random(5))
    group.timed(west, 1.0)
    group.timed(east, 3.0)
    slowness = east.slowness
    assert slowness > 2.0
    alone.timed(east, 3.0)
    assert east.slowness == slowness


def test_a_strategy_that_does_not_say_what_it_wants_to_see_sees_everything() -> None:
    class Silent:
        sample = "three, please"

    assert sample_of(Silent()) is Sample.ALL  # type: ignore[arg-type]
    assert sample_of(object()) is Sample.ALL  # type: ignore[arg-type]
    assert sample_of(LeastLoaded()) is Sample.CAPACITY


@pytest.mark.parametrize("every", [2, 4, 8])
def test_calls_of_one_kind_meet_everybody_although_others_always_come_between(every: int) -> None:
    """Every eighth hand of a circle that is always taken from the same place on would leave a fifth of them out."""
    group, question = tier(200, Sample.CAPACITY, tpm=1000), asking()
    met = set[str]()
    for turn in range(6000):
        found = names(group.candidates(question))
        if turn % every == 0:
            met.update(found)
    assert len(met) == 200
