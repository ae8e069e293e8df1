"""What is the list price of a model?

From the data that the package genai-prices brings along (extra `prices`), and from a small table of what it lacks.
Nothing here asks the network: the package's own updater is never started, nor is what somebody else's has fetched
looked at.  The package is imported when the first price is wanted (0.2 s), and each model is looked up once a day,
so that a later cost takes microseconds.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

from .costs import Prices, Rate, Tiers
from .price_table import ALIASES, TABLE

Provider = Literal["azure", "openai"]

DAY_S = 86_400.0

_MILLION = 1e6
_HOUR_S = 3600.0
_OF_PACKAGE = {
    "input_token": ("input_mtok", _MILLION),
    "output_token": ("output_mtok", _MILLION),
    "cached_token": ("cache_read_mtok", _MILLION),
    "cache_write_token": ("cache_write_mtok", _MILLION),
    "input_audio_token": ("input_audio_mtok", _MILLION),
    "output_audio_token": ("output_audio_mtok", _MILLION),
    "cached_audio_token": ("cache_audio_read_mtok", _MILLION),
    "input_image_token": ("input_image_mtok", _MILLION),
    "output_image_token": ("output_image_mtok", _MILLION),
    "cached_image_token": ("cache_image_read_mtok", _MILLION),
    "reasoning_token": ("output_reasoning_mtok", _MILLION),
    "character": ("input_mchars", _MILLION),
    "second": ("audio_hours", _HOUR_S),
}
"""Our prices, the package's names for them, and of how many units theirs are the price."""
_TOOLS = {"web_search": "web_searches_kcount", "file_search": "storage_searches_kcount"}
"""The same for uses of tools, by the thousand."""
_THOUSAND = 1e3
_PREFIXES = frozenset(
    {"azure", "azure_ai", "openai", "global", "global-standard", "us", "eu", "o_series", "gpt5_series"}
)
_DATE = re.compile(r"-\d{4}-?\d{2}-?\d{2}$")


def bare_name(model: str) -> str:
    """A model's name as price lists have it: `azure/eu/GPT-4o` is `gpt-4o`."""
    name = model.strip().lower()
    while "/" in name and name.partition("/")[0] in _PREFIXES:
        name = name.partition("/")[2]
    return ALIASES.get(name, name)


def list_prices(model: str, provider: Provider = "azure", tier: str | None = None) -> Prices | None:
    """The list prices of a model, batches included; None if nobody knows it.

    Args:
        model: `gpt-4o`, `azure/gpt-4o`, `gpt-4o-2024-08-06`; never the free name of a deployment.
        provider: whose list is asked first.
        tier: the `service_tier` of the reply (`priority`, `flex`); None, or one without prices of its own: the usual.
    """
    return _list_prices(bare_name(model), provider, tier, time.time() // DAY_S)


def package_is_missing() -> bool:
    """Whether the extra `prices` is not installed."""
    return _models() is None


@lru_cache(maxsize=1024)
def _list_prices(name: str, provider: Provider, tier: str | None, day: float) -> Prices | None:
    listed = TABLE.get(name) or TABLE.get(_DATE.sub("", name))
    models = _models()
    if listed is not None or models is None or not name:
        return listed
    try:
        _, model = models.find_provider_model(name, None, provider, None)
    except LookupError:
        return None
    now = datetime.fromtimestamp(day * DAY_S + DAY_S / 2, UTC)
    usual = model.get_prices(now, {"service_tier": tier} if tier else None)
    batch = model.get_prices(now, {"processing": "batch"})
    prices = {ours: _rate(usual, theirs, per) for ours, (theirs, per) in _OF_PACKAGE.items()}
    for direction in ("input", "output"):
        if getattr(batch, f"{direction}_mtok") != getattr(model.get_prices(now), f"{direction}_mtok"):
            prices[f"batch_{direction}_token"] = _rate(batch, f"{direction}_mtok", _MILLION)
    tools = {n: _rate(usual, theirs, _THOUSAND) for n, theirs in _TOOLS.items()}
    if provider == "azure" and not name.startswith("claude"):
        tools = {}  # the models are OpenAI's at OpenAI's prices, the tools are Azure's own
    stated = {n: price for n, price in tools.items() if isinstance(price, float)}
    return Prices(**prices, tools=stated)  # type: ignore[arg-type]  # the names of the table above


def _rate(price: Any, name: str, per: float) -> Rate | None:
    value = getattr(price, name)
    if value is None or not hasattr(value, "tiers"):
        return None if value is None else float(value) / per
    return Tiers(float(value.base) / per, tuple((t.start, float(t.price) / per) for t in value.tiers))


@lru_cache(maxsize=1)
def _models() -> Any:
    """The data that came with the package; None if it is not installed."""
    try:
        from genai_prices.data import providers
        from genai_prices.data_snapshot import DataSnapshot
    except ImportError:
        return None
    return DataSnapshot(providers=providers, from_auto_update=False)
