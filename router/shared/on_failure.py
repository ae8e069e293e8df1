"""What do calls do while the shared store does not answer?"""

from __future__ import annotations

from enum import StrEnum


class OnStoreFailure(StrEnum):
    """`on_store_failure` of the configuration; `link.py` says what each means."""

    SHARE = "share"
    """Each replica keeps to its part of every limit."""
    STRICT = "strict"
    """Nothing that has a limit is sent; calls wait."""
    OPEN = "open"
    """Each replica uses the whole limit."""
