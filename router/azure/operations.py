"""What can be asked of an endpoint, and what must a good answer look like?

A table of facts, so that a further operation is a further row.  Paths and scopes: the Azure OpenAI inference
specification 2024-10-21 and the list in openai-python's `lib/azure.py`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table."""

    path: str
    """Below the deployment (dated API), or below `/openai/v1` (v1 API) or the base (OpenAI)."""
    deployment_scoped: bool = True
    """In the dated API the deployment stands in the path; otherwise it is asked of the whole resource."""
    streams: bool = False
    """`stream: true` is allowed."""
    required: str | None = None
    """The key of a whole answer that must hold a non-empty list of objects; None: any object will do."""
    item: str | None = None
    """The key that every object of that list must have."""
    item_is_object: bool = False
    """The value of `item` must be an object itself."""
    json_body: bool = True
    """False: the request is a multipart form."""
    json_answer: bool = True
    """False: the answer is binary or plain text."""


OPERATIONS: dict[str, Operation] = {
    "chat.completions": Operation(
        "chat/completions", streams=True, required="choices", item="message", item_is_object=True
    ),
    "completions": Operation("completions", streams=True, required="choices", item="text"),
    "embeddings": Operation("embeddings", required="data", item="embedding"),
    "images.generations": Operation("images/generations", streams=True, required="data"),
    "images.edits": Operation("images/edits", streams=True, required="data", json_body=False),
    "audio.speech": Operation("audio/speech", streams=True, json_answer=False),
    "audio.transcriptions": Operation("audio/transcriptions", json_body=False, json_answer=False),
    "audio.translations": Operation("audio/translations", json_body=False, json_answer=False),
    "responses": Operation("responses", deployment_scoped=False, streams=True, required="output", item="type"),
    "files": Operation("files", deployment_scoped=False, json_body=False),
    "batches": Operation("batches", deployment_scoped=False),
    "fine_tuning.jobs": Operation("fine_tuning/jobs", deployment_scoped=False),
    "models": Operation("models", deployment_scoped=False),
}
"""By the name under which `Call.operation` asks for it."""

PATHS: tuple[str, ...] = tuple(sorted((row.path for row in OPERATIONS.values()), key=len, reverse=True))
"""Every path, longest first, so that `chat/completions` is found before `completions`."""
