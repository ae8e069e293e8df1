"""What callers hold in their hands: replies of OpenAI's shape.

Light pydantic models: attributes and items, unknown fields kept, `model_dump()` and `model_dump_json()`.  They take
what the service sent as it is; only what callers rely on is declared, and nothing is refused for being new.
`reply.routing` says what happened to the call; it is no part of the reply and never dumped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, PrivateAttr

from router.values import Routing


class Model(BaseModel):
    """An object of the API: attributes, items, and whatever else the service sent."""

    model_config = ConfigDict(extra="allow", protected_namespaces=(), hide_input_in_errors=True)

    def __getitem__(self, key: str) -> Any:
        try:
            return getattr(self, key)
        except AttributeError:
            raise KeyError(key) from None

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and hasattr(self, key)

    def get(self, key: str, default: Any = None) -> Any:
        """The field, or `default` if there is none."""
        return getattr(self, key, default)

    def keys(self) -> Iterator[str]:
        """The names of the fields that were sent or have a default."""
        yield from type(self).model_fields
        yield from self.model_extra or ()


class Routed(Model):
    """A reply that knows what happened to its call."""

    _routing: Routing | None = PrivateAttr(default=None)

    @property
    def routing(self) -> Routing:
        """What happened: deployment, group, attempts, retries, fallbacks, waited, tokens reserved and settled, cost."""
        if self._routing is None:
            raise AttributeError("this object was not made by a router, so it has no routing")
        return self._routing


class CompletionUsage(Model):
    """Tokens as billed."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


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


class Choice(Model):
    """One answer."""

    index: int = 0
    finish_reason: str | None = None
    message: Message
    logprobs: Any = None


class ChunkChoice(Model):
    """One answer's next piece.  Azure sends filter results in choices without a delta; then it is empty."""

    index: int = 0
    finish_reason: str | None = None
    delta: Message = Message()
    logprobs: Any = None


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
    choices: list[ChunkChoice] = []
    usage: CompletionUsage | None = None


class Embedding(Model):
    """One vector: floats, or base64 if that was asked for."""

    object: str = "embedding"
    index: int = 0
    embedding: Any = None


class EmbeddingResponse(Routed):
    """The vectors of one request."""

    object: str = "list"
    model: str = ""
    data: list[Embedding]
    usage: CompletionUsage | None = None


REPLIES: dict[str, type[Routed]] = {"chat.completions": ChatCompletion, "embeddings": EmbeddingResponse}


def reply_model(operation: str, body: dict[str, Any], routing: Routing) -> Routed:
    """The reply of an operation as a model.  A field of an unexpected type is kept as it came rather than refused."""
    cls = REPLIES[operation]
    try:
        reply = cls.model_validate(body)
    except ValueError:
        reply = cls.model_construct(**body)
    reply._routing = routing
    return reply


def chunk_model(event: dict[str, Any]) -> ChatCompletionChunk:
    """One event of a chat stream as a model."""
    try:
        return ChatCompletionChunk.model_validate(event)
    except ValueError:
        return ChatCompletionChunk.model_construct(**event)
