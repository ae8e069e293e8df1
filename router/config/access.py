"""Where is a deployment?

What an entry does not state comes from the environment, by the names of LiteLLM and of OpenAI's client.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from router.azure.endpoint import Endpoint, ParsedModel, parse_endpoint, split_model

from .models import Params
from .problems import Path, Problems

BASES = {"azure": ("AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT"), "openai": ("OPENAI_BASE_URL",)}
VERSIONS = ("AZURE_API_VERSION", "OPENAI_API_VERSION")

_STAR = "-any-name-"
"""Checked in the place of a wildcard's `*`; what the name becomes is checked when it is asked for."""
_CLAUDE = "claude-any"
"""Tells where the names are served that turn out to be Claude's."""
_QUOTED = re.compile(r"(['\"])(.*?)\1")
_EXAMPLES = frozenset({"azure/my-deployment", "gpt-4o"})


def model_of(params: Params, path: Path, problems: Problems) -> tuple[str, ParsedModel] | None:
    """What `model` names, with its provider in front."""
    model, place = params.model or "", (*path, "model")
    provider = params.custom_llm_provider
    if provider is not None and model.partition("/")[0] not in ("azure", "azure_text", "azure_ai", "openai"):
        model = f"{provider}/{model}"
    elif provider is not None and not model.startswith(f"{provider}/"):
        problems.add((*path, "custom_llm_provider"), "names another provider than model; remove one of them")
        return None
    try:
        parsed = split_model(model.replace("*", _STAR))
    except ValueError as error:
        problems.add(place, without_values(str(error), [model, params.model or ""]))
        return None
    if model.count("*") > 1:
        problems.add(place, "holds more than one *; one is enough to say what varies")
        return None
    return model, replace(parsed, name=parsed.name.replace(_STAR, "*")) if "*" in model else parsed


def endpoints_of(
    params: Params, model: str, parsed: ParsedModel, path: Path, environment: Mapping[str, str], problems: Problems
) -> list[Endpoint]:
    """Where the deployment is: one endpoint, or one for each organization; none if it cannot be known."""
    side = "openai" if parsed.provider == "openai" else "azure"
    stated = params.api_base or params.base_url
    base = stated or first(environment, BASES[side])
    place = (*path, "base_url" if params.api_base is None and params.base_url else "api_base")
    if params.api_base and params.base_url and params.api_base != params.base_url:
        problems.add((*path, "base_url"), "differs from api_base, which means the same; remove one of them")
        return []
    if side == "azure" and base is None:
        problems.add(place, "is missing; give the resource's address, or set AZURE_API_BASE")
        return []
    version = params.api_version
    if version is None and side == "azure" and "api-version=" not in (base or ""):
        version = first(environment, VERSIONS)

    def at(star: str, organization: str | None = None) -> Endpoint:
        name = model.replace("*", star)
        return parse_endpoint(name, base, version, organization, allow_http=bool(params.allow_http))

    try:
        endpoints = [at(_STAR, organization) for organization in (params.organization or [None])]  # type: ignore
        if parsed.name == "*" and parsed.provider == "azure" and (claude := at(_CLAUDE)).kind == "anthropic":
            endpoints = [replace(endpoint, claude=claude) for endpoint in endpoints]
        return endpoints
    except ValueError as error:
        host = _host(base or "")
        values = [model, base or "", version or "", host, *(params.organization or ())]
        text = without_values(str(error), values)
        key = next(
            (key for key in ("api_version", "organization", "model") if text.startswith((key, "deployment "))), None
        )
        if key != "model":  # its place names it
            text = text.removeprefix(f"{key or 'api_base'} ").removeprefix("(hidden) ")
        problems.add(place if key is None else (*path, "model" if text.startswith("deployment ") else key), text)
        return []


def first(environment: Mapping[str, str], names: Iterable[str]) -> str | None:
    """The first of these variables that is set and not empty."""
    return next((environment[name] for name in names if environment.get(name)), None)


def without_values(message: str, values: Iterable[str]) -> str:
    """A message of the call layer with everything hidden in it that the configuration holds."""
    values = [value for value in values if value]

    def hide(match: re.Match[str]) -> str:
        inner = match[2]
        ours = inner in _EXAMPLES or not any(inner in value or value in inner for value in values)
        return match[0] if ours and "\\" not in inner else "(hidden)"  # \\: an escaped spelling of something

    text = _QUOTED.sub(hide, message)
    for value in values:
        if len(value) > 3 and value not in _EXAMPLES:  # as a word: "2024" is not to spoil the 2024-10-21 of an example
            text = re.sub(rf"(?<![\w-]){re.escape(value)}(?![\w-])", "(hidden)", text)
    return text


def _host(base: str) -> str:
    try:
        return urlsplit(base).hostname or ""
    except ValueError:
        return ""
