"""A local Azure: deployments with limits, latencies and faults, to try and test without an account.

with EmulatorServer.in_thread(demo_config()) as server:
    Router([... "api_base": server.base("east") ...])
"""

from __future__ import annotations

from .config import EmulatedDeployment, EmulatorConfig, Latency, demo_config, read_emulator_config
from .core import Emulator
from .faults import Fault
from .in_process import InProcessEngine
from .server import EmulatorServer

__all__ = [
    "EmulatedDeployment",
    "Emulator",
    "EmulatorConfig",
    "EmulatorServer",
    "Fault",
    "InProcessEngine",
    "Latency",
    "demo_config",
    "read_emulator_config",
]
