"""Which of a group's deployments takes the call, and if none does, when and why not?

A group is the deployments that callers know by one name, with the line of calls that wait for one of them.  It
chooses; `ledger.py` charges.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from random import Random

from strategies import Strategy
from strategies.least_loaded import LeastLoaded
from strategies.simple_shuffle import effective_weights

from .account import Account
from .budget import RetryBudget
from .choice import Asking, Tier, sample_of, tier_for
from .events import Event, StrategyFailed
from .health import State
from .queue import Queue
from .steps import Reserve, Ticket
from .values import Call

FALLBACK_STRATEGY = LeastLoaded()
PANIC_SHARE = 0.5
OUT = (State.EJECTED, State.PROBING, State.DISABLED)
SMOOTHING = 0.05
SHOWN = 20
"""Deployments that a refusal explains, at most."""


class Group:
    """The deployments that callers know by one name.

    Args:
        name: what callers ask for.
        accounts: its deployments, in the order of the configuration.
        strategy: how to choose among them.
        events: where a strategy's failure is noted.
        rng: the dice that say which of many are shown together.
    """

    __slots__ = ("_events", "accounts", "budget", "name", "queue", "seconds", "strategy", "tiers", "turn")

    def __init__(
        self, name: str, accounts: Iterable[Account], strategy: Strategy, events: list[Event], rng: Random
    ) -> None:
        self._events = events
        self.name = name
        self.accounts = list(accounts)
        self.strategy = strategy
        sizes = [(a.deployment.weight, a.deployment.rpm, a.deployment.tpm) for a in self.accounts]
        for account, weight in zip(self.accounts, effective_weights(sizes), strict=True):
            account.weight = weight
        sample = sample_of(strategy)
        orders = sorted({account.deployment.order for account in self.accounts})
        self.tiers = [tier_for([a for a in self.accounts if a.deployment.order == o], sample, rng) for o in orders]
        self.budget = RetryBudget()
        self.queue = Queue()
        self.turn = 0
        self.seconds = 0.0
        """Smoothed seconds per call over the whole group."""

    def forked(self) -> None:
        """This is a child process: the parent's waiters are not ours, nor are its draws."""
        self.queue = Queue()
        for tier in self.tiers:
            tier.forked()

    def tier_of(self, account: Account) -> Tier:
        """The tier that holds an account."""
        return next(t for t in self.tiers if t.order == account.deployment.order)

    def in_the_way(self, step: Reserve, now: float) -> tuple[Ticket | None, Collection[str]]:
        """The first ticket that this call must not overtake; it is rung, since room may be there for it.

        If there is none: the ids of the deployments that the call must leave alone, because it has tried them, because
        one is kept for the head of the line, or because all that stand before it are retries that wait for them.
        """
        ticket = step.ticket
        kept = self.queue.kept_from(step.call, ticket, now)
        only: frozenset[str] | None = None
        deadline = ticket.deadline if ticket is not None else min(now + step.patience, step.deadline)
        for other in self.queue.ahead_of(step.call, step.call.tokens, deadline, ticket):
            if self.queue.is_stuck(other, now):
                continue
            free = other.avoids.difference(step.tried)
            if free:  # not rung from here: it passes its rings on to us, and two would wake each other for ever
                only = free if only is None else only & free
                if only:
                    continue
            elif not other.rung:
                other.ring()
                other.rung_at = now
            return other, step.tried
        return None, self._left_alone(step, kept, only)

    def _left_alone(self, step: Reserve, kept: Account | None, only: frozenset[str] | None) -> Collection[str]:
        skip = set(step.tried)
        if kept is not None:
            skip.add(kept.name)
        if only is not None:
            skip.update(account.name for account in self.accounts if account.name not in only)
        return skip

    def choose(self, asking: Asking) -> Account | None:
        """The deployment that takes the call, with its projected `utilisation`; None if nothing can now.

        It is the strategy's choice in the lowest tier that has any candidate.
        """
        for tier in self.tiers:
            found = tier.candidates(asking)
            if found:
                return self._ask_strategy(found, asking)
        return self.choose(asking) if self._relaxes(asking) else None

    def _relaxes(self, asking: Asking) -> bool:
        """Nothing fits: be content with less, first with a slow start, then with an ejection.  False: that is all."""
        if asking.eases:
            asking.eases = False
            return True
        if asking.panic or not any(self._panics(tier, asking.now) for tier in self.tiers):
            return False
        asking.panic = True
        # A refused key tells its caller more than "nothing is left" does, so if all are disabled, one is asked.
        asking.desperate = all(a.health.state(asking.now) is State.DISABLED for a in self.accounts)
        return True

    @staticmethod
    def _panics(tier: Tier, now: float) -> bool:
        """Is less than half of the tier's capacity well?  Then believe nobody's ejection (Envoy's panic threshold)."""
        whole = well = 0.0
        for account in tier.accounts:
            whole += account.capacity
            if account.health.state(now) not in OUT and account.resource.usable(now):
                well += account.capacity
        return well < PANIC_SHARE * whole

    def _ask_strategy(self, found: list[Account], asking: Asking) -> Account:
        if len(found) == 1:
            return found[0]
        try:
            chosen = self.strategy.choose(found.copy(), asking)
        except Exception as error:  # a strategy is the user's code; the call must go on without it
            problem = f"it raised {type(error).__name__}"
        else:
            for account in found:
                if account is chosen:
                    return account
            problem = "it returned something that was not among the candidates"
        self._events.append(StrategyFailed(self.name, type(self.strategy).__name__, problem))
        chosen = FALLBACK_STRATEGY.choose(found, asking)
        return next(account for account in found if account is chosen)

    def timed(self, account: Account, seconds: float) -> None:
        """Take the duration of a success into the smoothed ones: its deployment's, and the group's."""
        account.timed(seconds)
        self.seconds += SMOOTHING * (seconds - self.seconds) if self.seconds else seconds
        if self.seconds and len(self.accounts) > 1:  # one that is asked for by its id is compared with its group only
            account.slowness = account.seconds / self.seconds

    def opening(self, step: Reserve, now: float, *, skip_tried: bool) -> tuple[float | None, Account | None]:
        """When a deployment could first take the call, in seconds on the clock, and which; None if none ever."""
        best: float | None = None
        where: Account | None = None
        for account in self.accounts:
            if skip_tried and account.deployment.id in step.tried:
                continue
            opening = account.opening(step.call.tokens, now)
            if opening is not None and (best is None or opening < best):
                best, where = opening, account
        return best, where

    def seconds_ahead(self, step: Reserve, until: float) -> float:
        """How long the line before a call needs at the group's full rate."""
        ahead = sum(t.tokens for t in self.queue.ahead_of(step.call, step.call.tokens, until, step.ticket))
        return 60.0 * ahead / max(1.0, sum(account.capacity for account in self.accounts))

    def why_not(self, call: Call, now: float) -> Iterable[str]:
        """One line for each deployment, the first 20: why it cannot take the call now."""
        for account in self.accounts[:SHOWN]:
            state = account.health.state(now)
            name = account.deployment.id
            if name in call.unfit:
                yield f"{name}: its model cannot serve this call"
            elif state in (State.THROTTLED, State.EJECTED, State.DISABLED, State.PROBING):
                left = max(0.0, account.health.opening(now) - now)
                reason = f" ({account.health.reason})" if account.health.reason else ""
                yield f"{name}: {state}{reason}, rests {left:.1f} s more"
            elif not account.resource.usable(now):
                yield f"{name}: its host cannot be reached, next try in {account.resource.opening(now) - now:.1f} s"
            else:
                yield f"{name}: no room: {account.full(call.tokens)}"
        if len(self.accounts) > SHOWN:
            yield f"and {len(self.accounts) - SHOWN} more"
