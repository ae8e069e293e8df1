"""What is played: the fleet, the traffic and the accidents.

The limits are chosen so that the traffic asks for three quarters of what the fleet may take, whatever `seconds` and
`rps` are; what follows is measured, not arranged.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from router.emulator import EmulatedDeployment, EmulatorConfig, EmulatorServer, Fault, Latency

KEY = "demo-key"
GROUP = "gpt-4o"
SHARES = {"chat-east": 10, "chat-west": 5, "chat-north": 3, "chat-south": 1}
LOAD = 0.75
PROMPT_CHARACTERS = 800
MAX_TOKENS = (60, 400)
MEAN_TOKENS = PROMPT_CHARACTERS / 4 + sum(MAX_TOKENS) / 2
DEAD, THROTTLED = "chat-west", "chat-north"


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the traffic: when it starts, and what it asks for."""

    at: float
    body: dict[str, Any]


def fleet(seconds: float, rps: float, load: float = LOAD) -> EmulatorConfig:
    """Four deployments, the largest ten times the smallest, of which the traffic asks for the share `load`."""
    per_minute = rps * min(seconds, 60.0) * MEAN_TOKENS / load
    total = sum(SHARES.values())
    deployments = []
    for name, share in SHARES.items():
        tpm = max(2_000, round(per_minute * share / total, -2))
        deployments.append(
            EmulatedDeployment(
                name,
                resource=name.removeprefix("chat-"),
                tpm=int(tpm),
                rpm=max(600, int(tpm / 20)),
                latency=Latency(120, 0.35, 3),
            )
        )
    return EmulatorConfig(deployments, keys=[KEY], seed=7)


def traffic(seconds: float, rps: float, seed: int) -> list[Request]:
    """Random arrivals of questions of random size."""
    rng = Random(seed)
    prompt = "Tell me about the weather in many regions. " * 40
    requests: list[Request] = []
    at = 0.0
    while (at := at + rng.expovariate(rps)) < seconds:
        length = rng.randint(PROMPT_CHARACTERS // 2, PROMPT_CHARACTERS * 3 // 2)
        body = {"messages": [{"role": "user", "content": prompt[:length]}], "max_tokens": rng.randint(*MAX_TOKENS)}
        requests.append(Request(at, body))
    return requests


def model_list(server: EmulatorServer) -> list[dict[str, Any]]:
    """The fleet as a user configures it."""
    return [
        {
            "model_name": GROUP,
            "litellm_params": {
                "model": f"azure/{d.name}",
                "api_base": server.base(d.resource),
                "api_key": KEY,
                "api_version": "2024-10-21",
            },
            "model_info": {"id": d.name},
            "tpm": d.tpm,
            "rpm": d.rpm,
        }
        for d in server.emulator.config.deployments
    ]


@dataclass(frozen=True, slots=True)
class Cue:
    """One accident, or its end."""

    at: float
    deployment: str
    fault: Fault | None
    text: str


def cues(seconds: float) -> list[Cue]:
    """One deployment dies and comes back; another is throttled for a while."""
    return [
        Cue(0.25 * seconds, DEAD, Fault("reset"), f"{DEAD} dies: every connection is reset"),
        Cue(0.40 * seconds, THROTTLED, Fault("status", 429, retry_after_s=2.0), f"{THROTTLED} answers 429"),
        Cue(0.50 * seconds, DEAD, None, f"{DEAD} lives again"),
        Cue(0.55 * seconds, THROTTLED, None, f"{THROTTLED} has quota again"),
    ]
