"""May this request in?  The limits of one deployment, judged together at the moment of arrival.

Tokens under the chosen rule; requests under the same rule over each sub-window.  Nothing is charged unless
everything fits, except that a rejected request still counts as a request where `rejected_count` says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

from .config import EmulatedDeployment
from .limiter import NEVER, Charge, FixedWindow, Limiter, ProvisionedBucket, SlidingWindow, TokenBucket
from .peak import Peak


@dataclass(slots=True)
class Decision:
    """The answer of the door."""

    reason: Literal["admitted", "token", "call"]
    """Admitted, or which rate is exceeded, in the word that the 429 uses."""
    wait: float = 0.0
    """Seconds until the request would fit; `NEVER` if it is larger than the deployment."""
    ticket: tuple[Charge, Charge] | None = None
    """To correct the charge later (`Admission.settle`)."""


class Admission:
    """The limits of one deployment.

    Args:
        config: the deployment.
        rng: draws the phase of fixed windows.
    """

    def __init__(self, config: EmulatedDeployment, rng: Random) -> None:
        self._config = config
        self._phase = rng.random()
        self.tokens: Limiter | None = None
        self.requests: list[Limiter] = []
        self.peak_tokens = Peak()
        self.peak_requests = Peak()
        self.tpm = config.tpm
        self.rpm = config.rpm
        if config.tpm is not None:
            self.tokens = self._make(config.tpm, 60.0)
        if config.rpm is not None:
            self.requests = [self._make_requests(config.rpm, seconds) for seconds in config.request_windows]

    def decide(self, now: float, tokens: int) -> Decision:
        """Admit and charge, or reject."""
        verdict = self._verdict(now, tokens)
        admitted = verdict.reason == "admitted"
        if admitted or self._config.rejected_count:
            for limiter in self.requests:
                limiter.take(now, 1)
            if not admitted:  # it stands in its own way when it comes back too early
                verdict.wait = max(verdict.wait, *(limiter.wait(now, 1) for limiter in self.requests), 0.0)
        if admitted:
            charge = self.tokens.take(now, tokens) if self.tokens is not None else Charge(now, tokens)
            verdict.ticket = (charge, self.peak_tokens.take(now, tokens))
            self.peak_requests.take(now, 1)
        return verdict

    def settle(self, now: float, ticket: tuple[Charge, Charge], tokens: float) -> None:
        """The request is complete and really took `tokens`: correct what was charged."""
        charge, peak = ticket
        if self.tokens is not None:
            self.tokens.correct(now, charge, tokens - charge.amount)
        self.peak_tokens.correct(now, peak, tokens - peak.amount)

    def resize(self, now: float, tpm: int | None, rpm: int | None) -> None:
        """Set other limits; None leaves one as it is."""
        if tpm is not None:
            self.tpm = tpm
            if self.tokens is None:
                self.tokens = self._make(tpm, 60.0)
            self.tokens.resize(now, tpm)
        if rpm is not None:
            self.rpm = rpm
            if not self.requests:
                self.requests = [self._make_requests(rpm, s) for s in self._config.request_windows]
            for limiter, seconds in zip(self.requests, self._config.request_windows, strict=True):
                limiter.resize(now, share(rpm, seconds))

    def utilisation(self, now: float) -> float | None:
        """Percent of a PTU deployment; None for others."""
        return self.tokens.utilisation(now) if isinstance(self.tokens, ProvisionedBucket) else None

    def _verdict(self, now: float, tokens: int) -> Decision:
        if self.tokens is not None and not self.tokens.fits(now, tokens):
            return Decision("token", self.tokens.wait(now, tokens))
        waits = [limiter.wait(now, 1) for limiter in self.requests if not limiter.fits(now, 1)]
        return Decision("call", max(waits)) if waits else Decision("admitted")

    def _make_requests(self, rpm: int, seconds: float) -> Limiter:
        if self._config.limiter == "ptu":
            return SlidingWindow(share(rpm, seconds), seconds)
        return self._make(share(rpm, seconds), seconds)

    def _make(self, limit: int, seconds: float) -> Limiter:
        makers: dict[str, Callable[[], Limiter]] = {
            "sliding": lambda: SlidingWindow(limit, seconds),
            "fixed_minute": lambda: FixedWindow(limit, seconds, self._phase * seconds),
            "token_bucket": lambda: TokenBucket(limit, seconds),
            "ptu": lambda: ProvisionedBucket(limit, seconds),
        }
        return makers[self._config.limiter]()


def share(rpm: int, seconds: float) -> int:
    """The request limit of a sub-window: ⌈rpm·seconds/60⌉."""
    return math.ceil(rpm * seconds / 60.0 - 1e-9)


def retry_seconds(wait: float) -> int:
    """`retry-after`: whole seconds upwards, at least 1; a day for what never fits, as captured from Azure."""
    return 86_400 if wait == NEVER else max(1, math.ceil(wait))
