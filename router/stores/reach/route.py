"""Which server is asked?

A conversation asks for exchanges (`yield Exchange(...)`) and is sent their replies, so that the blocking and the
awaiting side share it.  It asks again only what was certainly not carried out: NOSCRIPT, MOVED and ASK.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from redis.crc import key_slot
from redis.exceptions import AskError, MovedError, NoScriptError

from .access import Access, Address, Kind
from .reasons import StoreUnavailable, reason_of
from .script import Argument, Script

Command = tuple[Argument, ...]
Replies = list[Any]
"""In the order of the commands; an error of the server is an item too."""
T = TypeVar("T")
HOPS = 3
"""How often one conversation follows MOVED."""
_LOST = frozenset({"timeout", "refused", "reset", "dns", "readonly", "loading", "cluster_down", "moved"})
"""Reasons to look anew for the server before the next conversation."""


@dataclass(slots=True)
class Call:
    """One run of a script."""

    script: Script
    keys: Sequence[str]
    args: Sequence[Argument]

    def command(self, whole: bool = False) -> Command:
        """EVALSHA; or the whole script, which the server then knows."""
        word, script = ("EVAL", self.script.text) if whole else ("EVALSHA", self.script.sha)
        return (word, script, len(self.keys), *self.keys, *self.args)


@dataclass(slots=True)
class Exchange:
    """Send these commands to that server in one go and return the replies.

    What fails as a whole is thrown into the conversation as StoreUnavailable.
    """

    address: Address
    commands: list[Command]
    sentinel: bool = False


Conversation = Generator[Exchange, Replies, T]


class Route:
    """What is known about the servers.

    Args:
        access: where to begin.

    Threads and event loops may share it: each change replaces one value, and one that is out of date costs a detour.
    """

    def __init__(self, access: Access) -> None:
        self.access = access
        self._known: list[Address] = list(access.nodes)
        """Those to ask for the way, the most promising first."""
        self._primary: Address | None = access.nodes[0] if access.kind is Kind.ONE else None
        self._ranges: list[tuple[int, int, Address]] = []
        self._moved: dict[int, Address] = {}

    def lane(self, keys: Sequence[str]) -> int:
        """Calls of one lane can share an exchange: the slot of the first key on a cluster, else 0."""
        return key_slot(keys[0].encode()) if self.access.kind is Kind.CLUSTER and keys else 0

    def run(self, lane: int, calls: Sequence[Call]) -> Conversation[Replies]:
        """Run scripts whose keys are of one lane.  The replies may be StoreUnavailable.

        Raises:
            StoreUnavailable: all of them failed together.
        """
        address = yield from self._find(lane)
        replies = yield from self._ask(address, [call.command() for call in calls])
        for _ in range(HOPS):
            again = [i for i, reply in enumerate(replies) if isinstance(reply, (NoScriptError, AskError))]
            if not again:
                break
            moved = next((replies[i] for i in again if isinstance(replies[i], AskError)), None)
            if moved is not None and self.access.kind is Kind.CLUSTER:
                address = (moved.host or address[0], moved.port)
                if isinstance(moved, MovedError):
                    self._moved[lane] = address
            elif moved is not None:
                break
            asking = type(moved) is AskError
            # A server that did not have the keys does not have the script either, as often as not.
            commands = [calls[i].command(whole=True) for i in again]
            if asking:
                commands = [word for command in commands for word in (("ASKING",), command)]
            new = yield from self._ask(address, commands)
            for i, reply in zip(again, new[1::2] if asking else new, strict=True):
                replies[i] = reply
        return [self._judged(reply) for reply in replies]

    def ping(self) -> Conversation[None]:
        """Ask whether anybody answers.

        Raises:
            StoreUnavailable: nobody does.
        """
        address = yield from self._find(0)
        (reply,) = yield from self._ask(address, [("PING",)])
        judged = self._judged(reply)
        if isinstance(judged, StoreUnavailable):
            raise judged

    def _ask(self, address: Address, commands: list[Command], sentinel: bool = False) -> Conversation[Replies]:
        try:
            return (yield Exchange(address, commands, sentinel))
        except StoreUnavailable as error:
            self._failed(error.reason, address)
            raise

    def _judged(self, reply: Any) -> Any:
        if not isinstance(reply, Exception):
            return reply
        reason = reason_of(reply)
        self._failed(reason, None)
        return StoreUnavailable(reason, self.access.shown)

    def _failed(self, reason: str, address: Address | None) -> None:
        """Look anew before the next conversation, and ask others for the way first."""
        if reason not in _LOST or self.access.kind is Kind.ONE:
            return
        self._primary, self._ranges, self._moved = None, [], {}
        if address in self._known:
            self._known = [one for one in self._known if one != address] + [address]

    def _find(self, lane: int) -> Conversation[Address]:
        found = self._primary
        if found is None and self.access.kind is Kind.CLUSTER:
            found = self._owner(lane)
            if found is None:
                self._learn((yield from self._first([("CLUSTER", "SLOTS")])))
                found = self._owner(lane)
        elif found is None:
            found = yield from self._ask_sentinels()
        if found is None:
            reason = "no_primary" if self.access.kind is Kind.SENTINEL else "cluster_down"
            raise StoreUnavailable(reason, self.access.shown)
        return found

    def _ask_sentinels(self) -> Conversation[Address | None]:
        _, answer = yield from self._first([("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.access.service)])
        if answer is None:
            return None
        self._primary = (_text(answer[0]), int(answer[1]))
        return self._primary

    def _first(self, commands: list[Command]) -> Conversation[tuple[Address, Any]]:
        """The answer of the first who gives one that says something."""
        error: StoreUnavailable | None = None
        nothing: tuple[Address, Any] | None = None
        for address in list(self._known):
            try:
                (reply,) = yield from self._ask(address, commands, self.access.kind is Kind.SENTINEL)
            except StoreUnavailable as failed:
                if failed.reason == "timeout":
                    raise  # the time of the whole conversation is over; the next one begins with somebody else
                error = failed
                continue
            if isinstance(reply, Exception):
                error = StoreUnavailable(reason_of(reply), self.access.shown)
            elif reply:
                return address, reply
            else:
                nothing = address, None
        if nothing is not None:
            return nothing
        raise error or StoreUnavailable("refused", self.access.shown)

    def _owner(self, slot: int) -> Address | None:
        if slot in self._moved:
            return self._moved[slot]
        return next((address for first, last, address in self._ranges if first <= slot <= last), None)

    def _learn(self, found: tuple[Address, Any]) -> None:
        """From CLUSTER SLOTS: [first slot, last slot, [host, port, …] of the primary, …].  No host: who said so."""
        teller, slots = found
        ranges = [
            (int(first), int(last), (_text(primary[0]) or teller[0], int(primary[1])))
            for first, last, primary, *_ in slots or ()
        ]
        owners = dict.fromkeys(address for _, _, address in ranges)
        self._ranges = ranges
        self._known = [*owners, *(one for one in (*self._known, *self.access.nodes) if one not in owners)]
        self._known = list(dict.fromkeys(self._known))[:100]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value or "")
