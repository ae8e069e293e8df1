"""Small emulated fleets, and the `model_list` that reaches them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from router import Router
from router.emulator import EmulatedDeployment, EmulatorConfig, EmulatorServer

KEY = "canary-key-1f9d"
HELLO = [{"role": "user", "content": "canary-prompt: what is a router?"}]


def config(*names: str, **options: Any) -> EmulatorConfig:
    """An emulator with these deployments, each on a resource of its own name."""
    deployments = [EmulatedDeployment(n, resource=n, **options) for n in names]
    return EmulatorConfig(deployments, keys=[KEY])


def entry(server: EmulatorServer, name: str, group: str = "gpt-4o", **extra: Any) -> dict[str, Any]:
    """The `model_list` entry of one deployment."""
    top = {k: extra.pop(k) for k in ("tpm", "rpm") if k in extra}
    info = {"id": name, **extra.pop("model_info", {})}
    params = {"model": f"azure/{name}", "api_base": server.base(name), "api_key": KEY, "api_version": "2024-10-21"}
    return {"model_name": group, "litellm_params": {**params, **extra}, "model_info": info, **top}


@contextmanager
def emulated(*names: str, **options: Any) -> Iterator[EmulatorServer]:
    """A running emulator with these deployments."""
    with EmulatorServer.in_thread(config(*names, **options)) as server:
        yield server


def router_for(server: EmulatorServer, *names: str, **options: Any) -> Router:
    """A router of these deployments in the group `gpt-4o`; all of the emulator's if none is named."""
    chosen = names or tuple(server.emulator.deployments)
    return Router([entry(server, n) for n in chosen], seed=1, **options)
