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

from router.emulator import refusals
from router.emulator.config import EmulatedDeployment
from router.emulator.dialects import compact
from router.emulator.estimate import Demand, input_tokens, inputs_of
from router.emulator.refusals import Refusal, invalid

from .base import Call, Operation, Reply
from .known import EMBEDDINGS, stranger

_SIZES = {"text-embedding-3-large": 3072}
SIZE = 1536
"""Of all other models."""


MAX_INPUTS = 2048
MAX_INPUT_TOKENS = 8191


def demand(body: dict[str, Any]) -> Demand:
    """Σ⌈characters/4⌉ in any profile."""
    return Demand(sum(input_tokens(item) for item in inputs_of(body)))


def objection(call: Call) -> Refusal | None:
    """What the model says against it."""
    unknown = stranger(call, EMBEDDINGS)
    if unknown is not None:
        return unknown
    d, body = call.d, call.body
    inputs = inputs_of(body)
    if not inputs or not all(isinstance(item, (str, list)) and item for item in inputs):
        return invalid("'input' is a required property: a text, texts, or token ids, none of them empty.", "input")
    if len(inputs) > MAX_INPUTS:
        return invalid(f"Invalid 'input': array too long (at most {MAX_INPUTS}).", "input", "array_above_max_length")
    if not all(isinstance(token, int) for item in inputs if isinstance(item, list) for token in item):
        return invalid("Invalid type for 'input': expected text, texts, or token ids.", "input", "invalid_type")
    longest = max(input_tokens(item) for item in inputs)
    if call.strict and longest > MAX_INPUT_TOKENS:
        return refusals.context_length(8192, longest, "input")
    form = body.get("encoding_format")
    if form not in (None, "float", "base64"):
        said = f"Invalid value: '{form}'. Supported values are: 'float' and 'base64'."
        return invalid(said, "encoding_format", "invalid_value")
    dimensions = body.get("dimensions")
    if dimensions is not None:
        if d.kind == "embeddings" and "-3-" not in d.model:
            return refusals.unsupported_parameter("dimensions")
        if not isinstance(dimensions, int) or not 1 <= dimensions <= 3072:
            return invalid(f"Invalid value for 'dimensions': {dimensions}.", "dimensions")
    return None


def answer(call: Call) -> Reply:
    """The vectors."""
    whole = reply(call.d, call.body)
    return Reply(compact(whole), call.latency.embedding(call.rng), float(whole["usage"]["prompt_tokens"]))


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


OPERATION = Operation("Embeddings_Create", ("embeddings",), demand, objection, answer)
