"""How does a chat conversation read in Anthropic's words?

System messages leave the conversation, the results of tools become the user's, calls of tools become blocks, and
each image says where it is or what it is.  Blocks that are in Anthropic's words already pass through untouched, and
so does `cache_control` on any part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from router.azure.payload import decode
from router.errors import BadRequestError

Block = dict[str, Any]

_DATA_URL = re.compile(r"data:([a-z]+/[a-z0-9.+-]+)(?:;[a-z0-9=.-]+)*;base64,(.+)", re.IGNORECASE | re.DOTALL)


def conversation(messages: Iterable[Mapping[str, Any]]) -> tuple[list[Block], list[Block]]:
    """The system's blocks, and the messages in Anthropic's words.

    Args:
        messages: of a chat request.  Neighbours of one role become one message, because the results of parallel
            calls must stand together.  `name` and an image's `detail` have no counterpart and are left out.

    Raises:
        BadRequestError: a message that Claude cannot take; names its place, never its text.
    """
    system: list[Block] = []
    turns: list[Block] = []
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        role = message.get("role")
        if role in ("system", "developer"):
            system += _blocks(message.get("content"), place)
        elif role == "user":
            _say(turns, "user", _blocks(message.get("content"), place))
        elif role == "assistant":
            _say(turns, "assistant", _answer(message, place))
        elif role == "tool":
            _say(turns, "user", [_result(message, place)])
        else:
            raise BadRequestError(
                f"`{place}.role` is none of system, developer, user, assistant and tool, which Claude takes.  "
                "Nothing was sent."
            )
    if not turns:
        raise BadRequestError("`messages` holds nothing but instructions; Claude needs a message of the user's")
    return system, turns


def _say(turns: list[Block], role: str, blocks: list[Block]) -> None:
    if not blocks:  # an assistant's turn that was empty; Anthropic refuses empty ones
        return
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"] += blocks
    else:
        turns.append({"role": role, "content": blocks})


def _answer(message: Mapping[str, Any], place: str) -> list[Block]:
    """An earlier answer: its thinking first, as it must stand, then its text, then its calls."""
    if message.get("function_call") is not None:
        raise BadRequestError(f"`{place}.function_call` is the old form; Claude takes `tool_calls`.  Nothing was sent.")
    blocks = [dict(block) for block in message.get("thinking_blocks") or ()]
    blocks += _blocks(message.get("content") or message.get("refusal"), place)
    for number, call in enumerate(message.get("tool_calls") or ()):
        blocks.append(_call(call, f"{place}.tool_calls[{number}]"))
    return blocks


def _call(call: Any, place: str) -> Block:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping):
        raise BadRequestError(f"`{place}` is no call of a function.  Nothing was sent.")
    arguments = function.get("arguments") or "{}"
    try:
        given = decode(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        given = None
    if not isinstance(given, Mapping):
        raise BadRequestError(f"`{place}.function.arguments` is no JSON object, which Claude needs.  Nothing was sent.")
    return {"type": "tool_use", "id": call.get("id"), "name": function.get("name"), "input": given}


def _result(message: Mapping[str, Any], place: str) -> Block:
    content = message.get("content")
    block: Block = {"type": "tool_result", "tool_use_id": message.get("tool_call_id")}
    if content:
        block["content"] = content if isinstance(content, str) else _blocks(content, place)
    return _with_cache(block, message)


def _blocks(content: Any, place: str) -> list[Block]:
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, Sequence):
        raise BadRequestError(f"`{place}.content` is neither a text nor a list of parts.  Nothing was sent.")
    return [_block(part, f"{place}.content[{number}]") for number, part in enumerate(content)]


def _block(part: Any, place: str) -> Block:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if not isinstance(part, Mapping):
        raise BadRequestError(f"`{place}` is neither a text nor an object.  Nothing was sent.")
    kind = part.get("type")
    if kind == "image_url":
        return _with_cache({"type": "image", "source": _image(part.get("image_url"), place)}, part)
    if kind == "file":
        return _with_cache({"type": "document", "source": _file(part.get("file"), place)}, part)
    if kind == "refusal":
        return {"type": "text", "text": part.get("refusal")}
    if kind == "input_audio":
        raise BadRequestError(f"`{place}` is audio, which Claude does not take.  Nothing was sent.")
    return dict(part)


def _image(image: Any, place: str) -> Block:
    url = image.get("url") if isinstance(image, Mapping) else image
    return _source(url, f"{place}.image_url", "an https URL or data:image/…;base64,…")


def _file(file: Any, place: str) -> Block:
    if isinstance(file, Mapping) and file.get("file_id"):
        return {"type": "file", "file_id": file["file_id"]}
    data = file.get("file_data") if isinstance(file, Mapping) else None
    return _source(data, f"{place}.file.file_data", "data:application/pdf;base64,…")


def _source(url: Any, place: str, wanted: str) -> Block:
    if isinstance(url, str):
        if url.startswith(("https://", "http://")):
            return {"type": "url", "url": url}
        match = _DATA_URL.fullmatch(url)
        if match is not None:
            return {"type": "base64", "media_type": match[1].lower(), "data": match[2]}
    raise BadRequestError(f"`{place}` must be {wanted}.  Nothing was sent.")


def _with_cache(block: Block, part: Mapping[str, Any]) -> Block:
    if part.get("cache_control") is not None:
        block["cache_control"] = part["cache_control"]
    return block
