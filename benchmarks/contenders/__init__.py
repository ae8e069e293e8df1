"""Who takes part.  A contender is a file here with a class `Entry`, found by its name: `some_file.py` is `some-file`.

It opens in its own process, asks the service for replies and streams, and closes.  What it cannot do it leaves as it
is here, and the bench goes on without it.
"""

from __future__ import annotations

from typing import Any

MESSAGES = [
    {"role": "system", "content": "You are a patient teacher who answers in a few plain sentences."},
    {"role": "user", "content": "What is a load balancer, and why would I want one in front of three deployments?"},
]
API_VERSION = "2024-10-21"
API_KEY = "0123456789abcdef0123456789abcdef"
HEADERS = {"api-key": API_KEY}
REGIONS = {"east": "127.0.0.1", "west": "127.0.0.2", "north": "127.0.0.3"}
"""Three deployments of one group, each on a host of its own, as they would be."""
SHAPES = ("b1000", "b50000", "b1000-d20", "n200", "n200-i2000")
"""How deployments behave that a bench asks for (see native/server.c); a router has a group for each."""
GROUP = "bench"
"""The group of a router that is built only to decide."""
TPM, RPM = 1_000_000_000, 60_000_000
"""So much that no limit is ever reached: what is measured is the way, not the waiting."""


class NotOffered(Exception):
    """This contender cannot do what was asked."""


class Contender:
    """What a bench may ask of a contender.

    Args:
        port: of the service.
        options: further ones of a single contender.
    """

    distribution = ""
    """Whose version is reported."""

    def __init__(self, port: int, **options: Any) -> None:
        self.port = port
        self.options = options

    def url(self, shape: str, region: str = "east") -> str:
        """Where a deployment answers that behaves as `shape` says (see native/server.c)."""
        base = f"http://{REGIONS[region]}:{self.port}/openai/deployments/{shape}-{region}"
        return f"{base}/chat/completions?api-version={API_VERSION}"

    async def open(self) -> None:
        """Called once, before anything is measured."""

    async def close(self) -> None:
        """Called once, afterwards."""

    async def call(self, shape: str) -> str:
        """The text of one reply, awaiting."""
        raise NotOffered("awaiting calls")

    async def stream(self, shape: str) -> int:
        """Read one stream to its end, awaiting; returns how many pieces of text it had."""
        raise NotOffered("awaiting streams")

    def call_blocking(self, shape: str) -> str:
        """The text of one reply, blocking."""
        raise NotOffered("blocking calls")

    def stream_blocking(self, shape: str) -> int:
        """Read one stream to its end, blocking."""
        raise NotOffered("blocking streams")

    def build(self, deployments: int) -> None:
        """Make a router of so many deployments in one group, and keep it for what follows."""
        raise NotOffered("a router")

    async def decide(self, count: int, watch: Any) -> None:
        """Choose a deployment of the built router so often, with the choosing alone inside `watch`."""
        raise NotOffered("a decision alone")

    async def route(self, count: int, watch: Any) -> None:
        """All that a call needs but HTTP, so often, inside `watch`."""
        raise NotOffered("routing without HTTP")

    def counters(self) -> dict[str, int]:
        """Running counts of its own, whose growth per call is reported."""
        return {}
