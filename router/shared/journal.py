"""What has this replica been granted, and what has the shared store still to hear of it?

An entry is one charge in the store.  A replica keeps its entries as long as the store keeps the charges, about a
minute, because three things can happen to them: the attempt costs less or more than was reserved, the store loses its
memory and must be told again, or a charge was made while the store was away and is told when it is back.

Amounts that wait to be told are kept by deployment and slot, so a hundred settlements between two calls are a handful
of numbers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

KEPT_S = 61.0
"""As long as a charge can stand in a window of tokens, guard included."""


class Entry:
    """One charge: `tokens` and `requests` of one deployment, standing in `slot` of the store's clock.

    Attributes:
        place: the deployment: a hashable of the caller's.
        slot: None until the store's clock is known.
        serial: of the question that made or told it; None: the store has not heard of it.
        at: seconds on the replica's clock.
    """

    __slots__ = ("at", "journal", "place", "requests", "serial", "slot", "tokens")

    def __init__(self, place: Any, slot: int | None, tokens: int, requests: int, at: float, serial: int | None) -> None:
        self.place = place
        self.slot = slot
        self.tokens = tokens
        self.requests = requests
        self.at = at
        self.serial = serial
        self.journal: Journal | None = None
        """Where it is noted.  A forked child has a new one: its parent's entries are its parent's to amend."""


class Post(NamedTuple):
    """A correction on its way to the store: add these amounts (either sign) to a slot of a deployment."""

    place: Any
    slot: int
    tokens: int
    requests: int


class Journal:
    """The entries of one group, and the corrections that wait."""

    __slots__ = ("_entries", "_pending")

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._pending: dict[tuple[Any, int], list[int]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def waits(self) -> bool:
        """Is there anything that the store should be told?"""
        return bool(self._pending)

    def note(self, entry: Entry) -> Entry:
        """Keep an entry.  One with no `serial` is told to the store by `tell_untold`."""
        while self._entries and self._entries[0].at < entry.at - KEPT_S:
            self._entries.popleft()
        self._entries.append(entry)
        entry.journal = self
        return entry

    def amend(self, entry: Entry, tokens: int, requests: int) -> None:
        """The charge turned out to be this much larger (or smaller, where negative).  Nothing if it is not ours."""
        if entry.journal is not self:
            return
        entry.tokens += tokens
        entry.requests += requests
        if entry.serial is not None and entry.slot is not None:
            self._wait(entry.place, entry.slot, tokens, requests)

    def tell_untold(self, now: float, slot_at: float, slots_per_second: float, serial: int) -> None:
        """Let the charges of the last minute that the store has not heard of ride with question `serial`.

        Args:
            now: seconds on the replica's clock.
            slot_at: the store's slot at `now`, with its fraction.
            slots_per_second: of the store's clock.
            serial: of the question.
        """
        for entry in self._entries:
            if entry.serial is None and entry.at >= now - KEPT_S:
                entry.slot = int(slot_at - (now - entry.at) * slots_per_second)
                entry.serial = serial
                self._wait(entry.place, entry.slot, entry.tokens, entry.requests)

    def lost(self, last: int, now: float) -> None:
        """The store knows nothing of the questions after serial `last`: tell their charges again.

        Corrections that still wait for such a charge are part of it already.  Where only some questions are lost, it
        cannot be known which corrections were, so those that wait are kept only for charges that are kept.
        """
        again = [e for e in self._entries if e.serial is not None and e.serial > last and e.at >= now - KEPT_S]
        for entry in again:
            if entry.slot is not None:
                self._pending.pop((entry.place, entry.slot), None)
        if last == 0:
            self._pending.clear()
        for entry in again:
            if entry.slot is not None:
                self._wait(entry.place, entry.slot, entry.tokens, entry.requests)

    def take(self, doubtful: Iterable[Post] = ()) -> list[Post]:
        """Everything that waits; whoever takes it brings it to the store, or puts it back.

        Args:
            doubtful: posts of which it is not known whether they reached the store.  What corrects a charge among them
                goes on waiting: the store takes nothing back that does not stand there, so it may not come first.
        """
        doubted = {post[:2] for post in doubtful if post.tokens > 0 or post.requests > 0}
        held = {key: self._pending.pop(key) for key in doubted if key in self._pending}
        posts = list(self.peek())
        self._pending = held
        return posts

    def peek(self) -> Iterator[Post]:
        """Everything that waits."""
        for (place, slot), (tokens, requests) in self._pending.items():
            if tokens or requests:
                yield Post(place, slot, tokens, requests)

    def put_back(self, posts: list[Post]) -> None:
        """These did not reach the store."""
        for post in posts:
            self._wait(*post)

    def _wait(self, place: Any, slot: int, tokens: int, requests: int) -> None:
        if not tokens and not requests:
            return
        waiting = self._pending.setdefault((place, slot), [0, 0])
        waiting[0] += tokens
        waiting[1] += requests
