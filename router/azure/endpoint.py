"""Where does a request go?

An `Endpoint` is what remains of a configured `api_base` once its many spellings are understood: the bare
resource, `/openai`, `/openai/deployments/x`, a whole operation's URL with its `?api-version=`, `/extensions`,
`/openai/v1`, `/anthropic`, a customer's gateway with a prefix.  Four kinds speak differently:

- `azure`: the dated API.  The deployment stands in the path and `api-version` is required;
- `azure_v1`: `/openai/v1`.  The deployment is the body's `model`;
- `openai`: OpenAI itself or anything compatible;
- `anthropic`: Claude on Foundry.  The deployment is the body's `model`, and the words are Anthropic's.

Everything here is decided once, when the configuration is read; `url_for` remembers its answers.
Sources: azure.md §1 (§1.5 for Claude), litellm.md §4.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal
from urllib.parse import quote, urlencode

from router.values import Call

from .address import Address, read_address
from .anthropic.address import claude_base
from .anthropic.models import is_claude
from .operations import OPERATIONS, PATHS, serves

Provider = Literal["azure", "azure_text", "azure_ai", "openai"]
Family = Literal["o_series", "gpt5"]
EndpointKind = Literal["azure", "azure_v1", "openai", "anthropic"]

DEFAULT_API_VERSION = "2025-02-01-preview"
"""Used where no version is stated anywhere; LiteLLM's constant, on which its users' configurations rest."""
V1_VERSIONS = frozenset({"v1", "preview", "latest"})
"""Values of `api_version` that mean the v1 API instead of a date."""
OPENAI_BASE = "https://api.openai.com/v1"

_DATED = re.compile(r"\d{4}-\d{2}-\d{2}(-[a-z0-9]{1,20})?", re.ASCII)
_DEPLOYMENT = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_OPENAI_MODEL = re.compile(r"[A-Za-z0-9._:/@-]{1,256}", re.ASCII)
_KEY = re.compile(r"[\x21-\x7e]+")
_PREFIXES: dict[str, Family] = {"o_series": "o_series", "gpt5_series": "gpt5"}
_CLOUDFLARE = "gateway.ai.cloudflare.com"


@dataclass(frozen=True, slots=True)
class ParsedModel:
    """What a `model` of the configuration says."""

    provider: Provider
    family: Family | None
    """Stated by a prefix (`azure/o_series/x`); None: not stated."""
    name: str
    """The deployment or the model; "" where only the provider is named."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place that requests can be sent to.  Hashable, holds no secret."""

    kind: EndpointKind
    base: str
    """Scheme, host and prefix, no trailing slash: up to `/openai` on Azure, to the operation on OpenAI, with
    `/anthropic` for Claude."""
    api_version: str | None = None
    """What is sent as `?api-version=`: a date (`azure`), `preview` or None (`azure_v1`), None (`openai`)."""
    extensions: bool = False
    """The old route for vision enhancements: `…/deployments/x/extensions/…` (`azure` only)."""
    host: str = ""
    """With the port, where one is stated."""
    deployment: str | None = None
    """Named by `api_base` itself.  It wins over the model's name, as in LiteLLM and openai-python."""
    deployments_path: str = "/openai/deployments"
    """Between `base` and the deployment; "" behind Cloudflare's gateway."""
    organization: str | None = None
    """OpenAI's `OpenAI-Organization` header."""
    family: Family | None = None
    """Stated by the model's prefix; None: `base_model` or the name tells."""
    text_only: bool = False
    """`azure_text/x`: it completes texts, and chats are asked of it as such (`text_only.py`)."""
    claude: Endpoint | None = None
    """Of a wildcard: where a name that turns out to be Claude's is served (`opened`)."""

    def __hash__(self) -> int:
        """Of the address alone: every call looks its URL up, and the fields' hash would cost more than that."""
        return hash(self.base)


def split_model(model: str) -> ParsedModel:
    """Split the provider and the family from a configured model name.

    `azure/x`, `azure/o_series/x`, `azure/gpt5_series/x`, `azure_text/x`, `azure_ai/claude-x` (LiteLLM's other name
    for Claude on Azure), `openai/x`, or a bare `gpt-4o` (OpenAI).

    Raises:
        ValueError: for any other prefix, or an empty name where a name is needed.
    """
    provider, slash, rest = model.strip().partition("/")
    if provider in ("azure", "azure_text"):
        prefix, between, name = rest.partition("/")
        family = _PREFIXES.get(prefix) if between else None
        return ParsedModel("azure" if provider == "azure" else "azure_text", family, name if family else rest)
    if provider == "azure_ai" and slash:
        return ParsedModel("azure_ai", None, rest)
    if provider == "openai" and slash:
        return ParsedModel("openai", None, _openai_name(rest))
    if slash:
        raise ValueError(
            "model begins with a provider that is not known; known are azure, azure_text, azure_ai and openai.  "
            "For an endpoint that is compatible with OpenAI write openai/ before its model, and its api_base."
        )
    return ParsedModel("openai", None, _openai_name(provider))


def parse_endpoint(
    model: str,
    api_base: str | None,
    api_version: str | None,
    organization: str | None = None,
    *,
    allow_http: bool = False,
) -> Endpoint:
    """Understand where the deployment of a configured `model` is reached.

    Args:
        model: as for `split_model`; it decides between Azure and OpenAI.
        api_base: any of the spellings above; None means api.openai.com for OpenAI and is an error for Azure.
            `/anthropic` at its end, or a deployment named `claude-…` without `/openai` in the base, means Claude.
        api_version: a date, or `v1`, `preview`, `latest` for the v1 API; None or "": the version in
            `api_base`, else 2025-02-01-preview.  A base that ends in `/openai/v1` is the v1 API whatever the
            version says.
        organization: OpenAI only.
        allow_http: accept http for hosts other than this machine.

    Raises:
        ValueError: says what is wrong, and never quotes a part that could hold a secret.
    """
    parsed = split_model(model)
    if parsed.provider == "openai":
        return _openai_endpoint(api_base or OPENAI_BASE, organization, allow_http)
    if not api_base:
        raise ValueError(
            f"model {model!r} is on Azure, and no api_base is given.  Set it to the resource's address, "
            "such as https://my-resource.openai.azure.com, or set AZURE_API_BASE."
        )
    _check_name(parsed.name)
    address = read_address(api_base, allow_http=allow_http)
    claude = claude_base(address, parsed.name)
    if claude is not None:
        return Endpoint("anthropic", claude.url(claude.segments), host=claude.host)
    if parsed.provider == "azure_ai":
        raise ValueError(
            "model 'azure_ai/…' is Claude on Foundry here: name a deployment 'azure_ai/claude-…', or give an api_base "
            "that ends in /anthropic.  For any other model write 'azure/my-deployment'."
        )
    endpoint = _azure_endpoint(address, _read_version(api_version) or _read_version(address.api_version))
    if parsed.family is None and parsed.provider != "azure_text":
        return endpoint
    return replace(endpoint, family=parsed.family, text_only=parsed.provider == "azure_text")


def opened(endpoint: Endpoint, name: str) -> tuple[Endpoint, str]:
    """Where a deployment is that a wildcard's `*` made the name of, and how it is called there.

    The name may say what a configured `model` says: `o_series/x` and `gpt5_series/x` a family, `claude-x` Claude.
    """
    if endpoint.kind not in ("azure", "azure_v1") or endpoint.text_only:
        return endpoint, name
    prefix, _, rest = name.partition("/")
    if rest and prefix in _PREFIXES:
        return replace(endpoint, family=_PREFIXES[prefix]), rest
    return (endpoint.claude if endpoint.claude is not None and is_claude(name) else endpoint), name


@lru_cache(maxsize=8192)
def url_for(endpoint: Endpoint, deployment_name: str, operation: str) -> str:
    """The URL of one operation on one deployment.  Computed once, then remembered.

    An operation that names a thing has `{id}` in its URL, which `url_of` fills in.

    Args:
        endpoint: where.
        deployment_name: `Deployment.model`; a deployment named by the endpoint's own base wins.
        operation: a key of `OPERATIONS`.

    Raises:
        ValueError: if the name could change the path, or the operation is unknown.
    """
    row = OPERATIONS.get(operation)
    if row is None:
        raise ValueError(f"operation {operation!r} is unknown.  Known are: {', '.join(OPERATIONS)}.")
    if not serves(endpoint.kind, operation):
        raise ValueError(f"operation {operation!r} is not served by endpoints of the kind {endpoint.kind!r}.")
    if endpoint.kind == "anthropic":
        return f"{endpoint.base}/{row.path if row.anthropic else OPERATIONS['messages'].path}"
    if endpoint.kind == "openai":
        return f"{endpoint.base}/{row.path}"
    query = f"?api-version={quote(endpoint.api_version, safe='')}" if endpoint.api_version else ""
    if endpoint.kind == "azure_v1":
        return f"{endpoint.base}/openai/v1/{row.path}{query}"
    if row.since and (endpoint.api_version or "") < row.since:
        return f"{endpoint.base}/openai/v1/{row.path}"
    if not row.deployment_scoped:
        return f"{endpoint.base}/openai/{row.path}{query}"
    name = wire_name(endpoint, deployment_name)
    if not _DEPLOYMENT.fullmatch(name) or not name.strip("."):
        raise ValueError(_bad_name(name))
    extensions = "/extensions" if endpoint.extensions else ""
    return f"{endpoint.base}{endpoint.deployments_path}/{name}{extensions}/{row.path}{query}"


def url_of(endpoint: Endpoint, deployment_name: str, call: Call) -> str:
    """The URL of a call on one deployment, with its id and its query.  Raises ValueError as `url_for` does."""
    url = url_for(endpoint, deployment_name, call.operation)
    if call.path_id is not None:
        url = url.replace("{id}", quote(call.path_id, safe=""))
    if call.query:
        url += ("&" if "?" in url else "?") + urlencode(call.query)
    return url


def wire_name(endpoint: Endpoint, deployment_name: str) -> str:
    """The name that goes into the path and into the body's `model`."""
    return endpoint.deployment or deployment_name


def check_key(key: str, place: str = "api_key") -> str:
    """Return `key` if it can travel in a header.

    Args:
        key: a key or a token.
        place: where it was configured, for the message.

    Raises:
        ValueError: names the place and the kind of defect, never the value.  (HTTP libraries would put the
            whole key into their own error otherwise.)
    """
    if not key:
        raise ValueError(f"{place} is empty.  Set it to the resource's key.")
    if key != key.strip():
        raise ValueError(f"{place} begins or ends with whitespace, often a newline from a file.  Remove it.")
    if not _KEY.fullmatch(key):
        raise ValueError(f"{place} holds a space, a control character or a non-ASCII character.  Copy the key again.")
    return key


def _openai_endpoint(api_base: str, organization: str | None, allow_http: bool) -> Endpoint:
    address = read_address(api_base, allow_http=allow_http)
    segments = list(address.segments)
    for path in PATHS:
        operation = path.split("/")
        if segments[-len(operation) :] == operation:
            segments = segments[: -len(operation)]
            break
    if address.host == "api.openai.com" and not segments:
        segments = ["v1"]
    if organization is not None:
        check_key(organization, "organization")
    return Endpoint("openai", address.url(segments), host=address.host, organization=organization or None)


def _azure_endpoint(address: Address, version: str | None) -> Endpoint:
    """Find `openai` in the path, from the right: what follows says which form the base has."""
    if address.host == _CLOUDFLARE:
        # …/v1/{account}/{gateway}/azure-openai/{resource}: the deployment follows at once.
        dated = version if version and version not in V1_VERSIONS else DEFAULT_API_VERSION
        return Endpoint("azure", address.url(address.segments), dated, host=address.host, deployments_path="")
    segments = address.segments
    prefix: tuple[str, ...] = segments
    tail: tuple[str, ...] = ()
    for i in range(len(segments) - 1, -1, -1):
        if segments[i] == "openai" and _is_tail(segments[i + 1 :]):
            prefix, tail = segments[:i], segments[i + 1 :]
            break
    else:
        _refuse_other_routes(address)
    base = address.url(prefix)
    deployment, extensions = _read_tail(tail)
    if tail[:1] == ("v1",) or version in V1_VERSIONS:
        preview = "preview" if version == "preview" else None
        return Endpoint("azure_v1", base, preview, host=address.host, deployment=deployment)
    return Endpoint("azure", base, version or DEFAULT_API_VERSION, extensions, address.host, deployment)


def _is_tail(tail: tuple[str, ...]) -> bool:
    """May this follow `/openai`?"""
    return not tail or tail[0] in ("deployments", "v1") or "/".join(tail) in PATHS


def _read_tail(tail: tuple[str, ...]) -> tuple[str | None, bool]:
    """The deployment that follows `/openai/deployments/`, and whether `/extensions` follows that."""
    if tail[:1] == ("v1",):
        rest = tail[1:]
        deployment, extensions = None, False
    elif tail[:1] == ("deployments",):
        deployment = tail[1] if len(tail) > 1 else None
        extensions = tail[2:3] == ("extensions",)
        rest = tail[3:] if extensions else tail[2:]
        if deployment is not None:
            _check_name(deployment)
    else:
        return None, False
    if rest and "/".join(rest) not in PATHS:
        raise ValueError(
            f"api_base ends in {'/'.join(rest)!r}, which is no known operation.  "
            "Give the resource's address alone, such as https://my-resource.openai.azure.com."
        )
    return deployment, extensions


def _refuse_other_routes(address: Address) -> None:
    """Foundry shows several addresses for one resource; this one is another API."""
    if address.host.endswith(".services.ai.azure.com") and address.segments[:1] == ("models",):
        raise ValueError(
            f"api_base is the route '/models' of {address.host}, which is another API.  "
            f"Use https://{address.host} for deployments of OpenAI models."
        )


def _read_version(version: str | None) -> str | None:
    if not version:
        return None
    lowered = version.strip().lower()
    if lowered in V1_VERSIONS or _DATED.fullmatch(lowered):
        return lowered
    raise ValueError(
        f"api_version {version[:40]!r} is neither a date such as 2024-10-21 or 2025-04-01-preview "
        "nor one of v1, preview and latest."
    )


def _check_name(name: str) -> None:
    if name in ("", "*"):  # the base names it, or each call does
        return
    if not _DEPLOYMENT.fullmatch(name) or not name.strip("."):
        raise ValueError(_bad_name(name))


def _bad_name(name: str) -> str:
    if not name:
        return "no deployment is named, neither by model ('azure/my-deployment') nor by api_base."
    return (
        f"deployment {name[:80]!r} is not a valid name: 1 to 64 letters, digits and . - _  "
        "Write the name that the portal shows under Deployments."
    )


def _openai_name(name: str) -> str:
    if name == "*" or (_OPENAI_MODEL.fullmatch(name) and ".." not in name):
        return name
    raise ValueError(
        f"model {name[:80]!r} is not a valid OpenAI model name: letters, digits and . _ - : / @ up to 256."
        if name
        else "model is empty.  Name a deployment ('azure/my-deployment') or an OpenAI model ('gpt-4o')."
    )
