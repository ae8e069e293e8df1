"""Files, batches, fine-tuning jobs, and pages of their lists."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from pydantic import Field, PrivateAttr

from .base import Model, Routed
from .free import Free
from .responses import Page

ENDED = ("completed", "failed", "expired", "cancelled")
"""The states of a batch that nothing follows."""


class FileObject(Routed):
    """A file that the service keeps.  `created_at` and `expires_at` in Unix seconds."""

    id: str = ""
    object: str = "file"
    bytes: int | None = None
    created_at: Any = None
    expires_at: Any = None
    filename: str = ""
    purpose: str = ""
    status: str | None = None
    status_details: Any = None


class RequestCounts(Model):
    """How many requests of a batch there are, and how many are done."""

    total: int = 0
    completed: int = 0
    failed: int = 0


class Batch(Routed):
    """A batch.  Its times are Unix seconds; the ids of its files are empty or None while there are none."""

    id: str = ""
    object: str = "batch"
    status: str = ""
    """`validating`, `in_progress`, `finalizing`, `completed`, `failed`, `expired`, `cancelling`, `cancelled`."""
    endpoint: str | None = None
    completion_window: str | None = None
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: Free = None
    created_at: Any = None
    request_counts: RequestCounts | None = None
    metadata: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Nothing more will happen to it.  (Preview versions of Azure write states with capitals.)"""
        return self.status.lower() in ENDED


class FineTuningJob(Routed):
    """A fine-tuning job."""

    id: str = ""
    object: str = "fine_tuning.job"
    status: str = ""
    model: str = ""
    fine_tuned_model: str | None = None
    """What to deploy once it has succeeded."""
    training_file: str | None = None
    validation_file: str | None = None
    result_files: list[Any] | None = None
    trained_tokens: int | None = None
    created_at: Any = None
    finished_at: Any = None
    error: Free = None


class MergedPage(Page):
    """One page of a list over all resources.

    `next_after` is what to pass as `after` for the next page; None where there is none.  The id of an item is good for
    it too, but costs more questions.  `missing` names the deployments whose resources did not answer.  Iterating gives
    the items of this page and of all that follow.
    """

    next_after: str | None = None
    missing: list[str] = Field(default_factory=list)
    _next: Callable[[str], MergedPage] | None = PrivateAttr(default=None)
    _anext: Callable[[str], Awaitable[MergedPage]] | None = PrivateAttr(default=None)

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]  # as `Page` does
        return self.every()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self.aevery()

    def every(self) -> Iterator[Any]:
        """The items of this page and of all that follow, which are asked for as they are needed (blocking)."""
        page = self
        while True:
            yield from page.data
            if page.next_after is None or page._next is None:
                return
            page = page._next(page.next_after)

    async def aevery(self) -> AsyncIterator[Any]:
        """The same, awaiting."""
        page = self
        while True:
            for item in page.data:
                yield item
            if page.next_after is None or page._anext is None:
                return
            page = await page._anext(page.next_after)


ITEMS: dict[str, type[Routed]] = {
    "files.list": FileObject,
    "batches.list": Batch,
    "fine_tuning.jobs.list": FineTuningJob,
}
"""What a list holds, by its operation."""
