"""Calls of one deployment, without a `Router` of one's own: `router.completion(model="azure/my-deployment", ...)`.

Every operation of a Router is a function here, with the same parameters and replies, and with where to go among the
arguments (`api_base`, `api_key`, `api_version`, …).  What is not among them comes from the attributes of the package
(`router.api_key = …`), else from the environment; both are looked up when a call is made.

Behind each distinct place stands a Router of one deployment, made at the first call and kept, so what was learned of
its limits and its health is not lost.  All of them share their connections.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, wraps
from inspect import signature
from typing import Any

from .azure.transport import AzureTransport
from .errors import ConfigError
from .forks import after_fork
from .router import Router
from .surface import Surface

KEPT = 256
"""Places whose Routers are kept; beyond, the one that was not asked for longest is forgotten."""
GROUP = "direct"
"""What the one deployment of a hidden Router is asked for as."""

_ATTRIBUTES = ("api_key", "api_base", "api_version", "organization")
"""Arguments that attributes of the package stand in for; `azure_key` for the key where that is silent."""
_SECRETS = frozenset({"api_key", "azure_ad_token", "azure_ad_token_provider", "azure_credential", "client_secret"})
_REACHED_BY = (
    "api_base", "base_url", "api_key", "api_version", "azure_ad_token", "azure_ad_token_provider", "azure_credential",
    "tenant_id", "client_id", "client_secret", "azure_username", "azure_password", "azure_scope",
    "azure_authority_host", "enable_azure_ad_token_refresh", "organization", "custom_llm_provider", "allow_http",
    "base_model",
)  # fmt: skip
"""Arguments that say where a deployment is and who asks; each a key of `litellm_params`."""
_OPTIONS = ("enable_azure_ad_token_refresh", "drop_params")
"""Attributes of the package that are options of a Router."""


class _OneDeployment(Router):
    """The Router behind one place.  Its ids need no owner."""

    _marks_ids = False

    def __init__(self, entry: Mapping[str, Any], transport: AzureTransport, options: Mapping[str, Any]) -> None:
        super().__init__([entry], **options)
        self._works.transport = transport


class Places:
    """The Routers behind the places that were asked for, the latest last.  Safe to share between threads."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._routers: OrderedDict[Any, Router] = OrderedDict()
        self._lock = threading.Lock()
        self._transport: AzureTransport | None = None
        after_fork(self)

    def forked(self) -> None:
        """This is a child process: another thread of the parent may have held the lock."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._routers)

    def router(self, model: str | None, stated: dict[str, Any]) -> Router:
        """The Router of a place.

        Args:
            model: as in `litellm_params`; None where the call names a thing of a resource and no deployment.
            stated: of `_REACHED_BY`, what the caller said.

        Raises:
            ConfigError: it does not say where to go or who asks.
        """
        package = sys.modules[__package__ or "router"]
        secrets = _SECRETS.isdisjoint(stated)  # a stated token is not to compete with the package's key
        for name in _ATTRIBUTES:
            value = getattr(package, name, None)
            if name == "api_key" and value is None and (model or "azure/").startswith("azure"):
                value = getattr(package, "azure_key", None)
            spelled_otherwise = name == "api_base" and "base_url" in stated
            if value is not None and name not in stated and not spelled_otherwise and (secrets or name != "api_key"):
                stated[name] = value
        options = {name: value for name in _OPTIONS if (value := getattr(package, name, None))}
        key = (model, *stated.items(), *options.items(), *_environment())
        with self._lock:
            found = self._routers.get(key)
            if found is not None:
                self._routers.move_to_end(key)
                return found
        made = self._made(model, stated, options)
        with self._lock:
            made = self._routers.setdefault(key, made)
            while len(self._routers) > self._kept:
                self._routers.popitem(last=False)
        return made

    def close(self) -> None:
        """Close the connections of blocking calls; a later call opens anew."""
        if self._transport is not None:
            self._transport.hang_up()

    def _made(self, model: str | None, stated: dict[str, Any], options: dict[str, Any]) -> Router:
        if self._transport is None:
            self._transport = AzureTransport()
        params = {"model": model or f"{stated.get('custom_llm_provider') or 'azure'}/any", **stated}
        if not model:
            params.pop("custom_llm_provider", None)
        try:
            return _OneDeployment({"model_name": GROUP, "litellm_params": params}, self._transport, options)
        except ConfigError as error:
            problems = tuple(p.replace("model_list[0].litellm_params.", "") for p in error.problems)
            problems = tuple(p.replace("model_list[0].litellm_params", "the call") for p in problems)
            raise ConfigError("; ".join(problems) or str(error), problems) from None


places = Places()
"""Of the functions below."""


def _environment() -> Iterator[str | None]:
    """The variables that a place may depend on: when one changes, it is another place."""
    for name in _variables():
        yield os.environ.get(name)


@lru_cache(maxsize=1)
def _variables() -> tuple[str, ...]:
    from .config.access import BASES, VERSIONS
    from .config.credentials import CERTIFICATES, KEYS, TOKENS, VARIABLES

    further = ("AZURE_SCOPE", "AZURE_AUTHORITY_HOST", "AZURE_CREDENTIAL", "AZURE_FEDERATED_TOKEN_FILE")
    names = (*VERSIONS, *TOKENS, *CERTIFICATES, *VARIABLES.values(), *further)
    return tuple(dict.fromkeys([n for side in (*BASES.values(), *KEYS.values()) for n in side] + list(names)))


def _placed(takes: _Takes, args: tuple[Any, ...], given: dict[str, Any]) -> Router:
    """The Router that a call goes to; what says so is taken out of `given`, and the rest is what it gets."""
    names = takes.by_place
    if len(args) > len(names):
        raise TypeError(f"takes {len(names)} arguments by place and was given {len(args)}; name the others")
    for name, value in zip(names, args, strict=False):
        if name in given:
            raise TypeError(f"got two values for {name!r}")
        given[name] = value
    stated = {name: given.pop(name) for name in _REACHED_BY if name in given}
    stated = {name: value for name, value in stated.items() if value is not None}
    model = given.get("model")
    if not isinstance(model, str | None) or (takes.a_model and not model):
        raise ConfigError("`model` must name a deployment ('azure/my-deployment') or an OpenAI model ('gpt-4o')")
    given["model"] = GROUP
    return places.router(model, stated)


def _blocking(name: str) -> Callable[..., Any]:
    method = getattr(Surface, name)
    takes = _Takes(method)

    @wraps(method)
    def function(*args: Any, **given: Any) -> Any:
        return getattr(_placed(takes, args, given), name)(**given)

    return _described(function, name)


def _awaiting(name: str) -> Callable[..., Any]:
    method = getattr(Surface, name)
    takes = _Takes(method)

    @wraps(method)
    async def function(*args: Any, **given: Any) -> Any:
        return await getattr(_placed(takes, args, given), name)(**given)

    return _described(function, name)


class _Takes:
    """What a method takes: its parameters by place, and whether it cannot do without a model."""

    __slots__ = ("a_model", "by_place")

    def __init__(self, method: Callable[..., Any]) -> None:
        parameters = list(signature(method).parameters.values())[1:]
        self.by_place = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
        self.a_model = any(p.name == "model" and p.default is p.empty for p in parameters)


def _described(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    function.__doc__ = (
        f"`Router.{name}` of the one deployment that `model` names; see docs/operations.md.\n\n"
        "    Takes what the method takes, and besides where to go and who asks: `api_base`, `api_key`, `api_version`,\n"
        "    `azure_ad_token`, `azure_ad_token_provider`, ….  What is not given comes from the package's attributes\n"
        "    (`router.api_key`, …), else from the environment.\n    "
    )
    function.__module__ = __name__
    function.__qualname__ = name
    return function


completion, acompletion = _blocking("completion"), _awaiting("acompletion")
text_completion, atext_completion = _blocking("text_completion"), _awaiting("atext_completion")
embedding, aembedding = _blocking("embedding"), _awaiting("aembedding")
image_generation, aimage_generation = _blocking("image_generation"), _awaiting("aimage_generation")
image_edit, aimage_edit = _blocking("image_edit"), _awaiting("aimage_edit")
speech, aspeech = _blocking("speech"), _awaiting("aspeech")
transcription, atranscription = _blocking("transcription"), _awaiting("atranscription")
translation, atranslation = _blocking("translation"), _awaiting("atranslation")
responses, aresponses = _blocking("responses"), _awaiting("aresponses")
get_response, aget_response = _blocking("get_response"), _awaiting("aget_response")
delete_response, adelete_response = _blocking("delete_response"), _awaiting("adelete_response")
cancel_response, acancel_response = _blocking("cancel_response"), _awaiting("acancel_response")
response_input_items, aresponse_input_items = _blocking("response_input_items"), _awaiting("aresponse_input_items")
anthropic_messages, aanthropic_messages = _blocking("anthropic_messages"), _awaiting("aanthropic_messages")
anthropic_count_tokens = _blocking("anthropic_count_tokens")
aanthropic_count_tokens = _awaiting("aanthropic_count_tokens")
create_file, acreate_file = _blocking("create_file"), _awaiting("acreate_file")
retrieve_file, aretrieve_file = _blocking("retrieve_file"), _awaiting("aretrieve_file")
list_files, alist_files = _blocking("list_files"), _awaiting("alist_files")
file_content, afile_content = _blocking("file_content"), _awaiting("afile_content")
delete_file, adelete_file = _blocking("delete_file"), _awaiting("adelete_file")
file_retrieve, afile_retrieve = _blocking("file_retrieve"), _awaiting("afile_retrieve")
file_list, afile_list = _blocking("file_list"), _awaiting("afile_list")
file_delete, afile_delete = _blocking("file_delete"), _awaiting("afile_delete")
create_batch, acreate_batch = _blocking("create_batch"), _awaiting("acreate_batch")
retrieve_batch, aretrieve_batch = _blocking("retrieve_batch"), _awaiting("aretrieve_batch")
list_batches, alist_batches = _blocking("list_batches"), _awaiting("alist_batches")
cancel_batch, acancel_batch = _blocking("cancel_batch"), _awaiting("acancel_batch")
wait_for_batch, await_for_batch = _blocking("wait_for_batch"), _awaiting("await_for_batch")
create_fine_tuning_job, acreate_fine_tuning_job = (
    _blocking("create_fine_tuning_job"),
    _awaiting("acreate_fine_tuning_job"),
)
retrieve_fine_tuning_job, aretrieve_fine_tuning_job = (
    _blocking("retrieve_fine_tuning_job"),
    _awaiting("aretrieve_fine_tuning_job"),
)
list_fine_tuning_jobs, alist_fine_tuning_jobs = _blocking("list_fine_tuning_jobs"), _awaiting("alist_fine_tuning_jobs")
cancel_fine_tuning_job, acancel_fine_tuning_job = (
    _blocking("cancel_fine_tuning_job"),
    _awaiting("acancel_fine_tuning_job"),
)
list_fine_tuning_events, alist_fine_tuning_events = (
    _blocking("list_fine_tuning_events"),
    _awaiting("alist_fine_tuning_events"),
)
list_fine_tuning_checkpoints, alist_fine_tuning_checkpoints = (
    _blocking("list_fine_tuning_checkpoints"),
    _awaiting("alist_fine_tuning_checkpoints"),
)
