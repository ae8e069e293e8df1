"""Models: those that the resource could deploy, under their own names; never its deployments."""

from __future__ import annotations

from typing import Any

from router.emulator import refusals
from router.emulator.families import family_of

from .request import Errand, Handled, Result


def listed(models: list[str], errand: Errand) -> Handled:
    """The list, or one model of it.

    Args:
        models: names of the models.
        errand: the request.
    """
    shown = [_model(name, errand) for name in dict.fromkeys(models)]
    if not errand.route.id:
        return Result({"object": "list", "data": shown})
    found = next((model for model in shown if model["id"] == errand.route.id), None)
    return Result(found) if found is not None else refusals.no_object("model", errand.route.id)


def _model(name: str, errand: Errand) -> dict[str, Any]:
    created = 1_735_689_600
    if errand.route.dialect == "openai":
        return {"id": name, "object": "model", "created": created, "owned_by": "system"}
    kind = family_of(name)
    return {
        "id": name,
        "object": "model",
        "created": created,
        "created_at": created,
        "owned_by": "system",
        "status": "succeeded",
        "capabilities": {
            "fine_tune": kind == "chat",
            "inference": True,
            "completion": kind == "completions",
            "chat_completion": kind in ("chat", "o_series", "gpt5"),
            "embeddings": kind == "embeddings",
        },
        "lifecycle_status": "generally-available",
        "deprecation": {"inference": 1_830_297_600},
    }
