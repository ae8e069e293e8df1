"""Which Azure is played?  Deployments, their limits and their manners, from Python or from a YAML file.

Plain dataclasses with a default for nearly everything; pydantic checks what comes from a file.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Literal

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

from router.errors import ConfigError

from .families import Family, family_of
from .faults import Fault

LimiterKind = Literal["sliding", "fixed_minute", "token_bucket", "ptu"]
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Latency:
    """How long answers take, in milliseconds.  The default is: no time at all."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    first_ms: float = 0.0
    """Median time to the first token; lognormal."""
    sigma: float = 0.5
    """Spread of the logarithm of all times; 0: every call takes the median."""
    per_token_ms: float = 0.0
    """For each token of the answer."""
    prompt_token_ms: float = 0.0
    """For each token of the prompt, before the first token of the answer."""
    embedding_ms: float | None = None
    """Median of embedding calls; None: `first_ms`."""
    error_ms: float | None = None
    """Of refusals, for the front door is quick; None: 10, or 0 where `first_ms` is 0."""
    tail: float = 0.0
    """Share of calls that take `tail_factor` times as long."""
    tail_factor: float = 5.0

    def first(self, rng: Random, prompt_tokens: int) -> float:
        """Seconds to the first token."""
        return self._spread(rng, self.first_ms + self.prompt_token_ms * prompt_tokens)

    def token(self, rng: Random) -> float:
        """Seconds per token of one call's answer."""
        return self.per_token_ms / 1000.0 * math.exp(rng.gauss(0.0, self.sigma / 4)) if self.per_token_ms else 0.0

    def embedding(self, rng: Random) -> float:
        """Seconds for an embedding call."""
        return self._spread(rng, self.first_ms if self.embedding_ms is None else self.embedding_ms)

    def error(self) -> float:
        """Seconds for a refusal."""
        milliseconds = self.error_ms if self.error_ms is not None else (10.0 if self.first_ms else 0.0)
        return milliseconds / 1000.0

    def _spread(self, rng: Random, median_ms: float) -> float:
        if not median_ms:
            return 0.0
        seconds = median_ms / 1000.0 * math.exp(rng.gauss(0.0, self.sigma))
        return seconds * self.tail_factor if self.tail and rng.random() < self.tail else seconds


NO_LATENCY = Latency()
AZURE_LATENCY = Latency(500.0, 0.5, 15.0, prompt_token_ms=0.05, embedding_ms=100.0, tail=0.01)
"""What public measurements of 2025 and 2026 show of pay-as-you-go chat models."""


@dataclass(slots=True)
class EmulatedDeployment:
    """One deployment and its manners.

    Raises:
        ConfigError: a value out of range.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    model: str = "gpt-4o-2024-11-20"
    """The underlying model: replies name it, never the deployment."""
    resource: str = "local"
    """First label of its host: `east` is served at `east.openai.azure.com` and under `/east/openai/…`."""
    region: str = "Sweden Central"
    family: Family | None = None
    """What the model takes; None: told from `model`."""
    tpm: int | None = None
    """Tokens per minute; None: no limit.  For `ptu`, what it works off in a minute."""
    rpm: int | None = None
    """Requests per minute; None: no limit."""
    limiter: LimiterKind = "sliding"
    request_windows: tuple[float, ...] = (10.0,)
    """Seconds over which `rpm` is judged, ⌈rpm·s/60⌉ each; headers show the first, the others are hidden."""
    rejected_count: bool = True
    """A rejected request counts against the request limit, as documented."""
    estimate: Literal["modern", "legacy16"] = "modern"
    """⌈characters/4⌉ + n·max_tokens, or `max_tokens` else 16."""
    release_unused: bool = False
    """When the answer is complete, the charge becomes what was used.  Always so for `ptu`."""
    output_weight: float = 1.0
    """PTU: what one output token weighs in input tokens."""
    rate_headers: Literal["full", "remaining", "none"] = "full"
    """`x-ratelimit-*` on answers: limits and remainders (2025 on), remainders only (2024), or nothing."""
    throttle_body: Literal["2025", "2024", "short"] = "2025"
    """Wording of a 429."""
    throttle_headers: Literal["both", "seconds", "reset", "none"] = "both"
    """On a 429: `retry-after` and `retry-after-ms`; the first only; a reset header only; nothing."""
    context_window: int | None = None
    """Tokens of prompt and `max_tokens` together; None: not checked."""
    answer_tokens: int = 60
    """Median length of answers, lognormal."""
    answer_sigma: float = 0.6
    burst_tokens: int = 10
    """Tokens per stream event: the content filter lets them go in bursts."""
    latency: Latency | None = None
    """None: the emulator's.  In YAML also `none`, or `azure` for `AZURE_LATENCY`."""
    keys: Sequence[str] | None = field(default=None, repr=False)
    """Accepted keys in place of the emulator's."""
    fault: Fault | None = None
    """On from the start."""

    def __post_init__(self) -> None:
        for name in ("tpm", "rpm", "context_window", "answer_tokens", "burst_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"deployment {self.name}: {name} is {value}; it must be 1 or more")
        if not self.request_windows or min(self.request_windows) <= 0:
            raise ConfigError(f"deployment {self.name}: request_windows needs at least one length above 0 s")
        if self.limiter == "ptu" and self.tpm is None:
            raise ConfigError(f"deployment {self.name}: limiter ptu needs tpm, what it works off in a minute")

    @property
    def kind(self) -> Family:
        """The family, stated or told from the model's name."""
        return self.family or family_of(self.model)


@dataclass(slots=True)
class EntraConfig:
    """The emulated token endpoint of Entra, and of managed identities."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Accepted secrets by client id, and passwords by user name; empty: any."""
    expires_s: float = 3600.0
    """The life of a token."""
    refresh_s: float | None = None
    """`refresh_in` of an answer; None: not said."""
    delay_s: float = 0.0
    """Before each answer."""
    fail: bool = False
    """Refuse every request with 503."""


@dataclass(slots=True)
class EmulatorConfig:
    """All deployments of all resources that one emulator plays.

    Raises:
        ConfigError: no deployment, or two of one name on one resource.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    deployments: Sequence[EmulatedDeployment]
    keys: Sequence[str] = field(default=(), repr=False)
    """Accepted as `api-key` or as bearer; empty: any."""
    tokens: Sequence[str] = field(default=(), repr=False)
    """Accepted Entra tokens, beside unexpired JWTs of Azure's two audiences (signatures are not checked)."""
    latency: Latency = NO_LATENCY
    """Of deployments that state none."""
    strict: bool = False
    """As Azure: a deployment is found on its own resource only, a model refuses what is another model's, and new
    parameters and operations want an `api-version` that has them."""
    step_s: float = 1.0
    """How long a batch, a fine-tuning job or a background response stays in each of its states."""
    entra: EntraConfig = field(default_factory=EntraConfig)
    """The token endpoint."""
    seed: int = 0
    """Of all dice."""

    def __post_init__(self) -> None:
        if not self.deployments:
            raise ConfigError("the emulator has no deployments; give at least one under `deployments`")
        seen: set[tuple[str, str]] = set()
        for d in self.deployments:
            if (d.resource, d.name) in seen:
                raise ConfigError(f"deployment {d.name} appears twice on resource {d.resource}; rename one")
            seen.add((d.resource, d.name))
        if self.step_s < 0:
            raise ConfigError(f"step_s is {self.step_s}; it is 0 or more seconds")


def parse_config(data: Mapping[str, Any]) -> EmulatorConfig:
    """Build a configuration from plain data, as read from YAML or JSON.

    Raises:
        ConfigError: with every mistake that was found in `problems`.
    """
    try:
        return _adapter().validate_python(_plain(data))
    except ValidationError as error:
        problems = tuple(_problem(e["loc"], e["msg"], e["type"]) for e in error.errors(include_input=False))
        raise ConfigError("emulator configuration: " + "; ".join(problems), problems) from None


def read_emulator_config(path: str | Path) -> EmulatorConfig:
    """Read a YAML file.

    Raises:
        ConfigError: it cannot be read, is no YAML, or holds mistakes.
    """
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"emulator configuration {path} cannot be read: {error}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"emulator configuration {path} must be a mapping with `deployments`")
    return parse_config(data)


def demo_config() -> EmulatorConfig:
    """Four deployments of one model in four regions; the largest takes ten times what the smallest takes."""
    rows = (
        ("east", "East US", 600_000, 3_600),
        ("west", "West US", 240_000, 1_440),
        ("north", "North Europe", 120_000, 720),
        ("south", "South Central US", 60_000, 360),
    )
    return EmulatorConfig(
        deployments=[
            EmulatedDeployment(f"chat-{place}", resource=place, region=region, tpm=tpm, rpm=rpm)
            for place, region, tpm, rpm in rows
        ],
        keys=["emulator-key"],
        latency=Latency(120.0, 0.35, 4.0),
        strict=True,
    )


@cache
def _adapter() -> TypeAdapter[EmulatorConfig]:
    return TypeAdapter(EmulatorConfig)


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """`latency: none` and `latency: azure` become what they stand for, at both levels."""
    plain = _latency(data)
    if isinstance(plain.get("deployments"), list):
        plain["deployments"] = [_latency(d) if isinstance(d, dict) else d for d in plain["deployments"]]
    return plain


def _latency(data: Mapping[str, Any]) -> dict[str, Any]:
    named = {"none": NO_LATENCY, "azure": AZURE_LATENCY}.get(str(data.get("latency")))
    return {**data, "latency": named} if named is not None else dict(data)


_KEYS = {f.name for cls in (EmulatorConfig, EmulatedDeployment, Latency, Fault) for f in fields(cls)}


def _problem(place: tuple[int | str, ...], text: str, kind: str) -> str:
    where = ".".join(str(part) for part in place)
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        near = difflib.get_close_matches(str(place[-1]), _KEYS, n=1)
        return f"{where}: unknown key" + (f", did you mean `{near[0]}`?" if near else "")
    return f"{where}: {text}" if where else text
