"""Chat completions, and the chunks of their streams."""

from __future__ import annotations

from typing import Any

from pydantic import Field, PrivateAttr

from .base import CompletionUsage, Model, Routed
from .free import Free


class FunctionCall(Model):
    """The function that a tool call names, with its arguments as JSON text."""

    name: str | None = None
    arguments: str | None = None


class ToolCall(Model):
    """One call that the model asks for; in a stream, `index` says which one a delta continues."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: FunctionCall | None = None


class Message(Model):
    """What the model said, whole or as the delta of a stream."""

    role: str | None = None
    content: Any = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None

    @property
    def parsed(self) -> Any:
        """The content as an instance of the class given as `response_format`; None without one, or after a refusal.

        Raises:
            pydantic.ValidationError: the content is no such instance, as where it was cut at the limit of tokens.
        """
        return None


class ShapedMessage(Message):
    """A message that is to be parsed.  A class of its own, because a private attribute costs every chunk's delta."""

    _shape: Any = PrivateAttr(default=None)

    @property
    def parsed(self) -> Any:
        """See `Message.parsed`."""
        if self._shape is None or self.refusal or not isinstance(self.content, str) or not self.content:
            return None
        return self._shape.model_validate_json(self.content)


class Choice(Model):
    """One answer."""

    index: int = 0
    finish_reason: str | None = None
    message: Message
    logprobs: Free | None = None


class ChunkChoice(Model):
    """One answer's next piece.  Azure sends filter results in choices without a delta; then it is empty."""

    index: int = 0
    finish_reason: str | None = None
    delta: Message = Message()
    logprobs: Free | None = None


class ChatCompletion(Routed):
    """A chat completion."""

    id: str = ""
    object: str = "chat.completion"
    created: int = 0
    model: str = ""
    choices: list[Choice]
    usage: CompletionUsage | None = None


class ChatCompletionChunk(Model):
    """One event of a chat stream.  The first and the last may have no choices."""

    id: str = ""
    object: str = "chat.completion.chunk"
    created: int = 0
    model: str = ""
    choices: list[ChunkChoice] = Field(default_factory=list)
    usage: CompletionUsage | None = None


def shaped(reply: ChatCompletion, cls: Any) -> ChatCompletion:
    """The reply, whose messages know what `parsed` is to be."""
    for choice in reply.choices:
        if isinstance(choice, Choice):
            message = choice.message
            facts = {**message.__dict__, **(message.model_extra or {})}
            choice.message = ShapedMessage.model_construct(message.model_fields_set, **facts)
            choice.message._shape = cls
    return reply
