"""Batches: created from an uploaded JSONL, checked line by line, worked off on the emulator's clock."""

from __future__ import annotations

from typing import Any

from router.emulator import refusals
from router.emulator.refusals import Refusal, invalid

from . import files
from .batch_lines import Mistake, Task, run, tasks_of
from .request import Errand, Handled, Result
from .store import Stored, page
from .timeline import moment

ENDPOINTS = ("/chat/completions", "/completions", "/embeddings", "/responses")
FINAL = ("failed", "completed", "expired", "cancelled")
_COUNTED = ("in_progress", "finalizing", "completed", "cancelling", "cancelled")


def handle(errand: Errand) -> Handled:
    """Answer one request."""
    route, batches = errand.route, errand.store.batches
    if not route.id:
        if errand.method == "POST":
            return _create(errand)
        listed = page([_now(errand, batch) for batch in batches.values()], route.asked)
        return listed if isinstance(listed, Refusal) else Result(listed)
    found = batches.get(route.id)
    if found is None:
        return refusals.no_object("batch", route.id)
    shown = _now(errand, found)
    if route.action == "cancel":
        if shown["status"] in FINAL:
            return refusals.conflict(f"Cannot cancel a batch with status '{shown['status']}'.")
        found.kept.setdefault("cancelled_at", errand.now)
        shown = _now(errand, found)
    return Result(shown)


def _create(errand: Errand) -> Handled:
    given = errand.given
    for name in ("input_file_id", "endpoint", "completion_window"):
        if not isinstance(given.get(name), str):
            return invalid(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")
    if given["completion_window"] != "24h":
        said = "Invalid value for 'completion_window': only '24h' is supported."
        return invalid(said, "completion_window", "invalid_value")
    if given["endpoint"].removeprefix("/v1") not in ENDPOINTS:
        said = f"Invalid value for 'endpoint': expected one of {', '.join(ENDPOINTS)}, with or without '/v1'."
        return invalid(said, "endpoint", "invalid_value")
    file = errand.store.files.get(given["input_file_id"])
    if file is None:
        return refusals.no_object("file", given["input_file_id"])
    if file.shown["purpose"] != "batch":
        said = f"The file has the purpose '{file.shown['purpose']}', expected 'batch'."
        return invalid(said, "input_file_id", "invalid_request")
    shown = {
        "id": errand.identity("batch_"),
        "object": "batch",
        "endpoint": given["endpoint"],
        "errors": None,
        "input_file_id": given["input_file_id"],
        "completion_window": "24h",
        "status": "validating",
        "output_file_id": None,
        "error_file_id": None,
        "created_at": int(errand.wall),
        **dict.fromkeys(f"{state}_at" for state in ("in_progress", "finalizing", *FINAL, "cancelling")),
        "expires_at": int(errand.wall) + 86_400,
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "metadata": given.get("metadata"),
    }
    errand.store.batches[shown["id"]] = Stored(shown, file.data, errand.now)
    return Result(dict(shown))


def _now(errand: Errand, batch: Stored) -> dict[str, Any]:
    """The batch at this moment; what has become due is done first."""
    shown, step = batch.shown, errand.step_s
    if shown["status"] in FINAL:
        return shown
    if "tasks" not in batch.kept and errand.now >= batch.born + step and not _validate(errand, batch):
        return shown
    states = (("validating", step), ("in_progress", 2 * step), ("finalizing", step))
    cancelled = batch.kept.get("cancelled_at")
    until = errand.now if cancelled is None else cancelled
    place = moment(until - batch.born, states, "completed")
    tasks: list[Task] = batch.kept.get("tasks", [])
    share = {"validating": 0.0, "in_progress": place.share}.get(place.state, 1.0)
    done = int(share * len(tasks))
    state = place.state
    if cancelled is not None:
        state = "cancelled" if errand.now >= cancelled + step else "cancelling"
    _enter(errand, batch, state, cancelled)
    if state in FINAL:
        _finish(errand, batch, tasks[:done])
    elif state in _COUNTED:
        shown["request_counts"] = {"total": len(tasks), "completed": done, "failed": 0}
    return dict(shown)


def _enter(errand: Errand, batch: Stored, state: str, cancelled: float | None) -> None:
    """Write down when each state began."""
    shown, step = batch.shown, errand.step_s
    if cancelled is not None:
        shown["cancelling_at"] = errand.wall_at(cancelled)
        if state == "cancelled":
            shown["cancelled_at"] = errand.wall_at(cancelled + step)
    else:
        begun = {"in_progress": 1, "finalizing": 3, "completed": 4}
        for name, steps in begun.items():
            if begun.get(state, 0) >= steps:
                shown[f"{name}_at"] = errand.wall_at(batch.born + steps * step)
    shown["status"] = state


def _validate(errand: Errand, batch: Stored) -> bool:
    """Read every line; False if the batch has failed by it."""
    found = tasks_of(batch.data, batch.shown["endpoint"].removeprefix("/v1"), errand.deployment)
    mistakes = [row for row in found if isinstance(row, Mistake)]
    if not mistakes:
        batch.kept["tasks"] = [row for row in found if isinstance(row, Task)]
        return True
    shown = batch.shown
    shown["status"] = "failed"
    shown["failed_at"] = errand.wall_at(batch.born + errand.step_s)
    shown["errors"] = {"object": "list", "data": [mistake.shown() for mistake in mistakes]}
    return False


def _finish(errand: Errand, batch: Stored, done: list[Task]) -> None:
    """Answer the lines, and put the two files."""
    good, bad = run(errand, done)
    shown = batch.shown
    shown["request_counts"] = {
        "total": len(batch.kept.get("tasks", [])),
        "completed": len(good),
        "failed": len(bad),
    }
    if done:
        shown["output_file_id"] = _put(errand, shown["id"], "output", good)
        if bad or errand.route.dialect == "azure":  # Azure makes an empty one as well
            shown["error_file_id"] = _put(errand, shown["id"], "error", bad)
    batch.kept = {}


def _put(errand: Errand, batch_id: str, what: str, rows: list[bytes]) -> str:
    data = b"".join(row + b"\n" for row in rows)
    name = f"{batch_id}_{what}.jsonl"
    shown = files.file_object(errand.identity("file-"), name, "batch_output", data, int(errand.wall))
    files.keep(errand.store, shown, data, errand.now)
    return str(shown["id"])
