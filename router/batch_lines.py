"""Which model do the lines of a batch name, and how do they come to name a deployment?

A batch is a file of JSON lines; each holds one request with a `body.model` that Azure wants to be the name of one
batch deployment, the same on every line (azure.md §5.6).  Callers name their group instead.  Here a file is read line
by line, checked for what would make the whole batch fail hours later, and written anew for one deployment; no more
than one line of it is in memory, besides the `custom_id`s.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from .errors import BadRequestError

BOM = b"\xef\xbb\xbf"


def numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that hold something, with their numbers from 1; without the byte order mark that Azure refuses."""
    for number, line in enumerate(lines, 1):
        text = line.removeprefix(BOM) if number == 1 else line
        if text.strip():
            yield number, text


@dataclass(frozen=True, slots=True)
class First:
    """What the first request of a file says of all of them; None where it says nothing."""

    model: str | None
    url: str | None


def first_request(lines: Iterable[bytes]) -> First:
    """What the first request names.

    Raises:
        BadRequestError: there is no line, or the first is no request.
    """
    for number, line in numbered(lines):
        request = _request(number, line)
        model, url = request["body"].get("model"), request.get("url")
        return First(
            None if model is None else _text(number, model, "body.model"),
            None if url is None else _text(number, url, "url"),
        )
    raise BadRequestError(
        "the batch file is empty: write one JSON request per line.  Nothing was uploaded.",
        code="empty_file",
        param="file",
    )


def rewritten(lines: Iterable[bytes], model: str | None, meant: Callable[[str], bool]) -> Iterator[bytes]:
    """The lines as one deployment takes them; everything but `body.model` keeps its value.

    Args:
        lines: as iterating over a binary file gives them.
        model: the deployment's name on the wire.  None: the one that the first line has, and every line as it is.
        meant: whether a name that a line gives means this deployment (its group, an alias, …).

    Raises:
        BadRequestError: names the first line that would make the batch fail: no JSON, no object, no `custom_id` or one
            that stood before, no `body`, or another model.  It never quotes the line.
    """
    seen: dict[str, int] = {}
    for number, line in numbered(lines):
        request = _request(number, line)
        name = _text(number, request.get("custom_id"), "custom_id")
        if name in seen:
            _refuse(number, f"has the custom_id of line {seen[name]}; give each request its own", "duplicate_custom_id")
        body = request["body"]
        given = body.get("model")
        if given is not None:
            _text(number, given, "body.model")
        if model is None and not seen:
            model = given
        seen[name] = number
        if given is not None and given != model and not meant(given):
            _refuse(
                number,
                f"names the model {given[:80]!r}, which the lines before it do not; a batch runs on one deployment, so"
                " write one file per model",
                "model_mismatch",
            )
        if model is None or given == model:
            yield line.strip() + b"\n"
        else:
            yield _with_model(number, request, model)
    if not seen:
        first_request(())


def _request(number: int, line: bytes) -> dict[str, Any]:
    wanted = "; each line must be one request with custom_id, method, url and body"
    try:
        value = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        column = f" (column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        _refuse(number, f"is no JSON{column}{wanted}")
    if not isinstance(value, dict):
        _refuse(number, f"is no JSON object{wanted}")
    if not isinstance(value.get("body"), dict):
        _refuse(number, f"has no object as its `body`{wanted}")
    return value


def _text(number: int, value: Any, place: str) -> str:
    if not isinstance(value, str) or not value:
        _refuse(number, f"has no text as its `{place}`", "invalid_request")
    return value


def _with_model(number: int, request: dict[str, Any], model: str) -> bytes:
    whole = {**request, "body": {**request["body"], "model": model}}
    try:
        text = json.dumps(whole, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        _refuse(number, "holds a number that is too large for JSON's readers")
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can only escape
        return json.dumps(whole, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _refuse(number: int, problem: str, code: str = "invalid_json_line") -> NoReturn:
    """The codes are those with which Azure fails a batch."""
    raise BadRequestError(
        f"line {number} of the batch file {problem}.  Nothing was uploaded.", code=code, param="file"
    ) from None
