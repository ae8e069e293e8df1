"""Responses that are kept: read, resumed, cancelled and deleted, at the resource that made them."""

from __future__ import annotations

from typing import Any

from router.emulator.headers import EVENTS
from router.emulator.operations.responses_object import events
from router.emulator.refusals import INVALID, Refusal, invalid

from .request import Errand, Handled, Result
from .store import Stored, page
from .timeline import moment


def handle(errand: Errand) -> Handled:
    """Answer one request."""
    route, responses = errand.route, errand.store.responses
    found = responses.get(route.id)
    if found is None:
        more = {"type": INVALID, "param": "id"}
        return Refusal(404, "notFound", f"Response with id '{route.id}' not found.", more)
    if errand.method == "DELETE":
        del responses[route.id]
        return Result({"id": route.id, "object": "response", "deleted": True})
    if route.action == "input_items":
        listed = page(found.kept["input"], route.asked)
        return listed if isinstance(listed, Refusal) else Result(listed)
    if route.action == "cancel":
        return _cancel(errand, found)
    if route.asked("stream") in ("true", "True", "1"):
        return _resume(errand, found)
    return Result(_now(errand, found))


def _now(errand: Errand, stored: Stored) -> dict[str, Any]:
    """As it is at this moment."""
    whole = stored.shown
    if not whole["background"] or whole["status"] == "cancelled":
        return whole
    step = errand.step_s
    states = (("queued", step), ("in_progress", step + stored.kept["seconds"]))
    state = moment(errand.now - stored.born, states, "").state
    if not state:
        return whole
    return {**whole, "status": state, "output": [], "usage": None, "incomplete_details": None}


def _cancel(errand: Errand, stored: Stored) -> Handled:
    """A second time, and when it is too late, nothing changes."""
    if not stored.shown["background"]:
        return invalid("Cannot cancel a synchronous response.", "id")
    if _now(errand, stored)["status"] in ("queued", "in_progress"):
        stored.shown.update(status="cancelled", output=[], usage=None, incomplete_details=None)
    return Result(_now(errand, stored))


def _resume(errand: Errand, stored: Stored) -> Handled:
    """The events after a number."""
    after = errand.route.asked("starting_after")
    if after is not None and not after.isdecimal():
        return invalid("Invalid 'starting_after': expected a whole number.", "starting_after", "invalid_type")
    whole = stored.shown
    if whole["status"] == "cancelled":
        return invalid("A cancelled response cannot be streamed.", "stream")
    written, _ = events(whole, 10)
    first = int(after) + 1 if after is not None else 0
    return Result(content_type=EVENTS, chunks=[(0.0, data) for _, data in written[first:]])
