"""Where does one event of a stream end and the next begin?

A decoder of server-sent events, as bytes come in, cut anywhere.  Only the data of events is of interest:
OpenAI and Azure repeat an event's name inside the data.  Follows the WHATWG standard §9.2.6, with two
deliberate exceptions: an event with empty data is dropped (gateways send them to keep a connection open), and
the last event counts even if the blank line after it is missing (many servers close right after `[DONE]`).
"""

from __future__ import annotations

MAX_EVENT_BYTES = 1024 * 1024
"""Data of one event, or one line.  Beyond it the stream is broken or hostile."""

_BOM = b"\xef\xbb\xbf"


class EventTooLarge(Exception):
    """An event is larger than `MAX_EVENT_BYTES`; the stream cannot be read on."""


class Decoder:
    """Turns chunks of bytes into the data of events.  One per stream; never used again after an error."""

    __slots__ = ("_data", "_fresh", "_limit", "_line", "_size", "_skip_lf")

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._line = bytearray()
        """The line that is not complete yet."""
        self._data: list[bytes] = []
        """Data lines of the event that is not complete yet."""
        self._size = 0
        self._fresh = True
        """No line was read yet, so a byte order mark may come."""
        self._skip_lf = False
        """The last byte was a carriage return: a line feed that follows belongs to it."""

    def feed(self, chunk: bytes) -> list[str]:
        """The data of every event that is complete with this chunk.

        Raises:
            EventTooLarge: an event, or a line, exceeds the limit.
        """
        # Nearly every chunk is whole events of the form `data: {…}\n\n`.  What is left over (comments, names,
        # carriage returns, a cut) takes the long way, which gives the same events.
        if (
            chunk.startswith(b"data: ")
            and chunk.endswith(b"\n\n")
            and not self._line
            and not self._data
            and not self._skip_lf
            and b"\r" not in chunk
            and len(chunk) <= self._limit
        ):
            frames = chunk[6:-2].split(b"\n\ndata: ")
            if not any(b"\n" in frame for frame in frames):
                self._fresh = False
                return [str(frame, "utf-8", "replace") for frame in frames if frame]
        return self._feed_lines(chunk)

    def end(self) -> list[str]:
        """The data of the last event, if the bytes ended without the blank line after it."""
        events: list[str] = []
        if self._line:
            line = bytes(self._line)
            self._line.clear()
            self._read(line, events)
        self._read(b"", events)
        return events

    def _feed_lines(self, chunk: bytes) -> list[str]:
        events: list[str] = []
        if self._skip_lf and chunk:
            self._skip_lf = False
            chunk = chunk.removeprefix(b"\n")
        if not chunk:
            return events
        self._skip_lf = chunk.endswith(b"\r")
        lines = chunk.splitlines()  # of bytes: at \n, \r\n and \r only
        cut = lines.pop() if chunk[-1] not in b"\r\n" else b""
        for line in lines:
            if self._line:
                self._line += line
                line = bytes(self._line)
                self._line.clear()
            self._read(line, events)
        self._line += cut
        if len(self._line) > self._limit:
            raise self._too_large()
        return events

    def _read(self, line: bytes, events: list[str]) -> None:
        """One whole line, without its end."""
        if len(line) > self._limit:
            raise self._too_large()
        if self._fresh:
            self._fresh = False
            line = line.removeprefix(_BOM)
        if not line:
            if self._size:
                events.append(str(b"\n".join(self._data), "utf-8", "replace"))
            self._data.clear()
            self._size = 0
        elif line.startswith(b"data:"):
            value = line[6:] if line.startswith(b"data: ") else line[5:]
            self._data.append(value)
            self._size += len(value)
            if self._size > self._limit:
                raise self._too_large()
        elif line == b"data":
            self._data.append(b"")

    def _too_large(self) -> EventTooLarge:
        return EventTooLarge(f"an event of the stream is larger than {self._limit:,} bytes")
