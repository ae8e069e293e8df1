"""Generated and edited images."""

from __future__ import annotations

from .base import Model, Routed
from .free import Free


class Image(Model):
    """One image: base64 or the address where it lies for a while, as the model does it."""

    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None


class ImagesResponse(Routed):
    """The images of one request."""

    created: int = 0
    data: list[Image]
    usage: Free = None
