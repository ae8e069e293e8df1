"""What do the events of a stream mean whose events have a `type`?

Responses, images, transcriptions and speech (as events) stream alike: each event says what it is, the answer is whole
when one says so, and no `[DONE]` follows.  The counterpart of `chunks.py`, which reads chat.  Source: azure.md §5.4 and
§5.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.values import Failure, Kind

from .chunks import DONE, ChunkReader
from .failures import failure_in
from .payload import decode, is_nonsense, usage_from

_LAST = frozenset(
    {
        "response.completed",
        "response.incomplete",
        "response.cancelled",
        "image_generation.completed",
        "image_edit.completed",
        "transcript.text.done",
        "speech.audio.done",
    }
)
"""The events after which nothing is missing."""
_TEXTS = frozenset({"response.output_text.delta", "transcript.text.delta"})
_PREPARES = frozenset(
    {"response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"}
)
"""Events before the first content: until then the call can still go elsewhere."""
_WHOLE = {
    "images.generations": "image_generation.completed",
    "images.edits": "image_edit.completed",
    "audio.transcriptions": "transcript.text.done",
    "audio.speech": "speech.audio.done",
}


class EventReader(ChunkReader):
    """Judges the events of one stream.  Attributes as in `ChunkReader`."""

    __slots__ = ()

    def read(self, data: str) -> dict[str, Any] | Failure | None:
        """Judge one event: the event, None when the stream is done, a failure if it is broken."""
        if data.startswith(DONE):
            self.done = True
            return self.end()
        try:
            event = decode(data)
        except ValueError:
            return self._broken("the stream sent an event that is no valid JSON")
        if not isinstance(event, dict):
            return self._broken("the stream sent an event that is no JSON object")
        kind = event["type"] if isinstance(event.get("type"), str) else ""
        inner = event.get("response")
        failure = failure_in(event, Kind.STREAM, self._secrets) if "error" in event or kind == "error" else None
        if failure is None and kind == "response.failed":
            failure = failure_in(inner, Kind.STREAM, self._secrets) if isinstance(inner, dict) else None
            failure = failure or Failure(Kind.STREAM, "the service gave the response up without saying why")
        self._read_facts(event if not isinstance(inner, dict) else inner)
        if failure is not None:
            return self._with_partial(failure)
        if kind not in _PREPARES:
            self.begun = True
        if kind in _LAST:
            self.finished = True
        self._read_text(kind, event)
        return event

    def end(self) -> Failure | None:
        """Judge the end of the bytes: a failure unless the last event has come."""
        return None if self.finished else self._broken("the stream ended before its last event")

    def _read_text(self, kind: str, event: Mapping[str, Any]) -> None:
        delta = event.get("delta")
        if isinstance(delta, str) and delta and kind != "response.output_audio.delta":
            self.characters += len(delta)
            if kind in _TEXTS:
                self._parts.append(delta)

    def _read_facts(self, answer: Mapping[str, Any]) -> None:
        """Model, tier, output and usage, of a response inside an event or of the event itself."""
        for name in ("model", "service_tier"):
            value = answer.get(name)
            if isinstance(value, str) and value:
                setattr(self, name, value)
        output = answer.get("output")
        if isinstance(output, list):
            self.output = output
        stated = answer.get("usage")
        if stated is not None:
            self.usage = usage_from(stated)
            self.usage_is_nonsense = is_nonsense(stated)


def as_event(operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A whole answer that came where a stream was asked for, as the event that would have ended it."""
    if operation == "responses":
        status = body.get("status")
        return {"type": f"response.{status if status == 'incomplete' else 'completed'}", "response": dict(body)}
    event = {"type": _WHOLE.get(operation, "done"), **body}
    data = body.get("data")
    if isinstance(data, list) and len(data) == 1 and isinstance(data[0], dict):
        event |= data[0]
    return event
