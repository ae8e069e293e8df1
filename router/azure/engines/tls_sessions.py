"""How does a new connection spare itself part of the handshake?  It goes on with the TLS session of an earlier one.

A service hands out tickets with its first bytes; whoever brings one back need not look at its certificates again.  The
libraries above `ssl` offer no way to do so, but all of them ask the settings (`ssl.SSLContext`) to wrap what they have
dialled, and there a session can be put in.

A session is offered to the host alone that it was made with, and only if its certificate was accepted then; whether it
is taken is the service's decision, and if not, the handshake is the usual one.  OpenSSL lets one thread at a time use a
connection, so its session is read by the thread that uses it and by no other: our own connections say `remember`, and
those of aiohttp, which nobody can ask, stay in the thread of their event loop.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

KEPT_HOSTS = 256
"""A session holds its host's certificates, some 10 kB."""

Host = str | bytes | None
Source = Callable[[], ssl.SSLSession | None]


class ResumingContext(ssl.SSLContext):
    """TLS settings of a client that resumes sessions.  Shared by all threads and event loops."""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: Host = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """For event loops.  In asyncio's thread, later connections to the host ask this one for its session."""
        session = session or self._session(server_hostname)
        wrapped = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        if _in_asyncio():  # anyio wraps in a thread of its own, and trio's connections say `remember`
            thread = threading.get_ident()
            self._keep(server_hostname, lambda: wrapped.session if threading.get_ident() == thread else None)
        return wrapped

    def wrap_socket(
        self,
        sock: Any,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: Host = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        """For blocking calls."""
        session = session or self._session(server_hostname)
        return super().wrap_socket(
            sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname, session
        )

    def remember(self, host: Host, wrapped: Any) -> None:
        """Keep the session of a connection to `host`, said by whoever has just read from it; takes 0.2 ms.

        Args:
            host: as it was dialled.
            wrapped: what has the `session`: an object or a socket of `ssl`.
        """
        with suppress(ValueError):  # it has none to give
            session = wrapped.session
            self._keep(host, lambda: session)

    def _session(self, host: Host) -> ssl.SSLSession | None:
        source = self._sources.get(_text(host))
        if source is not None:
            with suppress(ValueError):  # its handshake is not over, or failed
                session = source()
                if session is not None and session.has_ticket:
                    return session
        return None

    def _keep(self, host: Host, source: Source) -> None:
        sources = self._sources
        sources[_text(host)] = source
        if len(sources) > KEPT_HOSTS:
            with suppress(KeyError, RuntimeError):  # another thread was quicker
                del sources[next(iter(sources))]

    @property
    def _sources(self) -> dict[str, Source]:
        """What has the latest session, by host.  Settings that were made by `ssl` itself begin without."""
        known: dict[str, Source] = self.__dict__.setdefault("_known", {})
        return known


def _in_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _text(host: Host) -> str:
    """Some libraries name a host in bytes."""
    return host.decode("ascii", "replace") if isinstance(host, bytes) else host or ""
