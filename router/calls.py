"""What exactly does the caller ask for?

Turns the arguments of a public method into a `Call` and the `Policy` that holds for it: the name is resolved, what
is meant for the router is parted from what is meant for the service, and everything that cannot work is refused here,
before anything is sent.  The caller's own dictionaries are never changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from math import isfinite
from typing import TYPE_CHECKING, Any

from .azure.operations import OPERATIONS
from .configured import Deployment, Fallback, ParameterRules, Policy
from .errors import BadRequestError, ConfigError, NotFoundError
from .estimates import Estimates
from .inputs import INPUTS, check_input
from .owners import Owners
from .placing import Places
from .question import Question
from .stores.memory import MemoryStore
from .values import Call, Failure, Kind

if TYPE_CHECKING:
    from .config import Settings

WILDCARDS_OPEN = 1000
"""Names that wildcard entries may open, so that made-up names cannot fill the memory."""
SHOWN_NAMES = 10

_SECONDS = ("timeout", "stream_timeout", "attempt_timeout", "max_wait")
_COUNTS = ("num_retries", "max_fallbacks")
_LISTS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
_SIMULATIONS = {
    "mock_testing_fallbacks": Failure(Kind.SIMULATED, "a failure simulated by mock_testing_fallbacks"),
    "mock_testing_context_fallbacks": Failure(
        Kind.SIMULATED, "a context window error simulated by mock_testing_context_fallbacks", code="context_window"
    ),
    "mock_testing_content_policy_fallbacks": Failure(
        Kind.SIMULATED,
        "a content policy error simulated by mock_testing_content_policy_fallbacks",
        code="content_policy",
    ),
    "mock_testing_rate_limit_error": Failure(
        Kind.SIMULATED, "a rate limit error simulated by mock_testing_rate_limit_error", status=429
    ),
}
_REFUSED = ("api_key", "api_base", "base_url", "api_version", "azure_ad_token", "azure_ad_token_provider", "client")
_RULES = ("drop_params", "additional_drop_params", "allowed_openai_params")
_OURS = frozenset(
    (*_SECONDS, *_COUNTS, *_LISTS, *_SIMULATIONS, *_REFUSED, *_RULES, "request_timeout", "max_retries")
) | {"disable_fallbacks", "priority", "headers", "extra_headers", "extra_body", "extra_query", "metadata"}


class CallMaker:
    """Makes calls for one router.

    Args:
        settings: of the router.
        store: whose ledger opens the groups of ids and wildcards when they are first asked for.
    """

    def __init__(self, settings: Settings, store: MemoryStore) -> None:
        self._settings = settings
        self._store = store
        self._ids = {d.id: d for d in settings.deployments}
        self._groups = {d.group for d in settings.deployments}
        self._opened: dict[str, Deployment] = {}
        self.owners = Owners(settings, self.resolve, self._opened)
        self.places = Places(settings, self.resolve, self._opened, store.look)
        self.estimates = Estimates(store.ledger.deployments_of)

    # ---- names ---------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """What may be asked for: groups in the order of the configuration, then visible aliases and patterns."""
        groups = dict.fromkeys(d.group for d in self._settings.deployments)
        aliases = [a for a in self._settings.aliases if a not in self._settings.hidden_aliases]
        return [*groups, *aliases, *dict.fromkeys(d.group for d in self._settings.wildcards)]

    def resolve(self, name: str) -> str:
        """The group behind a name: a group, an alias, a deployment's id, or what a wildcard matches, in this order.

        Raises:
            NotFoundError: nothing has this name.
        """
        if name in self._groups or name in self._opened:
            return name
        if name in self._settings.aliases:
            return self.resolve(self._settings.aliases[name])
        deployment = self._ids.get(name) or self._matched(name)
        if deployment is None:
            if self._settings.policy.default_fallbacks:
                return self.resolve(self._settings.policy.default_fallbacks[0].group)
            raise self._unknown(name)
        self._store.look(lambda ledger, _now: ledger.add_group(name, deployment))
        self._opened[name] = deployment  # only now: another thread that finds it here asks the ledger at once
        return name

    def _matched(self, name: str) -> Deployment | None:
        """The deployment that a wildcard entry makes of a name: `azure/*` turns `azure/foo` into the deployment foo."""
        for pattern in self._settings.wildcards:
            if fnmatchcase(name, pattern.group):
                if len(self._opened) >= WILDCARDS_OPEN:
                    raise NotFoundError(
                        f"{WILDCARDS_OPEN} names have been opened by wildcard entries already, and {name[:100]!r} would"
                        " be one more.  List the deployments that you need in `model_list`."
                    )
                return self._settings.from_wildcard(pattern, name)
        return None

    def _unknown(self, name: str) -> NotFoundError:
        known = self.names()
        near = get_close_matches(name, known, n=1)
        meant = f"  Did you mean {near[0]!r}?" if near else ""
        more = f" and {len(known) - SHOWN_NAMES} more" if len(known) > SHOWN_NAMES else ""
        shown = ", ".join(repr(n) for n in known[:SHOWN_NAMES]) or "nothing"
        return NotFoundError(f"no model named {name[:100]!r} is configured.  There are: {shown}{more}.{meant}")

    # ---- calls ---------------------------------------------------------------------------------------------

    def make(self, question: Question) -> tuple[Call, Policy]:
        """The call of a question, and the policy that holds for it.

        Raises:
            NotFoundError: no such model.
            BadRequestError: the request cannot be sent as it is.
            ConfigError: an argument for the router makes no sense.
        """
        operation, model, params = question.operation, question.model, question.params
        if not isinstance(model, str) or not model:
            raise BadRequestError("`model` must be the name of a group, a non-empty string")
        row = OPERATIONS[operation]
        body = {k: v for k, v in question.body.items() if v is not None}
        _check_body(operation, body)
        settings = self._settings
        if params or settings.default_params:
            given = {k: v for k, v in params.items() if v is not None and k not in _OURS}
            defaults = settings.default_params if row.charged else {}
            body = {**defaults, **body, **given}
            if "extra_body" in params or "metadata" in params:
                body.update(_extra_body(params))
        if row.body == "none" and body:
            names = ", ".join(f"`{name[:60]}`" for name in sorted(body))
            raise BadRequestError(f"this call takes no {names}; what belongs in the URL goes into `extra_query`")
        call = Call(
            operation,
            self.resolve(model),
            body,
            stream=question.stream,
            timeout=settings.timeout,
            attempt_timeout=settings.attempt_timeout,
            stream_timeout=settings.stream_timeout,
            max_wait=settings.max_wait,
            path_id=question.path_id,
            query=_query(question) if question.query or "extra_query" in params else {},
            uploads=question.uploads,
            charged=row.charged,
            repeatable=row.repeatable,
        )
        if row.charged:
            call.tokens = self.estimates.tokens_for(call)
        policy = settings.policy
        if question.pinned or not row.charged:
            policy = _policy(policy, call.group, {"disable_fallbacks": True})
        if _OURS.isdisjoint(params):
            return call, policy
        _apply(call, params)
        if question.pinned or not row.charged:
            return call, policy
        policy = _policy(policy, call.group, params)
        self._check_targets(policy, call.group, params)
        return call, policy

    def _check_targets(self, policy: Policy, group: str, params: Mapping[str, Any]) -> None:
        """A request's own fallbacks must exist before anything is sent."""
        for name in _LISTS:
            if params.get(name) is not None:
                for target in getattr(policy, name).get(group, ()):
                    try:
                        self.resolve(target.group)
                    except NotFoundError as error:
                        raise ConfigError(f"`{name}`: {error}") from None


def _check_body(operation: str, body: Mapping[str, Any]) -> None:
    if operation in ("chat.completions", "messages", "messages.count_tokens"):
        messages = body.get("messages")
        if type(messages) is not list and (not isinstance(messages, Sequence) or isinstance(messages, (str, bytes))):
            raise BadRequestError(
                f'`messages` must be a list of objects such as {{"role": "user", "content": "…"}},'
                f" not {type(messages).__name__}"
            )
        if not messages:
            raise BadRequestError("`messages` is empty: give at least one message")
        for place, message in enumerate(messages):
            if type(message) is not dict and not isinstance(message, Mapping):
                raise BadRequestError(f"`messages[{place}]` must be an object, not {type(message).__name__}")
        limit = body.get("max_tokens")
        if operation == "messages" and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
            raise BadRequestError("`max_tokens` must be a whole number, 0 or more, which Anthropic's API demands")
    elif operation in INPUTS:
        check_input(operation, body)


def _query(question: Question) -> dict[str, str]:
    extra = question.params.get("extra_query") or {}
    if not extra and not question.query:
        return {}
    if not isinstance(extra, Mapping):
        raise BadRequestError(f"`extra_query` must be an object, not {type(extra).__name__}")
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in {**question.query, **extra}.items()
        if value is not None
    }


def _extra_body(params: Mapping[str, Any]) -> Mapping[str, Any]:
    extra = params.get("extra_body") or {}
    if not isinstance(extra, Mapping):
        raise BadRequestError(f"`extra_body` must be an object, not {type(extra).__name__}")
    if params.get("metadata") is not None and params.get("store"):
        return {"metadata": params["metadata"], **extra}  # the API keeps metadata of stored completions only
    return extra


def _apply(call: Call, params: Mapping[str, Any]) -> None:
    """Take what the caller said to the router for this call alone."""
    for name in _REFUSED:
        if params.get(name) is not None:
            raise ConfigError(
                f"`{name}` cannot be given per call to a Router, which knows its deployments from `model_list`;"
                " add the deployment there and ask for it by its id"
            )
    timeout = params.get("timeout", params.get("request_timeout"))
    if timeout is not None:
        call.timeout = _seconds("timeout", timeout, least=0.001)
        call.timeout_is_callers = True
    for name in ("stream_timeout", "attempt_timeout"):
        if params.get(name) is not None:
            setattr(call, name, _seconds(name, params[name], least=0.001))
    if params.get("max_wait") is not None:
        call.max_wait = _seconds("max_wait", params["max_wait"], least=0.0)
    retries = params.get("num_retries", params.get("max_retries"))
    if retries is not None:
        call.num_retries = _count("num_retries", retries)
    if params.get("priority") is not None:
        call.priority = _count("priority", params["priority"], least=None)
    if not params.keys().isdisjoint(_RULES):
        call.rules = _rules(params)
    for name in ("headers", "extra_headers"):
        if params.get(name):
            call.headers = {**call.headers, **_headers(name, params[name])}
    for name, failure in _SIMULATIONS.items():
        if params.get(name):
            call.simulated = failure


def _headers(name: str, given: Any) -> Mapping[str, str]:
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise BadRequestError(f'`{name}` must be an object of names and texts, such as {{"x-team": "search"}}')
    return given


def _rules(params: Mapping[str, Any]) -> ParameterRules:
    """What the caller wants done about parameters that a model refuses."""
    drop = params.get("drop_params")
    if drop is not None and not isinstance(drop, bool):
        raise ConfigError("`drop_params` must be true or false")
    names: list[frozenset[str]] = []
    for key in ("additional_drop_params", "allowed_openai_params"):
        given = params.get(key) or ()
        if isinstance(given, str) or not all(isinstance(name, str) for name in given):
            raise ConfigError(f"`{key}` must be a list of names of parameters")
        names.append(frozenset(given))
    return ParameterRules(drop, *names)


def _policy(policy: Policy, group: str, params: Mapping[str, Any]) -> Policy:
    """The policy as the request amends it: its own fallbacks replace the configured, `disable_fallbacks` ends all."""
    if params.get("disable_fallbacks"):
        return replace(
            policy, fallbacks={}, context_window_fallbacks={}, content_policy_fallbacks={}, default_fallbacks=()
        )
    changes: dict[str, Any] = {}
    for name in _LISTS:
        if params.get(name) is not None:
            changes[name] = {group: _targets(name, params[name], group)}
    if "fallbacks" in changes:
        changes["default_fallbacks"] = ()
    if params.get("max_fallbacks") is not None:
        changes["max_fallbacks"] = _count("max_fallbacks", params["max_fallbacks"])
    return replace(policy, **changes) if changes else policy


def _targets(name: str, given: Any, group: str) -> tuple[Fallback, ...]:
    """A request's fallbacks: names, dicts with `model` and parameters, or LiteLLM's `{group: [names]}`."""
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise ConfigError(f"`{name}` must be a list of group names or of objects with `model`")
    targets: list[Fallback] = []
    for place, entry in enumerate(given):
        if isinstance(entry, str):
            targets.append(Fallback(entry))
        elif isinstance(entry, Mapping) and isinstance(entry.get("model"), str):
            overrides = {k: v for k, v in entry.items() if k != "model"}
            targets.append(Fallback(entry["model"], overrides))
        elif isinstance(entry, Mapping) and all(isinstance(v, (list, tuple)) for v in entry.values()):
            for listed in (entry.get(group), entry.get("*")):
                if listed is not None:
                    targets.extend(_targets(name, listed, group))
                    break
        else:
            raise ConfigError(f"`{name}[{place}]` must be a group's name or an object with `model`")
    return tuple(targets)


def _seconds(name: str, value: Any, least: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value) or value < least:
        what = "a number of seconds above 0" if least else "0 or a number of seconds"
        raise ConfigError(f"`{name}` must be {what}")
    return float(value)


def _count(name: str, value: Any, least: int | None = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or (least is not None and value < least):
        raise ConfigError(f"`{name}` must be a whole number" + ("" if least is None else f", {least} or more"))
    return value
