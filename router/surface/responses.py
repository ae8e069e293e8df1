"""Responses: made, looked up, cancelled, deleted.

A response is kept by the resource that made it.  Its id goes out with the deployment in it (`router.ids`), and every
later call about it, `previous_response_id` included, goes back there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from router.ids import with_owner
from router.inputs import plain
from router.question import Question, streams

from .door import Door

if TYPE_CHECKING:
    from router.replies import Deleted, Page, Response
    from router.streams import AsyncStream, Stream


class Responses(Door):
    """`responses`, `get_response`, `delete_response`, `cancel_response`, `response_input_items` and their twins."""

    def responses(
        self,
        model: str,
        input: Any = None,
        *,
        previous_response_id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        stream: bool | None = None,
        **params: Any,
    ) -> Response | Stream:
        """A response.

        Args:
            model: as in `completion`.
            input: a text, or a list of items.
            previous_response_id: of the response that this one goes on from; the call goes to its resource.
            metadata: kept with the response.
            stream: return an iterator of events (`response.output_text.delta`, `response.completed`, …).
            params: as in `completion` (`instructions`, `tools`, `text`, `reasoning`, `store`, `background`, …).

        Returns:
            `Response` with `.output`, `.output_text` and `.routing`.

        Raises:
            BadRequestError: `previous_response_id` does not tell where it belongs, or not to this model.
            APIError, RouterClosed: as in `completion`.
        """
        question = self._created(model, input, previous_response_id, metadata, stream, params)
        return cast("Response | Stream", self._ask(question))

    async def aresponses(
        self,
        model: str,
        input: Any = None,
        *,
        previous_response_id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        stream: bool | None = None,
        **params: Any,
    ) -> Response | AsyncStream:
        """A response, awaiting.  Parameters, replies and errors are those of `responses`."""
        question = self._created(model, input, previous_response_id, metadata, stream, params)
        return cast("Response | AsyncStream", await self._aask(question))

    def get_response(self, response_id: str, *, model: str | None = None, **params: Any) -> Response:
        """A response that was stored, or that is still being made (`background=True`).

        Args:
            response_id: as it was handed out.
            model: where it is, for ids that no router has handed out.
            params: for the router (`timeout`, `num_retries`, `extra_headers`, `extra_query`).

        Raises:
            BadRequestError: the id does not tell where it belongs.
            NotFoundError: there is no such response.
            APIError, RouterClosed: as in `completion`.
        """
        return cast("Response", self._ask(self._about("responses.retrieve", response_id, model, params)))

    async def aget_response(self, response_id: str, *, model: str | None = None, **params: Any) -> Response:
        """A stored response, awaiting.  Parameters, replies and errors are those of `get_response`."""
        return cast("Response", await self._aask(self._about("responses.retrieve", response_id, model, params)))

    def delete_response(self, response_id: str, *, model: str | None = None, **params: Any) -> Deleted:
        """Delete a stored response.  Parameters and errors are those of `get_response`."""
        return cast("Deleted", self._ask(self._about("responses.delete", response_id, model, params)))

    async def adelete_response(self, response_id: str, *, model: str | None = None, **params: Any) -> Deleted:
        """Delete a stored response, awaiting.  Parameters and errors are those of `get_response`."""
        return cast("Deleted", await self._aask(self._about("responses.delete", response_id, model, params)))

    def cancel_response(self, response_id: str, *, model: str | None = None, **params: Any) -> Response:
        """Stop a response that was begun with `background=True`.  Parameters and errors are those of `get_response`."""
        return cast("Response", self._ask(self._about("responses.cancel", response_id, model, params)))

    async def acancel_response(self, response_id: str, *, model: str | None = None, **params: Any) -> Response:
        """Stop a response, awaiting.  Parameters and errors are those of `get_response`."""
        return cast("Response", await self._aask(self._about("responses.cancel", response_id, model, params)))

    def response_input_items(
        self,
        response_id: str,
        *,
        model: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        order: str | None = None,
        **params: Any,
    ) -> Page:
        """What a stored response was made of.

        Args:
            response_id, model, params: as in `get_response`.
            limit: items in one page; the service's default is 20, its most 100.
            after: the id of the item before the page.
            order: `asc` or `desc`.

        Returns:
            `Page` with `.data`, `.has_more` and `.last_id`.

        Raises:
            APIError, RouterClosed: as in `get_response`.
        """
        query = {"limit": limit, "after": after, "order": order}
        return cast("Page", self._ask(self._about("responses.input_items", response_id, model, params, query)))

    async def aresponse_input_items(
        self,
        response_id: str,
        *,
        model: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        order: str | None = None,
        **params: Any,
    ) -> Page:
        """What a stored response was made of, awaiting.  Parameters, replies and errors are those of the other."""
        query = {"limit": limit, "after": after, "order": order}
        return cast("Page", await self._aask(self._about("responses.input_items", response_id, model, params, query)))

    def _created(
        self,
        model: str,
        input: Any,
        previous: str | None,
        metadata: Mapping[str, str] | None,
        stream: bool | None,
        params: dict[str, Any],
    ) -> Question:
        body = {"input": plain(input), "metadata": metadata}
        pinned = previous is not None
        if pinned:
            owner, body["previous_response_id"] = self._owners.owner("previous_response_id", previous, model)
            model = self._owners.beside(owner, model)
        return Question("responses", model, body, params, streams(stream), mend=self._mend(), pinned=pinned)

    def _about(
        self,
        operation: str,
        response_id: str,
        model: str | None,
        params: dict[str, Any],
        query: Mapping[str, Any] | None = None,
    ) -> Question:
        owner, raw = self._owners.owner("response_id", response_id, model)
        mend = None if operation == "responses.input_items" else self._mend()
        return Question(operation, owner, {}, params, path_id=raw, query=query or {}, mend=mend, pinned=True)

    def _mend(self) -> Any:
        return _owned if self._marks_ids else None


def _owned(answer: dict[str, Any], deployment: str) -> dict[str, Any]:
    """An answer, or an event of its stream, with the deployment in the ids of responses."""
    if isinstance(answer.get("response"), dict):
        return {**answer, "response": _owned(answer["response"], deployment)}
    ids = {
        k: with_owner(answer[k], deployment) for k in ("id", "previous_response_id") if isinstance(answer.get(k), str)
    }
    return {**answer, **ids} if ids else answer
