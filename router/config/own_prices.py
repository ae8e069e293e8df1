"""Which prices are a deployment's own?

From LiteLLM's spelling to `router.costs.Prices`.  A key may stand in `model_info` or in `litellm_params`; the former
wins, because `default_litellm_params` may state the latter for all.
"""

from __future__ import annotations

from router.costs import Prices

from .models import PriceKeys

_KEYS: dict[str, str] = {
    "input_token": "input_cost_per_token",
    "output_token": "output_cost_per_token",
    "cached_token": "cache_read_input_token_cost",
    "cache_write_token": "cache_creation_input_token_cost",
    "input_audio_token": "input_cost_per_audio_token",
    "output_audio_token": "output_cost_per_audio_token",
    "cached_audio_token": "cache_read_input_audio_token_cost",
    "input_image_token": "input_cost_per_image_token",
    "output_image_token": "output_cost_per_image_token",
    "reasoning_token": "output_cost_per_reasoning_token",
    "batch_input_token": "input_cost_per_token_batches",
    "batch_output_token": "output_cost_per_token_batches",
    "character": "input_cost_per_character",
    "request": "input_cost_per_query",
}
"""Prices that have one key each."""


PRICES = frozenset(PriceKeys.__pydantic_fields__)


def own_prices(info: PriceKeys, params: PriceKeys) -> Prices | None:
    """The prices that an entry states; None: none."""
    if PRICES.isdisjoint(info.model_fields_set) and PRICES.isdisjoint(params.model_fields_set):
        return None

    def stated(key: str) -> float | None:
        own: float | None = getattr(info, key)
        shared: float | None = getattr(params, key)
        return shared if own is None else own

    found = {ours: value for ours, key in _KEYS.items() if (value := stated(key)) is not None}
    for ours, newer, older in (
        ("image", "output_cost_per_image", "input_cost_per_image"),
        ("pixel", "output_cost_per_pixel", "input_cost_per_pixel"),
    ):
        value = stated(newer) if stated(newer) is not None else stated(older)
        if value is not None:
            found[ours] = value
    seconds = [
        value for key in ("input_cost_per_second", "output_cost_per_second") if (value := stated(key)) is not None
    ]
    if seconds:
        found["second"] = sum(seconds)
    return Prices(**found) if found else None  # type: ignore[arg-type]  # the names of the table above
