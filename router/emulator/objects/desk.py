"""Who answers a request for stored objects, and how does the answer go out?"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from router.emulator.dialects import compact, error_body, speak
from router.emulator.headers import JSON
from router.emulator.plan import Plan
from router.emulator.refusals import Refusal

from . import batches, files, fine_tuning, responses
from .request import Errand, Handled

HANDLERS: dict[str, Callable[[Errand], Handled]] = {
    "files": files.handle,
    "batches": batches.handle,
    "fine_tuning/jobs": fine_tuning.handle,
    "responses": responses.handle,
}
_PIECE = 1 << 18


def written(errand: Errand, handled: Handled, headers: dict[str, str], delay: float) -> Plan:
    """The plan of an answer.

    Args:
        errand: what was asked.
        handled: the answer.
        headers: of the front door; more are added.
        delay: seconds before it.
    """
    dialect = errand.route.dialect
    if isinstance(handled, Refusal):
        headers.update(handled.headers)
        speak(headers, dialect, errand.rng)
        return Plan(handled.status, headers, error_body(handled, dialect, headers.get("request-id", "")), delay)
    headers.update(handled.headers)
    headers["content-type"] = handled.content_type
    headers["x-request-id"] = headers.get("apim-request-id", "")
    speak(headers, dialect, errand.rng)
    plan = Plan(handled.status, headers, delay=delay, chunks=handled.chunks)
    if handled.value is not None:
        plan.body = compact(handled.value)
    elif handled.chunks is not None:
        plan.manner = "responses"
        plan.content = range(len(handled.chunks))
    elif handled.content_type != JSON:
        data = memoryview(handled.data)
        if len(data) <= _PIECE:
            plan.body = bytes(data)
        else:  # a large file leaves in pieces, straight from the disk
            headers["content-length"] = str(len(data))
            plan.chunks = [(0.0, cast(bytes, data[i : i + _PIECE])) for i in range(0, len(data), _PIECE)]
    return plan
