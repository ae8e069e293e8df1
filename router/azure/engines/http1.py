"""What does an exchange of HTTP/1.1 look like in bytes?  Nothing here touches a socket.

`Sending` makes the bytes of a request, `Reading` takes those of its answer; the connections of
`httpx2_connections.py`, blocking and awaiting, carry them.  httptools reads, which is Node's parser, as strict as it
comes.  What goes wrong is said in the exceptions of httpcore2, as below and beside this, or in two of our own.
"""

from __future__ import annotations

import re
from typing import Any

import httpcore2
import httptools

MAX_HEAD_BYTES = 100 * 1024
"""Of an answer, with the interim answers before it."""
_APART = 2**16
"""What is as long as this is written by itself, so that it is not copied behind something else."""
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_VISIBLE = re.compile(rb"[\x21-\x7e]+")

Headers = list[tuple[bytes, bytes]]


class NoAnswer(Exception):
    """The connection ended before the head of an answer was complete."""


class CutShort(Exception):
    """The connection ended before the end that the answer had announced."""


class Sending:
    """A request as bytes to write: `add` each part of its body, then `end` it.

    Args:
        method, target: of the first line.
        headers: all of them, their names in lower case.  `content-length`, or else `transfer-encoding: chunked`, says
            how the body travels; without either there is none.

    Raises:
        LocalProtocolError: the target or a header holds what it may not; which one is not said, for it may be the key.
    """

    __slots__ = ("_missing", "_waiting")

    def __init__(self, method: bytes, target: bytes, headers: Headers) -> None:
        self._missing: int | None = 0
        """Bytes of the body that are still to come.  None: it travels in chunks."""
        lines = [b"%b %b HTTP/1.1" % (method, target)]
        for name, value in headers:
            lines.append(b"%b: %b" % (name, value))
            if name == b"content-length":
                self._missing = int(value)
            elif name == b"transfer-encoding":
                self._missing = None
        if not _VISIBLE.fullmatch(target):
            raise httpcore2.LocalProtocolError("the URL holds a character that must be quoted")
        if _CONTROL.search(b"".join(lines)):
            raise httpcore2.LocalProtocolError("a header holds a control character")
        self._waiting = b"\r\n".join((*lines, b"", b""))

    def add(self, part: bytes) -> tuple[bytes, ...]:
        """Take a part of the body; returns what to write now, which is nothing while it is little.

        Raises:
            LocalProtocolError: that is more than was announced.
        """
        framed = self._framed(part)
        if len(self._waiting) + len(framed) < _APART:
            self._waiting += framed
            return ()
        ready, self._waiting = (self._waiting, framed), b""
        return ready

    def end(self) -> bytes:
        """What remains to be written.

        Raises:
            LocalProtocolError: that is less than was announced.
        """
        if self._missing:
            raise httpcore2.LocalProtocolError("the body is shorter than was announced")
        return self._waiting + b"0\r\n\r\n" if self._missing is None else self._waiting

    def _framed(self, part: bytes) -> bytes:
        if self._missing is None:
            return b"%x\r\n%b\r\n" % (len(part), part) if part else b""
        self._missing -= len(part)
        if self._missing < 0:
            raise httpcore2.LocalProtocolError("the body is longer than was announced")
        return part


class Reading:
    """An answer that is being read.  Interim answers (1xx) are passed over.

    Attributes:
        status: 0 until the head is complete.
        headers: as they came, in order; what follows a chunked body is left out.
        complete: the body has ended.
        reusable: another request may follow on the connection.
    """

    __slots__ = ("_head_bytes", "_parser", "_parts", "complete", "headers", "reusable", "status")

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.complete = False
        self.reusable = False
        self._head_bytes = 0
        self._parts: list[bytes] = []
        self._parser: Any = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Take what was read from the connection; b"" when the service has ended it.

        Raises:
            NoAnswer, CutShort: the answer ended too early.
            RemoteProtocolError: its head does not end, or its status is none that answers what we ask.
            HttpParserError: this is no answer of HTTP/1.1.
        """
        if not data:
            self._end()
            return
        if not self.status:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            # One of our methods below refused it, or Ctrl-C struck in one.
            raise error.__context__ or error from None
        except httptools.HttpParserError:
            if not self.complete:
                raise
            self.reusable = False
        if not self.status and self._head_bytes > MAX_HEAD_BYTES:
            raise httpcore2.RemoteProtocolError("the head of the answer does not end")

    def take(self) -> bytes:
        """What has come of the body since the last time."""
        parts = self._parts
        if not parts:
            return b""
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        return body

    def close(self) -> None:
        """Let go of the parser: each of the two holds the other, which would be left to the collector."""
        self._parser = None

    def _end(self) -> None:
        if not self.status:
            raise NoAnswer
        if any(_announces_an_end(name.lower(), value.lower()) for name, value in self.headers):
            raise CutShort
        self.complete = True

    # ---- called by the parser -------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """What follows a whole answer is another one, which nobody asked for."""
        self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or one of those behind a chunked body."""
        if not self.status:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The status is known."""
        if self.complete:
            return
        status = self._parser.get_status_code()
        if status >= 200:
            self.status = status
        elif status < 100 or status == 101:  # no answer to what we ask, nor on the way to one
            raise httpcore2.RemoteProtocolError("the status of the answer is none that was asked for")
        else:
            self.headers.clear()

    def on_body(self, body: bytes) -> None:
        """A part of the body, or one chunk."""
        if not self.complete:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """The end of an answer."""
        if self.status and not self.complete:
            self.complete = True
            self.reusable = self._parser.should_keep_alive()


def _announces_an_end(name: bytes, value: bytes) -> bool:
    """Whether a header, in lower case, says where the body ends; without one it ends with the connection."""
    return name == b"content-length" or (name == b"transfer-encoding" and value.endswith(b"chunked"))
