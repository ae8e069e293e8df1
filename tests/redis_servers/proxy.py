"""Between a client and a server: slow, frozen, deaf, or cutting the line at the worst moment."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
from types import TracebackType
from typing import Self


class Proxy:
    """Passes bytes on to a server, and does what its attributes say.  They may be changed at any time.

    Args:
        port: of the server, on the loopback interface.
        tls: speak TLS with the client, with this context; the server is spoken to in clear.
    """

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.delay = 0.0
        """Seconds by which each reply comes late."""
        self.replies = threading.Event()
        """Cleared: requests pass and are carried out, replies are held back until it is set again."""
        self.replies.set()
        self.lose_replies = False
        """Replies are swallowed, and the line stays open."""
        self.cut_replies = False
        """The line is cut when a reply comes: the request was carried out, and the client cannot know."""
        self.connections = 0
        """How many there have been."""
        self._target = port
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True, name="proxy").start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.replies.set()
        self.cut()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"{'rediss' if self._tls else 'redis'}://127.0.0.1:{self.port}/0"

    def cut(self) -> None:
        """Close every connection that is open now."""
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True, name="proxy").start()

    def _serve(self, raw: socket.socket) -> None:
        with contextlib.suppress(OSError), raw:
            client = self._tls.wrap_socket(raw, server_side=True) if self._tls else raw
            with client, socket.create_connection(("127.0.0.1", self._target)) as server:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._open |= {client, server}
                try:
                    self._pass_on(client, server)
                finally:
                    with self._lock:
                        self._open -= {client, server}

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ)
            ready.register(server, selectors.EVENT_READ)
            while not self._closed:
                for key, _ in ready.select():
                    # What TLS has taken from the socket is no longer seen by select: read until it has nothing.
                    data = _read(client if key.fileobj is client else server)
                    if not data:
                        return
                    if key.fileobj is client:
                        server.sendall(data)
                    elif not self._reply(client, data):
                        return

    def _reply(self, client: socket.socket, data: bytes) -> bool:
        if self.delay:
            threading.Event().wait(self.delay)
        self.replies.wait()
        if self.cut_replies:
            return False
        if not self.lose_replies:
            client.sendall(data)
        return True


def _read(one: socket.socket) -> bytes:
    data = one.recv(65_536)
    while isinstance(one, ssl.SSLSocket) and one.pending():
        data += one.recv(65_536)
    return data
