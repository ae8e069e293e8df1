"""Spread calls over many Azure OpenAI deployments.

    from router import Router

    router = Router(model_list=[…])
    reply = router.completion(model="gpt-4o", messages=[{"role": "user", "content": "Hello"}])

See README.md for the first five minutes, and `router.errors` for everything that can go wrong.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConfigError,
    ConflictError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    InternalServerError,
    NoDeploymentLeft,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RouterClosed,
    RouterError,
    StreamInterrupted,
    UnprocessableEntityError,
    UnsupportedParamsError,
)
from .router import Router
from .values import Attempt, Routing

if TYPE_CHECKING:
    from .direct import (
        aanthropic_count_tokens,
        aanthropic_messages,
        acancel_batch,
        acancel_fine_tuning_job,
        acancel_response,
        acompletion,
        acreate_batch,
        acreate_file,
        acreate_fine_tuning_job,
        adelete_file,
        adelete_response,
        aembedding,
        afile_content,
        afile_delete,
        afile_list,
        afile_retrieve,
        aget_response,
        aimage_edit,
        aimage_generation,
        alist_batches,
        alist_files,
        alist_fine_tuning_checkpoints,
        alist_fine_tuning_events,
        alist_fine_tuning_jobs,
        anthropic_count_tokens,
        anthropic_messages,
        aresponse_input_items,
        aresponses,
        aretrieve_batch,
        aretrieve_file,
        aretrieve_fine_tuning_job,
        aspeech,
        atext_completion,
        atranscription,
        atranslation,
        await_for_batch,
        cancel_batch,
        cancel_fine_tuning_job,
        cancel_response,
        completion,
        create_batch,
        create_file,
        create_fine_tuning_job,
        delete_file,
        delete_response,
        embedding,
        file_content,
        file_delete,
        file_list,
        file_retrieve,
        get_response,
        image_edit,
        image_generation,
        list_batches,
        list_files,
        list_fine_tuning_checkpoints,
        list_fine_tuning_events,
        list_fine_tuning_jobs,
        response_input_items,
        responses,
        retrieve_batch,
        retrieve_file,
        retrieve_fine_tuning_job,
        speech,
        text_completion,
        transcription,
        translation,
        wait_for_batch,
    )
    from .streams import AsyncStream, Stream

__version__ = "0.1.0"

api_key: str | None = None
"""For calls of the module functions that state none, as are all of these; a `Router` reads none of them."""
azure_key: str | None = None
"""The same for Azure alone, where `api_key` is None."""
api_base: str | None = None
api_version: str | None = None
organization: str | None = None
enable_azure_ad_token_refresh: bool = False
drop_params: bool = False


def __getattr__(name: str) -> Any:
    """The module functions and the streams' classes, which are imported when one is first used."""
    if name in __all__:
        home = ".streams" if name in ("AsyncStream", "Stream") else ".direct"
        found = globals()[name] = getattr(import_module(home, __name__), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncStream",
    "Attempt",
    "AuthenticationError",
    "BadRequestError",
    "ConfigError",
    "ConflictError",
    "ContentPolicyViolationError",
    "ContextWindowExceededError",
    "InternalServerError",
    "NoDeploymentLeft",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "Router",
    "RouterClosed",
    "RouterError",
    "Routing",
    "Stream",
    "StreamInterrupted",
    "UnprocessableEntityError",
    "UnsupportedParamsError",
    "__version__",
    "aanthropic_count_tokens",
    "aanthropic_messages",
    "acancel_batch",
    "acancel_fine_tuning_job",
    "acancel_response",
    "acompletion",
    "acreate_batch",
    "acreate_file",
    "acreate_fine_tuning_job",
    "adelete_file",
    "adelete_response",
    "aembedding",
    "afile_content",
    "afile_delete",
    "afile_list",
    "afile_retrieve",
    "aget_response",
    "aimage_edit",
    "aimage_generation",
    "alist_batches",
    "alist_files",
    "alist_fine_tuning_checkpoints",
    "alist_fine_tuning_events",
    "alist_fine_tuning_jobs",
    "anthropic_count_tokens",
    "anthropic_messages",
    "aresponse_input_items",
    "aresponses",
    "aretrieve_batch",
    "aretrieve_file",
    "aretrieve_fine_tuning_job",
    "aspeech",
    "atext_completion",
    "atranscription",
    "atranslation",
    "await_for_batch",
    "cancel_batch",
    "cancel_fine_tuning_job",
    "cancel_response",
    "completion",
    "create_batch",
    "create_file",
    "create_fine_tuning_job",
    "delete_file",
    "delete_response",
    "embedding",
    "file_content",
    "file_delete",
    "file_list",
    "file_retrieve",
    "get_response",
    "image_edit",
    "image_generation",
    "list_batches",
    "list_files",
    "list_fine_tuning_checkpoints",
    "list_fine_tuning_events",
    "list_fine_tuning_jobs",
    "response_input_items",
    "responses",
    "retrieve_batch",
    "retrieve_file",
    "retrieve_fine_tuning_job",
    "speech",
    "text_completion",
    "transcription",
    "translation",
    "wait_for_batch",
]
