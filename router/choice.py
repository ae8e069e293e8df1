"""Which deployments could take this call now, and which of them does?

Admission first, choice second: only deployments that are usable, have room for the call and were not tried by it
are shown to the strategy.  Up to eight, all of them are looked at; above, as many as the strategy's `sample` asks
for, so that a group of 1,000 costs what a group of 10 costs (algorithms.md §2.3, §3.3).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from random import Random

from strategies import Sample, Situation, Strategy

from .account import Account
from .health import State

_ALL, _WEIGHT, _TURN = Sample.ALL, Sample.WEIGHT, Sample.TURN  # reading a member from its enum costs as much as a draw
FULL_SCAN = 8
DRAWN = 3
DRAWS = 9
"""Draws made to find three that fit; then the rest are walked from a random place."""


class Tier:
    """The deployments of one group that share an `order`."""

    __slots__ = ("_capacity", "_weight", "accounts", "order")

    def __init__(self, order: int, accounts: Sequence[Account]) -> None:
        self.order = order
        self.accounts = list(accounts)
        # Draws follow the configured sizes; what an account may take at this moment is judged when it is drawn.
        self._capacity = Urn(self.accounts, [account.capacity for account in self.accounts])
        weights = [account.weight for account in self.accounts]
        self._weight = Urn(self.accounts, weights) if any(weights) else self._capacity

    def urn(self, sample: Sample) -> Urn:
        """Where a sampling strategy draws from."""
        return self._weight if sample is _WEIGHT else self._capacity

    def walk(self, start: int) -> Iterator[Account]:
        """All accounts, from a place on and around."""
        accounts = self.accounts
        size = len(accounts)
        for i in range(size):
            yield accounts[(start + i) % size]


class Urn:
    """Draws an account with a probability in proportion to its size, in two look-ups for any number of them.

    Walker's alias method: each place of the table belongs to one account up to its mark and to another beyond it.
    Of sizes 1, 1 and 4 each place holds 2: half of the first is the first's, half of the second the second's, and
    all the rest is the third's.

    Args:
        accounts: at least one.
        sizes: as many, none below 0.  Where all are 0 they are alike.
    """

    __slots__ = ("_beyond", "_marks", "_own", "_places")

    def __init__(self, accounts: Sequence[Account], sizes: Sequence[float]) -> None:
        self._own = accounts
        self._beyond = list(accounts)
        self._places = len(accounts)
        each = sum(sizes) / len(sizes) or 1.0
        left = [size / each for size in sizes]
        self._marks = [1.0] * len(sizes)
        small = [place for place, size in enumerate(left) if size < 1.0]
        large = [place for place, size in enumerate(left) if size >= 1.0]
        while small and large:
            place, giver = small.pop(), large[-1]
            self._marks[place] = left[place]
            self._beyond[place] = accounts[giver]
            left[giver] -= 1.0 - left[place]
            if left[giver] < 1.0:
                small.append(large.pop())

    def draw(self, dice: float) -> Account:
        """The account at `dice`, 0.0 to below 1.0."""
        at = dice * self._places
        place = int(at)
        return self._own[place] if at - place < self._marks[place] else self._beyond[place]


class Asking(Situation):
    """One question: this call, now, with these deployments left out.  A strategy sees the situation in it."""

    __slots__ = ("desperate", "eases", "free", "kept", "only", "panic", "skip", "slot")

    def __init__(
        self, tokens: int, now: float, slot: int, turn: int, rng: Random, skip: Collection[str], kept: Account | None
    ) -> None:
        self.now = now
        self.turn = turn
        self.tokens = tokens
        self.rng = rng
        self.slot = slot
        self.skip = skip
        self.kept = kept
        """A deployment that is kept for the head of the queue."""
        self.only: Collection[str] | None = None
        """The deployments that nobody before it in the queue waits for, if that is all it may use."""
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
        well = health.ready and now >= health.closed_until and now >= account.resource.closed_until
        if not well and not self._is_open(account):
            return False
        if account is self.kept or (self.skip and account.name in self.skip):
            return False
        if self.only is not None and account.name not in self.only:
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


def candidates(tier: Tier, sample: Sample, asking: Asking) -> list[Account]:
    """The accounts of a tier that could take the call and that the strategy wants to see."""
    accounts, admits = tier.accounts, asking.admits
    if len(accounts) <= FULL_SCAN or sample is _ALL:
        return [account for account in accounts if admits(account)]
    if sample is _TURN:
        return _first(tier, asking.turn % len(accounts), asking)
    found = _drawn(tier, sample, asking)
    if found:
        return found
    start = int(asking.rng.random() * len(accounts))
    if sample is _WEIGHT:
        found = _first(tier, start, asking, least_weight=1e-12)  # a weight of 0 is the last resort
    return found or _first(tier, start, asking)


def _drawn(tier: Tier, sample: Sample, asking: Asking) -> list[Account]:
    """The first that fit, of some drawn by chance: one by weight, three by capacity."""
    draw, dice, admits = tier.urn(sample).draw, asking.rng.random, asking.admits
    wanted = 1 if sample is _WEIGHT else DRAWN
    seen: list[Account] = []
    found: list[Account] = []
    for _ in range(DRAWS):
        account = draw(dice())
        if account not in seen:
            seen.append(account)
            if admits(account):
                found.append(account)
                if len(found) == wanted:
                    break
    return found


def _first(tier: Tier, start: int, asking: Asking, least_weight: float = 0.0) -> list[Account]:
    for account in tier.walk(start):
        if account.weight >= least_weight and asking.admits(account):
            return [account]
    return []


def sample_of(strategy: Strategy) -> Sample:
    """What a strategy wants to see; everything if it does not say."""
    sample = getattr(strategy, "sample", Sample.ALL)
    return sample if isinstance(sample, Sample) else Sample.ALL
