"""What callers hold in their hands: replies of OpenAI's shape, and Claude's messages in Anthropic's.

Light pydantic models: attributes and items, unknown fields kept, `model_dump()` and `model_dump_json()`.  They take
what the service sent as it is; only what callers rely on is declared, and nothing is refused for being new.
`reply.routing` says what happened to the call; it is no part of the reply and never dumped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from router.values import Reply, Routing

from .audio import Binary, Transcription
from .base import CompletionUsage, Model, Routed, routed
from .chat import ChatCompletion, ChatCompletionChunk, Choice, ChunkChoice, FunctionCall, Message, ToolCall, shaped
from .completions import TextChoice, TextCompletion, TextCompletionChunk
from .embeddings import Embedding, EmbeddingResponse
from .files import ITEMS, Batch, FileObject, FineTuningJob, MergedPage, RequestCounts
from .images import Image, ImagesResponse
from .messages import AnthropicMessage, ContentBlock, MessageEvent, MessageUsage, TokenCount
from .responses import Deleted, Page, Response, StreamEvent

__all__ = [
    "ITEMS",
    "AnthropicMessage",
    "Batch",
    "Binary",
    "ChatCompletion",
    "ChatCompletionChunk",
    "Choice",
    "ChunkChoice",
    "CompletionUsage",
    "ContentBlock",
    "Deleted",
    "Embedding",
    "EmbeddingResponse",
    "FileObject",
    "FineTuningJob",
    "FunctionCall",
    "Image",
    "ImagesResponse",
    "MergedPage",
    "Message",
    "MessageEvent",
    "MessageUsage",
    "Model",
    "Page",
    "RequestCounts",
    "Response",
    "Routed",
    "StreamEvent",
    "TextChoice",
    "TextCompletion",
    "TextCompletionChunk",
    "TokenCount",
    "ToolCall",
    "Transcription",
    "event_maker",
    "model_of",
    "reply_model",
    "reply_of",
    "routed",
    "shaped",
]

R = TypeVar("R", bound=Model)

REPLIES: dict[str, type[Routed]] = {
    "chat.completions": ChatCompletion,
    "completions": TextCompletion,
    "embeddings": EmbeddingResponse,
    "images.generations": ImagesResponse,
    "images.edits": ImagesResponse,
    "audio.transcriptions": Transcription,
    "audio.translations": Transcription,
    "responses": Response,
    "responses.retrieve": Response,
    "responses.cancel": Response,
    "responses.delete": Deleted,
    "responses.input_items": Page,
    "files.create": FileObject,
    "files.retrieve": FileObject,
    "files.delete": Deleted,
    "files.list": Page,
    "batches.create": Batch,
    "batches.retrieve": Batch,
    "batches.cancel": Batch,
    "batches.list": Page,
    "fine_tuning.jobs.create": FineTuningJob,
    "fine_tuning.jobs.retrieve": FineTuningJob,
    "fine_tuning.jobs.cancel": FineTuningJob,
    "fine_tuning.jobs.list": Page,
    "fine_tuning.jobs.events": Page,
    "fine_tuning.jobs.checkpoints": Page,
    "messages": AnthropicMessage,
    "messages.count_tokens": TokenCount,
}
"""By operation; any other is a `Routed` with the fields that came."""

EVENTS: dict[str, type[Model]] = {
    "chat.completions": ChatCompletionChunk,
    "completions": TextCompletionChunk,
    "messages": MessageEvent,
}
"""What the events of a stream are, by operation; any other is a `StreamEvent`."""


def reply_of(operation: str, reply: Reply, routing: Routing) -> Routed | Binary:
    """What came as what the caller gets."""
    if isinstance(reply.body, bytes):
        return Binary(reply.body, reply.headers.get("content-type", ""), routing)
    return reply_model(operation, {"text": reply.body} if isinstance(reply.body, str) else reply.body, routing)


def reply_model(operation: str, body: Mapping[str, Any], routing: Routing) -> Routed:
    """The reply of an operation as a model.  A field of an unexpected type is kept as it came rather than refused."""
    return routed(model_of(REPLIES.get(operation, Routed), body), routing)


def model_of(cls: type[R], body: Mapping[str, Any]) -> R:
    """An object of the API as this model, or as near to it as its fields allow."""
    try:
        model: R = cls.__pydantic_validator__.validate_python(body)  # `model_validate` without its wrapper
    except ValueError:
        return cls.model_construct(**body)
    return model


def event_maker(operation: str) -> Callable[[dict[str, Any]], Model]:
    """What makes a model of each event of a stream."""
    return partial(model_of, EVENTS.get(operation, StreamEvent))
