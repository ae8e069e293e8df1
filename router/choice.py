"""Which deployments could take this call now, and which of them does?

Admission first, choice second: only deployments that are usable, have room for the call and were not tried by it
are shown to the strategy.  Up to eight, all of them are looked at; above, as many as the strategy's `sample` asks
for, so that a group of 1,000 costs what a group of 10 costs (algorithms.md §2.3, §3.3).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from random import Random

from strategies import Sample, Situation, Strategy

from .account import Account
from .health import State

FULL_SCAN = 8
DRAWN = 3
DRAWS = 9
"""Draws made at most to show two of three; where nothing fits, the rest are walked from a random place."""


class Tier:
    """The deployments of one group that share an `order`; all that could take a call are shown to the strategy.

    Args:
        accounts: at least one.
    """

    __slots__ = ("accounts",)

    def __init__(self, accounts: Sequence[Account]) -> None:
        self.accounts = list(accounts)

    @property
    def order(self) -> int:
        """Theirs."""
        return self.accounts[0].deployment.order

    def candidates(self, asking: Asking) -> list[Account]:
        """The accounts that could take the call and that the strategy wants to see."""
        admits = asking.admits
        return [account for account in self.accounts if admits(account)]

    def _first(self, start: int, asking: Asking, least_weight: float = 0.0) -> list[Account]:
        """The first that fits, from a place on and around."""
        accounts = self.accounts
        for i in range(start, start + len(accounts)):
            account = accounts[i % len(accounts)]
            if account.weight >= least_weight and asking.admits(account):
                return [account]
        return []


class TierInTurn(Tier):
    """A large tier that shows the first that fits, from a place that moves on with each call."""

    __slots__ = ()

    def candidates(self, asking: Asking) -> list[Account]:
        """One, or none if nothing fits."""
        return self._first(asking.turn % len(self.accounts), asking)


class DrawnTier(Tier):
    """A large tier that shows a few, drawn by chance; where none of them fits, the first from a random place on.

    Draws follow the configured sizes; what an account may take at this moment is judged when it is drawn.

    Args:
        accounts: at least one.
        by_weight: one is drawn in proportion to `weight`; else three, in proportion to `capacity`.
    """

    __slots__ = ("_by_weight", "_urn", "_wanted")

    def __init__(self, accounts: Sequence[Account], by_weight: bool) -> None:
        super().__init__(accounts)
        weights = [account.weight for account in accounts] if by_weight else []
        self._by_weight = by_weight
        self._wanted = 1 if by_weight else DRAWN
        self._urn = Urn(self.accounts, weights if any(weights) else [account.capacity for account in accounts])

    def candidates(self, asking: Asking) -> list[Account]:
        """Those that fit of the drawn ones.  If that is less than half, it draws on for a while.

        One that is drawn twice is shown once: among three, to look for another in its place costs more than it gains.
        """
        urn, wanted, dice, admits = self._urn, self._wanted, asking.rng.random, asking.admits
        found = urn.draw(wanted, dice, admits)
        if 2 * len(found) >= wanted:
            return found
        for _ in range(DRAWS - wanted):
            found += [account for account in urn.draw(1, dice, admits) if account not in found]
            if 2 * len(found) >= wanted:
                break
        return found or self._from(int(dice() * len(self.accounts)), asking)

    def _from(self, start: int, asking: Asking) -> list[Account]:
        found = self._first(start, asking, least_weight=1e-12) if self._by_weight else []
        return found or self._first(start, asking)  # a weight of 0 is the last resort


def tier_for(accounts: Sequence[Account], sample: Sample) -> Tier:
    """The tier of these deployments, at least one, for a strategy that wants to see `sample` of them."""
    if sample is Sample.ALL or len(accounts) <= FULL_SCAN:
        return Tier(accounts)
    return TierInTurn(accounts) if sample is Sample.TURN else DrawnTier(accounts, by_weight=sample is Sample.WEIGHT)


class Urn:
    """Draws an account with a probability in proportion to its size, in two look-ups for any number of them.

    Walker's alias method: each place of the table belongs to one account up to its mark and to another beyond it.
    Of sizes 1, 1 and 4 each place holds 2: half of the first is the first's, half of the second the second's, and
    all the rest is the third's.

    Args:
        accounts: at least one.
        sizes: as many, none below 0.  Where all are 0 they are alike.
    """

    __slots__ = ("_places",)

    def __init__(self, accounts: Sequence[Account], sizes: Sequence[float]) -> None:
        beyond = list(accounts)
        each = sum(sizes) / len(sizes) or 1.0
        left = [size / each for size in sizes]
        marks = [1.0] * len(sizes)
        small = [place for place, size in enumerate(left) if size < 1.0]
        large = [place for place, size in enumerate(left) if size >= 1.0]
        while small and large:
            place, giver = small.pop(), large[-1]
            marks[place] = left[place]
            beyond[place] = accounts[giver]
            left[giver] -= 1.0 - left[place]
            if left[giver] < 1.0:
                small.append(large.pop())
        self._places = list(zip(marks, accounts, beyond, strict=True))

    def draw(self, times: int, dice: Callable[[], float], fits: Callable[[Account], bool]) -> list[Account]:
        """Those that fit of so many accounts, each drawn by one throw of the dice (0.0 to below 1.0); each once."""
        places = self._places
        size = len(places)
        drawn: list[Account] = []
        for _ in range(times):
            at = dice() * size
            place = int(at)
            mark, account, beyond = places[place]
            if at - place >= mark:
                account = beyond
            if account not in drawn and fits(account):
                drawn.append(account)
        return drawn


class Asking(Situation):
    """One question: this call, now, with these deployments left out.  A strategy sees the situation in it."""

    __slots__ = ("desperate", "eases", "free", "panic", "skip", "slot")

    def __init__(self, tokens: int, now: float, slot: int, turn: int, rng: Random, skip: Collection[str]) -> None:
        self.now = now
        self.turn = turn
        self.tokens = tokens
        self.rng = rng
        self.slot = slot
        self.skip = skip
        """The deployments that it must not use, by name: tried before, or others in the queue wait for them."""
        self.free = False
        """It needs no room and a rest after a 429 does not concern it: nothing that runs a model."""
        self.eases = True
        """A deployment in its slow start is passed over now and then, whatever the strategy."""
        self.panic = False
        """Too few are well: believe nobody's ejection."""
        self.desperate = False
        """All are disabled: ask one all the same."""

    def admits(self, account: Account) -> bool:
        """Whether an account could take the call; `account.utilisation` says what share of it would be used then."""
        now, health = self.now, account.health
        if (not health.ready or now < health.closed_until or now < account.resource.closed_until) and not self._is_open(
            account
        ):
            return False
        if self.skip and account.name in self.skip:
            return False
        if account.slot != self.slot:
            account.advance(self.slot, now)
        account.utilisation = load = account.projected(self.tokens)
        if load <= 1.0:
            return True
        account.utilisation = 1.0
        return self.free

    def _is_open(self, account: Account) -> bool:
        """Whether one that has been ill, or is, takes part in this question."""
        now, health = self.now, account.health
        if not health.usable(now, self.panic) and not self.desperate and not self._is_only_throttled(account):
            return False
        if not account.resource.usable(now, self.panic):
            return False
        return not self.eases or health.ready or not self._passes_over(account)

    def _is_only_throttled(self, account: Account) -> bool:
        return self.free and account.health.state(self.now) is State.THROTTLED

    def _passes_over(self, account: Account) -> bool:
        """Slow start: shown to a tenth of the questions at first, to all 30 s later.  A probe is always shown."""
        health = account.health
        return not health.is_probe_due(self.now) and self.rng.random() >= health.ramp(self.now)


def sample_of(strategy: Strategy) -> Sample:
    """What a strategy wants to see; everything if it does not say."""
    sample = getattr(strategy, "sample", Sample.ALL)
    return sample if isinstance(sample, Sample) else Sample.ALL
