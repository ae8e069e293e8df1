"""Fine-tuning jobs: created, listed and cancelled; their events, checkpoints and result file."""

from __future__ import annotations

from typing import Any

from router.emulator import refusals
from router.emulator.refusals import Refusal, invalid

from . import files
from .request import Errand, Handled, Result
from .store import Stored, page
from .timeline import moment

CHECKPOINTS = 3
FINAL = ("succeeded", "failed", "cancelled")
_METRICS = b"step,train_loss,train_accuracy\n1,1.5,0.5\n2,0.9,0.7\n3,0.5,0.8\n"


def handle(errand: Errand) -> Handled:
    """Answer one request."""
    route, jobs = errand.route, errand.store.jobs
    if not route.id:
        if errand.method == "POST":
            return _create(errand)
        return _page(errand, [_now(errand, job) for job in jobs.values()])
    found = jobs.get(route.id)
    if found is None:
        return refusals.no_object("fine-tuning job", route.id)
    shown = _now(errand, found)
    if route.action == "events":
        return _page(errand, _events(errand, found, shown))
    if route.action == "checkpoints":
        return _page(errand, _checkpoints(found, shown))
    if route.action == "cancel":
        if shown["status"] in FINAL:
            return refusals.conflict(f"Cannot cancel a job with status '{shown['status']}'.")
        found.shown["status"], found.shown["finished_at"] = "cancelled", int(errand.wall)
        found.kept["cancelled_at"] = errand.now
        shown = found.shown
    return Result(shown)


def _page(errand: Errand, rows: list[dict[str, Any]]) -> Handled:
    listed = page(rows, errand.route.asked)
    return listed if isinstance(listed, Refusal) else Result(listed)


def _create(errand: Errand) -> Handled:
    given = errand.given
    for name in ("model", "training_file"):
        if not isinstance(given.get(name), str) or not given[name]:
            return invalid(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")
    for name in ("training_file", "validation_file"):
        identity = given.get(name)
        if identity is None:
            continue
        file = errand.store.files.get(identity)
        if file is None:
            return refusals.no_object("file", identity)
        if file.shown["purpose"] != "fine-tune" or file.shown["status"] == "error":
            return invalid(f"'{name}' must be a sound file with the purpose 'fine-tune'.", name, "invalidPayload")
    shown = _job(errand)
    suffix = f"-{given['suffix']}" if given.get("suffix") else ""
    job = Stored(shown, born=errand.now)
    job.kept["name"] = f"{given['model']}.ft-{errand.rng.getrandbits(128):032x}{suffix}"
    errand.store.jobs[shown["id"]] = job
    return Result(dict(shown))


def _job(errand: Errand) -> dict[str, Any]:
    """A new job as answers show it."""
    given = errand.given
    tuning = given.get("hyperparameters") or {}
    return {
        "id": errand.identity("ftjob-"),
        "object": "fine_tuning.job",
        "created_at": int(errand.wall),
        "error": None,
        "fine_tuned_model": None,
        "finished_at": None,
        "hyperparameters": {
            "n_epochs": tuning.get("n_epochs", 3),
            "batch_size": tuning.get("batch_size", 1),
            "learning_rate_multiplier": tuning.get("learning_rate_multiplier", 1),
        },
        "model": given["model"],
        "organization_id": "emulator",
        "result_files": [],
        "seed": given.get("seed", 0),
        "status": "pending" if errand.route.dialect == "azure" else "validating_files",
        "trained_tokens": None,
        "training_file": given["training_file"],
        "validation_file": given.get("validation_file"),
        "estimated_finish": int(errand.wall + 3 * errand.step_s),
        "method": given.get("method"),
        "metadata": given.get("metadata"),
    }


def _now(errand: Errand, job: Stored) -> dict[str, Any]:
    """The job at this moment."""
    shown, step = job.shown, errand.step_s
    if shown["status"] in FINAL:
        return shown
    first = str(shown["status"]) if shown["status"] != "running" else "pending"
    place = moment(errand.now - job.born, ((first, step), ("running", 2 * step)), "succeeded")
    shown["status"] = place.state
    if place.state == "succeeded":
        training = errand.store.files.get(shown["training_file"])
        name = f"{shown['id']}_results.csv"
        result = files.file_object(errand.identity("file-"), name, "fine-tune-results", _METRICS, int(errand.wall))
        files.keep(errand.store, result, _METRICS, errand.now)
        shown["result_files"] = [result["id"]]
        shown["finished_at"] = errand.wall_at(job.born + 3 * step)
        shown["trained_tokens"] = len(training.data) // 4 if training is not None else 0
        shown["fine_tuned_model"] = job.kept["name"]
    return dict(shown)


def _events(errand: Errand, job: Stored, shown: dict[str, Any]) -> list[dict[str, Any]]:
    """What has happened so far, oldest first."""
    step, born = errand.step_s, job.born
    told = [(born, f"Created fine-tuning job: {shown['id']}")]
    until = job.kept.get("cancelled_at", errand.now)
    if until >= born + step:
        told.append((born + step, "Fine-tuning job started"))
        told += [
            (born + step + 2 * step * number / CHECKPOINTS, f"Step {number}/{CHECKPOINTS}: training loss 0.5")
            for number in range(1, CHECKPOINTS + 1)
            if until >= born + step + 2 * step * number / CHECKPOINTS
        ]
    if shown["status"] == "succeeded":
        told.append((born + 3 * step, "The job has successfully completed"))
    if shown["status"] == "cancelled":
        told.append((until, "The job was cancelled"))
    identity = shown["id"].removeprefix("ftjob-")
    return [
        {
            "id": f"ftevent-{identity}-{number}",
            "object": "fine_tuning.job.event",
            "created_at": errand.wall_at(at),
            "level": "info",
            "message": message,
            "type": "metrics" if message.startswith("Step") else "message",
            "data": {"step": number - 1, "train_loss": 0.5} if message.startswith("Step") else None,
        }
        for number, (at, message) in enumerate(told)
    ]


def _checkpoints(job: Stored, shown: dict[str, Any]) -> list[dict[str, Any]]:
    """Of a job that has succeeded."""
    if shown["status"] != "succeeded":
        return []
    identity = shown["id"].removeprefix("ftjob-")
    return [
        {
            "id": f"ftckpt-{identity}-{number}",
            "object": "fine_tuning.job.checkpoint",
            "created_at": shown["finished_at"],
            "fine_tuned_model_checkpoint": f"{job.kept['name']}:ckpt-step-{number}",
            "fine_tuning_job_id": shown["id"],
            "metrics": {"step": number, "train_loss": 0.5, "train_mean_token_accuracy": 0.8},
            "step_number": number,
        }
        for number in range(1, CHECKPOINTS + 1)
    ]
