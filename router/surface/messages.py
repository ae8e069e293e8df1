"""Anthropic's Messages, as Claude on Foundry takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, cast, overload

from router.question import Question, streams

from .chat import Messages
from .door import Door

if TYPE_CHECKING:
    from router.replies import AnthropicMessage, TokenCount
    from router.streams import AsyncStream, Stream


class ClaudesMessages(Door):
    """`anthropic_messages`, `anthropic_count_tokens` and their twins."""

    @overload
    def anthropic_messages(
        self,
        model: str,
        messages: Messages,
        max_tokens: int,
        *,
        stream: Literal[False] | None = None,
        metadata: Mapping[str, Any] | None = None,
        **params: Any,
    ) -> AnthropicMessage: ...
    @overload
    def anthropic_messages(
        self,
        model: str,
        messages: Messages,
        max_tokens: int,
        *,
        stream: Literal[True],
        metadata: Mapping[str, Any] | None = None,
        **params: Any,
    ) -> Stream: ...
    @overload
    def anthropic_messages(
        self,
        model: str,
        messages: Messages,
        max_tokens: int,
        *,
        stream: bool | None = None,
        metadata: Mapping[str, Any] | None = None,
        **params: Any,
    ) -> AnthropicMessage | Stream: ...
    def anthropic_messages(
        self,
        model: str,
        messages: Messages,
        max_tokens: int,
        *,
        stream: bool | None = None,
        metadata: Mapping[str, Any] | None = None,
        **params: Any,
    ) -> AnthropicMessage | Stream:
        """A message of Claude's, in Anthropic's words: they reach the service as they are, and so do its answers.

        Args:
            model: as in `completion`; every deployment behind it must be a Claude.
            messages: the conversation, as Anthropic's API takes it.
            max_tokens: the most that the answer may take, its thinking included.
            stream: return an iterator of Anthropic's events instead of the whole message.
            metadata: Anthropic's (`user_id`).
            params: what else the API takes (`system`, `tools`, `thinking`, …), and the router's own as in `completion`.
                `extra_headers` may hold `anthropic-beta` and `anthropic-version`.

        Returns:
            `AnthropicMessage`, or `Stream` of `MessageEvent` with `stream=True`; both have `.routing`.

        Raises:
            BadRequestError: the arguments cannot be sent, or a deployment that is no Claude would have to serve them.
            APIError, RouterClosed: as in `completion`.
        """
        question = _question(model, messages, max_tokens, stream, metadata, params)
        return cast("AnthropicMessage | Stream", self._ask(question))

    @overload
    async def aanthropic_messages(
        self,
        model: str,
        messages: Messages,
        max_tokens: int,
        *,
        stream: Literal[False] | None = None,
        metadata: Mapping[str, Any] | None = None,
        **params: Any,
    ) -> AnthropicMessage: ...
    @overload
    async def aanthropic_messages(
        self,
        model: str,
        messages: Messages,
        max_tokens: int,
        *,
        stream: Literal[True],
        metadata: Mapping[str, Any] | None = None,
        **params: Any,
    ) -> AsyncStream: ...
    @overload
    async def aanthropic_messages(
        self,
        model: str,
        messages: Messages,
        max_tokens: int,
        *,
        stream: bool | None = None,
        metadata: Mapping[str, Any] | None = None,
        **params: Any,
    ) -> AnthropicMessage | AsyncStream: ...
    async def aanthropic_messages(
        self,
        model: str,
        messages: Messages,
        max_tokens: int,
        *,
        stream: bool | None = None,
        metadata: Mapping[str, Any] | None = None,
        **params: Any,
    ) -> AnthropicMessage | AsyncStream:
        """A message of Claude's, awaiting.  Parameters, replies and errors are those of `anthropic_messages`."""
        question = _question(model, messages, max_tokens, stream, metadata, params)
        return cast("AnthropicMessage | AsyncStream", await self._aask(question))

    def anthropic_count_tokens(self, model: str, messages: Messages, **params: Any) -> TokenCount:
        """How many tokens a prompt of Claude's has.  It costs nothing and uses up no limit that is configured here.

        Args:
            model, messages: as in `anthropic_messages`.
            params: what else counts (`system`, `tools`, `tool_choice`, `thinking`), and the router's own.

        Returns:
            `TokenCount` with `.input_tokens` and `.routing`.

        Raises:
            BadRequestError: the arguments cannot be sent, or a deployment that is no Claude would have to serve them.
            APIError, RouterClosed: as in `completion`.
        """
        return cast("TokenCount", self._ask(Question("messages.count_tokens", model, {"messages": messages}, params)))

    async def aanthropic_count_tokens(self, model: str, messages: Messages, **params: Any) -> TokenCount:
        """The tokens of a prompt, awaiting.  Parameters, replies and errors are those of `anthropic_count_tokens`."""
        question = Question("messages.count_tokens", model, {"messages": messages}, params)
        return cast("TokenCount", await self._aask(question))


def _question(
    model: str,
    messages: Messages,
    max_tokens: int,
    stream: bool | None,
    metadata: Mapping[str, Any] | None,
    params: dict[str, Any],
) -> Question:
    body = {"messages": messages, "max_tokens": max_tokens, "metadata": metadata}
    return Question("messages", model, body, params, streams(stream))
