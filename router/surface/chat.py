"""Chat completions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast, overload

from router.inputs import plain
from router.question import Question, streams

from .door import Door

if TYPE_CHECKING:
    from pydantic import BaseModel

    from router.replies import ChatCompletion
    from router.streams import AsyncStream, Stream

Messages = Sequence["Mapping[str, Any] | BaseModel"]


class Chat(Door):
    """`completion` and `acompletion`."""

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
            messages: the conversation, as OpenAI's API takes it; messages of earlier replies may stand in it.
            stream: return an iterator of chunks instead of the whole reply.
            params: `response_format` may be a pydantic class: it is sent as a strict JSON schema, and
                `reply.choices[0].message.parsed` is an instance of it; else an object, as the API takes it.  What
                else the API takes (`temperature`, `tools`, …), and for this call alone: `timeout` and `stream_timeout`
                (seconds), `num_retries`, `fallbacks`, `context_window_fallbacks`, `content_policy_fallbacks`,
                `disable_fallbacks`, `max_fallbacks`, `max_wait` (seconds), `priority`, `extra_headers`, `extra_body`,
                `extra_query`, `drop_params`, `additional_drop_params`, `allowed_openai_params`.

        Returns:
            `ChatCompletion`, or `Stream` with `stream=True`; both have `.routing`.

        Raises:
            NotFoundError: no such model here; the message lists what exists.
            BadRequestError: the arguments cannot be sent.
            NoDeploymentLeft: nothing was usable or had room in time.
            APIError: what the service answered, after all retries and fallbacks.
            RouterClosed: the router was closed.
        """
        reply = self._ask(_question(model, messages, stream, params))
        return cast("ChatCompletion | Stream", _shaped(reply, params, stream))

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
        reply = await self._aask(_question(model, messages, stream, params))
        return cast("ChatCompletion | AsyncStream", _shaped(reply, params, stream))


def _question(model: str, messages: Messages, stream: bool | None, params: dict[str, Any]) -> Question:
    given = params.get("response_format")
    if isinstance(given, type):
        from router.structured import response_format

        params = {**params, "response_format": response_format(given)}
    return Question("chat.completions", model, {"messages": plain(messages)}, params, streams(stream))


def _shaped(reply: Any, params: dict[str, Any], stream: bool | None) -> Any:
    given = params.get("response_format")
    if not isinstance(given, type) or stream:
        return reply
    from router.replies import shaped

    return shaped(reply, given)
