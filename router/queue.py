"""Who is next when nothing has room?

Calls that nothing can take now wait in one line per group: by priority, then by deadline, then by arrival.  Nobody
polls: a ticket is rung when something changed that may help it, and its owner sleeps until then or until the moment
at which it would fit by itself.

Two rules keep the line fair without leaving room unused (algorithms.md §2.14, EASY backfill):

- nobody overtakes a call that would fit wherever it fits itself: a newcomer waits behind every earlier ticket that
  needs no more tokens than it does, and goes ahead of those that need more; a retry that waits for other deployments
  than the one it failed on holds up nobody there;
- the head of the line has one deployment kept for it, the one that opens first for it; smaller calls behind it may
  use all the others meanwhile, and a more urgent call this one too.

Whoever was rung and cannot use the room passes the ring on to the first behind it that it does not hold up.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Iterable, Iterator
from math import inf
from typing import Any

from .steps import Ticket
from .values import Call

EXAMINED = 128
"""Tickets looked at per question, so that a long line cannot make one call expensive."""
STALE_S = 0.25
"""A ticket that answers neither a ring nor its own deadline for this long (its loop is stuck) holds nobody up."""


def _order(ticket: Ticket) -> tuple[int, float, int]:
    return ticket.priority, ticket.deadline, ticket.serial


def _leave_something(retries: Iterable[Ticket], ticket: Ticket) -> bool:
    """Is there a deployment that this one may use and none of those retries before it waits for?"""
    left: frozenset[str] | None = None
    for retry in retries:
        if retry.tokens <= ticket.tokens:
            free = retry.avoids - ticket.avoids
            left = free if left is None else left & free
    return left is None or bool(left)


class Queue:
    """The line of one group."""

    __slots__ = ("_serial", "kept", "tickets")

    def __init__(self) -> None:
        self.tickets: list[Ticket] = []
        self.kept: Any = None
        """What is kept for the head of the line, if anything (an `Account`)."""
        self._serial = 0

    def __len__(self) -> int:
        return len(self.tickets)

    def join(self, call: Call, tokens: int, deadline: float, avoids: Collection[str] = ()) -> Ticket:
        """Take a place in the line, to be given up at `deadline` (seconds on the clock) at the latest.

        `avoids` names the deployments for which the call does not wait.
        """
        self._serial += 1
        ticket = Ticket(call, tokens, deadline, self._serial, avoids)
        insort(self.tickets, ticket, key=_order)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give a place up, served or not, and let the next in line look.  Idempotent."""
        try:
            place = self.tickets.index(ticket)
        except ValueError:
            return
        del self.tickets[place]
        if place == 0:
            self.kept = None
        if place < len(self.tickets):
            self.tickets[place].ring()
        elif self.tickets:
            self.tickets[0].ring()

    def is_head(self, ticket: Ticket | None) -> bool:
        """Is it first in line?"""
        return ticket is not None and bool(self.tickets) and self.tickets[0] is ticket

    def kept_from(self, call: Call, ticket: Ticket | None, now: float) -> Any:
        """What this call must leave to the head of the line: nothing if it is the head, or more urgent, or the head
        is stuck.  A head that is dead (nobody came at its deadline) loses its place."""
        while self.tickets and now - self.tickets[0].deadline > STALE_S:
            self.leave(self.tickets[0])
        if not self.tickets:
            return None
        head = self.tickets[0]
        if head is ticket or call.priority < head.priority or self.is_stuck(head, now):
            return None
        return self.kept

    @staticmethod
    def is_stuck(ticket: Ticket, now: float) -> bool:
        """Has it been called for too long without an answer?"""
        if now - ticket.deadline > STALE_S:
            return True
        if not ticket.rung:
            return False
        if ticket.rung_at is None:
            ticket.rung_at = now
        return now - ticket.rung_at > STALE_S

    def ahead_of(self, call: Call, tokens: int, deadline: float, ticket: Ticket | None) -> Iterator[Ticket]:
        """The tickets before a call's place (its own, or the one it would get) that it must not overtake."""
        place = _order(ticket) if ticket is not None else (call.priority, deadline, self._serial + 1)
        for other in self.tickets[:EXAMINED]:
            if other is ticket or _order(other) > place:
                return
            if other.tokens <= tokens:
                yield other

    def pass_on(self, ticket: Ticket) -> None:
        """It looked and found no room: let the first behind it look that nobody before that one holds up.

        Such a one rings nobody before it in turn, so the ring travels to the end of the line and no further.
        """
        floor, retries, behind = inf, list[Ticket](), False
        for other in self.tickets[:EXAMINED]:
            if behind and other.tokens < floor and _leave_something(retries, other):
                other.ring()
                return
            behind = behind or other is ticket
            if other.avoids:
                retries.append(other)
            else:
                floor = min(floor, other.tokens)

    def ring_for(self, room: float) -> None:
        """Room for `room` tokens came free somewhere: ring the first in line that would fit in it."""
        for ticket in self.tickets[:EXAMINED]:
            if ticket.tokens <= room:
                ticket.ring()
                return
