"""What a deployment can be asked, one file per family of operations."""

from __future__ import annotations

from . import chat, completions, embeddings
from .base import Call, Operation, Reply

OPERATIONS: dict[str, Operation] = {
    "chat/completions": chat.OPERATION,
    "completions": completions.OPERATION,
    "embeddings": embeddings.OPERATION,
}
"""By the name that the URL gives them."""

__all__ = ["OPERATIONS", "Call", "Operation", "Reply"]
