"""What is one deployment doing, and what may it still take?

An account is the run-time side of a deployment: its windows, its effective limit, its open calls, its health and
what its replies have taught.  It is plain arithmetic; `ledger.py` decides when to call it, under its store's lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf

from strategies import Candidate

from .charge import Charge, ChargePolicy
from .configured import Deployment, HealthPolicy, RequestWindow
from .effective import EffectiveLimit
from .health import Health, Resource
from .values import Call, Lease, RateLimits
from .window import SLOT_S, Window, Windows, slot_of

MINUTE_S = 60.0
NO_ROOM = 2.0
"""A utilisation that no limit allows."""
DEFAULT_CAPACITY = 100_000.0
BELIEVED_SHARE = 0.97
"""A 429 below this utilisation contradicts what we believed."""
CUT_EVIDENCE_SHARE = 0.25
CUT_EVIDENCE_REQUESTS = 5
SMOOTHING = 0.15
FACTOR_CAP = 4.0


@dataclass(slots=True)
class Counters:
    """Totals since the start."""

    attempts: int = 0
    successes: int = 0
    failures: int = 0
    throttles: int = 0
    tokens: int = 0


class Account(Candidate):
    """The run-time side of one deployment.  A strategy is shown the candidate in it.

    Args:
        deployment: as configured.
        policy: the router's health settings.
        resource: its host, shared with the other deployments there.
        charge: how attempts are charged after their reply.
    """

    __slots__ = (
        "_last_remaining",
        "_last_serial",
        "charge",
        "counters",
        "deployment",
        "factor",
        "health",
        "limit",
        "parallel",
        "requests",
        "resource",
        "seconds",
        "slot",
        "tokens",
        "windows",
    )

    def __init__(self, deployment: Deployment, policy: HealthPolicy, resource: Resource, charge: ChargePolicy) -> None:
        self.name = deployment.id
        self.utilisation = 0.0
        self.slowness = 1.0
        self.deployment = deployment
        self.health = Health(deployment, policy)
        self.resource = resource
        self.limit = EffectiveLimit(deployment.tpm)
        self.charge = Charge(charge)
        self.tokens = Window(MINUTE_S, self.limit.value)
        minute = Window(MINUTE_S, deployment.rpm or inf)
        self.windows = Windows(self.tokens, [minute, *(Window(w.seconds, w.limit) for w in deployment.windows)])
        self.requests = self.windows.requests
        self.capacity = self._size()
        """For capacity-weighted choices: tokens per minute, else 1,000 × requests per minute, else 100,000."""
        self.parallel = deployment.max_parallel_requests
        self.in_flight = 0
        self.factor = 1.0
        """Charge seen in headers ÷ our estimate, never below 1: a token bucket's refill hides part of each charge."""
        self.seconds = 0.0
        """Smoothed seconds per successful call; 0 before the first."""
        self.weight = 1.0
        """Share for weighted strategies, set by the group (`simple_shuffle.effective_weights`)."""
        self.counters = Counters()
        self.slot = 0
        self._last_serial = -1
        self._last_remaining: int | None = None

    def __repr__(self) -> str:
        return f"<Account {self.deployment.id}: {self.tokens.used} tokens, {self.in_flight} in flight>"

    def _size(self) -> float:
        if self.limit.value < inf:
            return self.limit.value
        rpm = self.requests[0].limit
        return 1000.0 * rpm if rpm < inf else DEFAULT_CAPACITY

    def obey_limit(self) -> None:
        """The effective limit has moved: from now on the new one decides."""
        self.tokens.limit = self.limit.value
        self.capacity = self._size()

    @property
    def tokens_used(self) -> int:
        """What stands in the window of tokens, valid after `advance`."""
        return self.tokens.used

    @property
    def requests_used(self) -> int:
        """What stands in the window of a minute's requests, valid after `advance`."""
        return self.requests[0].used

    @property
    def hold_for(self) -> str:
        """For whom its limits hold."""
        return "per process"

    # ---- room ----------------------------------------------------------------------------------------------

    def advance(self, slot: int, now: float) -> None:
        """Bring the windows up to `slot`.  Callers skip it while `account.slot == slot`."""
        self.slot = slot
        if self.windows.next_exit <= slot:
            self.windows.advance(slot)
        if self.limit.cut_to is not None:
            self.limit.recover(now)
            self.obey_limit()

    def need(self, tokens: int) -> int:
        """The estimate as this deployment's headers have corrected it."""
        return tokens if self.factor == 1.0 else ceil(tokens * self.factor)

    def projected(self, tokens: int) -> float:
        """Share of the tightest limit that is used once a call of `tokens` is added; above 1.0 there is no room.

        Valid after `advance`.  A lone call fits even above a learned cap, as long as it is below the known limit.
        """
        if self.parallel is not None and self.in_flight >= self.parallel:
            return NO_ROOM
        window = self.tokens
        need = tokens if self.factor == 1.0 else ceil(tokens * self.factor)
        load = (window.used + need) / window.limit
        if load > 1.0 and not window.used and need <= self.limit.known:
            load = 1.0
        share = self.windows.share
        return share if share > load else load

    def opening(self, tokens: int, now: float) -> float | None:
        """When a call of `tokens` would fit if nothing else came, in seconds on the clock; None if never."""
        slot = slot_of(now)
        if self.slot != slot:
            self.advance(slot, now)
        need = self.need(tokens)
        if need > self.limit.known:
            return None
        when = max(now, self.health.opening(now), self.resource.opening(now))
        fits_at = self.tokens.opening(min(need, int(min(self.tokens.limit, 1e15))), slot)
        for opening in (fits_at, *(w.opening(1, slot) for w in self.requests)):
            if opening is None:
                return None
            when = max(when, opening)
        if self.parallel is not None and self.in_flight >= self.parallel:
            # Nobody knows when a call ends; a release rings the queue.  This is when one may be expected to.
            when = max(when, now + max(SLOT_S, self.seconds / self.parallel))
        return when

    def full(self, tokens: int) -> str:
        """Which limit leaves no room for a call of `tokens`, in words; valid after `advance`."""
        if self.parallel is not None and self.in_flight >= self.parallel:
            return f"its limit of calls at once ({self.parallel}) is reached"
        need, used = self.need(tokens), self.tokens_used
        if used + need > self.tokens.limit and (used or need > self.limit.known):
            free = max(0.0, self.tokens.limit - used)
            return f"the call needs about {need:,} tokens, {free:,.0f} of {self.tokens.limit:,.0f} a minute are free"
        others = self.requests_used - self.requests[0].used
        for window in self.requests:
            if window.used + (others if window is self.requests[0] else 0) >= window.limit:
                return f"its limit of requests ({window.limit:,.0f} in {window.seconds:g} s) is reached"
        return "what it has left is kept for calls that came before"

    # ---- charges -------------------------------------------------------------------------------------------

    def reserve(self, call: Call, slot: int, now: float, utilisation: float, others: int) -> Lease:
        """Charge a call's tokens and one request, if it is charged at all, and count it as open.

        Args:
            call: what is to be sent.
            slot, now: the moment.
            utilisation: as projected for it.
            others: deployments that could be tried after this one.
        """
        self.in_flight += 1
        counters = self.counters
        counters.attempts = serial = counters.attempts + 1
        tokens = self.need(call.tokens)
        charges = self.windows.add(slot, tokens, 1 if call.charged else 0)
        return Lease(self.deployment, call, tokens, now, others, self, charges, utilisation, serial)

    def refund(self, lease: Lease) -> None:
        """Give back all that a lease was charged: nothing reached the service's limiter."""
        self.windows.amend(lease.charges, -lease.tokens, -1 if lease.call.charged else 0)
        lease.tokens_settled = 0
        lease.refunded = True

    def settle(self, lease: Lease, actual: int | None, now: float) -> bool:
        """Charge what an attempt really cost.  True if that gave tokens back."""
        final = self.charge.settled(lease.tokens, actual, now)
        lease.tokens_settled = final
        self.counters.tokens += final
        if final == lease.tokens:
            return False
        self.windows.amend(lease.charges, final - lease.tokens)
        return final < lease.tokens

    # ---- learning ------------------------------------------------------------------------------------------

    def timed(self, seconds: float) -> None:
        """Take a success's duration into the smoothed one."""
        self.seconds += SMOOTHING * (seconds - self.seconds) if self.seconds else seconds

    def learn(self, limits: RateLimits, lease: Lease, now: float) -> bool:
        """Take a reply's rate-limit headers in.  True if the limit rose, so that waiters should look again.

        `limit-tokens` moves the effective limit.  `remaining-*` may only lower our headroom: someone else may be
        using the deployment too, and what they used ages out of our window within a minute.
        """
        raised = False
        if self.slot < (slot := slot_of(now)):
            self.advance(slot, now)  # the headers speak of now, and what others used is charged now
        if limits.limit_tokens is not None and self.limit.state(limits.limit_tokens, now):
            raised = True
        if self.tokens.limit != self.limit.value:
            self.obey_limit()
        if limits.remaining_tokens is not None and (known := self.limit.known) < inf:
            self._correct_estimate(limits.remaining_tokens, lease)
            theirs = int(limits.limit_tokens or known) - limits.remaining_tokens
            self.charge.saw(now, known, theirs, self.tokens.used)
            self._lower(self.tokens, limits.remaining_tokens)
        if limits.remaining_requests is not None and limits.limit_requests is not None:
            for window in self.requests:
                if window.limit == limits.limit_requests:  # the header does not say which window it means
                    self._lower(window, limits.remaining_requests)
        return raised

    def _lower(self, window: Window, remaining: int) -> None:
        headroom = window.limit - window.used
        if headroom < inf and remaining < headroom:
            window.add(self.slot, int(headroom - remaining))
            self.windows.weigh()

    def _correct_estimate(self, remaining: int, lease: Lease) -> None:
        """When exactly one call lies between two readings, their difference is what it was charged."""
        before, self._last_remaining = self._last_remaining, remaining
        alone = lease.serial == self.counters.attempts and self._last_serial == lease.serial - 1
        self._last_serial = lease.serial
        tokens = lease.call.tokens  # the estimate as it came, which is what the correction applies to
        if alone and before is not None and tokens > 0:
            charge = before - remaining
            if charge > 0:
                ratio = min(charge / tokens, FACTOR_CAP)
                self.factor = max(1.0, self.factor + SMOOTHING * (ratio - self.factor))
                if self.factor < 1.02:
                    self.factor = 1.0

    def contradicted(self, limits: RateLimits, lease: Lease, now: float) -> None:
        """A 429 came.  If we had believed in room, learn the limit that it shows."""
        if lease.utilisation > BELIEVED_SHARE:
            return
        tokens = lease.tokens
        if limits.remaining_tokens is not None and limits.remaining_tokens >= tokens:
            self._learn_burst_window(limits)
            return
        self.charge.doubted(now)
        admitted = self.tokens_used - tokens
        known = self.limit.known
        if known < inf:
            enough = admitted >= CUT_EVIDENCE_SHARE * known
        else:
            enough = self.requests[0].used > CUT_EVIDENCE_REQUESTS
        if enough:
            self.limit.cut(admitted, now)
            self.obey_limit()

    def _learn_burst_window(self, limits: RateLimits) -> None:
        """Tokens and requests were left, and yet a 429: Azure judges this model's requests by the second."""
        rpm = self.deployment.rpm
        if rpm and limits.remaining_requests and all(w.seconds > 1.0 for w in self.requests):
            burst = RequestWindow(ceil(rpm / 60), 1.0)
            self.windows.append(Window(burst.seconds, burst.limit))
