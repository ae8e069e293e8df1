"""Small configurations that the tests vary."""

from __future__ import annotations

from typing import Any

import pytest

from router.config import Settings, settings_from
from router.configured import Deployment
from router.errors import ConfigError

KEY = "k-CANARY-0123456789"
EAST = "https://east.openai.azure.com"


def entry(name: str = "gpt-4o", /, **params: Any) -> dict[str, Any]:
    """A complete Azure entry; keywords replace or add to its params, None takes one away."""
    whole = {"model": "azure/chat", "api_base": EAST, "api_key": KEY, **params}
    return {"model_name": name, "litellm_params": {k: v for k, v in whole.items() if v is not None}}


def settings(*entries: Any, **options: Any) -> Settings:
    """Settings of these entries, or of one complete entry."""
    return settings_from(list(entries or (entry(),)), **options)


def only(**params: Any) -> Deployment:
    """The deployment of an entry with these params."""
    (deployment,) = settings(entry(**params)).deployments
    return deployment


def problems(*entries: Any, **options: Any) -> tuple[str, ...]:
    """What is wrong with these; no secret of ours is in it."""
    with pytest.raises(ConfigError) as caught:
        settings(*entries, **options)
    assert "CANARY" not in str(caught.value)
    assert caught.value.problems
    return caught.value.problems


def problem(*entries: Any, **options: Any) -> str:
    """The one thing that is wrong."""
    (text,) = problems(*entries, **options)
    return text
