"""Which deployments does the emulator pretend to be?"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from router.errors import ConfigError

from .limiter import KINDS


@dataclass(slots=True)
class Latency:
    """How long answers take: the first token log-normally, then so much per token."""

    first_ms: float = 0.0
    """Median time to the first token."""
    sigma: float = 0.5
    per_token_ms: float = 0.0


@dataclass(slots=True)
class EmulatedDeployment:
    """One deployment of the emulator."""

    name: str
    model: str = "gpt-4o-2024-11-20"
    """What replies give as `model`: the underlying model, not the deployment."""
    resource: str = "local"
    """Its host's first label; in the server also a path prefix."""
    tpm: int | None = None
    rpm: int | None = None
    limiter: str = "sliding"
    """`sliding`, `fixed_minute`, `token_bucket` or `ptu`."""
    request_window_s: float = 10.0
    """Requests are judged over this part of the minute: 60, 10 or 1."""
    rejected_count: bool = True
    """Rejected requests count against the request limit, as documented."""
    estimate: str = "modern"
    """`modern`: ⌈characters/4⌉ + n·max_tokens; `legacy16`: max_tokens or 16."""
    release_unused: bool = False
    """Give the unused part of the estimate back when the answer is done."""
    headers: str = "full"
    """`full`: limit and remaining; `remaining`: as in 2024; `none`."""
    throttle_form: str = "2025"
    """The text and headers of a 429: `2025`, `2024`, `reset-only` or `bare` (no header at all)."""
    context_window: int = 128_000
    reasoning: bool = False
    """An o-series or gpt-5 model: refuses `max_tokens` and a temperature other than 1."""
    answer_tokens: int = 60
    """Median length of an answer that is not cut by `max_tokens`."""
    latency: Latency = field(default_factory=Latency)


@dataclass(slots=True)
class EmulatorConfig:
    """The whole emulator."""

    deployments: list[EmulatedDeployment]
    keys: list[str] = field(default_factory=list[str])
    """Accepted keys and bearers; empty accepts any that is not empty."""
    seed: int = 0
    region: str = "Emulated Central"


def demo_config() -> EmulatorConfig:
    """Four deployments of unequal limits, the largest ten times the smallest; answers in about half a second."""
    quick = Latency(120, 0.35, 4)
    slow = Latency(200, 0.35, 5)
    return EmulatorConfig(
        [
            EmulatedDeployment("chat-east", resource="east", tpm=600_000, rpm=3_600, latency=quick),
            EmulatedDeployment("chat-west", resource="west", tpm=240_000, rpm=1_440, latency=quick),
            EmulatedDeployment("chat-north", resource="north", tpm=120_000, rpm=720, latency=slow),
            EmulatedDeployment("chat-south", resource="south", tpm=60_000, rpm=360, latency=slow),
        ],
        keys=["emulator-key"],
    )


def read_emulator_config(path: str | Path) -> EmulatorConfig:
    """Read a YAML file: `deployments: [{name, tpm, …}]`, `keys`, `seed`, `region`.

    Raises:
        ConfigError: the file cannot be read or a key is unknown; the message names it.
    """
    try:
        raw = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {type(error).__name__}") from None
    except yaml.YAMLError:
        raise ConfigError(f"{path}: is no valid YAML") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("deployments"), list) or not raw["deployments"]:
        raise ConfigError(f"{path}: needs a list `deployments` with at least one entry")
    _known(raw, EmulatorConfig, str(path))
    deployments = [_deployment(d, f"{path}: deployments[{i}]") for i, d in enumerate(raw["deployments"])]
    rest = {k: v for k, v in raw.items() if k != "deployments"}
    return EmulatorConfig(deployments, **rest)


def _deployment(raw: Any, place: str) -> EmulatedDeployment:
    if not isinstance(raw, dict) or not isinstance(raw.get("name"), str):
        raise ConfigError(f"{place}: needs a `name`")
    _known(raw, EmulatedDeployment, place)
    given = dict(raw)
    if "latency" in given:
        if not isinstance(given["latency"], dict):
            raise ConfigError(f"{place}.latency: must be a mapping")
        _known(given["latency"], Latency, f"{place}.latency")
        given["latency"] = Latency(**given["latency"])
    made = EmulatedDeployment(**given)
    if made.limiter not in KINDS:
        raise ConfigError(f"{place}.limiter: there are {', '.join(KINDS)}")
    return made


def _known(raw: dict[str, Any], cls: Any, place: str) -> None:
    names = [f.name for f in fields(cls)]
    for key in raw:
        if key not in names:
            raise ConfigError(f"{place}: unknown key {key!r}; there are {', '.join(names)}")
