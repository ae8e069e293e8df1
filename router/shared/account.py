"""One deployment's run-time side where its limits are shared with other replicas.

Three figures replace the one of `account.py`: what this replica has charged (the windows), what the whole fleet had
when the store last said so, and what somebody outside the fleet seems to use.  They decide only in which order
deployments are asked for; room is the store's business.  While the store is away, the replica's own windows decide,
against its share of each limit.
"""

from __future__ import annotations

from collections import deque
from math import ceil, inf

from router.account import NO_ROOM, Account
from router.charge import ChargePolicy
from router.configured import Deployment, HealthPolicy
from router.health import Resource
from router.values import Call, Lease, RateLimits
from router.window import SLOT_S, slot_of

from .allowance import Allowance, Pace

HORIZON_S = 2.0
"""How far ahead a call may be booked: far enough that replicas need not race for each slot that opens, near enough
that a more urgent call seldom finds its place taken."""
FRESH_S = 1.0
"""A view of the fleet that is older than this proves nothing about the service's headers."""
AGES_OUT_SLOTS = 240
READINGS = 5


class SharedAccount(Account):
    """An account whose limits hold for all replicas together."""

    __slots__ = (
        "_closed_need",
        "_closed_until",
        "_others",
        "_outside",
        "_requests_of_others",
        "_told_at",
        "allowance",
        "asking",
        "pace",
        "request_share",
        "share",
    )

    def __init__(self, deployment: Deployment, policy: HealthPolicy, resource: Resource, charge: ChargePolicy) -> None:
        super().__init__(deployment, policy, resource, charge)
        self.share: float | None = None
        """Of the limit of tokens, what this replica may use by itself; None while the store decides."""
        self.request_share = 1.0
        """The same of each limit of requests; means nothing while the store decides."""
        self.allowance: Allowance | None = None
        self.asking = False
        """A question that asks for an allowance is on its way."""
        self.pace = Pace()
        self._others = 0
        self._requests_of_others = 0
        self._told_at = -inf
        self._closed_need = inf
        self._closed_until = -inf
        self._outside: deque[int] = deque(maxlen=READINGS)

    # ---- what is known of the others -----------------------------------------------------------------------

    def told(self, tokens: int, requests: int, now: float) -> None:
        """The store said what all replicas together have in the windows of a minute; ours is among it."""
        if self.slot < (slot := slot_of(now)):
            self.advance(slot, now)
        unspent = self.allowance
        if unspent is not None:
            tokens -= unspent.tokens
            requests -= unspent.requests
        self._others = max(0, tokens - self.tokens.used)
        self._requests_of_others = max(0, requests - self.requests[0].used)
        self._told_at = now

    def closed(self, need: int, until: float) -> None:
        """The store said that `need` tokens do not fit before `until` (seconds on our clock)."""
        self._closed_need = need
        self._closed_until = until

    @property
    def outside(self) -> int:
        """Tokens that somebody outside the fleet seems to use: the least of the last readings, so that calls of the
        fleet on their way are not taken for it."""
        return min(self._outside) if len(self._outside) == READINGS else 0

    @property
    def tokens_used(self) -> int:
        """What stands in the window of tokens, of all replicas; what others used ages out evenly."""
        left = 1.0 - (self.slot - slot_of(max(0.0, self._told_at))) / AGES_OUT_SLOTS if self._others else 0.0
        return self.tokens.used + (int(self._others * left) if left > 0.0 else 0)

    @property
    def requests_used(self) -> int:
        """The same for requests in a minute."""
        left = (
            1.0 - (self.slot - slot_of(max(0.0, self._told_at))) / AGES_OUT_SLOTS if self._requests_of_others else 0.0
        )
        return self.requests[0].used + (int(self._requests_of_others * left) if left > 0.0 else 0)

    def go_alone(self, replicas: int) -> None:
        """The store is away: what this replica used in the last minute, and an equal part of what was free.

        Over all replicas that is the limit, whoever used how much before.
        """
        self.share = self._part(self.tokens.used, self.tokens_used, self.limit.value, replicas)
        first = self.requests[0]
        self.request_share = self._part(first.used, self.requests_used, first.limit, replicas)

    @staticmethod
    def _part(own: int, everybody: int, limit: float, replicas: int) -> float:
        if not 0 < limit < inf:
            return 1.0 / replicas
        return min(1.0, (own + max(0.0, limit - everybody) / replicas) / limit)

    @property
    def others(self) -> tuple[int, int]:
        """Tokens and requests that other replicas have in the windows of a minute, as far as is known."""
        return max(0, self.tokens_used - self.tokens.used), max(0, self.requests_used - self.requests[0].used)

    @property
    def hold_for(self) -> str:
        """For whom its limits hold now."""
        return "shared" if self.share is None else f"alone, {max(0.0, self.share):.0%}"

    # ---- room ----------------------------------------------------------------------------------------------

    def projected(self, tokens: int) -> float:
        """As in `Account`; while the store decides, at most 1.0 where it has not said that there is no room."""
        if self.parallel is not None and self.in_flight >= self.parallel:
            return NO_ROOM
        need = self.need(tokens)
        if need > self.limit.known:
            return NO_ROOM
        if self.share is not None:
            return self._alone(need)
        if need >= self._closed_need and self.slot * SLOT_S < self._closed_until - HORIZON_S:
            return NO_ROOM
        load = (self.tokens_used + need) / self.tokens.limit if self.tokens.limit else 1.0
        share = max((self.requests_used + 1) / self.requests[0].limit, self.windows.share)
        if share > load:
            load = share
        return load if load < 1.0 else 1.0

    def _alone(self, need: int) -> float:
        """Against the replica's share.  A lone call fits, however small the share, or nothing ever would."""
        if self.share is None or self.share < 0.0:
            return NO_ROOM
        limit = self.tokens.limit * self.share
        load = (self.tokens.used + need) / limit if limit else NO_ROOM
        if load > 1.0 and not self.tokens.used:
            load = 1.0
        for window in self.requests:
            limit = window.limit * self.request_share
            part = (window.used + 1) / limit if limit else NO_ROOM
            load = max(load, part if window.used else min(1.0, part))
        return load

    def opening(self, tokens: int, now: float) -> float | None:
        """When a call of `tokens` would fit if nothing else came, as far as the replica knows; None if never."""
        if self.slot != (slot := slot_of(now)):
            self.advance(slot, now)
        need = self.need(tokens)
        if need > self.limit.known:
            return None
        when = max(now, self.health.opening(now), self.resource.opening(now))
        if self.share is None:
            # Never before our own charges have aged out; of the others' only what the store said of such a call counts.
            when = max(when, self._ages_out(need, slot, 1.0, 1.0, now))
            if need >= self._closed_need:
                when = max(when, self._closed_until)
        elif self._alone(need) > 1.0:
            when = max(when, self._ages_out(need, slot, self.share, self.request_share, now))
        if self.parallel is not None and self.in_flight >= self.parallel:
            when = max(when, now + max(SLOT_S, self.seconds / self.parallel))
        return when if when < inf else None

    def _ages_out(self, need: int, slot: int, share: float, request_share: float, now: float) -> float:
        """When enough of our own charges have aged out for a call to fit into these parts of the limits."""
        if share < 0.0:
            return now + HORIZON_S
        when = now
        parts = ((self.tokens, need, share), *((window, 1, request_share) for window in self.requests))
        for window, amount, part in parts:
            limit = window.limit * part
            if limit < inf:
                when = max(when, window.opening(min(amount, int(limit)), slot, limit) or now)
        return when

    def wish(self, now: float) -> tuple[int, int]:
        """Tokens and requests to ask for beyond the call; (0, 0): none."""
        if self.asking or (self.allowance is not None and now < self.allowance.until and self.allowance.requests > 1):
            return 0, 0
        return self.pace.wish(self.limit.value, now)

    # ---- learning ------------------------------------------------------------------------------------------

    def learn(self, limits: RateLimits, lease: Lease, now: float) -> bool:
        """Take a reply's rate-limit headers in.  True if the limit rose.

        The service counts the calls of all replicas, so its figures are held against the fleet's use, and only while
        that is fresh.  How it charges cannot be read from them: other replicas call in between, and our figure holds
        what is booked or leased and not sent yet, so room that it seems to show proves nothing about unused tokens.
        """
        raised = False
        if limits.limit_tokens is not None:
            raised = self.limit.state(limits.limit_tokens, now)
            self.obey_limit()
        if limits.remaining_tokens is not None and self.limit.known < inf and now - self._told_at < FRESH_S:
            if self.slot < (slot := slot_of(now)):
                self.advance(slot, now)
            theirs = int(limits.limit_tokens or self.limit.known) - limits.remaining_tokens
            self._outside.append(max(0, theirs - self.tokens_used))
        return raised

    def reserve(self, call: Call, slot: int, now: float, utilisation: float, others: int) -> Lease:
        """As in `Account`."""
        lease = super().reserve(call, slot, now, utilisation, others)
        if call.charged:
            self.pace.count(lease.tokens, slot * SLOT_S)
        return lease

    def limits(self) -> tuple[int, int, list[tuple[int, int]]]:
        """For the store: tokens now and tokens known (−1: no limit), and each request window as slots and limit."""
        outside = self.outside
        now_limit = max(0, ceil(self.limit.value) - outside) if self.limit.value < inf else -1
        known = ceil(self.limit.known) if self.limit.known < inf else -1
        windows = [(w.keep, int(w.limit)) for w in self.requests if w.limit < inf]
        return now_limit, known, windows
