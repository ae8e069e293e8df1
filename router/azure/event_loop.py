"""Which event loop is this?"""

from __future__ import annotations

import asyncio


def on_asyncio() -> bool:
    """Whether the running task is asyncio's.  Under trio in guest mode there is a loop, but no task of it."""
    try:
        return asyncio.current_task() is not None
    except RuntimeError:
        return False
