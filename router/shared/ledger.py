"""The memory of a fleet whose limits are shared with other replicas.

Everything about one replica is as in `router.ledger`: health, queue, retry budget, strategy.  What differs is how a
call gets its place.  In this order:

    booked      a place that an earlier question brought along for a call in the line
    allowance   charged already, for what this replica would probably need
    question    the store charges the first candidate that has room, now or within a second, for this call and for
                those that wait behind it; `reserve` returns an `Inquiry`, and its owner brings the answer
    alone       while the store is away, the replica's share of each limit decides

Nothing here waits for the store, and no settlement asks it anything: what a reply changes rides on the next question.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from random import Random
from typing import cast

from router.account import Account
from router.charge import ChargePolicy
from router.choice import Asking
from router.configured import Deployment, HealthPolicy
from router.events import StoreBack, StoreLost, StoreMended
from router.gate import Resource
from router.group import Group
from router.health import State
from router.ledger import Ledger
from router.steps import Leave, Refusal, Reserve, Settle, StoreStep, Ticket
from router.values import Failure, Kind, Lease
from router.window import slot_of
from strategies import Strategy

from .account import HORIZON_S, SharedAccount
from .allowance import SECONDS, Allowance
from .asking import needs_of
from .inquiry import Answer, Answered, Inquiry, Need, Place
from .journal import Entry
from .link import Link
from .on_failure import OnStoreFailure

POLL_S, POLL_S_PER_REPLICA, POLL_CAP_S = 0.5, 0.125, 1.9
"""How soon the first in line asks again where everything is full for longer than it can be booked ahead.  The more
replicas wait, the less often each asks, for whoever comes books all that has opened; but always within the horizon,
so that one that waits alone loses nothing."""
ASKED_TWICE = 2


@dataclass(slots=True)
class Booked:
    """A place in a slot, granted to a call that waits."""

    account: SharedAccount
    entry: Entry
    at: float
    """Seconds on the replica's clock: not to be sent before."""
    utilisation: float


class SharedLedger(Ledger):
    """A ledger whose limits hold for all replicas together.

    Args:
        on_failure: what calls do while the store is away.
        expected: replicas to reckon with before the store has said how many there are; None: two.
        leases: whether allowances are asked for.
    """

    def __init__(
        self,
        deployments: Iterable[Deployment],
        strategy: Strategy,
        rng: Random,
        health: HealthPolicy | None = None,
        charge: ChargePolicy = ChargePolicy.AUTO,
        *,
        on_failure: OnStoreFailure = OnStoreFailure.SHARE,
        expected: int | None = None,
        leases: bool = True,
    ) -> None:
        self.links: dict[str, Link] = {}
        self.on_failure = on_failure
        self.expected = expected
        self.leases = leases
        super().__init__(deployments, strategy, rng, health, charge)

    def _account(self, deployment: Deployment, resource: Resource) -> Account:
        account = SharedAccount(deployment, self.health, resource, self.charge)
        link = self.links.get(deployment.group)
        if link is None:
            link = self.links[deployment.group] = Link(deployment.group, [], self.on_failure, self.expected)
        link.accounts.append(account)
        if link.alone:
            link.leave_alone(account)
        return account

    def _link(self, group: Group) -> Link:
        """The contact for a group: that of its deployments' own group, under which the store keeps them."""
        return self.links[group.accounts[0].deployment.group]

    def link_of(self, step: StoreStep) -> Link:
        """The contact that a step concerns."""
        if isinstance(step, Reserve | Leave):
            return self._link(self.groups[step.group])
        return self.links[step.lease.deployment.group]

    # ---- reserve -------------------------------------------------------------------------------------------

    def _take(self, group: Group, asking: Asking, step: Reserve, now: float) -> Lease | Inquiry | None:  # type: ignore[override]
        booked = self._fetch(group, step, now)
        if booked is not None:
            return booked
        link = self._link(group)
        if link.alone:
            return self._take_alone(group, link, asking, step, now)
        ticket = step.ticket
        if (
            ticket is not None
            and group.queue.tickets  # its own may have gone just now, if its deadline is over
            and not group.queue.is_head(ticket)
            and not group.queue.is_stuck(group.queue.tickets[0], now)
        ):
            return None  # the first in line asks for those behind it
        return self._ask(group, link, asking, step, now)

    def _take_alone(self, group: Group, link: Link, asking: Asking, step: Reserve, now: float) -> Lease | None:
        lease = super()._take(group, asking, step, now)
        if lease is not None:
            lease.entry = link.journal.note(Entry(lease.account, None, lease.tokens, 1, now, None))
        return lease

    def _ask(self, group: Group, link: Link, asking: Asking, step: Reserve, now: float) -> Lease | Inquiry | None:
        found = group.choose(asking)
        if found is None:
            return None
        account = cast(SharedAccount, found)
        lease = self._spend(group, link, account, account.utilisation, step, now)
        if lease is not None:
            return lease
        inquiry = link.inquire(needs_of(group, asking, step, account), now)
        inquiry.step = step
        if self.leases and step.ticket is None:
            inquiry.wish = account.wish(now)
            account.asking = account.asking or inquiry.wish[1] > 0
        return inquiry

    def _spend(
        self, group: Group, link: Link, account: SharedAccount, load: float, step: Reserve, now: float
    ) -> Lease | None:
        """A place out of the allowance of a deployment, where it has one that reaches."""
        allowance = account.allowance
        if allowance is None:
            return None
        if allowance.spend(account.need(step.call.tokens), now):
            lease = self._grant(group, account, load, step, now, slot_of(now))
            lease.entry = allowance.entry
            return lease
        if now >= allowance.until or not allowance.requests:
            self._end(account, link)
        return None

    @staticmethod
    def _end(account: SharedAccount, link: Link) -> None:
        """An allowance is over: what is left of it is given back."""
        allowance, account.allowance = account.allowance, None
        if allowance is not None:
            link.journal.amend(allowance.entry, -allowance.tokens, -allowance.requests)

    def _fetch(self, group: Group, step: Reserve, now: float) -> Lease | None:
        """The place that was booked for a call in the line, unless its deployment closed meanwhile."""
        ticket = step.ticket
        if ticket is None or ticket.booked is None:
            return None
        booked: Booked = ticket.booked
        account = booked.account
        if not account.health.usable(now) or not account.resource.usable(now) or self._is_crowded(account):
            self._give_back(group, ticket)
            return None
        ticket.booked = None
        return self._placed(group, account, booked.entry, booked.utilisation, max(0.0, booked.at - now), step, now)

    def _placed(
        self, group: Group, account: SharedAccount, entry: Entry, load: float, wait: float, step: Reserve, now: float
    ) -> Lease:
        lease = self._grant(group, account, load, step, now, slot_of(now))
        lease.entry = entry
        lease.wait = wait
        return lease

    @staticmethod
    def _is_crowded(account: SharedAccount) -> bool:
        return account.parallel is not None and account.in_flight >= account.parallel

    def _give_back(self, group: Group, ticket: Ticket) -> None:
        """A booked place that nobody will use."""
        booked: Booked | None = ticket.booked
        ticket.booked = None
        if booked is not None:
            self._link(group).journal.amend(booked.entry, -booked.entry.tokens, -booked.entry.requests)

    def _refuse(self, group: Group, step: Reserve, now: float, blocker: Ticket | None) -> Refusal:
        refusal = super()._refuse(group, step, now, blocker)
        if refusal.ticket is None and step.ticket is not None:
            self._give_back(group, step.ticket)
        return refusal

    def _pass_on(self, group: Group, ticket: Ticket) -> None:
        if self._link(group).alone:  # together, the question has asked for those behind as well
            super()._pass_on(group, ticket)

    def _looks_again(self, group: Group, opening: float, now: float) -> float:
        link = self._link(group)
        if link.alone:
            return super()._looks_again(group, opening, now)
        return max(opening - HORIZON_S, now + min(POLL_CAP_S, max(POLL_S, link.replicas * POLL_S_PER_REPLICA)))

    # ---- answers -------------------------------------------------------------------------------------------

    def answered(self, inquiry: Inquiry, answer: Answer, now: float) -> Lease | Refusal | Inquiry | None:
        """The store answered.  Returns what the call gets, or the question to ask instead; None without a call."""
        link = self.links[inquiry.group]
        self._asked(inquiry)
        if answer.status is Answered.LOST and inquiry.again < ASKED_TWICE:
            link.lost(inquiry, answer, now)
            again = link.inquire(inquiry.needs, now)
            again.step, again.again, again.beliefs = inquiry.step, inquiry.again + 1, link.accounts
            return again
        if answer.status is not Answered.OK:
            return self.unanswered(inquiry, answer.status.name.lower(), now)
        away = link.answered(inquiry, answer, now)
        if answer.mended:
            self.events.append(StoreMended(inquiry.group, answer.mended))
        if away is not None:
            self.events.append(StoreBack(inquiry.group, away))
        loads: dict[SharedAccount, float] = {}
        for use in answer.uses:
            account = use.account
            loads[account] = min(
                1.0, max(use.tokens / (account.limit.value or 1.0), use.requests / account.requests[0].limit)
            )
            account.closed(0, -inf)
            if use.rest > 0 and account.health.state(now) is not State.THROTTLED:
                account.health.throttled(now, use.rest, probe=False)
        mine: Lease | Refusal | None = None
        for need, place in zip(inquiry.needs, answer.places, strict=True):
            load = loads[place.account] if place.account is not None else 0.0
            if inquiry.step is not None and need is inquiry.needs[0]:
                mine = self._settled_place(inquiry, inquiry.step, need, place, load, now)
            elif need.ticket is not None:
                self._book(inquiry, need, place, load, now)
        for use in answer.uses:
            use.account.told(use.tokens, use.requests, now)
        return mine

    def _settled_place(
        self, inquiry: Inquiry, step: Reserve, need: Need, place: Place, load: float, now: float
    ) -> Lease | Refusal:
        group = self.groups[step.group]
        link = self.links[inquiry.group]
        account = place.account
        if account is None:
            until = now + place.wait if place.wait >= 0.0 else now + HORIZON_S
            for candidate in need.order:
                candidate.closed(candidate.need(need.tokens), until)
            return self._refuse(group, step, now, None)
        entry = link.journal.note(Entry(account, place.slot, account.need(need.tokens), 1, now, inquiry.serial))
        if place.lease_tokens:
            ahead = Entry(account, place.lease_slot, place.lease_tokens, place.lease_requests, now, inquiry.serial)
            self._end(account, link)
            account.allowance = Allowance(link.journal.note(ahead), inquiry.sent_at + SECONDS)
        if self._is_crowded(account):
            link.journal.amend(entry, -entry.tokens, -entry.requests)
            return self._refuse(group, step, now, None)
        return self._placed(group, account, entry, load, place.wait, step, now)

    def _book(self, inquiry: Inquiry, need: Need, place: Place, load: float, now: float) -> None:
        """The place of a call that waits in the line: kept at its ticket, which is rung."""
        ticket, account = need.ticket, place.account
        if account is None or ticket is None:
            return
        assert inquiry.step is not None  # who asks without a call asks for nobody
        group, link = self.groups[inquiry.step.group], self.links[inquiry.group]
        entry = link.journal.note(Entry(account, place.slot, account.need(need.tokens), 1, now, inquiry.serial))
        if ticket.booked is not None or ticket not in group.queue.tickets:
            link.journal.amend(entry, -entry.tokens, -entry.requests)
            return
        ticket.booked = Booked(account, entry, now + place.wait, load)
        ticket.ring()

    def unanswered(self, inquiry: Inquiry, reason: str, now: float) -> Lease | Refusal | None:
        """The store did not answer, or not with sense: the call goes on without it."""
        link = self.links[inquiry.group]
        self._asked(inquiry)
        if link.failed(inquiry, reason, now, self.rng):
            self.events.append(StoreLost(inquiry.group, reason, str(link.mode), link.typical_share))
        step = inquiry.step
        if step is None:
            return None
        group = self.groups[step.group]
        asking = self.asking.about(step.call.tokens, now, group.turn, step.tried)
        lease = self._take_alone(group, link, asking, step, now)
        return lease if lease is not None else self._refuse(group, step, now, None)

    def abandoned(self, inquiry: Inquiry) -> None:
        """Whoever asked is gone.  What the store may have charged is taken back with the next question."""
        self._asked(inquiry)
        self.links[inquiry.group].take_back(inquiry)

    @staticmethod
    def _asked(inquiry: Inquiry) -> None:
        if inquiry.wish[1]:
            inquiry.needs[0].order[0].asking = False

    def errands(self, now: float) -> list[Inquiry]:
        """Questions without a call that are due: is the store back, or what found no call to ride on."""
        due: list[Inquiry] = []
        for link in self.links.values():
            for account in link.accounts:
                if account.allowance is not None and now >= account.allowance.until:
                    self._end(account, link)
            when = link.next_errand(now)
            if when is not None and when <= now:
                due.append(link.inquire([], now))
        return due

    def farewell(self, now: float) -> list[Inquiry]:
        """The last questions: everything that the store should still hear from this replica."""
        for link in self.links.values():
            for account in link.accounts:
                self._end(account, link)
        return [
            link.inquire([], now)
            for link in self.links.values()
            if link.next_errand(now) is not None and not link.alone
        ]

    def next_errand(self, now: float) -> float | None:
        """When `errands` will have something to do, in seconds on the clock; None: not as things stand."""
        times = [when for link in self.links.values() if (when := link.next_errand(now)) is not None]
        return min(times, default=None)

    # ---- settle, leave -------------------------------------------------------------------------------------

    def settle(self, step: Settle, now: float) -> None:
        """As in `Ledger`; what it changes waits for the next question."""
        lease = step.lease
        if lease.settled:
            return
        super().settle(step, now)
        if lease.entry is not None:
            link = self.links[lease.deployment.group]
            link.journal.amend(lease.entry, lease.tokens_settled - lease.tokens, -1 if lease.refunded else 0)

    def leave(self, step: Leave, now: float) -> None:
        """As in `Ledger`; a place that was booked for the waiter is given back."""
        self._give_back(self.groups[step.group], step.ticket)
        super().leave(step, now)

    def _ring(self, lease: Lease) -> None:
        # Together, room that came free here is known to the store only after the next question, which the first in
        # line asks soon enough; a ring for every settlement would be a question for every settlement.
        if self.links[lease.deployment.group].alone or lease.deployment.max_parallel_requests is not None:
            super()._ring(lease)

    def _throttle(self, account: Account, lease: Lease, failure: Failure, now: float) -> None:
        super()._throttle(account, lease, failure, now)
        until = account.health.closed_until
        if account.health.state(now) is State.THROTTLED and failure.kind in (Kind.THROTTLED, Kind.BUSY):
            self.links[lease.deployment.group].rests[cast(SharedAccount, account)] = until

    def forked(self, now: float) -> None:
        """This is a child process: it is another replica, and what its parent has told is its parent's."""
        super().forked(now)
        for link in self.links.values():
            link.forked()
