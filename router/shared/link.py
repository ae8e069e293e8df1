"""Is the shared store there for a group, and what may this replica do while it is not?

    together ──a question fails──▶ alone ──it answers again──▶ alone, telling ──1.25 s──▶ together
                                   ▲    │                            │
                                   └────┘ asked once a second        └──▶ alone, if it fails

The store is asked whether it is back beside the calls, never by one of them.  Whoever hears that it is tells it what it
used meanwhile, but goes on alone until all others have had the time to do the same: or the first to come back would
take for free what the others are using.

One failure is enough: a call that waited in vain goes on by itself at once, and so do all others, so that no call ever
waits longer than the store's timeout.  What `alone` means is configured:

    share    of each limit what the replica itself used in the minute before, and an equal part of what was free.  Over
             all replicas that is the limit, and nobody is cut off: the bound holds from the first moment as far as all
             saw the same last state, and as long as no replica joins
    strict   nothing is sent until the store is back
    open     the whole limit each, and 429s are the only brake
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from .account import SharedAccount
from .inquiry import Answer, Inquiry, Need
from .journal import KEPT_S, Journal
from .on_failure import OnStoreFailure

PAUSE_S, PAUSE_CAP_S = 0.5, 1.0
RETURN_S, TELL_ALONE_S = 1.25, 0.25
"""Longer than the longest pause: when a replica asks together again, all others have told what they used alone."""
UNKNOWN_REPLICAS = 2
"""Where the store was never reached: somebody who shares limits has at least two."""
STRICT_SHARE = -1.0
"""Not even one lone call."""
UNDONE_AT_ONCE = 64
"""Questions taken back with one that follows."""
TELL_S = 1.0
"""How long a correction may wait for a call to ride on."""


@dataclass(slots=True)
class Link:
    """The contact of one group with the store.

    Attributes:
        replicas: seen alive by the store, this one included; 0 before its first answer.
        reason: why it is alone; empty while it is not.
        since: when it last changed, in seconds on the replica's clock.
    """

    group: str
    accounts: list[SharedAccount]
    mode: OnStoreFailure = OnStoreFailure.SHARE
    expected: int | None = None
    journal: Journal = field(default_factory=Journal)
    rests: dict[SharedAccount, float] = field(default_factory=dict)
    replicas: int = 0
    reason: str = ""
    since: float = 0.0
    _serial: int = 0
    _acked: int = 0
    _forget: list[int] = field(default_factory=list)
    _undo: list[Inquiry] = field(default_factory=list)
    _pauses: int = 0
    _until: float = 0.0
    _back_at: float | None = None
    _probing: bool = False
    _told_at: float = 0.0
    _told_again: int = 0
    """Serial of the question that tells again what the store had lost."""
    _clock: tuple[float, float] | None = None
    """A moment on both clocks: ours in seconds, the store's in milliseconds."""

    # ---- asking --------------------------------------------------------------------------------------------

    @property
    def alone(self) -> bool:
        """Does the replica go by itself?"""
        return bool(self.reason)

    def next_errand(self, now: float) -> float | None:
        """When a question without a call is worth asking, in seconds on the replica's clock; None: not as things stand.

        While the replica is alone, that is the question whether the store is back; otherwise what waits to be told
        and found no call to ride on.
        """
        if self.reason:
            return None if self._probing else self._until
        if self.rests or len(self._undo) > UNDONE_AT_ONCE:
            return now
        return self._told_at + TELL_S if self.journal.waits or self._undo else None

    def inquire(self, needs: list[Need], now: float) -> Inquiry:
        """A question with everything that waits riding along.  Its end must be told: answered, or failed."""
        self._serial += 1
        self._told_at = now
        if self._clock is not None:
            slots = (self._clock[1] + 1000.0 * (now - self._clock[0])) / 250.0
            self.journal.tell_untold(now, slots, 4.0, self._serial)
        posts = self.journal.take(post for other in self._undo for post in other.posts)
        undo, self._undo = self._undo[:UNDONE_AT_ONCE], self._undo[UNDONE_AT_ONCE:]
        undo = [other for other in undo if other.sent_at >= now - KEPT_S]  # older charges have aged out by themselves
        rests = {account: until for account, until in self.rests.items() if until > now}
        inquiry = Inquiry(
            self.group, self._serial, now, None, needs, posts, rests, self._forget, undo,
            self._acked, bool(self.reason),
        )  # fmt: skip
        self.rests, self._forget = {}, []
        self._probing = self._probing or inquiry.probe
        return inquiry

    def answered(self, inquiry: Inquiry, answer: Answer, now: float) -> float | None:
        """An answer came.  Returns for how long the store had been away, None if it was not."""
        self.replicas = max(1, answer.replicas)
        self._clock = (now, float(answer.now_ms))
        self._acked = max(self._acked, inquiry.serial)
        self._forget.append(inquiry.serial)
        for other, was_done in zip(inquiry.undo, answer.undone, strict=False):
            if was_done:
                self._forget.append(other.serial)
            else:  # it may still be on its way: its mark stays, and the store drops it when it is old
                self._put_back(other)
        return self._together(now)

    def lost(self, inquiry: Inquiry, answer: Answer, now: float) -> None:
        """The store has lost its memory: everything of the last minute is told again with the next question.

        Once: questions that were sent before that one hear of the same loss, and what they tell is told by it.
        """
        self._clock = (now, float(answer.now_ms))
        self._undo += inquiry.undo  # they may still be on their way
        if inquiry.serial < self._told_again:
            for other in (inquiry, *inquiry.undo):
                if other.serial > answer.last:
                    other.posts = []
            self._put_back(inquiry)
            return
        for other in (inquiry, *self._undo):
            if other.serial > answer.last:
                self._put_back(other)
        self.journal.lost(answer.last, now)
        self._acked = answer.last
        self._told_again = self._serial + 1

    def failed(self, inquiry: Inquiry, reason: str, now: float, rng: Random) -> bool:
        """No answer came, or none that says what was done.  True if the replica is alone from now on.

        The question is taken back with the next one: if it was carried out after all, its charge goes; if it is
        still on its way, it will do nothing.
        """
        self.take_back(inquiry)
        was_alone = self.alone
        if was_alone and not inquiry.probe:
            return False  # it was asked before the first failure; that one counts
        self._probing = False
        self._back_at = None
        self._until = now + (0.5 + 0.5 * rng.random()) * min(PAUSE_CAP_S, PAUSE_S * 2.0**self._pauses)
        self._pauses = min(self._pauses + 1, 8)
        if was_alone:
            self.reason = reason
            return False
        self.reason = reason
        self.since = now
        for account in self.accounts:
            self.leave_alone(account)
        return True

    def take_back(self, inquiry: Inquiry) -> None:
        """Whoever asked is gone, or never heard: see `failed`."""
        if inquiry.probe:
            self._probing = False
        self._undo += [*inquiry.undo, inquiry]
        inquiry.undo = []
        self._forget += inquiry.forget
        for account, until in inquiry.rests.items():
            self.rests[account] = max(until, self.rests.get(account, until))

    def _put_back(self, inquiry: Inquiry) -> None:
        self.journal.put_back(inquiry.posts)
        inquiry.posts = []
        for account, until in inquiry.rests.items():
            self.rests[account] = max(until, self.rests.get(account, until))

    def _together(self, now: float) -> float | None:
        self._probing = False
        self._pauses = 0
        if not self.reason:
            return None
        if self._back_at is None:
            self._back_at = now + RETURN_S
        if now < self._back_at:
            self._until = min(now + TELL_ALONE_S, self._back_at)
            return None
        away = now - self.since
        self._back_at = None
        self.reason = ""
        self.since = now
        for account in self.accounts:
            account.share = None
        return away

    def forked(self) -> None:
        """This is a child process, a replica of its own: what its parent asked and was granted is not its own."""
        self.journal = Journal()
        self.rests, self._forget, self._undo = {}, [], []
        self._serial = self._acked = self._told_again = 0
        self._probing = False
        for account in self.accounts:
            account.allowance = None
            account.asking = False

    # ---- alone ---------------------------------------------------------------------------------------------

    def leave_alone(self, account: SharedAccount) -> None:
        """Let a deployment's share decide from now on."""
        if self.mode is OnStoreFailure.SHARE:
            account.go_alone(self.replicas or self.expected or UNKNOWN_REPLICAS)
        else:
            account.share = account.request_share = 1.0 if self.mode is OnStoreFailure.OPEN else STRICT_SHARE

    @property
    def typical_share(self) -> float:
        """What to tell people: the mean over the group's deployments, never below 0."""
        shares = [max(0.0, account.share) for account in self.accounts if account.share is not None]
        return sum(shares) / len(shares) if shares else 1.0
