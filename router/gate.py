"""When is something closed, and how does it come back?

What deployments (`health.py`) and hosts have in common: closed for a time, then one live call as a probe,
then open again.  Each time in a row it stays closed for about twice as long; a healthy minute forgets one
of them.  A host has a gate of its own, because one that cannot be reached takes all its deployments
along.

Times are seconds on the clock of whoever owns the gate and tells it every outcome under its own lock.
Source: algorithms.md §3.4; the cap on ejections is Envoy's.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from math import inf
from random import Random

EJECTION_S, EJECTION_CAP_S = 5.0, 300.0
MAX_LEVEL = 6
"""5 s·2⁶ is beyond the cap; a higher n would only take longer to forget."""
HEALTHY_S = 60.0
PROBE_PATIENCE_S = 1.0
"""When to look again while a probe is out: a guess, for its end rings the queue anyway."""
UNREACHABLE_FAILS, UNREACHABLE_S = 3, 30.0


class State(StrEnum):
    """What a deployment or a host is at a moment."""

    READY = "ready"
    THROTTLED = "throttled"
    EJECTED = "ejected"
    PROBING = "probing"
    SLOW_START = "slow_start"
    DISABLED = "disabled"


def ejection_allowed(ejected: int, usable: int, total: int) -> bool:
    """Whether one more of a tier's deployments may be ejected: at most half (but one always), never the last.

    Args:
        ejected: how many are ejected now, probes included.
        usable: how many are usable now, with the one in question.
        total: the size of the tier.
    """
    return usable > 1 and ejected < max(1, total // 2)


class Gate:
    """Open, or closed until a time and then open to one probe."""

    __slots__ = ("_healthy_since", "_level", "_probing", "_until", "closed_until", "ill", "reason", "since")

    def __init__(self) -> None:
        self.closed_until = -inf
        """The one figure that the hot path compares; infinite while a probe is out."""
        self.since = 0.0
        """When it last went out of service or came back."""
        self.reason = ""
        """What last closed it, as a `Kind`; means nothing while it is ready."""
        self.ill: State | None = None
        """EJECTED, DISABLED or None; the other states follow from it and the time."""
        self._until = -inf
        self._probing = False
        self._level = 0
        self._healthy_since = 0.0

    def usable(self, now: float, panic: bool = False) -> bool:
        """Whether a call may pass: it is open, or a probe is due.  In a `panic` no ejection is believed."""
        return now >= self.closed_until or (panic and self.ill is State.EJECTED)

    def is_probe_due(self, now: float) -> bool:
        """Whether the next call to pass is the probe; granting it goes with `begin_probe`."""
        return self.ill is not None and now >= self.closed_until

    def begin_probe(self, now: float) -> None:
        """The probe is on its way: nothing else passes until its outcome is told.  Nothing if none is due."""
        if self.is_probe_due(now):
            self._probing = True
            self.closed_until = inf

    def abandon_probe(self, now: float) -> None:
        """The probe ended without a verdict (cancelled, say): the next call is a probe again."""
        del now
        if self._probing:
            self._probing = False
            self.closed_until = self._until

    def opening(self, now: float) -> float:
        """When a call may pass again; `now` if at once."""
        return now + PROBE_PATIENCE_S if self._probing else max(now, self.closed_until)

    def state(self, now: float) -> State:
        """What it is at this moment."""
        if self.ill is not None:
            return State.PROBING if self._probing else self.ill
        return State.READY if now >= self.closed_until else State.THROTTLED

    def _ignores(self, probe: bool) -> bool:
        """It is closed, and the outcome is a straggler's: sent before, so it says nothing new."""
        return self.ill is not None and not (self._probing and probe)

    def _eject(self, now: float, reason: str, rng: Random, rest: float | None = None) -> float:
        """Close for `rest` seconds, else for 5 s·2ⁿ up to 300 s, half of it by the dice; returns which."""
        b = self._longer(now)
        if rest is None:
            rest = b / 2 + rng.random() * b / 2
        self._close(State.EJECTED, now, rest, reason)
        return rest

    def _longer(self, now: float) -> float:
        """The next rest in a row: 5 s·2ⁿ up to 300 s."""
        if self.ill is None:
            healthy = max(0.0, now - self._healthy_since)
            self._level = max(0, self._level - int(healthy / HEALTHY_S))
        rest = min(EJECTION_CAP_S, EJECTION_S * 2.0**self._level)
        self._level = min(self._level + 1, MAX_LEVEL)
        return rest

    def _close(self, ill: State, now: float, rest: float, reason: str) -> None:
        if self.ill is None:
            self.since = now
        self.ill = ill
        self._probing = False
        self._until = max(self._until, now + rest)
        self.closed_until = self._until
        self.reason = reason

    def _open(self, now: float) -> None:
        self.ill = None
        self._probing = False
        self.closed_until = self._until = -inf
        self.since = self._healthy_since = now


class Resource(Gate):
    """Whether one host can be reached; shared by its deployments.

    Three failures to reach it in a row, or three within 30 s from two deployments or more, close it as an
    ejection would, and the same kind of probe opens it.  There is no slow start: a host is there or it is
    not, and its deployments keep a health of their own.  Every answer is a success here, a 429 and a 500
    too.  Nothing is spared for being the last host: where nothing else is left, the panic rule uses it
    all the same.
    """

    __slots__ = ("_in_a_row", "_recent")

    def __init__(self) -> None:
        super().__init__()
        self._in_a_row = 0
        self._recent: deque[tuple[float, str]] = deque(maxlen=UNREACHABLE_FAILS)

    def succeeded(self, now: float, probe: bool = True) -> bool:
        """The host was reached, whatever it said.  True if that opened it again."""
        self._in_a_row = 0
        if not (self._probing and probe):
            return False
        self._recent.clear()
        self._open(now)
        return True

    def failed(self, now: float, deployment: str, rng: Random, probe: bool = True) -> float | None:
        """The host was not reached.  Returns the seconds for which this closed it, None if it did not.

        Args:
            now: seconds.
            deployment: id of the deployment that was called.
            rng: the dice for the length.
            probe: whether the call was the probe.
        """
        if self._ignores(probe):
            return None
        self._in_a_row += 1
        self._recent.append((now, deployment))
        if self.ill is None and not self._is_unreachable(now):
            return None
        return self._eject(now, "unreachable", rng)

    def _is_unreachable(self, now: float) -> bool:
        if self._in_a_row >= UNREACHABLE_FAILS:
            return True
        recent = [deployment for at, deployment in self._recent if now - at <= UNREACHABLE_S]
        return len(recent) >= UNREACHABLE_FAILS and len(set(recent)) > 1
