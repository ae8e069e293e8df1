"""A local Azure: deployments with limits, latencies and faults, to try and test without an account.

with EmulatorServer.in_thread(demo_config()) as server:
    Router([... "api_base": server.base("east") ...])
"""

from __future__ import annotations

from .config import (
    AZURE_LATENCY,
    NO_LATENCY,
    EmulatedDeployment,
    EmulatorConfig,
    EntraConfig,
    Latency,
    demo_config,
    parse_config,
    read_emulator_config,
)
from .core import Emulator, LogEntry
from .faults import Fault, FaultKind
from .in_process import InProcessEngine
from .plan import Plan, Wire
from .server import EmulatorServer, run_server

__all__ = [
    "AZURE_LATENCY",
    "NO_LATENCY",
    "EmulatedDeployment",
    "Emulator",
    "EmulatorConfig",
    "EmulatorServer",
    "EntraConfig",
    "Fault",
    "FaultKind",
    "InProcessEngine",
    "Latency",
    "LogEntry",
    "Plan",
    "Wire",
    "demo_config",
    "parse_config",
    "read_emulator_config",
    "run_server",
]
