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
from .streams import AsyncStream, Stream
from .values import Attempt, Routing

if TYPE_CHECKING:
    from .direct import (
        aanthropic_messages,
        acancel_response,
        acompletion,
        adelete_response,
        aembedding,
        aget_response,
        aimage_edit,
        aimage_generation,
        anthropic_messages,
        aresponse_input_items,
        aresponses,
        aspeech,
        atext_completion,
        atranscription,
        atranslation,
        cancel_response,
        completion,
        delete_response,
        embedding,
        get_response,
        image_edit,
        image_generation,
        response_input_items,
        responses,
        speech,
        text_completion,
        transcription,
        translation,
    )

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
    """The module functions, which are made when one is first used."""
    if name in __all__:
        function = globals()[name] = getattr(import_module(".direct", __name__), name)
        return function
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
    "aanthropic_messages",
    "acancel_response",
    "acompletion",
    "adelete_response",
    "aembedding",
    "aget_response",
    "aimage_edit",
    "aimage_generation",
    "anthropic_messages",
    "aresponse_input_items",
    "aresponses",
    "aspeech",
    "atext_completion",
    "atranscription",
    "atranslation",
    "cancel_response",
    "completion",
    "delete_response",
    "embedding",
    "get_response",
    "image_edit",
    "image_generation",
    "response_input_items",
    "responses",
    "speech",
    "text_completion",
    "transcription",
    "translation",
]
