"""What do the events of a Message's stream mean for the call?

The judge of `chunks.py` for Anthropic's words: has content begun, is the answer finished, did an error come inside
the 200, or did the stream just stop?
"""

from __future__ import annotations

from typing import Any

from router.azure.chunks import ChunkReader
from router.azure.failures import failure_in
from router.azure.payload import decode, is_nonsense, usage_from
from router.values import Failure, Kind

_TEXTS = ("text", "partial_json", "thinking")
"""Where the pieces of a delta stand."""


class MessageReader(ChunkReader):
    """Judges the events of one stream of Messages.  Attributes as in `ChunkReader`."""

    __slots__ = ("_stated",)

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        super().__init__(secrets)
        self._stated: dict[str, Any] = {}

    def read(self, data: str) -> dict[str, Any] | Failure | None:
        """Judge one event; the event itself, or a failure if it is broken.  `done` is set by `message_stop`."""
        try:
            event = decode(data)
        except ValueError:
            return self._broken("the stream sent an event that is no valid JSON")
        if not isinstance(event, dict):
            return self._broken("the stream sent an event that is no JSON object")
        kind = event.get("type")
        if kind == "error" or "error" in event:
            failure = failure_in(event, Kind.STREAM, self._secrets)
            return self._with_partial(failure) if failure is not None else event
        if kind == "content_block_delta":
            self._take_piece(event.get("delta"))
        elif kind == "content_block_start":
            self._take_block(event.get("content_block"))
        elif kind == "message_start":
            message = event.get("message")
            if isinstance(message, dict):
                self._take_head(message)
        elif kind == "message_delta":
            delta = event.get("delta")
            self.finished = isinstance(delta, dict) and delta.get("stop_reason") is not None
            self._take_usage(event.get("usage"), last=True)
        elif kind == "message_stop":
            if not (self.begun or self.finished):
                return self._broken("the stream was done before anything of an answer had come")
            self.done = True
        return event

    def end(self) -> Failure | None:
        """Judge the end of the bytes: a failure unless the answer was finished."""
        if self.done or self.finished:
            return None
        return self._broken("the stream ended without a stop_reason and without message_stop")

    def _take_head(self, message: dict[str, Any]) -> None:
        model, usage = message.get("model"), message.get("usage")
        self.model = model if isinstance(model, str) and model else None
        tier = usage.get("service_tier") if isinstance(usage, dict) else None
        self.service_tier = tier if isinstance(tier, str) else None
        self._take_usage(usage)

    def _take_piece(self, delta: Any) -> None:
        if not isinstance(delta, dict):
            return
        for key in _TEXTS:
            piece = delta.get(key)
            if isinstance(piece, str) and piece:
                self._take(piece, key == "text")

    def _take_block(self, block: Any) -> None:
        if not isinstance(block, dict):
            return
        if block.get("type") not in ("text", "thinking"):  # a call of a tool, or thinking that is hidden
            self.begun = True
            name = block.get("name")
            self.characters += len(name) if isinstance(name, str) else 0
        self._take_piece(block)

    def _take_usage(self, stated: Any, last: bool = False) -> None:
        """The prompt is stated at the start, the answer at the end; only both together are a usage."""
        if stated is None:
            return
        if isinstance(stated, dict):
            self._stated.update({key: value for key, value in stated.items() if value is not None})
        if last:
            self.usage = usage_from(self._stated) if isinstance(stated, dict) else None
            self.usage_is_nonsense = is_nonsense(self._stated) or not isinstance(stated, dict)
