"""The door: a router of many deployments behind one `completion()`.

Everything is wired here, and every public method is a few lines: make a `Call`, run its journey with the driver of
the caller's world, hand the reply over.  Blocking methods need no event loop and work inside a running one (they
block it, as any blocking call does); the `a…` methods work on asyncio and on trio.  One router may serve many
threads and event loops at once, and survives a fork.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, cast, overload

from .azure.transport import AzureTransport
from .calls import CallMaker
from .drivers import adrive, drive
from .errors import RouterClosed
from .events import Listener
from .journey import Granted, journey
from .ledger import Ledger
from .listeners import Listeners, log
from .status import DeploymentStatus, fleet
from .steps import Journey
from .stores.memory import MemoryStore
from .streams import AsyncStream, Stream
from .values import Call

if TYPE_CHECKING:
    from .config import Settings
    from .replies import ChatCompletion, EmbeddingResponse

Messages = Sequence[Mapping[str, Any]]


class Router:
    """Spreads calls over the deployments of a `model_list`.

    Args:
        model_list: deployments as LiteLLM spells them: `model_name`, `litellm_params` (or `params`), `tpm`, `rpm`,
            `model_info`; see docs/configuration.md.
        listeners: callables that get every event (`router.events`).
        client: an `httpx2.Client` (or `httpx.Client`) for blocking calls, instead of our own; not closed by us.
        async_client: an `httpx2.AsyncClient` (or `httpx.AsyncClient`) for awaiting calls; not closed by us.
        seed: of the routing dice; None for a different run each time.
        settings: every other keyword of docs/configuration.md (`routing_strategy`, `num_retries`, `timeout`, …).

    Raises:
        ConfigError: listing every mistake of the configuration with its place.
    """

    def __init__(
        self,
        model_list: Iterable[Mapping[str, Any]] | None = None,
        *,
        listeners: Iterable[Listener] = (),
        client: Any = None,
        async_client: Any = None,
        seed: int | None = None,
        **settings: Any,
    ) -> None:
        from .config import settings_from  # pydantic and YAML are imported when a router is made, not before

        self._wire(settings_from(list(model_list or ()), **settings), listeners, client, async_client, seed)

    @classmethod
    def from_config(
        cls,
        path: str | Path,
        *,
        listeners: Iterable[Listener] = (),
        client: Any = None,
        async_client: Any = None,
        seed: int | None = None,
    ) -> Self:
        """A router from a YAML file in LiteLLM's shape (`model_list`, `router_settings`, `litellm_settings`, …).

        Raises:
            ConfigError: listing every mistake with its file, line and column.
        """
        from .config import settings_from_file

        router = cls.__new__(cls)
        router._wire(settings_from_file(path), listeners, client, async_client, seed)
        return router

    def _wire(
        self, settings: Settings, listeners: Iterable[Listener], client: Any, async_client: Any, seed: int | None
    ) -> None:
        from .replies import reply_model  # pydantic's models take their time to build, so they wait for a router

        self._as_reply = reply_model
        self._settings = settings
        self._rng = Random(seed)
        self._listeners = Listeners(listeners)
        ledger = Ledger(
            settings.deployments, settings.strategy, Random(self._rng.random()), settings.health, settings.charge
        )
        self._store = MemoryStore(ledger, self._listeners.tell)
        self._transport = AzureTransport(client=client, async_client=async_client)
        self._calls = CallMaker(settings, self._store)
        self._closed = False

    def __repr__(self) -> str:
        groups = len(self._store.ledger.groups)
        deployments = len(self._store.ledger.accounts)
        state = ", closed" if self._closed else ""
        return f"<Router: {deployments} deployments in {groups} groups, {self._transport!r}{state}>"

    # ---- chat ----------------------------------------------------------------------------------------------

    @overload
    def completion(
        self, model: str, messages: Messages, *, stream: Literal[False] | None = None, **params: Any
    ) -> ChatCompletion: ...
    @overload
    def completion(self, model: str, messages: Messages, *, stream: Literal[True], **params: Any) -> Stream: ...
    @overload
    def completion(
        self, model: str, messages: Messages, *, stream: bool | None = None, **params: Any
    ) -> ChatCompletion | Stream: ...
    def completion(
        self, model: str, messages: Messages, *, stream: bool | None = None, **params: Any
    ) -> ChatCompletion | Stream:
        """Chat completion.

        Args:
            model: a group, an alias, a deployment's id, or a name that a wildcard entry matches.
            messages: the conversation, as OpenAI's API takes it.
            stream: return an iterator of chunks instead of the whole reply.
            params: what else the API takes (`temperature`, `tools`, …), and for this call alone: `timeout` and
                `stream_timeout` (seconds), `num_retries`, `fallbacks`, `context_window_fallbacks`,
                `content_policy_fallbacks`, `disable_fallbacks`, `max_fallbacks`, `max_wait` (seconds), `priority`,
                `extra_headers`, `extra_body`.

        Returns:
            `ChatCompletion`, or `Stream` with `stream=True`; both have `.routing`.

        Raises:
            NotFoundError: no such model here; the message lists what exists.
            BadRequestError: the arguments cannot be sent.
            NoDeploymentLeft: nothing was usable or had room in time.
            APIError: what the service answered, after all retries and fallbacks.
            RouterClosed: the router was closed.
        """
        asked = self._call("chat.completions", model, {"messages": messages}, params, stream=bool(stream))
        return cast("ChatCompletion | Stream", self._run(*asked))

    @overload
    async def acompletion(
        self, model: str, messages: Messages, *, stream: Literal[False] | None = None, **params: Any
    ) -> ChatCompletion: ...
    @overload
    async def acompletion(
        self, model: str, messages: Messages, *, stream: Literal[True], **params: Any
    ) -> AsyncStream: ...
    @overload
    async def acompletion(
        self, model: str, messages: Messages, *, stream: bool | None = None, **params: Any
    ) -> ChatCompletion | AsyncStream: ...
    async def acompletion(
        self, model: str, messages: Messages, *, stream: bool | None = None, **params: Any
    ) -> ChatCompletion | AsyncStream:
        """Chat completion, awaiting.  Parameters, replies and errors are those of `completion`."""
        asked = self._call("chat.completions", model, {"messages": messages}, params, stream=bool(stream))
        return cast("ChatCompletion | AsyncStream", await self._arun(*asked))

    # ---- embeddings ----------------------------------------------------------------------------------------

    def embedding(self, model: str, input: Any, **params: Any) -> EmbeddingResponse:
        """Embeddings of a text, a list of texts, or tokens.

        Args:
            model: as in `completion`.
            input: str, list of str, list of int, or list of lists of int.
            params: as in `completion` (`dimensions`, `encoding_format`, …).

        Returns:
            `EmbeddingResponse` with `.data` and `.routing`.

        Raises:
            APIError, RouterClosed: as in `completion`.
        """
        asked = self._call("embeddings", model, {"input": input}, params)
        return cast("EmbeddingResponse", self._run(*asked))

    async def aembedding(self, model: str, input: Any, **params: Any) -> EmbeddingResponse:
        """Embeddings, awaiting.  Parameters, replies and errors are those of `embedding`."""
        asked = self._call("embeddings", model, {"input": input}, params)
        return cast("EmbeddingResponse", await self._arun(*asked))

    # ---- looking on, closing -------------------------------------------------------------------------------

    def status(self) -> list[DeploymentStatus]:
        """Every deployment now: its state and why, since when, its room, its next opening, and its totals."""
        return cast("list[DeploymentStatus]", self._store.look(fleet))

    def models(self) -> list[str]:
        """The names that callers may ask for: groups and aliases, hidden ones left out."""
        return self._calls.names()

    def close(self) -> None:
        """Close the connections of blocking calls.  Idempotent; later calls raise `RouterClosed`."""
        self._closed = True
        self._transport.close()

    async def aclose(self) -> None:
        """Close the connections of this event loop and of blocking calls.  Idempotent."""
        self.close()
        await self._transport.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.aclose()

    # ---- inside --------------------------------------------------------------------------------------------

    def _call(
        self, operation: str, model: str, body: dict[str, Any], params: dict[str, Any], stream: bool = False
    ) -> tuple[Call, Journey[Granted]]:
        if self._closed:
            raise RouterClosed("this router was closed; make a new one")
        call, policy = self._calls.make(operation, model, body, params, stream)
        call.watched = self._listeners.watch_attempts
        return call, journey(call, policy, self._rng, self._calls.resolve)

    def _run(self, call: Call, trip: Journey[Granted]) -> Any:
        granted = drive(trip, self._store, self._transport, self._listeners.tell)
        return Stream(granted, self._store, _gap(granted)) if call.stream else self._whole(granted)

    async def _arun(self, call: Call, trip: Journey[Granted]) -> Any:
        granted = await adrive(trip, self._store, self._transport, self._listeners.tell)
        return AsyncStream(granted, self._store, _gap(granted)) if call.stream else self._whole(granted)

    def _whole(self, granted: Granted) -> Any:
        if granted.reply.usage_is_nonsense:
            log.warning("%s stated a usage that cannot be true; the estimate is charged", granted.lease.deployment.id)
        return self._as_reply(granted.lease.call.operation, granted.reply.body, granted.routing)


def _gap(granted: Granted) -> float:
    """Seconds that may pass between two events of a stream: the call's, else the deployment's, else the whole time."""
    lease = granted.lease
    for seconds in (lease.call.stream_timeout, lease.deployment.stream_timeout):
        if seconds is not None:
            return seconds
    return lease.call.timeout
