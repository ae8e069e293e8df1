"""A TCP server that says exactly the bytes that a test wants, and breaks off as the test wants.

A script is a function that gets a `Peer`, one per connection, in a thread of its own.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Self

import trustme

GOODBYE_S = 5.0
"""How long a test waits for a client to hang up before it counts as not done."""


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, server: FaultServer) -> None:
        self._sock = sock
        self._server = server
        self._pending = b""

    def request(self) -> bytes:
        """Read one whole request; b"" if the client hangs up instead.  The server notes it in `requests`."""
        while b"\r\n\r\n" not in self._pending:
            if not self._more():
                return b""
        head, _, rest = self._pending.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        while len(rest) < length:
            if not self._more():
                return b""
            rest = self._pending.partition(b"\r\n\r\n")[2]
        self._pending = rest[length:]
        whole = head + b"\r\n\r\n" + rest[:length]
        self._server.requests.append(whole)
        return whole

    def swallow(self) -> int:
        """Read one whole request and keep nothing of it; the length of its body."""
        while b"\r\n\r\n" not in self._pending:
            if not self._more():
                return 0
        head, _, rest = self._pending.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        read = len(rest)
        while read < length:
            self._pending = b""
            if not self._more():
                return read
            read += len(self._pending)
        self._pending = b""
        return length

    def hear(self) -> bytes:
        """Whatever comes first, some of a request and not the rest; b"" if the client hangs up instead."""
        return self._more()

    def say(self, data: bytes) -> None:
        """Send bytes; a client that is gone already is no error."""
        with contextlib.suppress(OSError):
            self._sock.sendall(data)

    def trickle(self, data: bytes) -> None:
        """Send one byte at a time until the client hangs up or all is said."""
        self.say_slowly(bytes([byte]) for byte in data)

    def say_slowly(self, pieces: Iterable[bytes], pause: float = 0.05) -> None:
        """Send the pieces with pauses, until the client hangs up, the test is over, or all is said."""
        for piece in pieces:
            try:
                self._sock.sendall(piece)
            except OSError:
                return
            if self._server.stopped.wait(pause):
                return

    def say_and_close(self, data: bytes) -> None:
        """Bytes and FIN in one packet, so that the client has the end as soon as it has the bytes."""
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        self.say(data)
        self._sock.close()

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def wait_for_goodbye(self) -> None:
        """Wait until the client hangs up, and note it in `goodbyes`."""
        self._sock.settimeout(GOODBYE_S)
        try:
            while self._sock.recv(65536):
                pass
        except TimeoutError:
            return
        except OSError:
            pass  # a reset is a goodbye as well
        self._server.goodbyes.set()

    def hang(self) -> None:
        """Say nothing until the test is over."""
        self._server.stopped.wait()

    def _more(self) -> bytes:
        try:
            data = self._sock.recv(65536)
        except OSError:
            return b""
        self._pending += data
        return data


Script = Callable[[Peer], None]


class FaultServer:
    """Runs a script for each connection.

    Attributes:
        requests: every whole request that was read, as bytes.
        port: on which it listens.
        connections: how many connections were accepted.
        resumed: for each TLS handshake, whether it went on with an earlier session.
        goodbyes: set when a client has hung up on `wait_for_goodbye`.
        stopped: set when the test is over.
    """

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = int(self._listener.getsockname()[1])
        self._threads: list[threading.Thread] = []
        self._socks: list[socket.socket] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.resumed: list[bool | None] = []
        self.goodbyes = threading.Event()
        self.stopped = threading.Event()

    @property
    def url(self) -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}/openai/deployments/x/chat/completions"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._socks.append(sock)
            self.connections += 1
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self._tls is not None:
                secured = self._tls.wrap_socket(sock, server_side=True)
                self.resumed.append(secured.session_reused)
                sock = secured
                self._socks.append(sock)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._script(Peer(sock, self))
        except OSError:
            pass
        finally:
            sock.close()

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()


def answer(
    body: bytes | dict[str, object] = b"{}", status: int = 200, kind: str = "application/json", **headers: str
) -> bytes:
    """A proper response.  Header names are given with underscores."""
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked(*parts: bytes, end: bool = True, kind: str = "text/event-stream") -> bytes:
    """A response in HTTP chunks; without `end` it is cut."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nTransfer-Encoding: chunked\r\n\r\n" % kind.encode()
    return head + b"".join(chunk(part) for part in parts) + (b"0\r\n\r\n" if end else b"")


def chunk(part: bytes) -> bytes:
    """One HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(part), part)


def always(response: bytes) -> Script:
    """A script that gives the same response to every request of a connection."""

    def script(peer: Peer) -> None:
        while peer.request():
            peer.say(response)

    return script


def authority() -> tuple[trustme.CA, ssl.SSLContext]:
    """A new one, and the settings of a client that trusts it and no other."""
    ca = trustme.CA()
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    return ca, trusting


def server_tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """The settings of a server that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@contextlib.contextmanager
def full_backlog(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """The port of a server whose queue is full, so that further SYNs get no answer."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        time.sleep(0.02)
        yield listener.getsockname()[1]


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
