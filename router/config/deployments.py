"""From the entries of a `model_list` to deployments: where each is, what it may take, and what it is called."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from math import ceil
from typing import Any

from router.azure.credentials import ApiKey, Credential, StaticToken, TokenProvider
from router.azure.endpoint import Endpoint, ParsedModel, parse_endpoint, split_model
from router.azure.transport import Target
from router.values import AllowedFails, Deployment, RequestWindow

from .models import Entry, Params
from .problems import Path, Problems

log = logging.getLogger("router")

_AZURE_KEYS = ("AZURE_API_KEY", "AZURE_OPENAI_API_KEY")
_AZURE_BASES = ("AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT")
_AZURE_VERSIONS = ("AZURE_API_VERSION", "OPENAI_API_VERSION")
_AZURE_TOKENS = ("AZURE_AD_TOKEN", "AZURE_OPENAI_AD_TOKEN")
_ALLOWED = ("BadRequestError", "AuthenticationError", "TimeoutError", "RateLimitError")
SUB_WINDOW_S = 10.0
"""Azure judges requests over 1 to 10 s of the minute (azure.md §3.2)."""


@dataclass(frozen=True, slots=True)
class Built:
    """All deployments of a configuration."""

    deployments: tuple[Deployment, ...]
    wildcards: tuple[Deployment, ...]

    @property
    def names(self) -> set[str]:
        """Groups and ids."""
        return {d.group for d in self.deployments} | {d.id for d in self.deployments}

    def serves(self, name: str) -> bool:
        """May callers ask for this name?"""
        return name in self.names or any(fnmatchcase(name, w.group) for w in self.wildcards)

    def group_of(self, name: str) -> str:
        """The name itself; ids and wildcard matches are groups of one."""
        return name


def build_deployments(
    entries: list[tuple[Path, Entry]], defaults: list[dict[str, Any]], parallel: int | None, problems: Problems
) -> Built:
    """Deployments of these entries; what is wrong with them is noted in `problems`."""
    plain: list[Deployment] = []
    wild: list[Deployment] = []
    stated: Counter[str] = Counter()
    for (path, entry), parameters in zip(entries, defaults, strict=True):
        for deployment in _deployments(path, entry, parameters, parallel, problems):
            if entry.model_info.id is not None:
                stated[entry.model_info.id] += 1
                if stated[entry.model_info.id] > 1:
                    problems.add((*path, "model_info", "id"), "is the id of another entry too; ids are unique")
            (wild if "*" in entry.model_name else plain).append(deployment)
    _warn_of_twins(plain)
    wild.sort(key=lambda d: -len(d.group))
    return Built(tuple(_with_unique_ids(plain, stated)), tuple(wild))


def _deployments(
    path: Path, entry: Entry, parameters: Mapping[str, Any], parallel: int | None, problems: Problems
) -> list[Deployment]:
    """One deployment, or one for each organization."""
    params = entry.params
    organizations = params.organization if isinstance(params.organization, list) else [params.organization]
    found: list[Deployment] = []
    for organization in organizations:
        parsed = _parsed(path, params, problems)
        if parsed is None:
            return []
        endpoint = _endpoint(path, params, parsed, organization, problems)
        credential = _credential(path, params, parsed, problems)
        if endpoint is None or credential is None:
            return []
        name = endpoint.deployment or parsed.name
        found.append(_deployment(entry, parameters, parallel, name, endpoint, credential, parsed.provider))
    return found


def _deployment(
    entry: Entry,
    parameters: Mapping[str, Any],
    parallel: int | None,
    name: str,
    endpoint: Endpoint,
    credential: Credential,
    provider: str,
) -> Deployment:
    params, info = entry.params, entry.model_info
    rpm = _first(params.rpm, entry.rpm, info.rpm)
    if params.request_windows is not None:
        windows = tuple(RequestWindow(limit, seconds) for limit, seconds in params.request_windows)
    else:
        windows = (RequestWindow(ceil(rpm / 6), SUB_WINDOW_S),) if rpm and provider != "openai" else ()
    return Deployment(
        id=info.id or f"{name}@{endpoint.host.split('.')[0]}",
        group=entry.model_name,
        model=name,
        resource=endpoint.host,
        order=_first(params.order, info.order, 1) or 0,
        weight=params.weight,
        tpm=_first(params.tpm, entry.tpm, info.tpm),
        rpm=rpm,
        windows=windows,
        max_parallel_requests=_first(params.max_parallel_requests, parallel),
        cooldown_time=_first(params.cooldown_time, info.cooldown_time),
        allowed_fails=_allowed_fails(entry),
        num_retries=_first(params.num_retries, params.max_retries),
        timeout=params.timeout,
        stream_timeout=params.stream_timeout,
        base_model=_first(params.base_model, info.base_model),
        defaults=parameters,
        endpoint=Target(endpoint, credential),
    )


def _first(*values: Any) -> Any:
    """The first that is stated; 0 is a statement."""
    return next((v for v in values if v is not None), None)


def _allowed_fails(entry: Entry) -> AllowedFails | None:
    default, policy = entry.model_info.allowed_fails, entry.model_info.allowed_fails_policy
    if default is None and policy is None:
        return None
    if policy is None:
        return AllowedFails(default)
    return AllowedFails(
        default,
        bad_request=policy.BadRequestErrorAllowedFails,
        authentication=policy.AuthenticationErrorAllowedFails,
        timeout=policy.TimeoutErrorAllowedFails,
        rate_limit=policy.RateLimitErrorAllowedFails,
        content_policy=policy.ContentPolicyViolationErrorAllowedFails,
        internal_server=policy.InternalServerErrorAllowedFails,
    )


def _parsed(path: Path, params: Params, problems: Problems) -> ParsedModel | None:
    model = params.model
    if params.custom_llm_provider is not None and "/" not in model:
        model = f"{params.custom_llm_provider}/{model}"
    try:
        parsed = split_model(model)
    except ValueError as error:
        problems.add((*path, "litellm_params", "model"), str(error))
        return None
    if parsed.provider == "azure_text":
        problems.add((*path, "litellm_params", "model"), "text completions (`azure_text/`) are not in this version")
        return None
    return parsed


def _endpoint(
    path: Path, params: Params, parsed: ParsedModel, organization: str | None, problems: Problems
) -> Endpoint | None:
    azure = parsed.provider != "openai"
    base = params.api_base or params.base_url or (_environment(*_AZURE_BASES) if azure else _environment("OPENAI_BASE_URL"))
    version = params.api_version or (_environment(*_AZURE_VERSIONS) if azure else None)
    # A wildcard's own name is none that could be sent; what matches it is checked when it is asked for.
    name = parsed.name if "*" not in parsed.name else "any"
    family = {"o_series": "o_series/", "gpt5": "gpt5_series/"}.get(parsed.family or "", "")
    try:
        return parse_endpoint(f"{'azure' if azure else 'openai'}/{family}{name}", base, version, organization)
    except ValueError as error:
        problems.add((*path, "litellm_params", "api_base"), str(error))
        return None


def _credential(path: Path, params: Params, parsed: ParsedModel, problems: Problems) -> Credential | None:
    """The one credential that is sent: a token provider, else a token, else a key; then the environment's."""
    place = (*path, "litellm_params")
    try:
        if params.azure_ad_token_provider is not None:
            return TokenProvider(params.azure_ad_token_provider)
        if params.azure_ad_token is not None:
            return StaticToken(params.azure_ad_token)
        if params.api_key is not None:
            return ApiKey(params.api_key)
        if parsed.provider == "openai":
            names: tuple[str, ...] = ("OPENAI_API_KEY",)
        else:
            names = _AZURE_KEYS
            token = _environment(*_AZURE_TOKENS)
            if token and not _environment(*_AZURE_KEYS):
                return StaticToken(token, "AZURE_AD_TOKEN")
        key = _environment(*names)
        if key:
            return ApiKey(key, names[0])
    except ValueError as error:
        problems.add(place, str(error))
        return None
    problems.add(place, f"has no credential; give `api_key` or `azure_ad_token`, or set {names[0]}")
    return None


def _environment(*names: str) -> str | None:
    return next((value for name in names if (value := os.environ.get(name))), None)


def _with_unique_ids(deployments: list[Deployment], stated: Counter[str]) -> list[Deployment]:
    """Ids as they are where unique, else with their group before them, else numbered in the order of the list."""
    counts = Counter(d.id for d in deployments)
    ids = [d.id if counts[d.id] == 1 or d.id in stated else f"{d.group}/{d.id}" for d in deployments]
    taken: Counter[str] = Counter()
    result: list[Deployment] = []
    for deployment, name in zip(deployments, ids, strict=True):
        taken[name] += 1
        unique = name if taken[name] == 1 or name in stated else f"{name}-{taken[name]}"
        result.append(deployment if unique == deployment.id else replace(deployment, id=unique))
    return result


def _warn_of_twins(deployments: list[Deployment]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for d in deployments:
        key = (d.group, d.resource, d.model)
        if key in seen and d.endpoint.endpoint.organization is None:
            log.warning("%s names %s on %s more than once; both draw on one quota", d.group, d.model, d.resource)
        seen.add(key)
