"""How much was admitted at most?  Judged from outside: it knows nothing of the rule that admitted it."""

from __future__ import annotations

from .limiter import Charge, SlidingWindow


class Peak:
    """The highest sum in any true window of `seconds`, exactly: it is reached at a moment of arrival."""

    __slots__ = ("_window", "highest")

    def __init__(self, seconds: float = 60.0) -> None:
        self._window = SlidingWindow(0, seconds)
        self.highest = 0.0

    def take(self, now: float, amount: float) -> Charge:
        """Count an admitted request."""
        charge = self._window.take(now, amount)
        self.highest = max(self.highest, self._window.used(now))
        return charge

    def correct(self, now: float, charge: Charge, difference: float) -> None:
        """It turned out larger or smaller; peaks of the past stay."""
        self._window.correct(now, charge, difference)
        self.highest = max(self.highest, self._window.used(now))

    def present(self, now: float) -> float:
        """The sum of the window that ends now."""
        return self._window.used(now)
