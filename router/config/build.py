"""What does a configuration mean for a router?

From the arguments of `Router(...)`, or the sections of a file, to `Settings`, or to a list of everything that is
wrong.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from typing import Any

from router.charge import ChargePolicy
from router.configured import Fallback, HealthPolicy, Policy, Retries
from strategies import Strategy
from strategies.by_name import ALIASES, DEFAULT, ELSEWHERE, NAMES, strategy_named

from .deployments import POLICY_FIELDS, Built, allowed_fails, build_deployments
from .fallbacks import EVERY, FallbackReader, read_aliases
from .keys import NOT_YET, REQUEST_PARAMETERS, is_ignored
from .models import Options, Params, RetryPolicy
from .names import Directory
from .problems import Path, Problems, nearest
from .reading import Reading
from .redis import redis_settings
from .settings import Settings
from .yaml_text import plain

log = logging.getLogger("router")


def settings_from(model_list: Any, **options: Any) -> Settings:
    """Settings from the arguments of `Router(...)`.

    Args:
        model_list: the deployments, in LiteLLM's shape; any iterable of them.
        options: the other keywords; see docs/configuration.md.

    Raises:
        ConfigError: with every mistake that was found.
    """
    if isinstance(model_list, Iterable) and not isinstance(model_list, (str, bytes, Mapping)):
        model_list = list(model_list)
    return build_settings(model_list, options, Reading(Problems(), os.environ))


def build_settings(
    model_list: Any, raw: Mapping[str, Any], reading: Reading, master_key: str | None = None
) -> Settings:
    """The same, as part of a reading that may have found mistakes already."""
    problems = reading.problems
    options = _options(raw, reading)
    defaults = _defaults(options, reading)
    if not isinstance(model_list, (list, tuple)) or not model_list:
        problems.add(("model_list",), "must be a list of at least one deployment")
        model_list = []
    built = build_deployments(model_list, ("model_list",), options, defaults[0], reading)
    if model_list and not (built.deployments or built.wildcards) and not len(problems):
        problems.add(("model_list",), "holds no deployment that could be used")
    directory = Directory.of(built.deployments, built.wildcards, built.failed)
    aliases, hidden = read_aliases(options.model_group_alias or {}, directory, ("model_group_alias",), problems)
    policy = _policy(options, directory, aliases, problems)
    strategy = _strategy(options.routing_strategy, problems)
    redis = redis_settings(options, problems)
    problems.raise_if_any()
    reading.warn_of_ignored()
    return Settings(
        deployments=tuple(built.deployments),
        wildcards=tuple(built.wildcards),
        strategy=strategy,
        policy=policy,
        health=HealthPolicy(
            allowed_fails(options.allowed_fails, options.allowed_fails_policy),
            options.cooldown_time,
            bool(options.disable_cooldowns),
        ),
        charge=ChargePolicy(options.charge or "auto"),
        timeout=_first(options.timeout, options.request_timeout, 600.0),
        attempt_timeout=options.attempt_timeout,
        stream_timeout=options.stream_timeout,
        max_wait=options.max_wait,
        aliases=aliases,
        hidden_aliases=hidden,
        default_params=defaults[1],
        rewrites_batches=options.enable_loadbalancing_on_batch_endpoints is not False,
        redis=redis,
        master_key=master_key,
    )


def _options(raw: Mapping[str, Any], reading: Reading) -> Options:
    """The router's options; where some are wrong, the others, so that more mistakes can be found."""
    raw = dict(raw)
    args = raw.pop("routing_strategy_args", None)
    if args is not None and not isinstance(args, Mapping):
        reading.problems.add(("routing_strategy_args",), "must be a mapping")
    for key, value in args.items() if isinstance(args, Mapping) else ():
        place = ("routing_strategy_args", str(key))
        if is_ignored("routing_strategy_args", str(key)):
            reading.ignore(place, value)
        else:
            reason = NOT_YET["routing_strategy_args"].get(str(key), "strategies take no arguments; remove it")
            reading.problems.add(place, reason)
    options, _ = reading.shape(Options, raw, ())
    if options is not None:
        return options
    quiet = Reading(Problems(), reading.environment)
    sound = {key: value for key, value in raw.items() if isinstance(key, str) and key in Options.model_fields}
    sound = {key: value for key, value in sound.items() if quiet.shape(Options, {key: value}, ())[0] is not None}
    return quiet.shape(Options, sound, ())[0] or Options()


def _defaults(options: Options, reading: Reading) -> tuple[Params | None, dict[str, Any]]:
    """Keys for every deployment, and parameters for every call, from `default_litellm_params`."""
    name = "default_params" if options.default_params is not None else "default_litellm_params"
    if options.default_params is not None and options.default_litellm_params is not None:
        reading.problems.add(("default_params",), "means the same as default_litellm_params; remove one of them")
    stated = getattr(options, name) or {}
    if options.enable_azure_ad_token_refresh is not None:
        stated = {"enable_azure_ad_token_refresh": options.enable_azure_ad_token_refresh, **stated}
    if not stated:
        return None, {}
    if "model" in stated:
        reading.problems.add((name, "model"), "belongs to one deployment; write it there")
    params, parameters = reading.shape(Params, {k: v for k, v in stated.items() if k != "model"}, (name,))
    parameters = {**parameters, **((params.extra_body if params else None) or {})}
    shared = params.model_copy(update={"extra_body": None}) if params else None
    return shared, plain({k: v for k, v in parameters.items() if k in REQUEST_PARAMETERS or params is not None})


def _policy(options: Options, directory: Directory, aliases: Mapping[str, str], problems: Problems) -> Policy:
    reader = FallbackReader(directory, aliases, problems)
    fallbacks = reader.read(options.fallbacks, ("fallbacks",))
    default = fallbacks.pop(EVERY, ())
    more = reader.targets(options.default_fallbacks or [], EVERY, ("default_fallbacks",))
    group_retries: dict[str, Retries] = {}
    retries = _retries(Retries() if options.num_retries is None else Retries(options.num_retries), options.retry_policy)
    for group, policy in (options.model_group_retry_policy or {}).items():
        if group in aliases or directory.serves(group):
            group_retries[aliases.get(group, group)] = _retries(retries, policy)
        else:
            path: Path = ("model_group_retry_policy", group)
            problems.add(path, "names no group that exists; " + directory.hint(group, aliases))
    return Policy(
        retries=retries,
        group_retries=group_retries,
        fallbacks=fallbacks,
        context_window_fallbacks=reader.read(options.context_window_fallbacks, ("context_window_fallbacks",)),
        content_policy_fallbacks=reader.read(options.content_policy_fallbacks, ("content_policy_fallbacks",)),
        default_fallbacks=_once((*default, *more)),
        max_fallbacks=_first(options.max_fallbacks, 5),
        retry_after=_first(options.retry_after, 0.0),
    )


def _once(targets: tuple[Fallback, ...]) -> tuple[Fallback, ...]:
    """Each group once, where it comes first."""
    found: dict[str, Fallback] = {}
    for target in targets:
        found.setdefault(target.group, target)
    return tuple(found.values())


def _retries(base: Retries, policy: RetryPolicy | None) -> Retries:
    """A policy's figures, and the base's default for the classes that it does not name."""
    if policy is None:
        return base
    stated = {ours: getattr(policy, f"{theirs}Retries") for ours, theirs in POLICY_FIELDS.items()}
    return Retries(_first(policy.DefaultRetries, base.default), **stated)


def _strategy(given: Any, problems: Problems) -> Strategy:
    path: Path = ("routing_strategy",)
    known = [*NAMES, *ALIASES]
    if given is None:
        return strategy_named(DEFAULT)
    if isinstance(given, str):
        if given in known:
            return strategy_named(given)
        if given in ELSEWHERE:
            problem = f"{given} is not in this version"
        else:
            near = nearest(given.replace("_", "-"), known)
            problem = "is no strategy that exists" + (f"; did you mean {near!r}?" if near else "")
        problems.add(path, f"{problem}; there are: {', '.join(known)}")
    elif not callable(getattr(given, "choose", None)) or isinstance(given, type):
        problems.add(path, "must be the name of a strategy, or an object with choose(candidates, situation)")
    else:
        strategy: Strategy = given
        return strategy
    return strategy_named(DEFAULT)


def _first(*values: Any) -> Any:
    """The first that is stated; 0 is a statement."""
    return next((value for value in values if value is not None), None)


__all__ = ["Built", "build_settings", "settings_from"]
