"""What does an attempt really cost the limit, once its reply is known?

Azure's limiter takes an estimate at arrival (characters/4 + max_tokens) and, as far as captures show, neither
gives an unused `max_tokens` back within the window nor adds the billed tokens later (azure.md §3.3).  But the
documents disagree, so the policy `auto` begins with the estimate and lets each deployment prove otherwise:

    estimate   keep what was reserved: the starting point
    actual     charge the billed tokens, so that unused ones come back; reached when `x-ratelimit-remaining-tokens`
               showed, at its lowest over two minutes and 20 replies, at least 5 % of the limit more room than we
               believed.  The lowest of two whole minutes, because a server with fixed minutes looks empty after
               each turn and only its fullest moment tells
    max        charge the larger of the two; reached by a 429 where we believed in room, for ten minutes, and for
               twice as long each time it happens again

The other policies stay what their names say.
"""

from __future__ import annotations

from enum import StrEnum

PROOF_SPAN_S = 120.0
PROOF_REPLIES = 20
PROOF_SHARE = 0.05
CAUTION_S = 600.0
CAUTION_CAP_S = 4 * 3600.0


class ChargePolicy(StrEnum):
    """How attempts are charged after their reply; `auto` moves between the other three."""

    AUTO = "auto"
    MAX = "max"
    ESTIMATE = "estimate"
    ACTUAL = "actual"


class Charge:
    """The charge of one deployment's attempts, and what its headers have proved."""

    __slots__ = ("_auto", "_caution_s", "_cautious_until", "_peak_ours", "_peak_theirs", "_replies", "_since", "mode")

    def __init__(self, policy: ChargePolicy = ChargePolicy.AUTO) -> None:
        self._auto = policy is ChargePolicy.AUTO
        self.mode = ChargePolicy.ESTIMATE if self._auto else policy
        self._caution_s = CAUTION_S
        self._cautious_until = 0.0
        self._since = 0.0
        self._replies = 0
        self._peak_ours = 0
        self._peak_theirs = 0

    def settled(self, reserved: int, actual: int | None, now: float) -> int:
        """The tokens to charge for an attempt that was sent.

        Args:
            reserved: what was reserved before sending.
            actual: billed tokens, None if unknown.
            now: seconds.
        """
        self._calm(now)
        if actual is None or self.mode is ChargePolicy.ESTIMATE:
            return reserved
        if self.mode is ChargePolicy.ACTUAL:
            return actual
        return max(reserved, actual)

    def saw(self, now: float, limit: float, theirs: int, ours: int) -> None:
        """Weigh one reply's headers.

        Args:
            limit: the deployment's tokens per minute.
            theirs: tokens that the service counts as used (limit − remaining).
            ours: tokens that we count as used at the same moment.
        """
        if not self._auto:
            return
        self._calm(now)
        if self.mode is ChargePolicy.MAX:
            return
        if not self._replies:
            self._since = now
        self._replies += 1
        self._peak_ours = max(self._peak_ours, ours)
        self._peak_theirs = max(self._peak_theirs, theirs)
        if now - self._since < PROOF_SPAN_S:
            return
        if self._replies >= PROOF_REPLIES and self._peak_ours - self._peak_theirs > PROOF_SHARE * limit:
            self.mode = ChargePolicy.ACTUAL
        self._restart(now)

    def doubted(self, now: float) -> None:
        """A 429 came where we believed in room: charge the larger figure for a while."""
        if not self._auto:
            return
        if self.mode is ChargePolicy.MAX and now < self._cautious_until:
            return
        self.mode = ChargePolicy.MAX
        self._cautious_until = now + self._caution_s
        self._caution_s = min(2 * self._caution_s, CAUTION_CAP_S)

    def _calm(self, now: float) -> None:
        """End a doubt whose time is over.  Most deployments send no headers, so every settlement asks."""
        if self._auto and self.mode is ChargePolicy.MAX and now >= self._cautious_until:
            self.mode = ChargePolicy.ESTIMATE
            self._restart(now)

    def _restart(self, now: float) -> None:
        self._since = now
        self._replies = 0
        self._peak_ours = 0
        self._peak_theirs = 0
