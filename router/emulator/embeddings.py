"""What does an embedding call answer?  Unit vectors: the same text has the same one, different texts differ."""

from __future__ import annotations

import base64
import json
import math
from array import array
from random import Random
from sys import byteorder
from typing import Any
from zlib import crc32

from .config import EmulatedDeployment
from .estimate import input_tokens, inputs_of

_SIZES = {"text-embedding-3-large": 3072}
SIZE = 1536
"""Of all other models."""


def reply(d: EmulatedDeployment, body: dict[str, Any]) -> dict[str, Any]:
    """The whole answer."""
    inputs = inputs_of(body)
    size = body.get("dimensions") or next((n for name, n in _SIZES.items() if d.model.startswith(name)), SIZE)
    encoded = body.get("encoding_format") == "base64"
    data = []
    for index, item in enumerate(inputs):
        vector = _vector(item, size)
        shown: Any = _base64(vector) if encoded else vector.tolist()
        data.append({"object": "embedding", "index": index, "embedding": shown})
    tokens = sum(input_tokens(item) for item in inputs)
    counts = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "model": d.model, "data": data, "usage": counts}


def _vector(item: Any, size: int) -> array[float]:
    """A direction that depends on the input alone; floats of 32 bits, as the service has them."""
    text = item if isinstance(item, str) else json.dumps(item)
    dice = Random(crc32(text.encode("utf-8", "surrogatepass")))
    raw = [dice.random() - 0.5 for _ in range(size)]
    length = math.sqrt(sum(x * x for x in raw)) or 1.0
    return array("f", [x / length for x in raw])


def _base64(vector: array[float]) -> str:
    """Little-endian, as on the wire."""
    if byteorder == "big":
        vector = vector[:]
        vector.byteswap()
    return base64.b64encode(vector.tobytes()).decode()
