"""The one question to the shared store, and how its answer is read.

A question names deployments in order of preference for one call, and for the calls that wait behind it in the same
line; corrections, rests and what became of earlier questions ride along.  The answer says for each call which
deployment was charged and in which slot, and for each deployment what all replicas use.  Both are flat lists of
numbers (`stores/lua/reserve.lua` has their order), so that any client and any protocol version carries them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from math import ceil

from router.steps import Reserve, Ticket
from router.window import SLOT_S

from .account import SharedAccount
from .allowance import SECONDS
from .journal import Post

LEASE_SLOTS = ceil(SECONDS / SLOT_S)


class Answered(IntEnum):
    """What became of a question."""

    OK = 0
    LOST = 1
    """The store has lost what it was told; nothing was done."""
    VOID = 3
    """The question was taken back before it arrived; nothing was done."""


@dataclass(slots=True)
class Need:
    """One call that needs a place."""

    tokens: int
    """The estimate, before a deployment's own correction."""
    order: list[SharedAccount]
    """Candidates, the best first."""
    horizon_ms: int
    """How long the call may be booked ahead."""
    ticket: Ticket | None = None


@dataclass(slots=True, eq=False)
class Inquiry:
    """One question of one group.  Compared by identity."""

    group: str
    serial: int
    sent_at: float
    """Seconds on the replica's clock: allowances are counted from here."""
    step: Reserve | None
    """Whose call asks; None: only to tell."""
    needs: list[Need]
    posts: list[Post] = field(default_factory=list)
    rests: dict[SharedAccount, float] = field(default_factory=dict)
    """Deployments that a 429 closed, until when (seconds on the replica's clock)."""
    forget: list[int] = field(default_factory=list)
    undo: list[Inquiry] = field(default_factory=list)
    acked: int = 0
    probe: bool = False
    again: int = 0
    """How often it was asked before because the store had lost its memory."""
    beliefs: list[SharedAccount] = field(default_factory=list)
    """Then: the deployments of which we know what the others used."""
    wish: tuple[int, int] = (0, 0)
    """Tokens and requests that the first candidate of the call shall grant in advance."""

    def accounts(self) -> list[SharedAccount]:
        """Every deployment that the question mentions, those with limits (candidates) first."""
        seen: dict[SharedAccount, None] = {}
        for need in self.needs:
            seen.update(dict.fromkeys(need.order))
        for post in self.posts:
            seen.setdefault(post.place)
        seen.update(dict.fromkeys(self.rests))
        seen.update(dict.fromkeys(self.beliefs))
        for other in self.undo:
            seen.update(dict.fromkeys(other.accounts()))
        return list(seen)

    def candidates(self) -> list[SharedAccount]:
        """The deployments that a call may go to."""
        seen: dict[SharedAccount, None] = {}
        for need in self.needs:
            seen.update(dict.fromkeys(need.order))
        return list(seen)


@dataclass(frozen=True, slots=True)
class Place:
    """What the store said to one need."""

    account: SharedAccount | None
    """None: no room."""
    slot: int
    wait: float
    """Seconds until it may be sent; without an account, until the first candidate opens (negative: never)."""
    lease_slot: int
    lease_tokens: int
    lease_requests: int


@dataclass(frozen=True, slots=True)
class Use:
    """What all replicas use of one deployment."""

    account: SharedAccount
    tokens: int
    requests: int
    rest: float
    """Seconds for which a 429 that some replica saw closes it."""


@dataclass(slots=True)
class Answer:
    """An answer, read."""

    status: Answered
    now_ms: int
    last: int
    """The highest serial of this replica that the store had seen before."""
    replicas: int
    mended: int
    """Keys that held something which is not ours."""
    undone: list[bool] = field(default_factory=list)
    """For each question taken back: had it been carried out?"""
    places: list[Place] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)


def arguments(inquiry: Inquiry, replica: str, now: float, now_ms: int = 0) -> list[str | int]:
    """The arguments of the script.

    Args:
        inquiry: the question.
        replica: this replica's name.
        now: seconds on the replica's clock.
        now_ms: the store's clock for tests; 0: its own.
    """
    index = {account: i + 2 for i, account in enumerate(inquiry.accounts())}  # the first key is the group's
    out: list[str | int] = [now_ms, replica, inquiry.serial, inquiry.acked]
    out += [len(inquiry.forget), *inquiry.forget]
    out += [len(inquiry.undo), *(other.serial for other in inquiry.undo)]
    out.append(len(inquiry.posts))
    for post in inquiry.posts:
        out += [index[post.place], post.slot, post.tokens, post.requests]
    out += _retold(inquiry, index)
    out.append(len(inquiry.rests))
    for account, until in inquiry.rests.items():
        out += [index[account], max(0, ceil(1000 * (until - now)))]
    candidates = inquiry.candidates()
    out.append(len(candidates))
    for account in candidates:
        limit, known, windows = account.limits()
        out += [index[account], limit, known, len(windows)]
        for keep, most in windows:
            out += [keep, most]
    out += [LEASE_SLOTS, len(inquiry.needs)]
    for i, need in enumerate(inquiry.needs):
        out += [need.horizon_ms, *(inquiry.wish if i == 0 else (0, 0)), len(need.order)]
        for account in need.order:
            out += [index[account], account.need(need.tokens)]
    return out


def _retold(inquiry: Inquiry, index: dict[SharedAccount, int]) -> list[int]:
    """Where the store has lost its memory: what we believe that the others used, and what we tell of our own."""
    if not inquiry.again:
        return [0]
    own: dict[SharedAccount, list[int]] = {account: [0, 0] for account in inquiry.beliefs}
    for post in inquiry.posts:
        if post.place in own:
            own[post.place][0] += max(0, post.tokens)
            own[post.place][1] += max(0, post.requests)
    out = [len(own)]
    for account, told in own.items():
        out += [index[account], *account.others, *told]
    return out


def read(inquiry: Inquiry, raw: list[int]) -> Answer:
    """The answer of the script.

    Raises:
        ValueError: it is too short: some other script answered.
    """
    numbers = iter([int(n) for n in raw])
    try:
        answer = Answer(Answered(next(numbers)), next(numbers), next(numbers), next(numbers), next(numbers))
        if answer.status is not Answered.OK:
            return answer
        answer.undone = [bool(next(numbers)) for _ in inquiry.undo]
        for need in inquiry.needs:
            pick, slot, wait_ms, at, tokens, requests = (next(numbers) for _ in range(6))
            account = need.order[pick - 1] if pick > 0 else None
            answer.places.append(Place(account, slot, wait_ms / 1000, at, tokens, requests))
        for account in inquiry.candidates():
            used, requests, rest_ms = (next(numbers) for _ in range(3))
            answer.uses.append(Use(account, used, requests, rest_ms / 1000))
    except (StopIteration, RuntimeError, IndexError) as error:
        raise ValueError(f"an answer of {len(raw)} numbers is none of ours") from error
    return answer
