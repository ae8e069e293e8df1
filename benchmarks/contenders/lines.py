"""What the bare clients do with a line of server-sent events.  No contender."""

from __future__ import annotations

import json

DATA = b"data: "
DONE = b"data: [DONE]"


def has_text(line: bytes) -> bool:
    """Whether it holds a chunk with text."""
    if not line.startswith(DATA) or line.startswith(DONE):
        return False
    choices = json.loads(line[len(DATA) :])["choices"]
    return bool(choices and choices[0]["delta"].get("content"))
