"""Everything that can be asked of a router, one file per family of operations.

A method says what it takes and makes a `Question` of it; its blocking and its awaiting face differ in the door that
they go through (`door.py`).  A further family is a further file here.
"""

from __future__ import annotations

from .audio import Audio
from .batches import Batches
from .chat import Chat
from .completions import Completions
from .embeddings import Embeddings
from .files import Files
from .fine_tuning import FineTuning
from .images import Images
from .messages import ClaudesMessages
from .responses import Responses


class Surface(Chat, Completions, Embeddings, Images, Audio, Responses, Files, Batches, FineTuning, ClaudesMessages):
    """All operations."""


__all__ = ["Surface"]
