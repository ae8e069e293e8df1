"""How is the emulator switched while it serves?  Its own few endpoints, beside Azure's.

    GET    /emulator/status
    POST   /emulator/deployments/{name}/fault      {"kind": "status", "status": 500, "share": 0.5, "count": 3}
    DELETE /emulator/deployments/{name}/fault
    PATCH  /emulator/deployments/{name}/limits     {"tpm": 20000, "rpm": 120}
    PATCH  /emulator/entra                         {"fail": true, "delay_s": 2, "expires_s": 60}
    POST   /emulator/reset

`{name}` is a label, `resource/name`, `resource/*` or `*`.  They ask for no key: the emulator is for your own machine.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any
from urllib.parse import unquote

from pydantic import TypeAdapter, ValidationError

from .config import EntraConfig
from .core import Emulator
from .faults import Fault

PREFIX = "/emulator/"
_FAULT = TypeAdapter(Fault)
_ENTRA = TypeAdapter(EntraConfig)


def administer(emulator: Emulator, method: str, path: str, body: bytes, now: float) -> tuple[int, dict[str, Any]]:
    """Carry out one request to the switches.

    Args:
        emulator: to switch.
        method: of HTTP.
        path: beginning with `PREFIX`, without a query.
        body: JSON, or nothing.
        now: seconds on the clock of the requests, for `status`.

    Returns:
        The status and the JSON of the answer.
    """
    parts = [unquote(part) for part in path.strip("/").split("/")[1:]]
    try:
        given = json.loads(body) if body else {}
        if not isinstance(given, dict):
            return 400, {"error": "the body must be a JSON object"}
        return _switch(emulator, method, parts, given, now)
    except KeyError as error:
        return 404, {"error": str(error.args[0])}
    except ValidationError as error:
        mistakes = [f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors(include_url=False)]
        return 400, {"error": "; ".join(mistakes)}
    except ValueError as error:
        return 400, {"error": str(error)}


def _switch(
    emulator: Emulator, method: str, parts: list[str], given: dict[str, Any], now: float
) -> tuple[int, dict[str, Any]]:
    match method, parts:
        case "GET", ["status"]:
            return 200, {"deployments": emulator.status(now), "served": emulator.served, "entra": _entra(emulator)}
        case "POST", ["deployments", *name, "fault"] if name:
            emulator.set_fault("/".join(name), _FAULT.validate_python(given))
        case "DELETE", ["deployments", *name, "fault"] if name:
            emulator.clear_fault("/".join(name))
        case "PATCH", ["deployments", *name, "limits"] if name:
            limits = {key: given.pop(key, None) for key in ("tpm", "rpm")}
            if given or not all(v is None or type(v) is int for v in limits.values()):
                return 400, {"error": "limits are tpm and rpm, whole numbers"}
            emulator.set_limit("/".join(name), **limits)
        case "PATCH", ["entra"]:
            emulator.entra.config = _ENTRA.validate_python({**asdict(emulator.entra.config), **given})
        case "POST", ["reset"]:
            emulator.reset()
        case _:
            return 404, {"error": "no such switch; docs/emulator.md lists them"}
    return 200, {"ok": True}


def _entra(emulator: Emulator) -> dict[str, Any]:
    entra = emulator.entra
    return {"requests": entra.requests, "granted": entra.granted, "fail": entra.config.fail}
