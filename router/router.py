"""The door: a router of many deployments behind one `completion()`.

What can be asked stands in `surface/`, what runs behind the door in `works.py`.  Blocking methods need no event loop
and work inside a running one (they block it, as any blocking call does); the `a…` methods work on asyncio and on
trio.  One router may serve many threads and event loops at once, and survives a fork.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from .surface import Surface

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from .config import Settings
    from .events import Listener
    from .question import Question
    from .status import DeploymentStatus


class Router(Surface):
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
        from .config import settings_from  # pydantic, YAML and the works are imported when a router is made

        self._wire(settings_from(model_list, **settings), listeners, client, async_client, seed)

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
        from .works import Works

        self._works = works = Works(settings, listeners, client, async_client, seed)
        self._owners, self._places = works.calls.owners, works.calls.places

    def __repr__(self) -> str:
        return f"<Router: {self._works!r}>"

    # ---- looking on, closing -------------------------------------------------------------------------------

    def status(self) -> list[DeploymentStatus]:
        """Every deployment now: its state and why, since when, its room, its next opening, and its totals."""
        return self._works.status()

    @property
    def questions(self) -> int:
        """How often Redis was asked so far; 0 where limits hold per process."""
        return self._works.store.questions

    def models(self) -> list[str]:
        """The names that callers may ask for: groups and aliases, hidden ones left out."""
        return self._works.calls.names()

    def close(self) -> None:
        """Close the connections of blocking calls.  Idempotent; later calls raise `RouterClosed`."""
        self._works.close()

    async def aclose(self) -> None:
        """Close the connections of this event loop and of blocking calls.  Idempotent."""
        await self._works.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.aclose()

    # ---- the doors that `surface/` goes through ---------------------------------------------------------------

    def _ask(self, question: Question) -> Any:
        return self._works.ask(question)

    def _aask(self, question: Question) -> Awaitable[Any]:
        return self._works.aask(question)
