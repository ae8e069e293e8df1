"""Which deployment and which operation does a URL name?

Both families of Azure: `/openai/deployments/{deployment}/{operation}?api-version=…` and `/openai/v1/{operation}`, where
the body's `model` names the deployment.  A resource may come as a path prefix, `/east/openai/…`, or as the first
label of the Host header.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qs, unquote

OPERATIONS = ("chat/completions", "embeddings", "models")
_PATH = re.compile(
    r"(?:/(?P<resource>[^/]+))?/openai/"
    r"(?:v1/(?P<v1>[a-z/]+)|deployments/(?P<deployment>[^/]+)/(?:extensions/)?(?P<dated>[a-z/]+)|(?P<models>models))/?"
)
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")


@dataclass(frozen=True, slots=True)
class Route:
    """What a URL says."""

    operation: str
    """One of `OPERATIONS`."""
    resource: str | None
    """From the path; None: the host decides."""
    deployment: str | None
    """None: the body's `model` decides."""
    api_version: str
    """As in messages: a date, or `v1`."""


@lru_cache(maxsize=4096)
def route_of(target: str) -> Route | None:
    """Read path and query.

    Returns:
        None where Azure says "Resource not found": an unknown path, or a dated path without an `api-version`.
    """
    path, _, query = target.partition("?")
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    operation = match["v1"] or match["dated"] or match["models"]
    operation = operation.rstrip("/")
    if operation not in OPERATIONS or (match["dated"] and operation == "models"):
        return None
    version = parse_qs(query).get("api-version", [""])[0]
    if match["v1"] is None and not _VERSION.fullmatch(version):
        return None
    return Route(
        operation,
        unquote(match["resource"]) if match["resource"] else None,
        unquote(match["deployment"]) if match["deployment"] else None,
        "v1" if match["v1"] else version,
    )


@lru_cache(maxsize=4096)
def resource_of_host(host: str) -> str:
    """`east` of `east.openai.azure.com:443`; "" of an address or a bare name, which name no resource."""
    name = host.rsplit(":", 1)[0] if not host.startswith("[") else ""
    label, dot, rest = name.partition(".")
    return "" if not dot or rest.replace(".", "").isdigit() else label.lower()
