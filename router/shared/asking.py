"""What does a question ask for?

For the call that asks: the deployments in the order in which the strategy would choose them.  Where it is the first of
a line, also for those that wait behind it, so that a line costs one question and not one for each of its calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from router.choice import Asking
from router.group import Group
from router.steps import Reserve

from .account import HORIZON_S, SharedAccount
from .inquiry import Need

CANDIDATES = 8
"""Deployments named for one call: as many as are looked at without sampling."""
FOLLOWERS = 16
"""Calls behind the first in line that are asked for as well."""


def needs_of(group: Group, asking: Asking, step: Reserve, best: SharedAccount) -> list[Need]:
    """The call's own need first, with the deployment that the strategy chose at the head of its candidates."""
    now, ticket = asking.now, step.ticket
    order = _order(group, asking, best)
    until = ticket.deadline if ticket is not None else min(now + step.patience, step.deadline)
    needs = [Need(step.call.tokens, order, _horizon_ms(until - now), ticket)]
    if group.queue.is_head(ticket):
        needs += _followers(group, order, now)
    return needs


def _order(group: Group, asking: Asking, best: SharedAccount) -> list[SharedAccount]:
    """The deployments to name, the best first: what the strategy would choose if the ones before were full."""
    order = [best]
    skip, eases = asking.skip, asking.eases
    asking.eases = False
    while len(order) < min(CANDIDATES, len(group.accounts)):
        asking.skip = {*skip, *(account.deployment.id for account in order)}
        found = group.choose(asking)
        if found is None:
            break
        order.append(cast(SharedAccount, found))
    asking.skip, asking.eases = skip, eases
    return order


def _followers(group: Group, order: list[SharedAccount], now: float) -> Iterator[Need]:
    for ticket in group.queue.tickets[1 : FOLLOWERS + 1]:
        if ticket.booked is None and ticket.deadline > now:
            free = [account for account in order if account.deployment.id not in ticket.avoids]
            yield Need(ticket.tokens, free, _horizon_ms(ticket.deadline - now), ticket)


def _horizon_ms(patience: float) -> int:
    """How far ahead a call with so many seconds left may be booked."""
    return int(1000 * max(0.0, min(HORIZON_S, patience)))
