"""What has come of a stream, and is it enough to hand it over?

Bytes in, chunks out, and one end: None (proper) or a `Failure`.  Pure: the two reading loops of `open_stream.py`
differ in the line that reads, and share all of this.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic_core import to_json

from router.values import Failure, Kind

from .chunks import DONE, ChunkReader
from .engines import Breakdown
from .events import MAX_EVENT_BYTES, Decoder, EventTooLarge
from .typed_events import EventReader, as_event


class Intake:
    """The chunks of one stream that were decoded and not yet taken.

    Attributes:
        ready: chunks in their order; the last may be the end, None or a Failure.
        over: the end is in `ready`, or was taken; nothing more is to be read.
        drained: the bytes have ended too, so the connection can serve another call.
        reader: what is known of the answer so far.
    """

    __slots__ = ("_decoder", "_translate", "drained", "over", "reader", "ready")

    def __init__(
        self,
        reader: ChunkReader | EventReader,
        translate: Callable[[dict[str, Any]], Iterable[dict[str, Any]]] | None = None,
        largest: int = MAX_EVENT_BYTES,
    ) -> None:
        """`reader` judges what comes.  `translate`: what each event is to be handed over as, if not as it came.
        `largest`: bytes of an event, at most."""
        self.ready: deque[dict[str, Any] | bytes | Failure | None] = deque()
        self.reader = reader
        self._translate = translate
        self.over = False
        self.drained = False
        self._decoder = Decoder(largest)

    @property
    def can_be_handed_over(self) -> bool:
        """Something of an answer has come, or the answer is over."""
        return self.over or self.reader.begun or self.reader.finished

    @property
    def failure(self) -> Failure | None:
        """The failure that nobody has taken yet, if there is one: the call can still go elsewhere."""
        last = self.ready[-1] if self.ready else None
        return last if isinstance(last, Failure) else None

    def feed(self, data: bytes) -> None:
        """Take the next bytes; b"" means that there are no more."""
        try:
            events = self._decoder.feed(data) if data else self._decoder.end()
        except EventTooLarge as error:
            return self._end(self._failure(Kind.STREAM, str(error)))
        for event in events:
            item = self.reader.read(event)
            if not isinstance(item, dict):
                self.drained = not data
                return self._end(item)
            if self._translate is None:
                self.ready.append(item)
            else:
                self.ready.extend(self._translate(item))
            if self.reader.done:  # Anthropic's last event is one to hand over
                self.drained = not data
                return self._end(None)
        if not data:
            self.drained = True
            self._end(self.reader.end())
        return None

    def feed_events(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take a whole answer that came where a stream was asked for, as the events that it would have been."""
        self.feed(b"".join(b"data: %b\n\n" % to_json(event) for event in events) + b"data: %b\n\n" % DONE.encode())
        self.drained = True

    def feed_whole(self, operation: str, body: Mapping[str, Any]) -> None:
        """The same for the answer of an operation, as one event."""
        if operation == "completions":
            return self.feed_events((body,))
        if operation != "chat.completions":
            return self.feed_events((as_event(operation, body),))
        choices = [{**choice, "delta": choice.get("message", {})} for choice in body.get("choices", ())]
        for choice in choices:
            choice.pop("message", None)
        return self.feed_events(({**body, "object": "chat.completion.chunk", "choices": choices},))

    def broke(self, error: Breakdown) -> None:
        """The bytes ended in a breakdown.  After the last `finish_reason` that is no loss: the answer is whole."""
        self._end(None if self.reader.finished else self._failure(error.kind, error.message))

    def _end(self, end: Failure | None) -> None:
        self.ready.append(end)
        self.over = True

    def _failure(self, kind: Kind, message: str) -> Failure:
        return Failure(kind, message, partial=self.reader.text, usage=self.reader.usage)


class RawIntake(Intake):
    """The bytes of a stream that is no events, such as speech or a file: handed over as they come."""

    __slots__ = ("_may_be_empty",)

    def __init__(self, reader: ChunkReader | EventReader, may_be_empty: bool = False) -> None:
        """`may_be_empty`: no bytes at all are an answer too."""
        super().__init__(reader)
        self._may_be_empty = may_be_empty

    def feed(self, data: bytes) -> None:
        """Take the next bytes; b"" means that there are no more."""
        if data:
            self.reader.begun = True
            self.ready.append(data)
            return
        self.drained = True
        self.reader.finished = self.reader.begun or self._may_be_empty
        self._end(None if self.reader.finished else self._failure(Kind.EMPTY, "the stream ended before its first byte"))
