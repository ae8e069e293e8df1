"""Real servers for tests: Redis and Valkey as processes of their own, each in its own folder, gone when the test ends.

    with Server() as server:               # about 0.1 s
        redis.Redis.from_url(server.url).ping()

Nothing here knows the library.  Fixtures are in `fixtures.py`.
"""

from __future__ import annotations

from .binaries import KINDS, Kind
from .cluster import Cluster
from .proxy import Proxy
from .replicated import Replicated
from .server import Server
from .tls import Certificates

__all__ = ["KINDS", "Certificates", "Cluster", "Kind", "Proxy", "Replicated", "Server"]
