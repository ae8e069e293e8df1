"""Which deployments could take this call now, and which of them does?

Admission first, choice second: only deployments that are usable, have room for the call and were not tried by it
are shown to the strategy.  Up to eight, all of them are looked at; above, as many as the strategy's `sample` asks
for, so that a group of 1,000 costs what a group of 10 costs (algorithms.md §2.3, §3.3).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from random import Random

from strategies import Sample, Situation, Strategy

from .account import Account
from .draws import Urn, deal
from .health import State
from .window import slot_of

FULL_SCAN = 8
HANDS = 3
"""Of three deployments each, looked at to show two; where nothing fits, all are walked through from a random place."""
DRAWS = 9
"""The same to show one by its weight."""


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
        return asking.fitting(self.accounts)

    def forked(self) -> None:
        """This is a child process: what it shows need not be what its parent shows."""

    def _first(self, start: int, asking: Asking, least_weight: float = 0.0) -> list[Account]:
        """The first that fits, from a place on and around."""
        accounts = self.accounts
        for i in range(start, start + len(accounts)):
            account = accounts[i % len(accounts)]
            if account.weight >= least_weight and (found := asking.fitting((account,))):
                return found
        return []


class TierInTurn(Tier):
    """A large tier that shows the first that fits, from a place that moves on with each call."""

    __slots__ = ()

    def candidates(self, asking: Asking) -> list[Account]:
        """One, or none if nothing fits."""
        return self._first(asking.turn % len(self.accounts), asking)


class DealtTier(Tier):
    """A large tier that shows three, drawn by chance in proportion to `capacity`.

    Draws follow the configured sizes; what an account may take at this moment is judged when it is drawn.

    The hands lie in a circle and are taken in turn, each round from another place on.  Without that, every eighth call
    of some kind would meet the same eighth of the hands for ever, and none of the deployments that are in no such hand.

    Args:
        accounts: at least one.
        rng: the dice that deal the hands.
    """

    __slots__ = ("_hands", "_left")

    def __init__(self, accounts: Sequence[Account], rng: Random) -> None:
        super().__init__(accounts)
        self._hands = deal(accounts, [account.capacity for account in accounts], rng)
        self._left: Iterator[tuple[Account, ...]] = iter(())
        """Of this round."""

    def candidates(self, asking: Asking) -> list[Account]:
        """Those that fit of the next hand, or of up to three if less than two do; if none does, the first that fits."""
        hand = next(self._left, ()) or self._next_round(asking.rng)
        found, looked = asking.fitting(hand), 1
        while len(found) < 2 and looked < HANDS:
            hand = next(self._left, ()) or self._next_round(asking.rng)
            found += asking.fitting([account for account in hand if account not in found])
            looked += 1
        return found or self._first(int(asking.rng.random() * len(self.accounts)), asking)

    def _next_round(self, rng: Random) -> tuple[Account, ...]:
        start = int(rng.random() * len(self._hands))
        self._left = iter(self._hands[start:] + self._hands[:start])
        return next(self._left)

    def forked(self) -> None:
        """This is a child process: it begins a round of its own."""
        self._left = iter(())


class DrawnTier(Tier):
    """A large tier that shows one, drawn by chance in proportion to `weight`.

    Args:
        accounts: at least one.
    """

    __slots__ = ("_urn",)

    def __init__(self, accounts: Sequence[Account]) -> None:
        super().__init__(accounts)
        weights = [account.weight for account in accounts]
        self._urn = Urn(accounts, weights if any(weights) else [account.capacity for account in accounts])

    def candidates(self, asking: Asking) -> list[Account]:
        """The first of up to nine draws that fits; else the first that fits, those of weight 0 as a last resort."""
        dice = asking.rng.random
        for _ in range(DRAWS):
            if found := asking.fitting((self._urn.draw(dice),)):
                return found
        start = int(dice() * len(self.accounts))
        return self._first(start, asking, least_weight=1e-12) or self._first(start, asking)


def tier_for(accounts: Sequence[Account], sample: Sample, rng: Random) -> Tier:
    """The tier of these deployments, at least one, for a strategy that wants to see `sample` of them."""
    if sample is Sample.ALL or len(accounts) <= FULL_SCAN:
        return Tier(accounts)
    if sample is Sample.CAPACITY:
        return DealtTier(accounts, rng)
    return TierInTurn(accounts) if sample is Sample.TURN else DrawnTier(accounts)


class Asking(Situation):
    """A question: this call, now, with these deployments left out.  A strategy sees the situation in it.

    A ledger keeps one and says anew what it is `about` for each call, because to make one costs more than to fill it.

    Args:
        rng: the dice of all that it will be about.
    """

    __slots__ = ("desperate", "eases", "free", "panic", "skip", "slot")

    def __init__(self, rng: Random) -> None:
        self.rng = rng

    def about(self, tokens: int, now: float, turn: int, skip: Collection[str]) -> Asking:
        """Begin anew, and return this.

        Args:
            tokens: the estimate of the call.
            now: seconds.
            turn: how many calls the group has placed.
            skip: the deployments that it must not use, by name: tried before, or others in the queue wait for them.
        """
        self.now = now
        self.slot = slot_of(now)
        self.turn = turn
        self.tokens = tokens
        self.skip = skip
        self.free = False
        """It needs no room and a rest after a 429 does not concern it: nothing that runs a model."""
        self.eases = True
        """A deployment in its slow start is passed over now and then, whatever the strategy."""
        self.panic = False
        """Too few are well: believe nobody's ejection."""
        self.desperate = False
        """All are disabled: ask one all the same."""
        return self

    def fitting(self, accounts: Iterable[Account]) -> list[Account]:
        """Those that could take the call; `account.utilisation` says what share of it would be used then."""
        now, slot, tokens, skip = self.now, self.slot, self.tokens, self.skip
        found: list[Account] = []
        for account in accounts:
            health = account.health
            is_ill = not health.ready or now < health.closed_until or now < account.resource.closed_until
            if is_ill and not self._is_open(account):
                continue
            if skip and account.name in skip:
                continue
            if account.slot != slot:
                account.advance(slot, now)
            load = account.projected(tokens)
            if load > 1.0:
                if not self.free:
                    continue
                load = 1.0
            account.utilisation = load
            found.append(account)
        return found

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
