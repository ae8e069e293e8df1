"""Batches: made of a file, followed, listed, cancelled.

A batch runs on the resource that keeps its file, so the file's id says where it is made, and the ids of its results
lead there too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, cast

from router.errors import BadRequestError, ConfigError
from router.question import Question
from router.tours import Tour
from router.waiting import POLL_INTERVAL_S, waiting

from .kept import Kept

if TYPE_CHECKING:
    from router.replies import Batch, MergedPage


class Batches(Kept):
    """`create_batch`, `retrieve_batch`, `list_batches`, `cancel_batch`, `wait_for_batch` and their twins."""

    def create_batch(
        self,
        completion_window: str,
        endpoint: str,
        input_file_id: str,
        *,
        metadata: Mapping[str, str] | None = None,
        output_expires_after: Mapping[str, Any] | None = None,
        model: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> Batch:
        """Start a batch on the resource that keeps its file.

        It is not sent again once it may have been received, since twice would be two batches.

        Args:
            completion_window: `24h`.
            endpoint: `/chat/completions`, `/v1/chat/completions`, `/v1/responses`, …
            input_file_id: from `create_file`.
            metadata: kept with the batch.
            output_expires_after: `{"anchor": "created_at", "seconds": 1209600}`.
            model: where the file is, for ids that no router has handed out; otherwise the id tells.
            custom_llm_provider: accepted for LiteLLM's callers; the id tells.
            params: for the router (`timeout`, `num_retries`, `extra_headers`), the rest for the service.

        Raises:
            BadRequestError: the id does not tell where it belongs, or an argument is no text.
            APIError, RouterClosed: as in `completion`.
        """
        body = _body(completion_window, endpoint, metadata, output_expires_after)
        return cast("Batch", self._ask(self._started(body, input_file_id, model, params)))

    async def acreate_batch(
        self,
        completion_window: str,
        endpoint: str,
        input_file_id: str,
        *,
        metadata: Mapping[str, str] | None = None,
        output_expires_after: Mapping[str, Any] | None = None,
        model: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> Batch:
        """Start a batch, awaiting.  Parameters, replies and errors are those of `create_batch`."""
        body = _body(completion_window, endpoint, metadata, output_expires_after)
        return cast("Batch", await self._aask(self._started(body, input_file_id, model, params)))

    def retrieve_batch(
        self, batch_id: str, *, model: str | None = None, custom_llm_provider: str | None = None, **params: Any
    ) -> Batch:
        """How a batch stands.

        Args:
            batch_id: as it was handed out; the service's own id too, where there is one resource or `model` is given.
            model: where it is, for ids that no router has handed out.
            custom_llm_provider: accepted for LiteLLM's callers; the id tells.
            params: for the router (`timeout`, `num_retries`, `extra_headers`, `extra_query`).

        Raises:
            BadRequestError: the id does not tell where it belongs.
            NotFoundError: there is no such batch.
            APIError, RouterClosed: as in `completion`.
        """
        return cast("Batch", self._ask(self._kept("batches.retrieve", "batch_id", batch_id, model, params)))

    async def aretrieve_batch(
        self, batch_id: str, *, model: str | None = None, custom_llm_provider: str | None = None, **params: Any
    ) -> Batch:
        """How a batch stands, awaiting.  Parameters, replies and errors are those of `retrieve_batch`."""
        return cast("Batch", await self._aask(self._kept("batches.retrieve", "batch_id", batch_id, model, params)))

    def cancel_batch(
        self, batch_id: str, *, model: str | None = None, custom_llm_provider: str | None = None, **params: Any
    ) -> Batch:
        """Stop a batch; what is done by then is kept.  Parameters and errors are those of `retrieve_batch`."""
        return cast("Batch", self._ask(self._kept("batches.cancel", "batch_id", batch_id, model, params)))

    async def acancel_batch(
        self, batch_id: str, *, model: str | None = None, custom_llm_provider: str | None = None, **params: Any
    ) -> Batch:
        """Stop a batch, awaiting.  Parameters and errors are those of `retrieve_batch`."""
        return cast("Batch", await self._aask(self._kept("batches.cancel", "batch_id", batch_id, model, params)))

    def list_batches(
        self,
        *,
        model: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> MergedPage:
        """The batches of all resources in one list, newest first.

        Args:
            model: only the resources of this group.
            limit: items of the page; None: 20.
            after: `next_after` of the page before, or the id of a batch.
            custom_llm_provider: `azure` or `openai`: only resources of that kind.
            params: as in `retrieve_batch`.

        Returns:
            `MergedPage`: `.data`, `.has_more`, `.next_after`, `.missing`; `.every()` iterates over all pages.

        Raises:
            BadRequestError: `limit` or `after` make no sense.
            APIError: no resource answered.
            RouterClosed: as in `completion`.
        """
        return cast("MergedPage", self._page(_wanted(model, limit, after, custom_llm_provider, params)))

    async def alist_batches(
        self,
        *,
        model: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> MergedPage:
        """The batches of all resources, awaiting.  Parameters, replies and errors are those of `list_batches`."""
        return cast("MergedPage", await self._apage(_wanted(model, limit, after, custom_llm_provider, params)))

    def wait_for_batch(
        self,
        batch_id: str,
        *,
        on_progress: Callable[[Batch], Any] | None = None,
        poll_interval: float = POLL_INTERVAL_S,
        timeout: float | None = None,
        model: str | None = None,
        **params: Any,
    ) -> Batch:
        """Wait until a batch has ended, and return it: completed, failed, expired or cancelled.

        Troubles on the way (a region that is away, a 429) are waited out, ten questions in a row at most.

        Args:
            batch_id, model, params: as in `retrieve_batch`.
            on_progress: called with the batch each time it was asked for, the last time included.
            poll_interval: seconds between two questions.
            timeout: seconds for the whole wait; None: as long as it takes.

        Raises:
            APITimeoutError: it has not ended in time.  It goes on, and can be waited for again.
            APIError, RouterClosed: as in `retrieve_batch`.
        """
        tour = self._awaited(batch_id, on_progress, poll_interval, timeout, model, params)
        return cast("Batch", self._run(tour))

    async def await_for_batch(
        self,
        batch_id: str,
        *,
        on_progress: Callable[[Batch], Any] | None = None,
        poll_interval: float = POLL_INTERVAL_S,
        timeout: float | None = None,
        model: str | None = None,
        **params: Any,
    ) -> Batch:
        """Wait for a batch, awaiting.  Parameters, replies and errors are those of `wait_for_batch`."""
        tour = self._awaited(batch_id, on_progress, poll_interval, timeout, model, params)
        return cast("Batch", await self._arun(tour))

    def _started(
        self, body: dict[str, Any], input_file_id: str, model: str | None, params: Mapping[str, Any]
    ) -> Question:
        name, body["input_file_id"] = self._located("input_file_id", input_file_id, model)
        return Question("batches.create", name, body, params, mend=self._owned, pinned=True)

    def _awaited(
        self,
        batch_id: str,
        on_progress: Callable[[Batch], Any] | None,
        poll_interval: float,
        timeout: float | None,
        model: str | None,
        params: Mapping[str, Any],
    ) -> Tour[Any]:
        if on_progress is not None and (not callable(on_progress) or iscoroutinefunction(on_progress)):
            raise ConfigError("`on_progress` must be a plain function that takes the batch, not an async one")

        def question(left: float | None) -> Question:
            bounded = params if left is None else {**params, "timeout": left}
            return self._kept("batches.retrieve", "batch_id", batch_id, model, bounded)

        return waiting(
            question,
            lambda batch: bool(batch.ended),
            what=f"batch {batch_id}",
            poll_interval=poll_interval,
            timeout=timeout,
            report=on_progress,
        )


def _body(
    completion_window: str,
    endpoint: str,
    metadata: Mapping[str, str] | None,
    output_expires_after: Mapping[str, Any] | None,
) -> dict[str, Any]:
    for name, value in {"completion_window": completion_window, "endpoint": endpoint}.items():
        if not isinstance(value, str) or not value:
            example = "24h" if name == "completion_window" else "/v1/chat/completions"
            raise BadRequestError(f"`{name}` must be a text such as {example!r}.  Nothing was sent.", param=name)
    return {
        "completion_window": completion_window,
        "endpoint": endpoint,
        "metadata": metadata,
        "output_expires_after": output_expires_after,
    }


def _wanted(
    model: str | None, limit: int | None, after: str | None, provider: str | None, params: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "operation": "batches.list",
        "item": "batches.retrieve",
        "model": model,
        "provider": provider,
        "params": params,
        "limit": limit,
        "after": after,
    }
