"""The memory of the fleet: who may take a call, who took it, and how it went.

A ledger knows four deeds (reserve, begin, settle, leave), each a plain function of its state, the step and the
moment `now`.  It does no I/O and reads no clock; whoever owns it (`stores/`) brings the time, keeps it from being
entered by two threads at once, and passes on the `events` that a deed left behind.

Theory of operation.  Azure refuses a call by its *estimate* of tokens, taken on arrival, not by what the answer
later costs.  So every attempt is charged before it is sent and settled when its reply is known; failures keep their
charge, because a deployment that fails fast would otherwise look empty and attract everything (algorithms.md §2.8).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from random import Random

from strategies import Strategy

from .account import Account
from .charge import ChargePolicy
from .choice import Asking
from .configured import Deployment, HealthPolicy
from .events import Disabled, Ejected, Event, Recovered, Settled, Throttled
from .group import Group
from .health import Resource, State, ejection_allowed, throttle_seconds
from .steps import Begin, Leave, Refusal, Reserve, Settle, Ticket
from .values import Failure, Kind, Lease, Reply
from .verdict import judge
from .window import SLOT_S


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
        self.asking = Asking(rng)
        self.strategy = strategy
        self.health = health or HealthPolicy()
        self.charge = charge
        self.accounts: dict[str, Account] = {}
        self.groups: dict[str, Group] = {}
        self.resources: dict[str, Resource] = {}
        self.events: list[Event] = []
        by_group: dict[str, list[Account]] = {}
        for deployment in deployments:
            by_group.setdefault(deployment.group, []).append(self._open(deployment))
        for name, accounts in by_group.items():
            self.groups[name] = Group(name, accounts, strategy, self.events, rng)

    def _open(self, deployment: Deployment) -> Account:
        resource = self.resources.get(deployment.resource)
        if resource is None:
            resource = self.resources[deployment.resource] = Resource()
        account = self._account(deployment, resource)
        self.accounts[deployment.id] = account
        return account

    def _account(self, deployment: Deployment, resource: Resource) -> Account:
        return Account(deployment, self.health, resource, self.charge)

    def add_group(self, name: str, deployment: Deployment) -> None:
        """Open a group of one: a deployment asked for by its own id, or one that a wildcard matched.  Idempotent."""
        if name not in self.groups:
            account = self.accounts.get(deployment.id) or self._open(deployment)
            weight = account.weight
            self.groups[name] = Group(name, [account], self.strategy, self.events, self.rng)
            account.weight = weight

    def deployments_of(self, group: str) -> list[Deployment]:
        """Those of an open group, in the order of the configuration.  KeyError: it is not open."""
        return [account.deployment for account in self.groups[group].accounts]

    # ---- reserve -------------------------------------------------------------------------------------------

    def reserve(self, step: Reserve, now: float) -> Lease | Refusal:
        """Choose a deployment of the step's group and charge it, or say when that will be possible."""
        group = self.groups[step.group]
        ticket = step.ticket
        call = step.call
        if not call.charged:
            return self._reserve_free(group, step, now)
        if ticket is None and not step.paid:
            if len(step.tried) <= len(call.unfit):
                group.budget.deposit(now)
            elif step.retry_cost and not group.budget.withdraw(now, step.retry_cost):
                return Refusal(now, None, None, "budget")
        if ticket is not None:
            ticket.rung = False
            ticket.rung_at = None
        blocker: Ticket | None = None
        skip: Collection[str] = step.tried
        if group.queue.tickets:
            blocker, skip = group.in_the_way(step, now)
        if blocker is None:
            asking = self.asking.about(call.tokens, now, group.turn, skip)
            granted = self._take(group, asking, step, now)
            if granted is not None:
                return granted
        return self._refuse(group, step, now, blocker)

    def _reserve_free(self, group: Group, step: Reserve, now: float) -> Lease | Refusal:
        """A call that no limit counts waits for nobody: the strategy's choice among the well, else the first there is.

        It is asked of one deployment mostly, which alone has what it wants, well or not.
        """
        asking = self.asking.about(0, now, group.turn, step.tried)
        asking.free = True
        found = group.choose(asking)
        if found is None:
            left = [account for account in group.accounts if account.deployment.id not in step.tried]
            if not left:
                return Refusal(now, now, None, "tried")
            found = left[0]
            found.utilisation = 0.0
        return self._grant(group, found, found.utilisation, step, now, asking.slot)

    def _take(self, group: Group, asking: Asking, step: Reserve, now: float) -> Lease | None:
        """The group's choice for a call that nobody in the line holds up, charged; None if nothing can take it."""
        found = group.choose(asking)
        if found is None:
            return None
        return self._grant(group, found, found.utilisation, step, now, asking.slot)

    def _grant(self, group: Group, account: Account, utilisation: float, step: Reserve, now: float, slot: int) -> Lease:
        if step.ticket is not None:
            group.queue.leave(step.ticket)
        group.turn += 1
        others = len(group.accounts) - len(step.tried) - 1
        lease = account.reserve(step.call, slot, now, utilisation, others if others > 0 else 0)
        health, resource = account.health, account.resource
        if health.ill is not None or resource.ill is not None:
            lease.probe = health.is_probe_due(now) or resource.is_probe_due(now)
            health.begin_probe(now)
            resource.begin_probe(now)
        return lease

    def _refuse(self, group: Group, step: Reserve, now: float, blocker: Ticket | None) -> Refusal:
        """Nothing can take the call now: queue it if an opening lies within its patience, else say when one comes."""
        ticket = step.ticket
        opening, account = group.opening(step, now, skip_tried=True)
        until = ticket.deadline if ticket is not None else min(now + step.patience, step.deadline)
        eta = opening
        if opening is not None and blocker is not None:
            eta = opening + group.seconds_ahead(step, until)
        if eta is not None and eta <= until and until > now:
            if ticket is None:
                ticket = group.queue.join(step.call, step.call.tokens, until, step.tried)
            elif blocker is None:
                self._pass_on(group, ticket)
            if group.queue.is_head(ticket):
                group.queue.kept = account
            # An opening that is due and yet not ours (kept for the head of the line) is looked at again a slot later.
            wake = until if blocker is not None else min(until, self._looks_again(group, opening or now, now))
            return Refusal(now, wake, ticket, "full")
        if ticket is not None:
            group.queue.leave(ticket)
        if len(step.tried) > len(step.call.unfit):
            again, _ = group.opening(step, now, skip_tried=False)
            if again is not None:
                return Refusal(now, again, None, "tried")
        return Refusal(now, eta, None, "full", tuple(group.why_not(step.call, now)))

    def _pass_on(self, group: Group, ticket: Ticket) -> None:
        """This one looked and found no room; somebody behind it may."""
        group.queue.pass_on(ticket)

    def _looks_again(self, group: Group, opening: float, now: float) -> float:
        """When a waiting call that nobody holds up should try again, if nobody rings it before."""
        return max(opening, now + SLOT_S)

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
        account: Account = lease.account
        group = self.groups[lease.call.group]
        account.in_flight = max(0, account.in_flight - 1)  # a child process may end a stream of its parent
        roomier = account.parallel is not None
        if isinstance(result, Reply):
            if lease.call.charged:  # a stored response, retrieved, tells the usage of long ago
                roomier |= account.settle(lease, result.usage.total_tokens if result.usage else None, now)
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
            tokens = lease.account.tokens
            queue.ring_for(tokens.limit - tokens.used)

    def leave(self, step: Leave, now: float) -> None:
        """A waiter gave up its place in the queue."""
        del now
        self.groups[step.group].queue.leave(step.ticket)

    def _succeeded(self, lease: Lease, reply: Reply, now: float) -> bool:
        account: Account = lease.account
        account.counters.successes += 1
        if not lease.call.charged:
            return self._alive(account, lease, now)
        self.groups[lease.call.group].timed(account, reply.seconds)
        recovered = self._alive(account, lease, now)
        return account.learn(reply.limits, lease, now) or recovered

    def _alive(self, account: Account, lease: Lease, now: float) -> bool:
        """It answered as it should.  True if that ended an illness."""
        recovered = account.resource.succeeded(now, lease.probe) | account.health.succeeded(now, lease.probe)
        if recovered:
            self.events.append(Recovered(lease.deployment.group, lease.deployment.id))
        return recovered

    def _failed(self, group: Group, lease: Lease, failure: Failure, now: float, blameless: bool) -> bool:
        account: Account = lease.account
        verdict = judge(failure)
        if not lease.call.charged:
            return self._failed_free(group, account, lease, failure, now, blameless)
        roomier = not failure.sent or verdict.refund
        if roomier:
            account.refund(lease)
        else:
            roomier = account.settle(lease, failure.usage.total_tokens if failure.usage else None, now)
            if failure.limits.limit_tokens or failure.limits.remaining_tokens is not None:
                roomier |= account.learn(failure.limits, lease, now)
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

    def _failed_free(
        self, group: Group, account: Account, lease: Lease, failure: Failure, now: float, blameless: bool
    ) -> bool:
        """A thing that is not there or is not ours, and too many questions about it, say nothing about the model."""
        account.refund(lease)
        verdict = judge(failure)
        if blameless or verdict.effect == "none" or failure.kind in (Kind.NOT_FOUND, Kind.PERMISSION):
            if lease.probe:
                account.health.abandon_probe(now)
                account.resource.abandon_probe(now)
        elif verdict.effect in ("success", "throttle"):
            return self._alive(account, lease, now)
        else:
            account.counters.failures += 1
            self._hurt(group, account, lease, failure, now)
        return lease.probe

    def _throttle(self, account: Account, lease: Lease, failure: Failure, now: float) -> None:
        account.counters.throttles += 1
        if failure.kind is Kind.BUSY:
            account.limit.busy(now)
            account.obey_limit()
        else:
            account.contradicted(failure.limits, lease, now)
        seconds = throttle_seconds(failure.retry_after, lease.deployment, self.health)
        if seconds > 0:
            account.health.throttled(now, seconds, lease.probe)
            self.events.append(Throttled(lease.deployment.group, lease.deployment.id, seconds))

    def _hurt(self, group: Group, account: Account, lease: Lease, failure: Failure, now: float) -> None:
        verdict = judge(failure)
        name, home = lease.deployment.id, lease.deployment.group
        if verdict.effect == "resource":
            account.resource.failed(now, name, self.rng, lease.probe)
        elif failure.sent:
            account.resource.succeeded(now, lease.probe)  # it was reached, whatever it said
        elif lease.probe:
            account.resource.abandon_probe(now)  # nobody went there, for want of a token, say
        if verdict.effect == "disable":
            seconds = account.health.disabled(now, failure.kind, lease.probe)
            if seconds:
                self.events.append(Disabled(home, name, seconds, failure.kind))
            return
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
        events = self.events[:]
        self.events.clear()
        return events

    def started(self, now: float) -> None:
        """The router began its work at `now`; until then nobody was in any state."""
        for account in self.accounts.values():
            account.health.since = now

    def forked(self, now: float) -> None:
        """This is a child process: the parent's open calls and waiters are not ours.  Its charges are kept."""
        for account in self.accounts.values():
            account.in_flight = 0
            account.windows.recount()  # another thread may have been charging them
            account.health.abandon_probe(now)  # its outcome is told to the parent alone
            account.resource.abandon_probe(now)
        for group in self.groups.values():
            group.forked()
