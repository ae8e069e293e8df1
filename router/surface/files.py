"""Files: uploaded, looked up, listed, read, deleted.

A file is kept by one resource.  Its id goes out with the deployment in it (`router.ids`), and what is made of the file
(a batch, a fine-tuning job) goes to the same resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, cast, overload

from router.errors import BadRequestError
from router.question import Question
from router.tours import Tour
from router.uploads import upload

from .kept import Kept
from .uploading import Parcel, uploaded

if TYPE_CHECKING:
    from router.replies import Binary, Deleted, FileObject, MergedPage
    from router.streams import AsyncStream, Stream

FILES_LIMIT = 10_000
"""Of a list of files where none is stated (OpenAI's specification)."""


class Files(Kept):
    """`create_file`, `retrieve_file`, `list_files`, `file_content`, `delete_file` and their twins."""

    def create_file(
        self,
        file: Any,
        purpose: str,
        *,
        model: str | None = None,
        expires_after: Mapping[str, Any] | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> FileObject:
        """Upload a file.

        With the purpose `batch`, each line's `body.model` may name a group (or an alias, or a deployment's id): the
        file goes to one deployment of it, and its name on the wire replaces the group's on each line.  The lines are
        checked first; a file with a bad one is not sent.

        Args:
            file: bytes, a path object, a binary file, or a tuple (name, content).  It is never held in memory whole.
            purpose: `batch`, `fine-tune`, ….
            model: the group whose resources may take it.  None: the one that the lines of a batch name, else any.
            expires_after: `{"anchor": "created_at", "seconds": 1209600}`.
            custom_llm_provider: `azure` or `openai`: only resources of that kind.
            params: for the router (`timeout`, `num_retries`, `extra_headers`), the rest for the service.

        Returns:
            `FileObject` with `.id` and `.routing`.

        Raises:
            BadRequestError: the file cannot be read, or a line would make the batch fail; the message names the line.
            NotFoundError: the model is none of this router.
            APIError, RouterClosed: as in `completion`.
        """
        return cast(
            "FileObject", self._run(self._uploaded(file, purpose, model, expires_after, custom_llm_provider, params))
        )

    async def acreate_file(
        self,
        file: Any,
        purpose: str,
        *,
        model: str | None = None,
        expires_after: Mapping[str, Any] | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> FileObject:
        """Upload a file, awaiting.  Parameters, replies and errors are those of `create_file`."""
        tour = self._uploaded(file, purpose, model, expires_after, custom_llm_provider, params)
        return cast("FileObject", await self._arun(tour))

    def retrieve_file(
        self, file_id: str, *, model: str | None = None, custom_llm_provider: str | None = None, **params: Any
    ) -> FileObject:
        """What the service knows of a file.

        Args:
            file_id: as it was handed out; the service's own id too, where there is one resource or `model` is given.
            model: where it is, for ids that no router has handed out.
            custom_llm_provider: accepted for LiteLLM's callers; the id tells.
            params: for the router (`timeout`, `num_retries`, `extra_headers`, `extra_query`).

        Raises:
            BadRequestError: the id does not tell where it belongs.
            NotFoundError: there is no such file.
            APIError, RouterClosed: as in `completion`.
        """
        return cast("FileObject", self._ask(self._kept("files.retrieve", "file_id", file_id, model, params)))

    async def aretrieve_file(
        self, file_id: str, *, model: str | None = None, custom_llm_provider: str | None = None, **params: Any
    ) -> FileObject:
        """What the service knows of a file, awaiting.  Parameters and errors are those of `retrieve_file`."""
        return cast("FileObject", await self._aask(self._kept("files.retrieve", "file_id", file_id, model, params)))

    def list_files(
        self,
        *,
        model: str | None = None,
        purpose: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        order: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> MergedPage:
        """The files of all resources in one list, newest first.

        Args:
            model: only the resources of this group.
            purpose: only files of this purpose.
            limit: items of the page; None: up to 10,000.
            after: `next_after` of the page before, or the id of an item.
            order: `desc` (newest first) or `asc`.
            custom_llm_provider: `azure` or `openai`: only resources of that kind.
            params: as in `retrieve_file`.

        Returns:
            `MergedPage`: `.data`, `.has_more`, `.next_after`, `.missing`; `.every()` iterates over all pages.

        Raises:
            BadRequestError: `limit`, `after` or `order` make no sense.
            APIError: no resource answered.
            RouterClosed: as in `completion`.
        """
        want = _wanted(model, purpose, limit, after, order, custom_llm_provider, params)
        return cast("MergedPage", self._page(want))

    async def alist_files(
        self,
        *,
        model: str | None = None,
        purpose: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        order: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> MergedPage:
        """The files of all resources, awaiting.  Parameters, replies and errors are those of `list_files`."""
        want = _wanted(model, purpose, limit, after, order, custom_llm_provider, params)
        return cast("MergedPage", await self._apage(want))

    @overload
    def file_content(
        self,
        file_id: str,
        *,
        stream: Literal[False] | None = None,
        model: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> Binary: ...
    @overload
    def file_content(
        self,
        file_id: str,
        *,
        stream: Literal[True],
        model: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> Stream: ...
    def file_content(
        self,
        file_id: str,
        *,
        stream: bool | None = None,
        model: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> Binary | Stream:
        """What is in a file.

        Args:
            file_id, model, custom_llm_provider, params: as in `retrieve_file`.
            stream: return an iterator of bytes, for files that should not be held in memory.

        Returns:
            `Binary`: `.content`, `.text`, `.iter_bytes()`, `.write_to_file(path)`, `.routing`.

        Raises:
            APIError, RouterClosed: as in `retrieve_file`.
        """
        return cast("Binary | Stream", self._ask(self._content(file_id, stream, model, params)))

    @overload
    async def afile_content(
        self,
        file_id: str,
        *,
        stream: Literal[False] | None = None,
        model: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> Binary: ...
    @overload
    async def afile_content(
        self,
        file_id: str,
        *,
        stream: Literal[True],
        model: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> AsyncStream: ...
    async def afile_content(
        self,
        file_id: str,
        *,
        stream: bool | None = None,
        model: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> Binary | AsyncStream:
        """What is in a file, awaiting.  Parameters, replies and errors are those of `file_content`."""
        return cast("Binary | AsyncStream", await self._aask(self._content(file_id, stream, model, params)))

    def delete_file(
        self, file_id: str, *, model: str | None = None, custom_llm_provider: str | None = None, **params: Any
    ) -> Deleted:
        """Delete a file.  Parameters and errors are those of `retrieve_file`."""
        return cast("Deleted", self._ask(self._kept("files.delete", "file_id", file_id, model, params)))

    async def adelete_file(
        self, file_id: str, *, model: str | None = None, custom_llm_provider: str | None = None, **params: Any
    ) -> Deleted:
        """Delete a file, awaiting.  Parameters and errors are those of `retrieve_file`."""
        return cast("Deleted", await self._aask(self._kept("files.delete", "file_id", file_id, model, params)))

    file_retrieve, afile_retrieve = retrieve_file, aretrieve_file
    file_list, afile_list = list_files, alist_files
    file_delete, afile_delete = delete_file, adelete_file
    # LiteLLM's names.

    def _content(self, file_id: str, stream: bool | None, model: str | None, params: Mapping[str, Any]) -> Question:
        question = self._kept("files.content", "file_id", file_id, model, params)
        question.stream = bool(stream)
        return question

    def _uploaded(
        self,
        file: Any,
        purpose: str,
        model: str | None,
        expires_after: Mapping[str, Any] | None,
        provider: str | None,
        params: Mapping[str, Any],
    ) -> Tour[Any]:
        if not isinstance(purpose, str) or not purpose:
            raise BadRequestError("`purpose` must be a text such as 'batch' or 'fine-tune'", param="purpose")
        fields = {"purpose": purpose, "expires_after": expires_after}
        return uploaded(
            Parcel(upload("file", file), fields, model, provider, params, self._marks_ids and self._places.rewrites),
            self._places,
            self._owned,
        )


def _wanted(
    model: str | None,
    purpose: str | None,
    limit: int | None,
    after: str | None,
    order: str | None,
    provider: str | None,
    params: Mapping[str, Any],
) -> dict[str, Any]:
    if order not in (None, "asc", "desc"):
        raise BadRequestError("`order` must be 'asc' or 'desc'", param="order")
    return {
        "operation": "files.list",
        "item": "files.retrieve",
        "model": model,
        "provider": provider,
        "params": params,
        "limit": limit,
        "after": after,
        "ascending": order == "asc",
        "query": {"purpose": purpose, "order": order},
        "default_limit": FILES_LIMIT,
    }
