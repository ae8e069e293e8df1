"""How ill is a deployment, and when may it be used again?

    READY ──429──▶ THROTTLED ──time──▶ READY       a full deployment is not an ill one, so there is no probe
      │
      ├─ 5 hard failures in a row; or, within 30 s, < 50 % of ≥ 10 or < 80 % of ≥ 20 outcomes were good
      ▼
    EJECTED ──time──▶ PROBING (one live call) ──ok──▶ SLOW_START (10 → 100 % of its share in 30 s) ──▶ READY
      ▲                  │
      └─────── fail ─────┘         n + 1; it rests for 5 s·2ⁿ up to 300 s, half of it by the dice (`gate.py`)

    DISABLED (401, 403, 404) comes back in the same way, but is out for 300 s each time; where a token was refused
    that is fetched anew now and then, for 5 s·2ⁿ up to 300 s, since the next one may be good

Where the configuration states `allowed_fails` or `cooldown_time`, LiteLLM's meaning replaces the rule
above: more failures than allowed within the cooldown time (5 s unless stated) eject, a stated cooldown
time is the length of every rest, and 0 means that nothing ever closes the deployment.  Source:
algorithms.md §3.4, litellm.md §3.4.
"""

from __future__ import annotations

from collections import deque
from math import inf
from random import Random

from .configured import AllowedFails, Deployment, HealthPolicy
from .gate import Gate, Resource, State, ejection_allowed
from .values import Kind
from .verdict import CLASSES, VERDICTS, allowed_fails_for, stated

__all__ = ["Health", "Resource", "State", "ejection_allowed", "stated_rest", "throttle_seconds"]

HARD_IN_A_ROW = 5.0
BUCKETS, BUCKET_S = 10, 3.0
RATIO_RULES = ((10, 0.5), (20, 0.8))
"""From so many outcomes on, at least this share must be good."""
DISABLED_S = 300.0
SLOW_START_S, SLOW_START_SHARE = 30.0, 0.1
ALLOWED_FAILS_WINDOW_S = 5.0
THROTTLE_S, THROTTLE_FLOOR_S, THROTTLE_CAP_S = 10.0, 0.1, 60.0
"""The cap: Azure has asked for 86,400 s, for a call larger than the whole limit (azure.md §3.5)."""


def stated_rest(deployment: Deployment, policy: HealthPolicy) -> float | None:
    """The seconds of rest that the configuration states; None if none, 0.0 if the deployment never rests."""
    if policy.disable_cooldowns:
        return 0.0
    rest = policy.cooldown_time if deployment.cooldown_time is None else deployment.cooldown_time
    return None if rest is None else max(0.0, rest)


def throttle_seconds(retry_after: float | None, deployment: Deployment, policy: HealthPolicy) -> float:
    """Seconds of rest after a 429; 0.0 if the deployment never rests.

    The deployment's `cooldown_time`, else what the service asked for (0.1 to 60 s), else the router's
    `cooldown_time`, else 10 s.
    """
    rest = stated_rest(deployment, policy)
    if rest is not None and (rest == 0.0 or deployment.cooldown_time is not None):
        return rest
    if retry_after is not None and retry_after >= 0.0:  # not so for NaN
        return min(max(retry_after, THROTTLE_FLOOR_S), THROTTLE_CAP_S)
    return THROTTLE_S if rest is None else rest


class Health(Gate):
    """The health of one deployment.

    Methods that take an outcome also take `probe`: whether the call was the probe, which its lease
    knows.  While the deployment is out, outcomes of other calls are ignored, since those calls were sent
    before.

    Args:
        deployment: its `cooldown_time` and `allowed_fails` override the policy's.
        policy: the router's settings.
    """

    __slots__ = (
        "_allowed",
        "_fails",
        "_outcomes",
        "_ramp_until",
        "_rest",
        "_streak",
        "_throttled_until",
        "immune",
        "ready",
    )

    def __init__(self, deployment: Deployment, policy: HealthPolicy) -> None:
        super().__init__()
        self._rest = stated_rest(deployment, policy)
        self.immune = self._rest == 0.0
        """Nothing closes it: `cooldown_time` is 0 or cooldowns are switched off."""
        self._allowed = [a for a in (deployment.allowed_fails, policy.allowed_fails) if a is not None]
        self._fails: dict[str, deque[float]] = {}
        self._streak = 0.0
        self._outcomes = _Outcomes()
        self._throttled_until = -inf
        self._ramp_until = -inf
        self.ready = True
        """It is neither out nor in a slow start, so `ramp` need not be asked."""

    # ---- questions ---------------------------------------------------------------------------------------

    def usable(self, now: float, panic: bool = False) -> bool:
        """Whether a call may go there: it is open, or a probe is due.

        In a `panic` (too few are well) ejections and probes are not believed; throttles and refused keys are.
        """
        if now >= self.closed_until:
            return True
        return panic and self.ill is State.EJECTED and now >= self._throttled_until

    def ramp(self, now: float) -> float:
        """The share of its weight for which it may be chosen: 0.1 rising to 1.0 in a slow start, else 1.0."""
        if self.ready:
            return 1.0
        if self.ill is not None:
            return SLOW_START_SHARE
        share = 1.0 - (self._ramp_until - now) / SLOW_START_S
        if share >= 1.0:
            self.ready = True
            return 1.0
        return max(SLOW_START_SHARE, share)

    def state(self, now: float) -> State:
        """What it is at this moment."""
        state = super().state(now)
        return State.SLOW_START if state is State.READY and self.ramp(now) < 1.0 else state

    def watches(self, kind: Kind) -> bool:
        """Whether `allowed_fails` states a figure for the very class of this kind.

        Then even a kind that is no illness by itself (a 400, the content filter) is told to `failed`.
        """
        return any(stated(kind, allowed) is not None for allowed in self._allowed)

    # ---- outcomes ----------------------------------------------------------------------------------------

    def succeeded(self, now: float, probe: bool = True) -> bool:
        """A call went well, or failed by the caller's own fault.  True if that ended an illness."""
        if self.ill is None:
            self._streak = 0.0
            self._outcomes.add(now, 0.0)
            return False
        if self._ignores(probe):
            return False
        self._recover(now)
        return True

    def throttled(self, now: float, seconds: float, probe: bool = True) -> None:
        """A 429: rest for `seconds` (see `throttle_seconds`), never shorter than it rests already.

        A probe that is throttled has found a living service: it rests, then starts slowly.  Where
        `allowed_fails` states a figure for rate limits, only a 429 beyond it means rest.
        """
        if self.immune:
            return
        if self.ill is not None and not self._ignores(probe):
            self._recover(now)
        elif self._tolerates(now, Kind.THROTTLED):
            return
        if self.ill is None:
            self.since = self.since if now < self.closed_until else now
            self.reason = Kind.THROTTLED
        self._throttled_until = max(self._throttled_until, now + seconds)
        self._until = max(self._until, self._throttled_until)
        self.closed_until = max(self.closed_until, self._until)
        self._ramp_until = max(self._ramp_until, self._throttled_until + SLOW_START_S)

    def failed(
        self, now: float, kind: Kind, weight: float, may_eject: bool, rng: Random, probe: bool = True
    ) -> float | None:
        """A failure that may show illness.  Returns the seconds of the ejection if it led to one.

        Args:
            now: seconds.
            kind: of the failure.
            weight: 1.0 hard, 0.5 soft (`Verdict.weight`).
            may_eject: `ejection_allowed` of its tier.  If not, the failure is remembered, so that the next
                one ejects where that may be.  After a failed probe it stays out in any case.
            rng: the dice for the length.
            probe: whether the call was the probe.
        """
        if self.immune or self._ignores(probe):
            return None
        if self.ill is not None and VERDICTS[kind].effect == "success":
            self._recover(now)  # the probe met a refusal that counts only because it is watched
            return None
        if self.ill is None and not (self._is_ill(now, kind, weight) and may_eject):
            return None
        self._forget()
        return self._eject(now, kind, rng, self._rest)

    def disabled(self, now: float, kind: Kind, probe: bool = True) -> float | None:
        """A refusal that lasts until the configuration is mended.  Returns the seconds until a probe.

        They are 300, or the stated cooldown time; for a refused token 5·2ⁿ up to 300.  None where nothing
        changed: the deployment never rests, the failure is allowed by a figure for its class, or it is a
        straggler's.
        """
        if self.immune or (self.ill is None and self._tolerates(now, kind)):
            return None
        if self._ignores(probe) and (self._probing or self.ill is State.DISABLED):
            return None
        self._forget()
        rest = self._rest
        if rest is None:
            rest = self._longer(now) if kind is Kind.SIGN_IN_REFUSED else DISABLED_S
        self._close(State.DISABLED, now, rest, kind)
        return rest

    # ---- inside ------------------------------------------------------------------------------------------

    def _recover(self, now: float) -> None:
        """The probe found it alive: open, unless a throttle still holds, and start slowly after that."""
        self._open(now)
        self.closed_until = self._until = self._throttled_until
        self._ramp_until = max(now, self._throttled_until) + SLOW_START_S

    def _forget(self) -> None:
        """It goes out: begin counting anew, and come back slowly."""
        self.ready = False
        self._streak = 0.0
        self._outcomes = _Outcomes()
        self._fails.clear()

    def _is_ill(self, now: float, kind: Kind, weight: float) -> bool:
        for allowed in self._allowed:
            limit = allowed_fails_for(kind, allowed)
            if limit is not None:
                return self._exceeds(now, kind, allowed, limit)
        self._streak += weight
        self._outcomes.add(now, weight)
        return self._streak >= HARD_IN_A_ROW or self._outcomes.are_bad()

    def _tolerates(self, now: float, kind: Kind) -> bool:
        """Whether a figure for the very class of this kind allows the failure, which is counted."""
        for allowed in self._allowed:
            limit = stated(kind, allowed)
            if limit is not None:
                return not self._exceeds(now, kind, allowed, limit)
        return False

    def _exceeds(self, now: float, kind: Kind, allowed: AllowedFails, limit: int) -> bool:
        """Count one failure of its class, and tell whether more than `limit` lie within the window."""
        name = "default" if stated(kind, allowed) is None else CLASSES[kind]
        fails = self._fails.setdefault(name, deque())
        window = ALLOWED_FAILS_WINDOW_S if self._rest is None else self._rest
        while fails and now - fails[0] > window:
            fails.popleft()
        fails.append(now)
        return len(fails) > limit


class _Outcomes:
    """The outcomes of the last 30 s, in ten buckets of 3 s."""

    __slots__ = ("_all", "_bad", "_bucket")

    def __init__(self) -> None:
        self._bucket = 0
        self._all = [0] * BUCKETS
        self._bad = [0.0] * BUCKETS

    def add(self, now: float, badness: float) -> None:
        """Count one: 0.0 is good, 1.0 is bad."""
        bucket = int(now / BUCKET_S)
        passed = bucket - self._bucket
        if passed > 0:
            for i in range(min(passed, BUCKETS)):
                self._all[(bucket - i) % BUCKETS] = 0
                self._bad[(bucket - i) % BUCKETS] = 0.0
            self._bucket = bucket
        i = self._bucket % BUCKETS
        self._all[i] += 1
        self._bad[i] += badness

    def are_bad(self) -> bool:
        """Whether they show illness by their share of failures.  Valid right after `add`."""
        total = sum(self._all)
        good = total - sum(self._bad)
        return any(total >= least and good < share * total for least, share in RATIO_RULES)
