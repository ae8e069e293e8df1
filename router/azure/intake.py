"""What has come of a stream, and is it enough to hand it over?

Bytes in, chunks out, and one end: None (proper) or a `Failure`.  Pure: the two reading loops of `open_stream.py`
differ in the line that reads, and share all of this.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from router.values import Failure, Kind

from .chunks import DONE, ChunkReader
from .engines import Breakdown
from .events import Decoder, EventTooLarge


class Intake:
    """The chunks of one stream that were decoded and not yet taken.

    Attributes:
        ready: chunks in their order; the last may be the end, None or a Failure.
        over: the end is in `ready`, or was taken; nothing more is to be read.
        drained: the bytes have ended too, so the connection can serve another call.
        reader: what is known of the answer so far.
    """

    __slots__ = ("_decoder", "drained", "over", "reader", "ready")

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        """`secrets`: strings that must not appear in a failure, such as the key that was sent."""
        self.ready: deque[dict[str, Any] | Failure | None] = deque()
        self.reader = ChunkReader(secrets)
        self.over = False
        self.drained = False
        self._decoder = Decoder()

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
            self.ready.append(item)
        if not data:
            self.drained = True
            self._end(self.reader.end())
        return None

    def feed_whole(self, completion: Mapping[str, Any]) -> None:
        """Take a whole answer that came where a stream was asked for, as one chunk."""
        choices = [{**choice, "delta": choice.get("message", {})} for choice in completion.get("choices", ())]
        for choice in choices:
            choice.pop("message", None)
        chunk = {**completion, "object": "chat.completion.chunk", "choices": choices}
        self.feed(b"data: %b\n\ndata: %b\n\n" % (to_json(chunk), DONE.encode()))
        self.drained = True

    def broke(self, error: Breakdown) -> None:
        """The bytes ended in a breakdown.  After the last `finish_reason` that is no loss: the answer is whole."""
        self._end(None if self.reader.finished else self._failure(error.kind, error.message))

    def _end(self, end: Failure | None) -> None:
        self.ready.append(end)
        self.over = True

    def _failure(self, kind: Kind, message: str) -> Failure:
        return Failure(kind, message, partial=self.reader.text, usage=self.reader.usage)
