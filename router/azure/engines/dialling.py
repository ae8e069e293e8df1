"""How does a blocking call reach a host that has several addresses?  As browsers do (RFC 8305): by trying them in turn.

An address may be dead in silence, as IPv6 is in some networks.  Whoever waits for one to the end has no time left for
the next, so each has but a short start over it:

    0 ms      the first address is tried
    250 ms    it has said nothing, so the second is tried as well
    270 ms    the second has connected, and the first is given up

One that is refused makes way for the next at once.  No thread is needed: the sockets connect by themselves.
"""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

START_S = 0.25
"""How long an address is tried before the next is tried as well; less where the time is short for all."""

Address = tuple[Any, ...]
"""As `socket.getaddrinfo` gives them: family, kind, protocol, name, and the address itself."""


def dial(addresses: list[Address], left: Callable[[], float]) -> socket.socket:
    """A socket that is connected to one of a host's addresses, and does not block.

    Args:
        addresses: at least one, the best first.
        left: how many seconds are left; raises when there are none.

    Raises:
        OSError: all have failed; it is that of the last.
    """
    start = min(START_S, left() / len(addresses))
    waiting, next_at = deque(addresses), 0.0
    error = OSError()
    with selectors.DefaultSelector() as tried:
        try:
            while waiting or tried.get_map():
                seconds, now = left(), time.monotonic()
                if waiting and now >= next_at:
                    next_at = now + start
                    try:
                        tried.register(_begun(waiting.popleft()), selectors.EVENT_WRITE)
                    except OSError as impossible:
                        error, next_at = impossible, now
                    continue
                for key, _ in tried.select(min(seconds, next_at - now) if waiting else seconds):
                    sock: Any = key.fileobj
                    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    tried.unregister(sock)
                    if not code:
                        connected: socket.socket = sock
                        return connected
                    sock.close()
                    error, next_at = OSError(code, os.strerror(code)), now
        finally:
            for key in tried.get_map().values():
                key.fileobj.close()  # type: ignore[union-attr]
    raise error


def _begun(address: Address) -> socket.socket:
    """A socket that has begun to connect."""
    sock = socket.socket(*address[:3])
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(BlockingIOError):
            sock.connect(address[4])
    except BaseException:
        sock.close()
        raise
    return sock
