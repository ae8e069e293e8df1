"""Files: uploaded, listed, read and deleted; each belongs to its resource."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from router.emulator import refusals
from router.emulator.forms import FormFile
from router.emulator.refusals import Refusal, invalid

from .request import Errand, Handled, Result
from .store import Data, Store, Stored, page

PURPOSES = ("assistants", "batch", "evals", "fine-tune", "user_data", "vision")
MAX_LISTED = 10_000
_BLOCK = 1 << 16


def handle(errand: Errand) -> Handled:
    """Answer one request."""
    _expire(errand)
    route, files = errand.route, errand.store.files
    if not route.id:
        return _upload(errand) if errand.method == "POST" else _list(errand)
    found = files.get(route.id)
    if found is None:
        return refusals.no_object("file", route.id)
    if errand.method == "DELETE":
        del files[route.id]
        return Result({"id": route.id, "object": "file", "deleted": True})
    if route.action == "content":
        return Result(data=found.data, content_type="application/octet-stream")
    return Result(_shown(errand, found))


def keep(store: Store, shown: dict[str, Any], data: Data, now: float) -> None:
    """Put a file that the service made itself."""
    store.files[shown["id"]] = Stored(shown, data, now)


def file_object(identity: str, name: str, purpose: str, data: Data, created: int) -> dict[str, Any]:
    """A file as answers show it."""
    return {
        "id": identity,
        "object": "file",
        "bytes": len(data),
        "created_at": created,
        "filename": name,
        "purpose": purpose,
        "status": "processed",
        "status_details": None,
        "expires_at": None,
    }


def lines_of(data: Data) -> Iterator[bytes]:
    """The lines of a file, read block by block: it may be larger than the memory should hold."""
    rest = b""
    for start in range(0, len(data), _BLOCK):
        *lines, rest = (rest + bytes(data[start : start + _BLOCK])).split(b"\n")
        yield from lines
    if rest:
        yield rest


def _upload(errand: Errand) -> Handled:
    given, purpose = errand.given, errand.given.get("purpose")
    file = given.get("file")
    if not isinstance(file, FormFile):
        return invalid("Missing required parameter: 'file'.", "file", "missing_required_parameter")
    if purpose not in PURPOSES:
        allowed = ", ".join(f"'{name}'" for name in PURPOSES)
        return invalid(f"Invalid value for 'purpose': expected one of {allowed}.", "purpose", "invalidPayload")
    if not len(file.data):
        return invalid("The file is empty.", "file", "invalidPayload")
    expiry = _expiry(given)
    if isinstance(expiry, Refusal):
        return expiry
    shown = file_object(errand.identity("file-"), file.filename, purpose, file.data, int(errand.wall))
    shown["expires_at"] = int(errand.wall) + expiry if expiry is not None else None
    if purpose == "fine-tune" and (wrong := _training_mistake(file.data)):
        shown["status"], shown["status_details"] = "error", wrong
    errand.store.files[shown["id"]] = stored = Stored(shown, file.data, errand.now)
    made = Result(_shown(errand, stored))
    if errand.route.surface == "dated":
        made.status = 201
        made.headers["location"] = f"/openai/files/{shown['id']}?api-version={errand.route.api_version}"
    return made


def _expiry(given: dict[str, Any]) -> int | Refusal | None:
    """Seconds after which the file goes, None for never."""
    seconds = given.get("expires_after[seconds]")
    if seconds is None:
        return None
    if given.get("expires_after[anchor]") != "created_at" or not str(seconds).isdecimal():
        said = "Invalid 'expires_after': expected the anchor 'created_at' and whole seconds."
        return invalid(said, "expires_after", "invalidPayload")
    return int(seconds)


def _expire(errand: Errand) -> None:
    files = errand.store.files
    for name in [name for name, file in files.items() if (file.shown["expires_at"] or errand.wall + 1) <= errand.wall]:
        del files[name]


def _training_mistake(data: Data) -> str:
    for number, line in enumerate(lines_of(data), 1):
        try:
            value = json.loads(line)
        except ValueError:
            return f"Line {number} is no JSON."
        if not isinstance(value, dict):
            return f"Line {number} is no JSON object."
    return ""


def _shown(errand: Errand, file: Stored) -> dict[str, Any]:
    """With its state: pending for a step, then what it is."""
    pending = errand.now < file.born + errand.step_s and file.shown["purpose"] in PURPOSES
    return {**file.shown, "status": "pending"} if pending else file.shown


def _list(errand: Errand) -> Handled:
    purpose = errand.route.asked("purpose")
    files = [_shown(errand, file) for file in errand.store.files.values()]
    chosen = [file for file in files if purpose is None or file["purpose"] == purpose]
    listed = page(chosen, errand.route.asked, usual=MAX_LISTED, most=MAX_LISTED)
    return listed if isinstance(listed, Refusal) else Result(listed)
