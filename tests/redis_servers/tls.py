"""A certificate authority of the test's own, and a server behind it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import trustme

from .proxy import Proxy
from .server import Server


class Certificates:
    """An authority that nobody else trusts.

    Args:
        folder: where its certificate goes.
    """

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.file = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(self.file)

    @cached_property
    def context(self) -> ssl.SSLContext:
        """Of a server called 127.0.0.1 or localhost."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        return context

    @contextmanager
    def in_front_of(self, server: Server) -> Iterator[Proxy]:
        """A TLS door to a server; the wheel's Valkey is built without one of its own."""
        with Proxy(server.port, self.context) as proxy:
            yield proxy
