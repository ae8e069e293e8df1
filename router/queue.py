"""Who is next when nothing has room?

Calls that nothing can take now wait in one line per group: by priority, then by deadline, then by arrival.  Nobody
polls: a ticket is rung when something changed that may help it, and its owner sleeps until then or until the moment
at which it would fit by itself.

Two rules keep the line fair without leaving room unused (algorithms.md §2.14, EASY backfill):

- nobody overtakes a call that would fit wherever it fits itself: a newcomer waits behind every earlier ticket that
  needs no more tokens than it does, and goes ahead of those that need more;
- the head of the line has one deployment kept for it, the one that opens first for it; smaller calls behind it may
  use all the others meanwhile.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from typing import Any

from .steps import Ticket
from .values import Call

EXAMINED = 128
"""Tickets looked at per question, so that a long line cannot make one call expensive."""
STALE_S = 0.25
"""A ticket that was rung and has not answered for this long (its event loop is stuck) holds nobody up."""


def _order(ticket: Ticket) -> tuple[int, float, int]:
    return ticket.priority, ticket.deadline, ticket.serial


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

    def join(self, call: Call, tokens: int, deadline: float) -> Ticket:
        """Take a place in the line, to be given up at `deadline` (seconds on the clock) at the latest."""
        self._serial += 1
        ticket = Ticket(call, tokens, deadline, self._serial)
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

    def ahead_of(self, call: Call, tokens: int, deadline: float, ticket: Ticket | None) -> Iterator[Ticket]:
        """The tickets before a call's place (its own, or the one it would get) that it must not overtake."""
        place = _order(ticket) if ticket is not None else (call.priority, deadline, self._serial + 1)
        for other in self.tickets[:EXAMINED]:
            if other is ticket or _order(other) > place:
                return
            if other.tokens <= tokens:
                yield other

    def ring_for(self, room: float) -> None:
        """Room for `room` tokens came free somewhere: ring the first in line that would fit in it."""
        for ticket in self.tickets[:EXAMINED]:
            if ticket.tokens <= room:
                ticket.ring()
                return
