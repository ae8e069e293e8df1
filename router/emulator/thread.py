"""A server that runs beside blocking code, on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

Serving = Callable[[str, int], contextlib.AbstractAsyncContextManager[Any]]
"""Serves at a host and a port while its context is open."""


class ServingThread(threading.Thread):
    """A thread with an event loop that serves until it is stopped."""

    def __init__(self, serving: Serving, host: str, port: int) -> None:
        super().__init__(name="azure-emulator", daemon=True)
        self._serving = serving
        self._place = (host, port)
        self._settled = threading.Event()
        self._error: OSError | None = None
        self._stop_soon: Callable[[], None] = lambda: None

    def run(self) -> None:
        """Serve."""
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._error = error
        finally:
            self._settled.set()

    async def _serve(self) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()

        def stop_soon() -> None:
            loop.call_soon_threadsafe(stop.set)

        self._stop_soon = stop_soon
        async with self._serving(*self._place):
            self._settled.set()
            await stop.wait()

    def wait(self) -> None:
        """Until it serves, or cannot."""
        self._settled.wait()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End serving and wait for the end of the thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            self._stop_soon()
        self.join()
