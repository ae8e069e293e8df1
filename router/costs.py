"""What does a call cost?

Amounts times prices, in US dollars.  Where a price is missing for something that was used, the answer is None and never
0.  Source of the rules: azure.md §9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from .amounts import Amounts

BATCH_SHARE = 0.5
"""Of the usual price, where no price for batches is stated."""


@dataclass(frozen=True, slots=True)
class Tiers:
    """A price that rises with the length of the prompt; the tier that a prompt reaches holds for all its tokens."""

    base: float
    above: tuple[tuple[int, float], ...]
    """(tokens of input, price beyond them), rising."""


Rate = float | Tiers


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for one of each; None: not stated."""

    input_token: Rate | None = None
    output_token: Rate | None = None
    cached_token: Rate | None = None
    """Read from the prompt cache.  None: as `input_token`."""
    cache_write_token: Rate | None = None
    input_audio_token: Rate | None = None
    """None, as for the next four: as text."""
    output_audio_token: Rate | None = None
    cached_audio_token: Rate | None = None
    input_image_token: Rate | None = None
    output_image_token: Rate | None = None
    cached_image_token: Rate | None = None
    reasoning_token: Rate | None = None
    """None: as `output_token`."""
    batch_input_token: Rate | None = None
    """None, as for the next: half of the usual."""
    batch_output_token: Rate | None = None
    character: float | None = None
    """Of text that is spoken."""
    second: float | None = None
    """Of audio that is written down; for other operations, of the time that the reply took."""
    image: float | None = None
    """Each, whatever its size; wins over `images`, and both over tokens."""
    images: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """By quality and size: `("hd", "1024x1024")`."""
    pixel: float | None = None
    """Of an image that was made."""
    request: float | None = None
    """Of a call, besides what it uses."""
    tools: Mapping[str, float] = field(default_factory=dict)
    """Of one use, by the names of `Amounts.tools`."""


_OF_INPUT = (
    "cached_token", "cache_write_token", "input_audio_token", "cached_audio_token", "input_image_token",
    "cached_image_token", "batch_input_token",
)  # fmt: skip
_OF_OUTPUT = ("output_audio_token", "output_image_token", "reasoning_token", "batch_output_token")
_ALL = tuple(f.name for f in fields(Prices))


def merged(own: Prices, usual: Prices | None) -> Prices:
    """Prices of one's own, and the usual ones where they are silent.

    An own price for the prompt's tokens also silences the usual ones of cached, audio and image tokens, which would
    not match it; so does one for the answer's tokens on its side.
    """
    if usual is None:
        return own
    silenced: set[str] = set()
    if own.input_token is not None:
        silenced.update(_OF_INPUT)
    if own.output_token is not None:
        silenced.update(_OF_OUTPUT)
    changes = {name: value for name in _ALL if (value := getattr(own, name)) or value == 0.0}
    return replace(usual, **{**dict.fromkeys(silenced), **changes})


def cost(amounts: Amounts, prices: Prices) -> float | None:
    """US dollars, or None where something was used whose price is not stated."""
    if prices.request is not None and prices == Prices(request=prices.request):
        return prices.request
    used, tools = _use(amounts, prices), tool_cost(amounts, prices)
    return None if used is None or tools is None else used + tools + (prices.request or 0.0)


def tool_cost(amounts: Amounts, prices: Prices | None) -> float | None:
    """US dollars for what is billed by its uses alone, or None where a price of it is not stated."""
    total = 0.0
    for name, uses in amounts.tools.items():
        each = prices.tools.get(name) if prices is not None else None
        if each is None:
            return None
        total += uses * each
    return total


def _use(amounts: Amounts, prices: Prices) -> float | None:
    """The cost of what was used, by the first unit that is both known and priced."""
    if amounts.images:
        each = _image(amounts, prices)
        if each is not None:
            return amounts.images * each
    if prices.character is not None and amounts.characters is not None:
        return amounts.characters * prices.character
    if prices.input_token is None and prices.output_token is None and prices.second is not None:
        return None if amounts.seconds is None else amounts.seconds * prices.second
    return _tokens(amounts, prices)


def _image(amounts: Amounts, prices: Prices) -> float | None:
    if prices.image is not None:
        return prices.image
    listed = prices.images.get((amounts.quality, amounts.size))
    if listed is not None or prices.pixel is None:
        return listed
    width, _, height = amounts.size.partition("x")
    return int(width) * int(height) * prices.pixel if width.isdecimal() and height.isdecimal() else None


def _tokens(amounts: Amounts, prices: Prices) -> float | None:
    whole = amounts.input
    if whole is None:
        return None
    coming = _input(amounts, prices, whole)
    going = _output(amounts, prices, whole)
    if coming is None or going is None:
        return None
    return coming + going


def _input(amounts: Amounts, prices: Prices, whole: int) -> float | None:
    if not whole:
        return 0.0
    plain = prices.input_token
    if plain is None:
        return None
    if amounts.batch and prices.batch_input_token is not None:
        return whole * _at(prices.batch_input_token, whole)
    audio = min(amounts.input_audio, whole)
    image = min(amounts.input_image, whole - audio)
    text = whole - audio - image
    written = min(amounts.cache_written, text)
    cached_audio = min(amounts.cached_audio, audio)
    cached_text = min(amounts.cached - cached_audio if amounts.cached > cached_audio else 0, text - written)
    cached_image = min(max(0, amounts.cached - cached_audio - cached_text), image)
    audio_rate = _first(prices.input_audio_token, plain)
    image_rate = _first(prices.input_image_token, plain)
    parts = (
        (text - written - cached_text, plain),
        (written, _first(prices.cache_write_token, plain)),
        (cached_text, _first(prices.cached_token, plain)),
        (audio - cached_audio, audio_rate),
        (cached_audio, _first(prices.cached_audio_token, audio_rate)),
        (image - cached_image, image_rate),
        (cached_image, _first(prices.cached_image_token, image_rate)),
    )
    total = sum(count * _at(rate, whole) for count, rate in parts if count)
    return total * BATCH_SHARE if amounts.batch else total


def _output(amounts: Amounts, prices: Prices, prompt: int) -> float | None:
    whole = amounts.output
    if not whole:
        return 0.0
    plain = prices.output_token
    if plain is None:
        return None
    if amounts.batch and prices.batch_output_token is not None:
        return whole * _at(prices.batch_output_token, prompt)
    audio = min(amounts.output_audio, whole)
    made = amounts.output_image or (whole if amounts.images else 0)  # where nobody says which, all of them are images
    image = min(made, whole - audio)
    reasoning = min(amounts.reasoning, whole - audio - image)
    parts = (
        (whole - audio - image - reasoning, plain),
        (audio, _first(prices.output_audio_token, plain)),
        (image, _first(prices.output_image_token, plain)),
        (reasoning, _first(prices.reasoning_token, plain)),
    )
    total = sum(count * _at(rate, prompt) for count, rate in parts if count)
    return total * BATCH_SHARE if amounts.batch else total


def _first(rate: Rate | None, other: Rate) -> Rate:
    return other if rate is None else rate


def _at(rate: Rate, prompt: int) -> float:
    """The price for a prompt of so many tokens."""
    if isinstance(rate, float | int):
        return rate
    price = rate.base
    for start, beyond in rate.above:
        if prompt > start:
            price = beyond
    return price
