"""How many tokens per minute may a deployment really take now?

The smallest of three figures: what was configured, what `x-ratelimit-limit-tokens` states (Azure cuts Standard
deployments silently under load and says so only there), and what a 429 has taught.  A 429 where we believed in
room shows that the true limit lies near what had been admitted; the cap taught by it recovers by itself along a
cubic (algorithms.md §2.11, measured there: 0.3 % refused while three of six deployments are cut to 40 %, against
4.9 % for a cooldown alone):

    t = 0 s     429 at 60,000 used    cap 58,200 (0.97 of what was admitted)
    t = 90 s    flat near the cut     cap 60,000
    t = 180 s                         cap 63,000
    t = 270 s   then convex           cap 84,000
    … until it reaches the other two and is forgotten
"""

from __future__ import annotations

from math import inf

CUT_SHARE = 0.97
BUSY_SHARE = 0.7
BUSY_PAUSE_S = 60.0
RECOVERY_S = 90.0
FORGET_FACTOR = 8.0
"""Where no limit is known, a cap is forgotten once it has grown to this many times the cut."""


class EffectiveLimit:
    """The token limit of one deployment, in tokens per minute.

    Args:
        configured: `tpm`, or None.

    Attributes:
        value: the limit now, above 0; `math.inf` where nothing is known.  Moves with `state`, `cut` and `recover`.
        known: the limit without what 429s have taught.  Moves with `state`.
        stated: what the service's headers said last, or None.
        cut_to: what had been admitted when a 429 came, while the cap that it taught is in force; else None.
    """

    __slots__ = ("_busy_at", "_cut_at", "configured", "cut_to", "known", "stated", "value")

    def __init__(self, configured: float | None) -> None:
        self.configured = configured
        self.stated: float | None = None
        self._cut_at = 0.0
        self.cut_to: float | None = None
        self._busy_at = -inf
        self.known = configured or inf
        self.value = self.known

    def state(self, tokens: int, now: float) -> bool:
        """A header stated the limit.  True if that raised the limit, so that waiters should look again."""
        if tokens == self.stated and self.cut_to is None:
            return False
        before = self.value
        self.stated = float(tokens)
        self.known = min(self.configured or inf, self.stated or inf)
        self.recover(now)
        return self.value > before

    def cut(self, admitted: int, now: float) -> None:
        """A 429 came although only `admitted` tokens stood in the window."""
        self.cut_to = float(admitted)
        self._cut_at = now
        self.recover(now)

    def busy(self, now: float) -> None:
        """The service said that it is under high demand: ask for 70 % from now on, at most once a minute."""
        if self.value < inf and now - self._busy_at >= BUSY_PAUSE_S:
            self._busy_at = now
            self.cut(int(BUSY_SHARE * self.value / CUT_SHARE), now)

    def recover(self, now: float) -> None:
        """Bring `value` up to date."""
        known = self.known
        if self.cut_to is None:
            self.value = known
            return
        x = (now - self._cut_at - RECOVERY_S) / RECOVERY_S
        cap = self.cut_to * CUT_SHARE if x < -0.999 else self.cut_to * max(CUT_SHARE, 1 + 0.05 * x**3)
        if cap >= min(known, FORGET_FACTOR * self.cut_to):
            self.cut_to = None
            self.value = known
        else:
            self.value = cap
