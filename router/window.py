"""How much was charged within the last so many seconds?

A window is a true sliding sum, kept in slots of a quarter of a second.  The oldest, partly expired slot counts
whole, and so does a guard for the jitter of the network, so the sum is never below what any limiter can see that
counts the same charges: a fixed minute of any phase, a sliding minute, or a token bucket (algorithms.md §2.1;
measured there: 0 % refused against all three, 98 % goodput).

    now 10:00:00.10   charge 40    slots: 10:00:00.00 → 40                        used 40
    now 10:00:30.60   charge 10    slots: 10:00:00.00 → 40, 10:00:30.50 → 10      used 50
    now 10:01:00.60                the first is 60.5 s old: still counted         used 50
    now 10:01:00.75                60 s + 0.5 s guard + its own quarter: gone     used 10

Only slots that were charged are kept, so an idle deployment costs nothing, and a charge can be amended later
through its cell, wherever it stands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import ceil, inf

SLOT_S = 0.25
"""Width of a slot in seconds.  A quarter costs 0.4 % of a minute's capacity (algorithms.md §3.1, `ringwidth`)."""
GUARD_S = 0.5
"""The service counts at receipt; its window may hold this much more than ours if transit varies."""

Cell = list[int]
"""[slot, amount], shared between a window and the lease that made the charge."""
LEFT = -1
"""The slot of a cell that has left its window."""


def slot_of(now: float) -> int:
    """The number of the slot that holds the moment `now` (seconds)."""
    return int(now / SLOT_S)


class Window:
    """The sum of charges over the last `seconds`.

    Args:
        seconds: the length of the window.
        limit: the most that may stand in it; `math.inf` for a window that only measures.

    Attributes:
        used: the sum now, valid after `advance`.  Never negative.
        next_exit: the slot at which the oldest charge leaves; `math.inf` while there is none.  Before it, `advance`
            changes nothing.
    """

    __slots__ = ("cells", "keep", "limit", "next_exit", "seconds", "used")

    def __init__(self, seconds: float, limit: float = inf) -> None:
        if not seconds > 0:
            raise ValueError(f"a window needs a positive length, not {seconds} s")
        self.seconds = seconds
        self.limit = limit
        self.used = 0
        self.cells: deque[Cell] = deque()
        guard = min(GUARD_S, seconds * 0.05)  # half a second would halve a 1 s window
        self.keep = 1 + ceil((seconds + guard) / SLOT_S)
        """A charge leaves when its slot is this many slots old."""
        self.next_exit = inf

    def advance(self, slot: int) -> None:
        """Forget what is too old at `slot`.  Slots never run backwards; an earlier one changes nothing."""
        cells = self.cells
        edge = slot - self.keep
        while cells and cells[0][0] <= edge:
            gone = cells.popleft()
            self.used -= gone[1]
            gone[0] = LEFT  # so that a later cell of the same slot (a clock that stepped back) is not taken for it
        self.next_exit = cells[0][0] + self.keep if cells else inf

    def add(self, slot: int, amount: int) -> Cell:
        """Charge `amount` ≥ 0 in `slot`, and return the cell through which it can be amended."""
        cells = self.cells
        self.used += amount
        if cells and cells[-1][0] >= slot:  # a clock that stepped back charges into the newest slot: the safe side
            cell = cells[-1]
            cell[1] += amount
            return cell
        if not cells:
            self.next_exit = slot + self.keep
        cell = [slot, amount]
        cells.append(cell)
        return cell

    def amend(self, cell: Cell, delta: int) -> None:
        """Correct an earlier charge by `delta` (either sign).  A cell that has left the window is left alone."""
        cells = self.cells
        if not cells or cell[0] < cells[0][0]:
            return
        delta = max(delta, -cell[1])
        cell[1] += delta
        self.used += delta

    def recount(self) -> None:
        """Make `used` the sum of what is kept, after a fork amid a charge of another thread."""
        self.used = sum(cell[1] for cell in self.cells)

    def fits(self, amount: int) -> bool:
        """Is there room for `amount` now?  Valid after `advance`."""
        return self.used + amount <= self.limit

    def opening(self, amount: int, slot: int, limit: float | None = None) -> float | None:
        """When `amount` would fit if nothing else were charged: seconds on the clock of the slots; None if never.

        The answer is the beginning of the first slot at which it fits; `slot` itself if it fits now.  A `limit` holds
        instead of the window's own.
        """
        if limit is None:
            limit = self.limit
        if amount > limit:
            return None
        excess = self.used + amount - limit
        if excess <= 0:
            return slot * SLOT_S
        for cell_slot, charged in self.cells:
            excess -= charged
            if excess <= 0:
                return (cell_slot + self.keep) * SLOT_S
        return slot * SLOT_S  # unreachable while `used` is the sum of the cells


class Charges:
    """What one attempt left in the windows of its deployment; all attempts of a slot share one."""

    __slots__ = ("requests", "tokens")

    def __init__(self, tokens: Cell, requests: list[tuple[Window, Cell]]) -> None:
        self.tokens = tokens
        self.requests = requests


class Windows:
    """All windows of one deployment.  An attempt counts in each: its tokens in the first, itself in the others.

    They are asked far more often than they are charged, so they keep the answer.

    Args:
        tokens: the window of tokens.
        requests: the windows of requests (of a minute, of a few seconds), at least one.

    Attributes:
        tokens, requests: those.
        share: of the tightest limit of requests, what is used once one more is added; valid after `advance`.
        next_exit: as in `Window`, of the first charge that leaves any of them.
    """

    __slots__ = ("_charges", "_slot", "next_exit", "requests", "share", "tokens")

    def __init__(self, tokens: Window, requests: Iterable[Window]) -> None:
        self.tokens = tokens
        self.requests = list(requests)
        self._charges = Charges([LEFT, 0], [])
        self._slot = LEFT
        self.share = 0.0
        self.next_exit = inf
        self.weigh()

    def append(self, window: Window) -> None:
        """One more limit of requests; those before it are not in it."""
        self.requests.append(window)
        self.weigh()

    def advance(self, slot: int) -> None:
        """Forget what is too old at `slot`."""
        self.tokens.advance(slot)
        for window in self.requests:
            window.advance(slot)
        self.weigh()

    def add(self, slot: int, tokens: int, requests: int) -> Charges:
        """Charge tokens and requests, ≥ 0, in `slot`, and return what `amend` corrects them by.  Not to be changed."""
        if slot != self._slot:
            self._open(slot)
        charges = self._charges
        charges.tokens[1] += tokens
        self.tokens.used += tokens
        share = 0.0
        for window, cell in charges.requests:
            cell[1] += requests
            window.used = used = window.used + requests
            part = (used + 1) / window.limit
            if part > share:
                share = part
        self.share = share
        return charges

    def _open(self, slot: int) -> None:
        """Make the cells of a slot, or find them."""
        self._charges = Charges(self.tokens.add(slot, 0), [(window, window.add(slot, 0)) for window in self.requests])
        self.next_exit = self._first_exit()
        self._slot = slot  # last, or a Ctrl-C before would leave an exit that nobody looks for

    def amend(self, charges: Charges, tokens: int, requests: int = 0) -> None:
        """Correct an earlier charge by so much (either sign) wherever it still stands."""
        self.tokens.amend(charges.tokens, tokens)
        if requests:
            for window, cell in charges.requests:
                window.amend(cell, requests)
            self.weigh()

    def weigh(self) -> None:
        """Look at the windows anew; whoever changes one of them says so by this."""
        self._slot = LEFT
        self.share = max([(window.used + 1) / window.limit for window in self.requests])
        self.next_exit = self._first_exit()

    def recount(self) -> None:
        """The same of all, as of `Window`."""
        for window in (self.tokens, *self.requests):
            window.recount()
        self.weigh()

    def _first_exit(self) -> float:
        return min([self.tokens.next_exit, *[window.next_exit for window in self.requests]])
