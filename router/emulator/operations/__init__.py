"""What a deployment can be asked, one file per family of operations."""

from __future__ import annotations

from . import chat, completions, embeddings, images, messages, responses, speech, transcription
from .base import Call, Operation, Reply

OPERATIONS: dict[str, Operation] = {
    "chat/completions": chat.OPERATION,
    "completions": completions.OPERATION,
    "embeddings": embeddings.OPERATION,
    "responses": responses.OPERATION,
    "images/generations": images.GENERATIONS,
    "images/edits": images.EDITS,
    "audio/speech": speech.OPERATION,
    "audio/transcriptions": transcription.TRANSCRIPTIONS,
    "audio/translations": transcription.TRANSLATIONS,
    "messages": messages.MESSAGES,
    "messages/count_tokens": messages.COUNT,
}
"""By the name that the URL gives them."""

__all__ = ["OPERATIONS", "Call", "Operation", "Reply"]
