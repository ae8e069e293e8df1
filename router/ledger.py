"""The memory of the fleet: who may take a call, who took it, and how it went.

A ledger knows four deeds (reserve, begin, settle, leave), each a plain function of its state, the step and the
moment `now`.  It does no I/O and reads no clock; whoever owns it (`stores/`) brings the time, keeps it from being
entered by two threads at once, and passes on the `events` that a deed left behind.

Theory of operation.  Azure refuses a call by its *estimate* of tokens, taken on arrival, not by what the answer
later costs.  So every attempt is charged before it is sent and settled when its reply is known; failures keep their
charge, because a deployment that fails fast would otherwise look empty and attract everything (algorithms.md §2.8).
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from strategies import Situation, Strategy
from strategies.least_loaded import LeastLoaded
from strategies.simple_shuffle import effective_weights

from .account import Account, Charged
from .budget import RetryBudget
from .charge import ChargePolicy
from .choice import Asking, Tier, as_candidate, candidates, sample_of
from .events import Disabled, Ejected, Event, Recovered, Settled, StrategyFailed, Throttled
from .health import Resource, State, ejection_allowed, throttle_seconds
from .queue import STALE_S, Queue
from .steps import Begin, Leave, Refusal, Reserve, Settle, Ticket
from .values import Call, Deployment, Failure, HealthPolicy, Kind, Lease, Reply
from .verdict import judge
from .window import SLOT_S, slot_of

FALLBACK_STRATEGY = LeastLoaded()
PANIC_SHARE = 0.5
OUT = (State.EJECTED, State.PROBING, State.DISABLED)


class Group:
    """The deployments that callers know by one name.

    Args:
        name: what callers ask for.
        accounts: its deployments, in the order of the configuration.
        strategy: how to choose among them.
    """

    __slots__ = ("accounts", "budget", "name", "queue", "sample", "seconds", "strategy", "tiers", "turn")

    def __init__(self, name: str, accounts: Iterable[Account], strategy: Strategy) -> None:
        self.name = name
        self.accounts = list(accounts)
        self.strategy = strategy
        self.sample = sample_of(strategy)
        sizes = [(a.deployment.weight, a.deployment.rpm, a.deployment.tpm) for a in self.accounts]
        for account, weight in zip(self.accounts, effective_weights(sizes), strict=True):
            account.weight = weight
        orders = sorted({account.deployment.order for account in self.accounts})
        self.tiers = [Tier(o, [a for a in self.accounts if a.deployment.order == o]) for o in orders]
        self.budget = RetryBudget()
        self.queue = Queue()
        self.turn = 0
        self.seconds = 0.0
        """Smoothed seconds per call over the whole group."""

    def tier_of(self, account: Account) -> Tier:
        """The tier that holds an account."""
        return next(t for t in self.tiers if t.order == account.deployment.order)


class Ledger:
    """All groups and accounts of one router.

    Args:
        deployments: as configured.
        strategy: for every group.
        health: the router's health settings.
        charge: how attempts are charged after their reply.
        rng: the only dice.
    """

    def __init__(
        self,
        deployments: Iterable[Deployment],
        strategy: Strategy,
        rng: Random,
        health: HealthPolicy | None = None,
        charge: ChargePolicy = ChargePolicy.AUTO,
    ) -> None:
        self.rng = rng
        self.strategy = strategy
        self.health = health or HealthPolicy()
        self.charge = charge
        self.accounts: dict[str, Account] = {}
        self.groups: dict[str, Group] = {}
        self.resources: dict[str, Resource] = {}
        self.events: list[Event] = []
        self._serial = 0
        by_group: dict[str, list[Account]] = {}
        for deployment in deployments:
            by_group.setdefault(deployment.group, []).append(self._open(deployment))
        for name, accounts in by_group.items():
            self.groups[name] = Group(name, accounts, strategy)

    def _open(self, deployment: Deployment) -> Account:
        resource = self.resources.get(deployment.resource)
        if resource is None:
            resource = self.resources[deployment.resource] = Resource()
        account = Account(deployment, self.health, resource, self.charge)
        self.accounts[deployment.id] = account
        return account

    def add_group(self, name: str, deployment: Deployment) -> None:
        """Open a group of one: a deployment asked for by its own id, or one that a wildcard matched.  Idempotent."""
        if name not in self.groups:
            account = self.accounts.get(deployment.id) or self._open(deployment)
            weight = account.weight
            self.groups[name] = Group(name, [account], self.strategy)
            account.weight = weight

    # ---- reserve -------------------------------------------------------------------------------------------

    def reserve(self, step: Reserve, now: float) -> Lease | Refusal:
        """Choose a deployment of the step's group and charge it, or say when that will be possible."""
        group = self.groups[step.group]
        ticket = step.ticket
        call = step.call
        tokens = call.tokens
        if ticket is None:
            if not step.tried:
                group.budget.deposit(now)
            elif step.retry_cost and not group.budget.withdraw(now, step.retry_cost):
                return Refusal(now, None, None, "budget")
        else:
            ticket.rung = False
            ticket.rung_at = None
        blocker = self._blocker(group, step, now) if group.queue.tickets else None
        if blocker is None:
            kept = None if group.queue.is_head(ticket) else group.queue.kept
            asking = Asking(tokens, now, slot_of(now), group.turn, self.rng, step.tried, kept)
            found = self._choose(group, asking)
            if found is not None:
                if ticket is not None:
                    group.queue.leave(ticket)
                return self._grant(group, found[0], found[1], step, now, asking.slot)
        return self._refuse(group, step, now, blocker)

    def _blocker(self, group: Group, step: Reserve, now: float) -> Ticket | None:
        """The first ticket that this call must not overtake; it is rung, since room may be there for it."""
        ticket = step.ticket
        deadline = ticket.deadline if ticket is not None else min(now + step.patience, step.deadline)
        for other in group.queue.ahead_of(step.call, step.call.tokens, deadline, ticket):
            if other.rung:
                if other.rung_at is None:
                    other.rung_at = now
                if now - other.rung_at > STALE_S:
                    continue
                return other
            other.ring()
            other.rung_at = now
            return other
        return None

    def _choose(self, group: Group, asking: Asking) -> tuple[Account, float] | None:
        found = self._first_tier(group, asking)
        if found is None and asking.eases:
            asking.eases = False
            found = self._first_tier(group, asking)
        if found is not None:
            return found
        if any(self._panics(tier, asking.now) for tier in group.tiers):
            asking.panic = True
            # A refused key tells its caller more than "nothing is left" does, so if all are disabled, one is asked.
            asking.desperate = all(a.health.state(asking.now) is State.DISABLED for a in group.accounts)
            return self._first_tier(group, asking)
        return None

    def _first_tier(self, group: Group, asking: Asking) -> tuple[Account, float] | None:
        """The strategy's choice in the lowest tier that has any candidate."""
        for tier in group.tiers:
            found = candidates(tier, group.sample, asking)
            if found:
                return self._ask_strategy(group, found, asking)
        return None

    @staticmethod
    def _panics(tier: Tier, now: float) -> bool:
        """Is less than half of the tier's capacity well?  Then believe nobody's ejection (Envoy's panic threshold)."""
        whole = well = 0.0
        for account in tier.accounts:
            whole += account.capacity
            if account.health.state(now) not in OUT and account.resource.usable(now):
                well += account.capacity
        return well < PANIC_SHARE * whole

    def _ask_strategy(self, group: Group, found: list[tuple[Account, float]], asking: Asking) -> tuple[Account, float]:
        if len(found) == 1:
            return found[0]
        now = asking.now
        shown = [as_candidate(account, p, group.seconds) for account, p in found]
        situation = Situation(now, group.turn, asking.tokens, self.rng)
        try:
            name = group.strategy.choose(shown, situation).name
            return next(pair for pair in found if pair[0].deployment.id == name)
        except StopIteration:
            problem = "it returned something that was not among the candidates"
        except Exception as error:  # a strategy is the user's code; the call must go on without it
            problem = f"it raised {type(error).__name__}"
        self.events.append(StrategyFailed(group.name, type(group.strategy).__name__, problem))
        name = FALLBACK_STRATEGY.choose(shown, situation).name
        return next(pair for pair in found if pair[0].deployment.id == name)

    def _grant(self, group: Group, account: Account, utilisation: float, step: Reserve, now: float, slot: int) -> Lease:
        group.turn += 1
        self._serial += 1
        others = len(group.accounts) - len(step.tried) - 1
        lease = Lease(str(self._serial), account.deployment, step.call, account.need(step.call.tokens), now)
        lease.others = others if others > 0 else 0
        lease.charges = account.reserve(lease, slot, utilisation)
        if account.health.is_probe_due(now) or account.resource.is_probe_due(now):
            lease.probe = True
            account.health.begin_probe(now)
            account.resource.begin_probe(now)
        return lease

    def _refuse(self, group: Group, step: Reserve, now: float, blocker: Ticket | None) -> Refusal:
        """Nothing can take the call now: queue it if an opening lies within its patience, else say when one comes."""
        ticket = step.ticket
        opening, account = self._opening(group, step, now, skip_tried=True)
        until = ticket.deadline if ticket is not None else min(now + step.patience, step.deadline)
        eta = opening
        if opening is not None and blocker is not None:
            eta = opening + self._seconds_ahead(group, step, until)
        if eta is not None and eta <= until and until > now:
            if ticket is None:
                ticket = group.queue.join(step.call, step.call.tokens, until)
            if group.queue.is_head(ticket):
                group.queue.kept = account
            # An opening that is due and yet not ours (kept for the head of the line) is looked at again a slot later.
            wake = until if blocker is not None else max(opening or now, now + SLOT_S)
            return Refusal(now, wake, ticket, "full")
        if ticket is not None:
            group.queue.leave(ticket)
        if step.tried:
            again, _ = self._opening(group, step, now, skip_tried=False)
            if again is not None:
                return Refusal(now, again, None, "tried")
        return Refusal(now, eta, None, "full", tuple(self._why_not(group, step.call, now)))

    def _opening(
        self, group: Group, step: Reserve, now: float, *, skip_tried: bool
    ) -> tuple[float | None, Account | None]:
        best: float | None = None
        where: Account | None = None
        for account in group.accounts:
            if skip_tried and account.deployment.id in step.tried:
                continue
            opening = account.opening(step.call.tokens, now)
            if opening is not None and (best is None or opening < best):
                best, where = opening, account
        return best, where

    @staticmethod
    def _seconds_ahead(group: Group, step: Reserve, until: float) -> float:
        """How long the line before a call needs at the group's full rate."""
        ahead = sum(t.tokens for t in group.queue.ahead_of(step.call, step.call.tokens, until, step.ticket))
        return 60.0 * ahead / max(1.0, sum(account.capacity for account in group.accounts))

    @staticmethod
    def _why_not(group: Group, call: Call, now: float) -> Iterable[str]:
        for account in group.accounts[:20]:
            state = account.health.state(now)
            name = account.deployment.id
            if state in (State.THROTTLED, State.EJECTED, State.DISABLED, State.PROBING):
                left = max(0.0, account.health.opening(now) - now)
                reason = f" ({account.health.reason})" if account.health.reason else ""
                yield f"{name}: {state}{reason}, rests {left:.1f} s more"
            elif not account.resource.usable(now):
                yield f"{name}: its host cannot be reached, next try in {account.resource.opening(now) - now:.1f} s"
            else:
                free = max(0.0, account.tokens.limit - account.tokens.used)
                need = account.need(call.tokens)
                yield f"{name}: no room: the call needs about {need:,} tokens, {free:,.0f} are free"
        if len(group.accounts) > 20:
            yield f"and {len(group.accounts) - 20} more"

    # ---- begin, settle, leave ------------------------------------------------------------------------------

    def begin(self, step: Begin, now: float) -> None:
        """A stream's head came in good order: the deployment is well, and its headers are worth reading."""
        if not step.lease.begun:
            step.lease.begun = True
            if self._succeeded(step.lease, step.reply, now):
                self._ring(step.lease)

    def settle(self, step: Settle, now: float) -> None:
        """An attempt is over.  Idempotent: a lease that was settled before changes nothing."""
        lease, result = step.lease, step.result
        if lease.settled:
            return
        lease.settled = True
        charged: Charged = lease.charges
        account = charged.account
        group = self.groups[lease.call.group]
        account.in_flight = max(0, account.in_flight - 1)  # a child process may end a stream of its parent
        roomier = account.parallel is not None
        if isinstance(result, Reply):
            roomier |= account.settle(lease, charged, result.usage.total_tokens if result.usage else None, now)
            if not lease.begun:
                roomier |= self._succeeded(lease, result, now)
        else:
            roomier |= self._failed(group, lease, result, now, step.blameless)
        if lease.call.watched:
            self._tell_settled(lease, result)
        if roomier:
            self._ring(lease)

    def _ring(self, lease: Lease) -> None:
        """The deployment of this lease may take more than before: the first in line that fits shall look."""
        queue = self.groups[lease.call.group].queue
        if queue.tickets:
            tokens = lease.charges.account.tokens
            queue.ring_for(tokens.limit - tokens.used)

    def leave(self, step: Leave, now: float) -> None:
        """A waiter gave up its place in the queue."""
        del now
        self.groups[step.group].queue.leave(step.ticket)

    def _succeeded(self, lease: Lease, reply: Reply, now: float) -> bool:
        charged: Charged = lease.charges
        account = charged.account
        account.counters.successes += 1
        account.timed(reply.seconds)
        group = self.groups[lease.call.group]
        group.seconds += 0.05 * (reply.seconds - group.seconds) if group.seconds else reply.seconds
        recovered = self._alive(account, lease, now)
        return account.learn(reply.limits, charged, lease.call.tokens, now) or recovered

    def _alive(self, account: Account, lease: Lease, now: float) -> bool:
        """It answered as it should.  True if that ended an illness."""
        recovered = account.resource.succeeded(now, lease.probe) | account.health.succeeded(now, lease.probe)
        if recovered:
            self.events.append(Recovered(lease.deployment.group, lease.deployment.id))
        return recovered

    def _failed(self, group: Group, lease: Lease, failure: Failure, now: float, blameless: bool) -> bool:
        charged: Charged = lease.charges
        account = charged.account
        verdict = judge(failure)
        roomier = not failure.sent or verdict.refund
        if roomier:
            account.refund(lease, charged)
        else:
            roomier = account.settle(lease, charged, failure.usage.total_tokens if failure.usage else None, now)
            if failure.limits.limit_tokens or failure.limits.remaining_tokens is not None:
                roomier |= account.learn(failure.limits, charged, lease.call.tokens, now)
        if blameless or verdict.effect == "none":
            if lease.probe:
                account.health.abandon_probe(now)
                account.resource.abandon_probe(now)
            return roomier or lease.probe  # whoever is next may be the probe
        if verdict.effect == "success" and not account.health.watches(failure.kind):
            return self._alive(account, lease, now) or roomier
        account.counters.failures += 1
        if verdict.effect == "throttle":
            account.resource.succeeded(now, lease.probe)
            self._throttle(account, lease, failure, now)
        else:
            self._hurt(group, account, lease, failure, now)
        return roomier

    def _throttle(self, account: Account, lease: Lease, failure: Failure, now: float) -> None:
        account.counters.throttles += 1
        if failure.kind is Kind.BUSY:
            account.limit.busy(now)
            account.tokens.limit = account.limit.value
        else:
            account.contradicted(failure.limits, lease.charges, lease.tokens, now)
        seconds = throttle_seconds(failure.retry_after, lease.deployment, self.health)
        if seconds > 0:
            account.health.throttled(now, seconds, lease.probe)
            self.events.append(Throttled(lease.deployment.group, lease.deployment.id, seconds))

    def _hurt(self, group: Group, account: Account, lease: Lease, failure: Failure, now: float) -> None:
        verdict = judge(failure)
        name, home = lease.deployment.id, lease.deployment.group
        if verdict.effect == "disable":
            seconds = account.health.disabled(now, failure.kind, lease.probe)
            if seconds:
                self.events.append(Disabled(home, name, seconds, failure.kind))
            return
        if verdict.effect == "resource":
            account.resource.failed(now, name, self.rng, lease.probe)
        else:
            account.resource.succeeded(now, lease.probe)  # it was reached, whatever it said
        accounts = group.tier_of(account).accounts
        ejected = sum(1 for a in accounts if a.health.state(now) in (State.EJECTED, State.PROBING))
        usable = sum(1 for a in group.accounts if a.health.usable(now))
        may_eject = ejection_allowed(ejected, usable, len(accounts))
        seconds = account.health.failed(now, failure.kind, verdict.weight, may_eject, self.rng, lease.probe)
        if seconds:
            self.events.append(Ejected(home, name, seconds, failure.kind))

    def _tell_settled(self, lease: Lease, result: Reply | Failure) -> None:
        reason = "ok" if isinstance(result, Reply) else str(result.kind)
        self.events.append(
            Settled(
                lease.deployment.group,
                lease.deployment.id,
                reason,
                result.status,
                lease.tokens,
                lease.tokens_settled,
                result.seconds,
            )
        )

    # ---- looking on ----------------------------------------------------------------------------------------

    def take_events(self) -> list[Event]:
        """What happened since the last time, and forget it."""
        events, self.events = self.events, []
        return events

    def started(self, now: float) -> None:
        """The router began its work at `now`; until then nobody was in any state."""
        for account in self.accounts.values():
            account.health.since = now

    def forked(self, now: float) -> None:
        """This is a child process: the parent's open calls and waiters are not ours.  Its charges are kept."""
        for account in self.accounts.values():
            account.in_flight = 0
            account.health.abandon_probe(now)  # its outcome is told to the parent alone
            account.resource.abandon_probe(now)
        for group in self.groups.values():
            group.queue = Queue()
