"""What can be asked of an endpoint, and what must a good answer look like?

A table of facts, so that a further operation is a further row.  Paths, methods and scopes: the Azure OpenAI inference
specification 2024-10-21, azure.md §1.2 and the list in openai-python's `lib/azure.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table."""

    path: str
    """Below the deployment (dated API), or below `/openai/v1` (v1 API) or the base (OpenAI).  `{id}` stands for
    `Call.path_id`."""
    method: str = "POST"
    deployment_scoped: bool = True
    """In the dated API the deployment stands in the path; otherwise it is asked of the whole resource."""
    charged: bool = True
    """It runs a model: it counts against the deployment's tokens and requests per minute, the body's `model` is the
    deployment and the deployment's defaults apply.  Otherwise it manages something, is limited by nobody here and
    needs no room."""
    repeatable: bool = True
    """Sending it twice does no harm, so it is tried again even where the first may have been carried out."""
    streams: bool = False
    """`stream: true` is allowed."""
    body: Literal["json", "form", "none"] = "json"
    """Of the request: JSON, a multipart form, or nothing."""
    answer: Literal["json", "text", "bytes"] = "json"
    """`text`: JSON or plain text, as its content type says; `bytes`: taken as it comes."""
    key: str | None = None
    """A key that a whole answer must have.  None: `required` says what."""
    required: str | None = None
    """The key of a whole answer that must hold a non-empty list of objects."""
    item: str | None = None
    """The key that every object of that list must have."""
    item_is_object: bool = False
    """The value of `item` must be an object itself."""
    may_be_empty: bool = False
    """That list may be empty: the answer had nothing to say."""
    anthropic: bool = False
    """In Anthropic's words, so Claude alone serves it; the path is below `/anthropic`."""
    since: str = ""
    """The first dated version that has it.  With an earlier one the v1 API of the same resource is asked."""

    @property
    def is_file(self) -> bool:
        """The answer is somebody's file: bytes of any type, or none at all, and not ours to look into."""
        return self.answer == "bytes" and not self.charged


def _manages(
    path: str, method: str = "GET", key: str | None = "id", since: str = "", body: Literal["json", "none"] = "none"
) -> Operation:
    return Operation(path, method, False, charged=False, body=body, key=key, since=since)


_RESPONSES_SINCE = "2025-03-01"

OPERATIONS: dict[str, Operation] = {
    "chat.completions": Operation(
        "chat/completions", streams=True, required="choices", item="message", item_is_object=True
    ),
    "completions": Operation("completions", streams=True, required="choices", item="text"),
    "embeddings": Operation("embeddings", required="data", item="embedding"),
    "images.generations": Operation("images/generations", streams=True, required="data"),
    "images.edits": Operation("images/edits", streams=True, required="data", body="form"),
    "audio.speech": Operation("audio/speech", streams=True, answer="bytes"),
    "audio.transcriptions": Operation("audio/transcriptions", streams=True, body="form", answer="text", key="text"),
    "audio.translations": Operation("audio/translations", body="form", answer="text", key="text"),
    "responses": Operation("responses", deployment_scoped=False, streams=True, key="id", since=_RESPONSES_SINCE),
    "responses.retrieve": _manages("responses/{id}", since=_RESPONSES_SINCE),
    "responses.delete": _manages("responses/{id}", "DELETE", since=_RESPONSES_SINCE),
    "responses.cancel": _manages("responses/{id}/cancel", "POST", since=_RESPONSES_SINCE),
    "responses.input_items": _manages("responses/{id}/input_items", key="data", since=_RESPONSES_SINCE),
    "files.create": Operation("files", deployment_scoped=False, charged=False, repeatable=False, body="form", key="id"),
    "files.list": _manages("files", key="data"),
    "files.retrieve": _manages("files/{id}"),
    "files.content": replace(_manages("files/{id}/content", key=None), answer="bytes", streams=True),
    "files.delete": _manages("files/{id}", "DELETE"),
    "batches.create": replace(_manages("batches", "POST", body="json"), repeatable=False),
    "batches.list": _manages("batches", key="data"),
    "batches.retrieve": _manages("batches/{id}"),
    "batches.cancel": _manages("batches/{id}/cancel", "POST"),
    "fine_tuning.jobs.create": replace(_manages("fine_tuning/jobs", "POST", body="json"), repeatable=False),
    "fine_tuning.jobs.list": _manages("fine_tuning/jobs", key="data"),
    "fine_tuning.jobs.retrieve": _manages("fine_tuning/jobs/{id}"),
    "fine_tuning.jobs.cancel": _manages("fine_tuning/jobs/{id}/cancel", "POST"),
    "fine_tuning.jobs.events": _manages("fine_tuning/jobs/{id}/events", key="data"),
    "fine_tuning.jobs.checkpoints": _manages("fine_tuning/jobs/{id}/checkpoints", key="data"),
    "models.list": _manages("models", key="data"),
    "messages": Operation(
        "v1/messages", streams=True, required="content", item="type", may_be_empty=True, anthropic=True
    ),
    "messages.count_tokens": replace(
        _manages("v1/messages/count_tokens", "POST", key="input_tokens", body="json"), anthropic=True
    ),
}
"""By the name under which `Call.operation` asks for it."""

PATHS: tuple[str, ...] = tuple(
    sorted(
        {row.path for row in OPERATIONS.values() if "{" not in row.path and not row.anthropic}, key=len, reverse=True
    )
)
"""Every path of OpenAI's API without an id, longest first, so that `chat/completions` is found before `completions`."""


def serves(kind: str, operation: str) -> bool:
    """Whether endpoints of a kind serve an operation.  Claude serves its own messages, and chat by translation."""
    if kind == "anthropic":
        return operation == "chat.completions" or OPERATIONS[operation].anthropic
    return not OPERATIONS[operation].anthropic
