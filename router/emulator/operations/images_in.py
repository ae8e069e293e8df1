"""Is an image that comes with a prompt one that the model takes?"""

from __future__ import annotations

import binascii
from typing import Any

from router.emulator.refusals import Refusal, invalid

MAX_IMAGE_BYTES = 20 * 1024 * 1024


def image_objection(url: Any) -> Refusal | None:
    """What is wrong with an `image_url`, or None.  Addresses are believed: nothing is downloaded,
    and no picture is decoded.

    Args:
        url: a data URL, or an address.
    """
    if not isinstance(url, str) or not url:
        return invalid("Missing required parameter: 'image_url.url'.", "image_url", "missing_required_parameter")
    if not url.startswith("data:"):
        if url.startswith(("http://", "https://")):
            return None
        return invalid("Invalid image URL: expected a base64-encoded data URL or a URL.", "url", "invalid_image_url")
    kind, _, data = url[5:].partition(";base64,")
    if not kind.startswith("image/") or not data:
        said = "Invalid image URL: expected a base64-encoded data URL with an image MIME type."
        return invalid(said, "url", "invalid_image_url")
    if len(data) * 3 // 4 > MAX_IMAGE_BYTES:
        return invalid("Image is too large: the most is 20 MB.", "url", "image_too_large")
    try:
        binascii.a2b_base64(data, strict_mode=True)
    except ValueError:
        return invalid("Invalid base64 image data.", "url", "invalid_base64_image")
    return None
