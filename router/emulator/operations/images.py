"""Images: generated and edited, as base64, as addresses, or streamed in parts."""

from __future__ import annotations

import base64
import re
from typing import Any
from zlib import crc32

from router.emulator import refusals
from router.emulator.dialects import compact, event
from router.emulator.filters import BLOCKED_PROMPT, PROMPT_RESULTS
from router.emulator.forms import FormFile
from router.emulator.headers import EVENTS
from router.emulator.pictures import PATH, name_of, png
from router.emulator.plan import Chunk
from router.emulator.refusals import Refusal, invalid

from .base import Call, Operation, Reply, nothing

MAX_IMAGE_BYTES = 50 * 1024 * 1024
MAX_IMAGES = 10
MAX_PROMPT = 32_000
GPT_IMAGE_SINCE = "2025-04-01-preview"
_SIZE = re.compile(r"[1-9]\d{1,3}x[1-9]\d{1,3}")
_PARTIAL = 3


def number_of(body: dict[str, Any], name: str, usual: int) -> int | None:
    """A whole number, from JSON or from a form; None if it is none."""
    value = body.get(name, usual)
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_dalle(call: Call) -> bool:
    return call.d.model.startswith("dall-e")


def objection(call: Call) -> Refusal | None:
    """What the model says against a generation."""
    body = call.body
    version, dalle = call.route.api_version, _is_dalle(call)
    if call.strict and not dalle and version != "v1" and version < GPT_IMAGE_SINCE:
        return refusals.too_old(f"Model {call.d.model}", GPT_IMAGE_SINCE)
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        return invalid("Missing required parameter: 'prompt'.", "prompt", "missing_required_parameter")
    if len(prompt) > (4000 if dalle else MAX_PROMPT):
        return invalid("Invalid 'prompt': string too long.", "prompt", "string_above_max_length")
    if "emulate:content_filter" in prompt:
        return _blocked()
    count = number_of(body, "n", 1)
    most = 1 if call.d.model.startswith("dall-e-3") else MAX_IMAGES
    if count is None or not 1 <= count <= most:
        return invalid(f"Invalid 'n': expected a whole number from 1 to {most}.", "n", "invalid_value")
    size = body.get("size", "auto")
    if size != "auto" and not _SIZE.fullmatch(str(size)):
        return invalid(f"Invalid value: '{size}'. Expected a size such as '1024x1024'.", "size", "invalid_value")
    form = body.get("response_format")
    if form is not None and not dalle:
        return invalid("Unknown parameter: 'response_format'.", "response_format", "unknown_parameter")
    if form not in (None, "url", "b64_json"):
        said = f"Invalid value: '{form}'. Supported values are: 'url' and 'b64_json'."
        return invalid(said, "response_format", "invalid_value")
    if call.streams and dalle:
        return refusals.unsupported_parameter("stream")
    return None


def edit_objection(call: Call) -> Refusal | None:
    """What the model says against an edit."""
    given = call.body.get("image")
    images = given if isinstance(given, list) else [given]
    if not images or not all(isinstance(image, FormFile) for image in images):
        return invalid("Missing required parameter: 'image'.", "image", "missing_required_parameter")
    for image in [*images, call.body.get("mask")]:
        if isinstance(image, FormFile) and len(image.data) > MAX_IMAGE_BYTES:
            return invalid("Invalid image: the most is 50 MB.", "image", "image_file_too_large")
        if isinstance(image, FormFile) and not len(image.data):
            return invalid("Invalid image: the file is empty.", "image", "empty_image_file")
    return objection(call)


def _blocked() -> Refusal:
    """The filter of images has a spelling of its own."""
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_results": BLOCKED_PROMPT, "revised_prompt": ""}
    said = (
        "Your request was rejected as a result of our safety system. Your prompt may contain text that is not allowed."
    )
    more = {"type": refusals.INVALID, "param": None, "inner_error": inner}
    return Refusal(400, "content_policy_violation", said, more)


def generated(call: Call) -> Reply:
    """The pictures."""
    return _reply(call, "image_generation")


def edited(call: Call) -> Reply:
    """The pictures, edited."""
    return _reply(call, "image_edit")


def _reply(call: Call, kind: str) -> Reply:
    body = call.body
    size = str(body.get("size", "auto"))
    width, height = (int(side) for side in (size if size != "auto" else "1024x1024").split("x"))
    count = number_of(body, "n", 1) or 1
    greys = [(crc32(f"{body['prompt']} {place}".encode()) % 256) for place in range(count)]
    pictures = [png(width, height, grey) for grey in greys]
    seconds = call.latency.first(call.rng, 0)
    shown = {
        "background": body.get("background", "opaque"),
        "output_format": body.get("output_format", "png"),
        "quality": body.get("quality", "high"),
        "size": f"{width}x{height}",
    }
    usage = _usage(str(body["prompt"]), kind, width, height, count)
    if call.streams:
        chunks = _events(call, kind, pictures[0], shown, usage, seconds)
        return Reply(delay=0.0, chunks=chunks, content=range(len(chunks)), manner="responses", content_type=EVENTS)
    whole: dict[str, Any] = {"created": int(call.wall)}
    if _is_dalle(call):
        whole["data"] = [_dalle(call, width, height, grey) for grey in greys]
    else:
        whole["data"] = [{"b64_json": base64.b64encode(picture).decode()} for picture in pictures]
        whole |= {**shown, "usage": usage}
    return Reply(compact(whole), seconds)


def _dalle(call: Call, width: int, height: int, grey: int) -> dict[str, Any]:
    image: dict[str, Any] = {"revised_prompt": f"A plain grey picture: {call.body['prompt']}"}
    if call.body.get("response_format") == "b64_json":
        image["b64_json"] = base64.b64encode(png(width, height, grey)).decode()
    else:
        image["url"] = f"http://{call.asked.get('host', 'localhost')}{PATH}{name_of(width, height, grey)}"
    if call.annotated:
        image["prompt_filter_results"] = PROMPT_RESULTS
        image["content_filter_results"] = {k: v for k, v in PROMPT_RESULTS.items() if k != "jailbreak"}
    return image


def _usage(prompt: str, kind: str, width: int, height: int, count: int) -> dict[str, Any]:
    text, pictures = -(-len(prompt) // 4), 323 if kind == "image_edit" else 0
    out = count * max(1, width * height // 252)
    return {
        "input_tokens": text + pictures,
        "input_tokens_details": {"text_tokens": text, "image_tokens": pictures},
        "output_tokens": out,
        "output_tokens_details": {"image_tokens": out, "text_tokens": 0},
        "total_tokens": text + pictures + out,
    }


def _events(
    call: Call, kind: str, picture: bytes, shown: dict[str, Any], usage: dict[str, Any], seconds: float
) -> list[Chunk]:
    partial = min(number_of(call.body, "partial_images", 0) or 0, _PARTIAL)
    common = {"b64_json": base64.b64encode(picture).decode(), "created_at": int(call.wall), **shown}
    each = seconds / (partial + 1)
    chunks: list[Chunk] = []
    for index in range(partial):
        name = f"{kind}.partial_image"
        chunks.append((each, event(name, {"type": name, "partial_image_index": index, **common})))
    name = f"{kind}.completed"
    return [*chunks, (each, event(name, {"type": name, **common, "usage": usage}))]


GENERATIONS = Operation("ImageGenerations_Create", ("images",), nothing, objection, generated)
EDITS = Operation("ImageEdits_Create", ("images",), nothing, edit_objection, edited)
