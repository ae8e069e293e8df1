"""Files: uploaded, looked up, listed, read, deleted.

A file is kept by one resource.  Its id goes out with the deployment in it (`router.ids`), and what is made of the file
(a batch, a fine-tuning job) goes to the same resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from router.errands import Errand, Work
from router.errors import APIError, BadRequestError
from router.placing import Place
from router.question import Question
from router.spool import model_of, spooled
from router.uploads import upload
from router.values import Upload

from .kept import Kept

if TYPE_CHECKING:
    from router.replies import Binary, Deleted, FileObject, MergedPage

FILES_LIMIT = 10_000
"""Of a list of files where none is stated (OpenAI's specification)."""
UNMADE = "dns connect connect_timeout tls credentials throttled authentication permission not_found".split()
"""Failures of an upload after which nothing can have been kept, so that it may go to another resource."""


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
        errand = self._uploaded(file, purpose, model, expires_after, custom_llm_provider, params)
        return cast("FileObject", await self._arun(errand))

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

    def file_content(
        self, file_id: str, *, model: str | None = None, custom_llm_provider: str | None = None, **params: Any
    ) -> Binary:
        """What is in a file.

        Args:
            file_id, model, custom_llm_provider, params: as in `retrieve_file`.

        Returns:
            `Binary`: `.content`, `.text`, `.iter_bytes()`, `.write_to_file(path)`, `.routing`.

        Raises:
            APIError, RouterClosed: as in `retrieve_file`.
        """
        return cast("Binary", self._ask(self._kept("files.content", "file_id", file_id, model, params)))

    async def afile_content(
        self, file_id: str, *, model: str | None = None, custom_llm_provider: str | None = None, **params: Any
    ) -> Binary:
        """What is in a file, awaiting.  Parameters, replies and errors are those of `file_content`."""
        return cast("Binary", await self._aask(self._kept("files.content", "file_id", file_id, model, params)))

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

    # ---- the upload ----------------------------------------------------------------------------------------

    def _uploaded(
        self,
        file: Any,
        purpose: str,
        model: str | None,
        expires_after: Mapping[str, Any] | None,
        provider: str | None,
        params: Mapping[str, Any],
    ) -> Errand[Any]:
        """Upload to the best place, and to the next where that provably kept nothing."""
        if not isinstance(purpose, str) or not purpose:
            raise BadRequestError("`purpose` must be a text such as 'batch' or 'fine-tune'", param="purpose")
        given = upload("file", file)
        places = yield from self._upload_places(given, purpose, model, provider)
        body = {"purpose": purpose, "expires_after": expires_after}
        meant = self._places.names_of(places)
        for place, is_last in zip(places, [False] * (len(places) - 1) + [True], strict=True):
            patience = params if is_last else {**params, "num_retries": 0}
            try:
                reply = yield from self._uploaded_to(place, given, body, patience, meant)
            except APIError as error:
                if is_last or not _kept_nothing(error):
                    raise
            else:
                self._places.sent(place, given.size or 0)
                return reply
        raise AssertionError("there is always a last place")

    def _upload_places(
        self, given: Upload, purpose: str, model: str | None, provider: str | None
    ) -> Errand[list[Place]]:
        if purpose != "batch" or model is not None:
            return self._places.uploads(model, provider)
        first = yield Work(partial(model_of, given))
        if first is None and self._places.groups() > 1:
            raise BadRequestError(
                "the first line of the batch file names no model in its `body`, and no `model` was given.  Nothing was"
                " uploaded.",
                param="model",
            )
        return self._places.batch_uploads(first, provider)

    def _uploaded_to(
        self,
        place: Place,
        given: Upload,
        body: Mapping[str, Any],
        params: Mapping[str, Any],
        meant: frozenset[str],
    ) -> Errand[Any]:
        if body["purpose"] != "batch":
            ready, temporary = given, None
        else:
            ready, temporary = yield Work(partial(spooled, given, place.wire_name, meant.__contains__))
        try:
            reply = yield Question(
                "files.create", place.name, body, params, uploads=(ready,), mend=self._owned, pinned=True
            )
        finally:
            if temporary is not None:
                temporary.close()
        return reply


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


def _kept_nothing(error: APIError) -> bool:
    """Whether a failed upload has provably left nothing behind, so that it may be sent elsewhere."""
    return bool(error.attempts) and error.attempts[-1].reason in UNMADE
