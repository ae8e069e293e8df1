"""What is known of one emulated deployment while it runs?  Its limits, its fault, and what has happened to it."""

from __future__ import annotations

from random import Random
from typing import Any

from .admission import Admission
from .config import EmulatedDeployment
from .faults import FaultSwitch


class Running:
    """The state of one deployment.

    Args:
        config: what it is.
        label: its name in the log, in `status()` and for the switches.
        rng: dice for the phase of fixed windows.
    """

    def __init__(self, config: EmulatedDeployment, label: str, rng: Random) -> None:
        self.config = config
        self.label = label
        self.admission = Admission(config, rng)
        self.switch = FaultSwitch(config.fault)
        self.admitted = 0
        self.throttled = 0
        self.failed = 0
        """Every other answer that is no sound success: refusals by the model and faults."""
        self.faulted = 0
        """Calls that a fault struck."""
        self.tokens = 0
        """Charged at admission, in all."""

    def status(self, now: float) -> dict[str, Any]:
        """Counters and use, as plain data."""
        fault, admission = self.switch.fault, self.admission
        return {
            "resource": self.config.resource,
            "model": self.config.model,
            "tpm": admission.tpm,
            "rpm": admission.rpm,
            "admitted": self.admitted,
            "throttled": self.throttled,
            "failed": self.failed,
            "faulted": self.faulted,
            "tokens": self.tokens,
            "tokens_last_minute": round(admission.peak_tokens.present(now)),
            "peak_tokens_per_minute": round(admission.peak_tokens.highest),
            "peak_requests_per_minute": round(admission.peak_requests.highest),
            "peak_share": round(admission.peak_tokens.highest / admission.tpm, 4) if admission.tpm else None,
            "fault": str(fault.kind) if fault is not None else None,
            "fault_calls_left": self.switch.left if fault is not None else None,
        }
