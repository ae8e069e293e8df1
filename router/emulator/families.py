"""What does a model take?  Its family, and the parameters that reasoning models refuse.

Documented by Microsoft's page on reasoning models, see the table of families; what it leaves open follows the service.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Family = Literal[
    "chat", "o_series", "gpt5", "embeddings", "completions", "images", "speech", "transcription", "claude", "responses"
]
"""`completions`: text only; `responses`: no chat, as gpt-5-pro and the codex models."""
_VERSION = re.compile(r"gpt-(\d+)(?:\.(\d+))?")
_LOW_TO_HIGH = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Traits:
    """What sets a reasoning model apart."""

    efforts: tuple[str, ...]
    default_effort: str
    streams: bool = True
    parallel_tools: bool = True
    samples_without_effort: bool = False
    """With effort `none` it takes `temperature` and the like."""


def family_of(model: str) -> Family:
    """What a model of this name takes."""
    if "embedding" in model:
        return "embeddings"
    if model.startswith("claude"):
        return "claude"
    if model.startswith(("dall-e", "gpt-image", "flux")):
        return "images"
    if "whisper" in model or "transcribe" in model:
        return "transcription"
    if "tts" in model:
        return "speech"
    if "instruct" in model or model.startswith(("davinci", "babbage")):
        return "completions"
    if "codex" in model or model.startswith(("o1-pro", "o3-pro", "gpt-5-pro", "gpt-5.4-pro")):
        return "responses"
    if model.startswith(("o1", "o3", "o4")):
        return "o_series"
    return "gpt5" if model.startswith(("gpt-5", "gpt-6")) and "-chat" not in model else "chat"


def traits_of(model: str, family: Family) -> Traits | None:
    """The traits of a reasoning model; None of any other."""
    if family == "o_series" or (family == "responses" and model.startswith("o")):
        o1 = model == "o1" or model.startswith(("o1-2", "o1-pro"))
        return Traits(_LOW_TO_HIGH, "medium", streams=not o1, parallel_tools=False)
    if family not in ("gpt5", "responses"):
        return None
    match = _VERSION.match(model)
    version = 10 * int(match[1]) + int(match[2] or 0) if match else 50
    if "-pro" in model:
        return Traits(("high",), "high", streams=False)
    if version < 51:
        lowest = () if "codex" in model else ("minimal",)
        return Traits((*lowest, *_LOW_TO_HIGH), "medium")
    highest = ("xhigh",) if version >= 52 else ()
    return Traits(("none", *_LOW_TO_HIGH, *highest), "none", samples_without_effort=True)
