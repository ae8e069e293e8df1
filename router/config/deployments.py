"""Which deployments does a `model_list` describe?

From entries to `Deployment`s.  Each entry is understood by itself, so that all mistakes of all entries are found at
once, and so that one with mistakes can be left out (`ignore_invalid_deployments`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from router.azure.credentials import Credential
from router.azure.endpoint import Endpoint, wire_name
from router.azure.transport import Target
from router.configured import NO_RULES, AllowedFails, Deployment, ParameterRules, RequestWindow

from .access import endpoints_of, model_of
from .credentials import credential_of
from .models import AllowedFailsPolicy, Entry, ModelInfo, Options, Params
from .names import base_id, unique_id
from .own_prices import own_prices
from .problems import Path, Problems, spell
from .reading import Reading
from .yaml_text import plain

log = logging.getLogger("router")

SUB_WINDOW_S = 10.0
"""Azure judges requests over 1 to 10 s of the minute (azure.md §3.2)."""
POLICY_FIELDS = {
    "bad_request": "BadRequestError",
    "authentication": "AuthenticationError",
    "timeout": "TimeoutError",
    "rate_limit": "RateLimitError",
    "content_policy": "ContentPolicyViolationError",
    "internal_server": "InternalServerError",
}
"""Our names of the classes of failure, and LiteLLM's."""


@dataclass(slots=True)
class Draft:
    """An entry that has been understood, before ids are given."""

    path: Path
    entry: Entry
    params: Params
    info: ModelInfo
    parameters: Mapping[str, Any]
    endpoints: list[Endpoint]
    credential: Credential
    wire: str


@dataclass(slots=True)
class Built:
    """All deployments of a configuration."""

    deployments: list[Deployment] = field(default_factory=list)
    wildcards: list[Deployment] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """`model_name` of the entries that could not be understood."""


def build_deployments(
    entries: Sequence[Any], list_path: Path, options: Options, shared: Params | None, reading: Reading
) -> Built:
    """Deployments of these entries; what is wrong with them is noted.

    Args:
        entries: as written.
        list_path: where they stand.
        options: of the router.
        shared: keys that every deployment has which does not state them itself.
        reading: the pass that this belongs to.
    """
    built, drafts = Built(), list[Draft]()
    for place, raw in enumerate(entries):
        path = (*list_path, place)
        attempt = _attempt(reading, lenient=bool(options.ignore_invalid_deployments))
        draft = _draft(raw, path, shared, attempt)
        if draft is not None:
            drafts.append(draft)
            continue
        name = raw.get("model_name") if isinstance(raw, Mapping) else None
        built.failed += [str(name)] if isinstance(name, str) and name else []
        if attempt is not reading:
            log.warning("left out, because ignore_invalid_deployments is set: %s", "; ".join(attempt.problems.lines()))
    _refuse_doubled_ids(drafts, reading.problems)
    taken = {draft.info.id for draft in drafts if draft.info.id is not None}
    seen: dict[tuple[str, str, Endpoint], Path] = {}
    for draft in drafts:
        for place, endpoint in enumerate(draft.endpoints):
            name = draft.info.id
            if name is None or place > 0:
                name = unique_id(name or base_id(draft.wire, endpoint.host), draft.entry.model_name, taken)
                taken.add(name)
            deployment = _deployment(draft, endpoint, name, options.default_max_parallel_requests, options.drop_params)
            _warn_of_twin(deployment, endpoint, draft.path, seen, reading.problems)
            (built.wildcards if "*" in deployment.group else built.deployments).append(deployment)
    built.wildcards.sort(key=lambda wildcard: -len(wildcard.group))
    return built


def _attempt(reading: Reading, *, lenient: bool) -> Reading:
    """Where an entry's problems go: to all others, or apart if a broken entry may be left out."""
    if not lenient:
        return reading
    apart = Reading(reading.problems.apart(), reading.environment)
    apart.ignored = reading.ignored
    return apart


def _draft(raw: Any, path: Path, shared: Params | None, reading: Reading) -> Draft | None:
    problems = reading.problems
    before = len(problems)
    if not isinstance(raw, Mapping):
        problems.add(path, "must be a mapping with model_name and litellm_params")
        return None
    rest = dict(raw)
    spelled = "params" if rest.get("litellm_params") is None and rest.get("params") is not None else "litellm_params"
    stated = rest.pop(spelled, None)
    if stated is not None and rest.get("params") is not None:
        problems.add((*path, "params"), "means the same as litellm_params; remove one of them")
    entry, _ = reading.shape(Entry, {k: v for k, v in rest.items() if k != "params"}, path)
    place = (*path, spelled)
    if stated is None:
        problems.add(place, "is missing; it says how the deployment is reached (model, api_base, api_key, …)")
        return None
    params, parameters = reading.shape(Params, stated, place)
    if entry is None or params is None:
        return None
    params = _merged(params, shared)
    parameters = plain({**parameters, **(params.extra_body or {})})
    reached = _reached(entry, params, place, reading)
    if reached is None or len(problems) > before:
        return None
    return Draft(path, entry, params, entry.model_info or ModelInfo(), parameters, *reached)


def _merged(params: Params, shared: Params | None) -> Params:
    """The entry's own keys, and for the rest those shared by all."""
    if shared is None:
        return params
    own = params.model_fields_set
    return params.model_copy(
        update={key: getattr(shared, key) for key in shared.model_fields_set if key not in own and key != "model"}
    )


def _reached(
    entry: Entry, params: Params, path: Path, reading: Reading
) -> tuple[list[Endpoint], Credential, str] | None:
    """Endpoints, credential and name on the wire."""
    problems, environment = reading.problems, reading.environment
    if params.model is None:
        problems.add(
            (*path, "model"), "is missing; name a deployment (azure/my-deployment) or an OpenAI model (gpt-4o)"
        )
        return None
    model = model_of(params, path, problems)
    _check_pattern(entry.model_name, params.model, path, problems)
    if model is None:
        return None
    endpoints = endpoints_of(params, *model, path, environment, problems)
    credential = credential_of(params, model[1], path, environment, problems)
    if not endpoints or credential is None:
        return None
    wire = wire_name(endpoints[0], model[1].name)
    if not wire:
        problems.add((*path, "model"), "names no deployment, and api_base does not either; write azure/my-deployment")
        return None
    return endpoints, credential, wire


def _check_pattern(name: str, model: str, path: Path, problems: Problems) -> None:
    if name.count("*") > 1 or ("*" in name and any(sign in name for sign in "?[]")):
        problems.add((*path[:-1], "model_name"), "may hold one *, and then none of ? [ ]")
    if "*" in model and "*" not in name:
        problems.add((*path, "model"), "holds a * that model_name does not; write the * in both, or in none")


def _deployment(draft: Draft, endpoint: Endpoint, name: str, parallel: int | None, drop: bool | None) -> Deployment:
    entry, params, info = draft.entry, draft.params, draft.info
    tpm = _stated("tpm", draft, params.tpm, info.tpm, entry.tpm)
    rpm = _stated("rpm", draft, params.rpm, info.rpm, entry.rpm)
    windows = params.request_windows
    if windows is None:
        windows = (RequestWindow(ceil(rpm / 6), SUB_WINDOW_S),) if rpm and endpoint.kind != "openai" else ()
    order = _stated("order", draft, params.order, info.order)
    return Deployment(
        id=name,
        group=entry.model_name,
        model=draft.wire,
        resource=endpoint.host,
        order=1 if order is None else order,
        weight=params.weight,
        tpm=tpm,
        rpm=rpm,
        windows=windows,
        max_parallel_requests=params.max_parallel_requests or (parallel if tpm is None and rpm is None else None),
        cooldown_time=_stated("cooldown_time", draft, params.cooldown_time, info.cooldown_time),
        allowed_fails=allowed_fails(info.allowed_fails, info.allowed_fails_policy),
        num_retries=params.max_retries if params.num_retries is None else params.num_retries,
        timeout=params.timeout,
        stream_timeout=params.stream_timeout,
        region=params.region_name,
        tags=tuple(params.tags or ()),
        base_model=_stated("base_model", draft, info.base_model, params.base_model),
        prices=own_prices(info, params),
        provisioned=bool(info.ptu_count) if info.ptu is None else info.ptu,
        rules=_rules(params, drop),
        defaults=draft.parameters,
        endpoint=Target(endpoint, draft.credential),
    )


def _rules(params: Params, drop: bool | None) -> ParameterRules:
    """What becomes of parameters that the model refuses; `drop` is the router's."""
    drop = drop if params.drop_params is None else params.drop_params
    unwanted, allowed = params.additional_drop_params, params.allowed_openai_params
    if drop is None and not unwanted and not allowed:
        return NO_RULES
    return ParameterRules(drop, frozenset(unwanted or ()), frozenset(allowed or ()))


def _stated(key: str, draft: Draft, *values: Any) -> Any:
    """The first that is stated; 0 is a statement.  Two different ones deserve a warning."""
    stated = [value for value in values if value is not None]
    if len(set(stated)) > 1:
        log.warning("%s states %s twice with different values; the first counts, see docs/configuration.md",
                    spell(draft.path), key)  # fmt: skip
    return stated[0] if stated else None


def allowed_fails(default: int | None, policy: AllowedFailsPolicy | None) -> AllowedFails | None:
    """The values of both keys; None if neither is stated.  An explicit 0 or 3 means 0 or 3."""
    if default is None and policy is None:
        return None
    stated = (
        {}
        if policy is None
        else {ours: getattr(policy, f"{theirs}AllowedFails") for ours, theirs in POLICY_FIELDS.items()}
    )
    return AllowedFails(default, **stated)


def _refuse_doubled_ids(drafts: list[Draft], problems: Problems) -> None:
    first: dict[str, Path] = {}
    groups = {draft.entry.model_name for draft in drafts}
    for draft in drafts:
        if draft.info.id is None:
            continue
        place = (*draft.path, "model_info", "id")
        if draft.info.id in first:
            problems.add(place, f"is the id of {spell(problems.place(first[draft.info.id]))} too; ids are unique")
        elif draft.info.id in groups:
            problems.add(place, "is a model_name too, so nobody could ask for this deployment alone; choose another id")
        first.setdefault(draft.info.id, draft.path)


def _warn_of_twin(
    deployment: Deployment,
    endpoint: Endpoint,
    path: Path,
    seen: dict[tuple[str, str, Endpoint], Path],
    problems: Problems,
) -> None:
    """Two entries for one deployment share one quota, but each would be granted all of it."""
    key = (deployment.group, deployment.model, endpoint)
    if key in seen:
        log.warning(
            "%s and %s are the same deployment in the same group; both draw on one quota",
            spell(problems.place(seen[key])), spell(problems.place(path)),
        )  # fmt: skip
    seen.setdefault(key, path)
