"""The lines of a batch: are they requests, and what is answered to each?"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from router.emulator.config import NO_LATENCY, EmulatedDeployment
from router.emulator.dialects import compact
from router.emulator.operations import OPERATIONS, Call
from router.emulator.refusals import Refusal, wrong_operation
from router.emulator.routes import Route

from .files import lines_of
from .request import Errand
from .store import Data

MAX_TASKS = 100_000
MAX_MISTAKES = 100
"""After so many, nobody reads on."""


@dataclass(frozen=True, slots=True)
class Task:
    """One line that is a request."""

    custom_id: str
    operation: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mistake:
    """Why a line is none."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None

    def shown(self) -> dict[str, Any]:
        """As in a batch's `errors`."""
        return {"code": self.code, "message": self.message, "param": self.param, "line": self.line}


def tasks_of(data: Data, endpoint: str, deployment: Callable[[str], EmulatedDeployment | None]) -> list[Task | Mistake]:
    """Read all lines of a file.

    Args:
        data: the JSONL.
        endpoint: what each line must ask for, without `/v1`.
        deployment: finds the deployment that a line names.

    Returns:
        A task for each line; or with mistakes in place of what cannot be run, and then nothing of it is.
    """
    found: list[Task | Mistake] = []
    seen: set[str] = set()
    models: set[str] = set()
    mistakes = 0
    for number, line in enumerate(lines_of(data), 1):
        if not line.strip():
            continue
        read = _read(line, number, endpoint, seen, models, deployment)
        mistakes += isinstance(read, Mistake)
        found.append(read)
        if len(found) > MAX_TASKS:
            return [Mistake("too_many_tasks", f"The file has more than {MAX_TASKS} lines.")]
        if mistakes >= MAX_MISTAKES:
            break
    return found or [Mistake("empty_file", "The input file is empty. Please ensure that it has at least one request.")]


def _read(
    line: bytes,
    number: int,
    endpoint: str,
    seen: set[str],
    models: set[str],
    deployment: Callable[[str], EmulatedDeployment | None],
) -> Task | Mistake:
    try:
        value = json.loads(line.decode("utf-8"))
        custom_id, body, url = value["custom_id"], value["body"], str(value["url"]).removeprefix("/v1")
        model = body["model"]
    except (ValueError, KeyError, TypeError):
        said = "This line is no JSON object with `custom_id`, `method`, `url`, and a `body` that names a `model`."
        return Mistake("invalid_json_line", said, number)
    if value.get("method") != "POST":
        return Mistake("invalid_request", "The method must be POST.", number, "method")
    if url != endpoint:
        said = "The URL provided for this request does not match the batch endpoint."
        return Mistake("url_mismatch", said, number, "url")
    if custom_id in seen:
        return Mistake("duplicate_custom_id", "The custom_id is used by another line.", number, "custom_id")
    seen.add(custom_id)
    if not isinstance(model, str) or deployment(model) is None:
        said = "The provided model deployment name was not found on this resource."
        return Mistake("model_not_found", said, number, "body.model")
    models.add(model)
    if len(models) > 1:
        return Mistake("model_mismatch", "All lines must name the same deployment.", number, "body.model")
    return Task(str(custom_id), endpoint.strip("/"), {**body, "stream": False})


def run(errand: Errand, tasks: list[Task]) -> tuple[list[bytes], list[bytes]]:
    """Answer tasks: the lines of the output file, and those of the error file.  No limit is charged."""
    good: list[bytes] = []
    bad: list[bytes] = []
    for task in tasks:
        status, body = _answer(errand, task)
        response = {"request_id": str(UUID(int=errand.rng.getrandbits(128))), "status_code": status, "body": body}
        row = compact({"custom_id": task.custom_id, "response": response, "error": None})
        (good if status == 200 else bad).append(row)
    return good, bad


def _answer(errand: Errand, task: Task) -> tuple[int, dict[str, Any]]:
    d = errand.deployment(task.body["model"])
    if d is None:
        raise LookupError("deployments do not go away while a batch runs")
    operation = OPERATIONS[task.operation]
    route: Route = replace(errand.route, operation=task.operation, id="", action="")
    call = Call(d, route, task.body, {}, errand.rng, NO_LATENCY, errand.store, errand.now, errand.wall, False)
    foreign = d.kind not in operation.families
    wrong: Refusal | None = wrong_operation(task.operation, d.model) if foreign else operation.objection(call)
    if wrong is not None:
        return wrong.status, wrong.payload()
    body: dict[str, Any] = json.loads(operation.answer(call).body)
    return 200, body
