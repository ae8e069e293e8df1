"""From a configuration as written to `Settings`, or to a list of everything that is wrong with it."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any, TypeVar

from pydantic import ValidationError

from router.charge import ChargePolicy
from router.values import AllowedFails, Fallback, HealthPolicy, Policy, Retries
from strategies import Strategy
from strategies.by_name import DEFAULT, strategy_named

from .deployments import Built, build_deployments
from .keys import NOT_YET, OTHER_PRODUCTS, REQUEST_PARAMETERS
from .models import AllowedFailsPolicy, Entry, FallbackList, ModelInfo, Options, Params, RetryPolicy, Shape
from .problems import Path, Problems
from .settings import Settings
from .yaml_text import Plain, read_yaml

log = logging.getLogger("router")
S = TypeVar("S", bound=Shape)

_ENVIRONMENT = re.compile(r"^(?:os\.environ/([A-Za-z_][A-Za-z0-9_]*)|\$\{([A-Za-z_][A-Za-z0-9_]*)\})$")
_SECTIONS = ("model_list", "router_settings", "litellm_settings", "general_settings", "environment_variables")
_CLASSES = {
    "bad_request": "BadRequestError",
    "authentication": "AuthenticationError",
    "timeout": "TimeoutError",
    "rate_limit": "RateLimitError",
    "content_policy": "ContentPolicyViolationError",
    "internal_server": "InternalServerError",
}


def settings_from(model_list: Iterable[Any], **options: Any) -> Settings:
    """Settings from the arguments of `Router(...)`.

    Raises:
        ConfigError: with every problem that was found.
    """
    problems = Problems()
    settings = _build(list(model_list), options, ("model_list",), (), problems)
    problems.raise_if_any()
    assert settings is not None
    return settings


def settings_from_file(path: str | FilePath) -> Settings:
    """Settings from a YAML file in LiteLLM's shape.

    Raises:
        ConfigError: with every problem that was found, each with its line and column.
    """
    document = read_yaml(path)
    problems = Problems(document)
    whole = document.value
    if not isinstance(whole, dict):
        problems.add((), "must be a mapping with `model_list`")
        problems.raise_if_any()
    ignored = [k for k in whole if k in OTHER_PRODUCTS]
    for key in whole:
        if key not in _SECTIONS and key not in OTHER_PRODUCTS:
            problems.unknown((key,), _SECTIONS)
    for name, value in (whole.get("environment_variables") or {}).items():
        os.environ.setdefault(str(name), str(value))
    options: dict[str, Any] = {}
    for section in ("general_settings", "litellm_settings", "router_settings"):
        part = whole.get(section) or {}
        if isinstance(part, dict):
            options.update(part)
        else:
            problems.add((section,), "must be a mapping")
    _warn(ignored)
    entries = whole.get("model_list")
    if not isinstance(entries, list):
        problems.add(("model_list",), "must be a list of deployments")
        entries = []
    settings = _build(entries, options, ("model_list",), ("router_settings",), problems)
    problems.raise_if_any()
    assert settings is not None
    return settings


def _build(
    entries: list[Any], raw: Mapping[str, Any], list_path: Path, path: Path, problems: Problems
) -> Settings | None:
    ignored: set[str] = set()
    options = _shaped(Options, dict(raw), path, problems, ignored)
    shaped: list[tuple[Path, Entry]] = []
    defaults: list[dict[str, Any]] = []
    for place, entry in enumerate(entries):
        result = _entry(entry, (*list_path, place), problems, ignored)
        if result is not None:
            shaped.append(((*list_path, place), result[0]))
            defaults.append(result[1])
    if not entries:
        problems.add(list_path, "is empty; give at least one deployment")
    _warn(ignored)
    if options is None:
        return None
    built = build_deployments(shaped, defaults, options.default_max_parallel_requests, problems)
    return None if problems.found else _settled(options, built, path, problems)


def _entry(
    raw: Any, path: Path, problems: Problems, ignored: set[str]
) -> tuple[Entry, dict[str, Any]] | None:
    """One entry, and the request parameters that it sets as defaults."""
    if not isinstance(raw, Mapping):
        problems.add(path, "must be a mapping with `model_name` and `litellm_params`")
        return None
    entry = dict(raw)
    spelled = "litellm_params" if "litellm_params" in entry else "params"
    params = entry.pop(spelled, None)
    if "params" in entry:
        problems.add((*path, "params"), "stands beside `litellm_params`, which is the same; give one of them")
    defaults: dict[str, Any] = {}
    made: Params | None = None
    if isinstance(params, Mapping):
        params = dict(params)
        for name in REQUEST_PARAMETERS & params.keys():
            defaults[name] = _expanded(_numbers(params.pop(name)), (*path, spelled, name), problems)
        made = _shaped(Params, params, (*path, spelled), problems, ignored)
    else:
        problems.add((*path, spelled), "is missing; it says how the deployment is reached (`model`, `api_base`, …)")
    info = _shaped(ModelInfo, dict(entry.pop("model_info", None) or {}), (*path, "model_info"), problems, ignored)
    if made is None or info is None:
        _shaped(Entry, {**entry, "params": Params(model="x")}, path, problems, ignored)
        return None
    if made.extra_body:
        defaults.update(_numbers(made.extra_body))
    result = _shaped(Entry, {**entry, "params": made, "model_info": info}, path, problems, ignored)
    return None if result is None else (result, defaults)


def _shaped(cls: type[S], raw: dict[str, Any], path: Path, problems: Problems, ignored: set[str]) -> S | None:
    """A model of these keys, or None with the problems noted."""
    known = cls.model_fields
    given: dict[str, Any] = {}
    fine = True
    for key, value in raw.items():
        if key in known:
            given[key] = _expanded(value, (*path, key), problems)
        elif key in NOT_YET:
            if value not in (None, False, [], {}):
                problems.add((*path, key), NOT_YET[key])
        elif key in OTHER_PRODUCTS or key.startswith("supports_"):
            ignored.add(key)
        else:
            problems.unknown((*path, key), [*known, *NOT_YET, *REQUEST_PARAMETERS])
            fine = False
    try:
        return cls.model_validate(given)
    except ValidationError as error:
        for found in error.errors(include_url=False, include_context=False, include_input=False):
            place = tuple(p for p in found["loc"] if not (isinstance(p, str) and p.startswith(("function-", "list["))))
            problems.add((*path, *place), _sentence(found["type"], found["msg"]))
        return None if fine else None


def _sentence(kind: str, message: str) -> str:
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "unknown key; remove it"
    return message.removeprefix("Value error, ").replace("Input should", "should")


def _expanded(value: Any, path: Path, problems: Problems) -> Any:
    """The value with `os.environ/NAME` and `${NAME}` replaced, everywhere inside it."""
    if isinstance(value, str):
        match = _ENVIRONMENT.match(value.strip())
        if match is None:
            return value
        name = match.group(1) or match.group(2)
        found = os.environ.get(name)
        if not found:
            problems.add(path, f"the environment variable {name} is {'empty' if found == '' else 'not set'}; set it")
            return None
        return found
    if isinstance(value, Mapping):
        return {k: _expanded(v, (*path, k), problems) for k, v in value.items()}
    if isinstance(value, list):
        return [_expanded(v, (*path, i), problems) for i, v in enumerate(value)]
    return value


def _numbers(value: Any) -> Any:
    """Unquoted scalars of a file as the numbers that they spell, for parameters whose type we do not know."""
    if isinstance(value, Plain):
        return value.number()
    if isinstance(value, Mapping):
        return {str(k): _numbers(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_numbers(v) for v in value]
    return value


def _warn(ignored: Iterable[str]) -> None:
    names = sorted(set(ignored))
    if names:
        log.warning("these keys belong to other products and have no effect here: %s", ", ".join(names))


# ---- from shapes to values -----------------------------------------------------------------------------------------


def _settled(options: Options, built: Built, path: Path, problems: Problems) -> Settings:
    aliases, hidden = _aliases(options, built, path, problems)
    names = {*built.names, *aliases}
    timeout = options.timeout if options.timeout is not None else options.request_timeout
    default_params = options.default_params or options.default_litellm_params or {}
    return Settings(
        deployments=built.deployments,
        wildcards=built.wildcards,
        strategy=_strategy(options.routing_strategy, (*path, "routing_strategy"), problems),
        policy=_policy(options, names, built, path, problems),
        health=HealthPolicy(
            _allowed(options.allowed_fails, options.allowed_fails_policy),
            options.cooldown_time,
            bool(options.disable_cooldowns),
        ),
        charge=ChargePolicy(options.charge or "auto"),
        timeout=600.0 if timeout is None else timeout,
        attempt_timeout=options.attempt_timeout,
        stream_timeout=options.stream_timeout,
        max_wait=options.max_wait,
        aliases=aliases,
        hidden_aliases=frozenset(hidden),
        default_params=_numbers(default_params),
    )


def _strategy(given: Any, path: Path, problems: Problems) -> Strategy:
    if given is None or isinstance(given, str):
        try:
            return strategy_named(str(given or DEFAULT))
        except ValueError as error:
            problems.add(path, str(error))
            return strategy_named(DEFAULT)
    if not callable(getattr(given, "choose", None)):
        problems.add(path, "must be the name of a strategy or an object with `choose(candidates, situation)`")
        return strategy_named(DEFAULT)
    return given  # type: ignore[no-any-return]


def _aliases(options: Options, built: Built, path: Path, problems: Problems) -> tuple[dict[str, str], set[str]]:
    aliases: dict[str, str] = {}
    hidden: set[str] = set()
    for alias, target in (options.model_group_alias or {}).items():
        group = target if isinstance(target, str) else target.model
        where = (*path, "model_group_alias", alias)
        if not built.serves(group):
            problems.add(where, "names a group that does not exist; " + _existing(built.names))
        elif alias in built.names:
            problems.add(where, "is the name of a group already; choose another")
        else:
            aliases[alias] = group
            if not isinstance(target, str) and target.hidden:
                hidden.add(alias)
    return aliases, hidden


def _existing(names: Iterable[str]) -> str:
    listed = sorted(names)
    return "there are: " + ", ".join(listed[:10]) + (" …" if len(listed) > 10 else "")


def _policy(options: Options, names: set[str], built: Built, path: Path, problems: Problems) -> Policy:
    def targets(listed: list[Any], group: str, where: Path) -> tuple[Fallback, ...]:
        found: list[Fallback] = []
        for place, entry in enumerate(listed):
            name = entry if isinstance(entry, str) else entry.get("model")
            spot = (*where, place)
            if not isinstance(name, str):
                problems.add(spot, "must be a group's name, or a mapping with `model`")
            elif name == group:
                problems.add(spot, "falls back to itself; name another group")
            elif name not in names and not built.serves(name):
                problems.add(spot, "names a group that does not exist; " + _existing(names))
            else:
                rest = {} if isinstance(entry, str) else {k: v for k, v in entry.items() if k != "model"}
                found.append(Fallback(name, _numbers(rest)))
        return tuple(found)

    def plan(name: str) -> dict[str, tuple[Fallback, ...]]:
        listed: FallbackList = getattr(options, name) or []
        result: dict[str, tuple[Fallback, ...]] = {}
        for place, entry in enumerate(listed):
            for group, wanted in entry.items():
                where = (*path, name, place, group)
                if group != "*" and group not in names and not built.serves(group):
                    problems.add(where, "is no group, alias or id; " + _existing(names))
                key = group if group == "*" else built.group_of(group)
                result[key] = (*result.get(key, ()), *targets(wanted, group, where))
        return result

    fallbacks = plan("fallbacks")
    default = fallbacks.pop("*", ())
    default += targets(options.default_fallbacks or [], "", (*path, "default_fallbacks"))
    for name in options.model_group_retry_policy or {}:
        if name not in names:
            problems.add((*path, "model_group_retry_policy", name), "is no group; " + _existing(names))
    retries = _retries(options.num_retries, options.retry_policy)
    return Policy(
        retries=retries,
        group_retries={g: _retries(retries.default, p) for g, p in (options.model_group_retry_policy or {}).items()},
        fallbacks=fallbacks,
        context_window_fallbacks=plan("context_window_fallbacks"),
        content_policy_fallbacks=plan("content_policy_fallbacks"),
        default_fallbacks=default,
        max_fallbacks=5 if options.max_fallbacks is None else options.max_fallbacks,
        retry_after=options.retry_after or 0.0,
    )


def _retries(default: int | None, policy: RetryPolicy | None) -> Retries:
    stated = {} if policy is None else {ours: getattr(policy, f"{theirs}Retries") for ours, theirs in _CLASSES.items()}
    return Retries(2 if default is None else default, **stated)


def _allowed(default: int | None, policy: AllowedFailsPolicy | None) -> AllowedFails | None:
    if default is None and policy is None:
        return None
    stated = {} if policy is None else {n: getattr(policy, f"{t}AllowedFails") for n, t in _CLASSES.items()}
    return AllowedFails(default, **stated)
