"""Which deployment, operation or stored object does a URL name?

Both families of Azure (`/openai/deployments/{deployment}/{operation}?api-version=…` and `/openai/v1/{operation}`),
Claude on Foundry (`/anthropic/v1/messages`) and plain OpenAI (`/v1/{operation}`).  A resource may come as a path
prefix, `/east/openai/…`, or as the first label of the Host header.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal
from urllib.parse import parse_qsl, unquote

Dialect = Literal["azure", "openai", "anthropic"]
Surface = Literal["dated", "v1", "openai", "anthropic"]

DEPLOYMENT_SCOPED = frozenset(
    {
        "chat/completions",
        "completions",
        "embeddings",
        "images/generations",
        "images/edits",
        "audio/speech",
        "audio/transcriptions",
        "audio/translations",
    }
)
"""Dated paths name the deployment of these; of all others, the body does."""
MESSAGES = ("messages", "messages/count_tokens")
_OBJECTS: dict[str, dict[str, tuple[str, ...]]] = {
    "models": {"GET": ("", "id")},
    "files": {"GET": ("", "id", "content"), "POST": ("",), "DELETE": ("id",)},
    "batches": {"GET": ("", "id"), "POST": ("", "cancel")},
    "fine_tuning/jobs": {"GET": ("", "id", "events", "checkpoints"), "POST": ("", "cancel")},
    "responses": {"GET": ("id", "input_items"), "POST": ("", "cancel"), "DELETE": ("id",)},
}
"""What can be asked of which collection: "" is the collection itself, `id` one object, else what hangs below one."""
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")
_V1_VERSIONS = frozenset({"", "v1", "preview", "latest"})


@dataclass(frozen=True, slots=True)
class Route:
    """What a URL says."""

    operation: str
    """Of a deployment (`chat/completions`), or a collection (`files`)."""
    resource: str | None = None
    """From the path; None: the host decides."""
    deployment: str | None = None
    """None: the body's `model` decides."""
    api_version: str = "v1"
    """As in messages: a date, or `v1`."""
    surface: Surface = "dated"
    id: str = ""
    """Of one stored object."""
    action: str = ""
    """What is asked of the object: `content`, `cancel`, …"""
    query: tuple[tuple[str, str], ...] = ()
    extensions: bool = False
    """Below the old `/extensions`."""
    version_known: bool = True
    """False: `/openai/v1` with a version that it has not."""

    @property
    def dialect(self) -> Dialect:
        """Whose words errors and headers use."""
        return self.surface if self.surface in ("openai", "anthropic") else "azure"

    @property
    def is_inference(self) -> bool:
        """A deployment is asked, and its limits count."""
        return self.operation not in _OBJECTS or (self.operation == "responses" and not self.id)

    def allows(self, method: str) -> bool:
        """Whether this can be asked with this method."""
        actions = _OBJECTS.get(self.operation)
        if actions is None:
            return method == "POST"
        return (self.action or ("id" if self.id else "")) in actions.get(method, ())

    def asked(self, name: str) -> str | None:
        """A value of the query; the last one counts."""
        return dict(self.query).get(name)


@lru_cache(maxsize=4096)
def route_of(target: str) -> Route | None:
    """Read path and query.

    Returns:
        None where Azure says "Resource not found": an unknown path, or a dated path without an `api-version`.
    """
    path, _, query = target.partition("?")
    parts = [unquote(part) for part in path.strip("/").split("/")]
    resource = None
    if parts[0] not in ("openai", "anthropic", "v1") or parts[:2] == ["openai", "openai"]:
        resource, parts = parts[0], parts[1:]
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    version = dict(pairs).get("api-version", "")
    match parts:
        case ["openai", "v1", *rest]:
            known = version in _V1_VERSIONS
            return _named(rest, Route("", resource, surface="v1", query=pairs, version_known=known))
        case ["openai", *rest] if rest and _VERSION.fullmatch(version):
            return _dated(rest, Route("", resource, api_version=version, query=pairs))
        case ["anthropic", "v1", *rest] if "/".join(rest) in MESSAGES:
            return Route("/".join(rest), resource, surface="anthropic", query=pairs)
        case ["v1", *rest]:
            return _named(rest, Route("", resource, surface="openai", query=pairs))
    return None


def _dated(rest: list[str], known: Route) -> Route | None:
    """Below `/openai/` of the dated family."""
    if rest[0] != "deployments":
        route = _named(rest, known)
        return route if route is not None and route.operation in _OBJECTS else None
    if len(rest) < 3 or not rest[1]:
        return None
    deployment, below = rest[1], rest[2:]
    extensions = below[0] == "extensions"
    operation = "/".join(below[1:] if extensions else below)
    if operation not in DEPLOYMENT_SCOPED:
        return None
    return replace(known, operation=operation, deployment=deployment, extensions=extensions)


def _named(rest: list[str], known: Route) -> Route | None:
    """A path that names the operation or the collection first."""
    for length in (2, 1):
        operation, below = "/".join(rest[:length]), rest[length:]
        if operation in DEPLOYMENT_SCOPED and not below:
            return replace(known, operation=operation)
        if operation in _OBJECTS and len(below) <= 2 and all(below):
            identity, action = (*below, "", "")[:2]
            return replace(known, operation=operation, id=identity, action=action)
    return None


@lru_cache(maxsize=4096)
def resource_of_host(host: str) -> str:
    """`east` of `east.openai.azure.com:443`; "" of an address or a bare name, which name no resource."""
    name = host.rsplit(":", 1)[0] if not host.startswith("[") else ""
    label, dot, rest = name.partition(".")
    return "" if not dot or rest.replace(".", "").isdigit() else label.lower()
