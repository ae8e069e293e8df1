"""Spread calls over many Azure OpenAI deployments.

    from router import Router

    router = Router(model_list=[…])
    reply = router.completion(model="gpt-4o", messages=[{"role": "user", "content": "Hello"}])

See README.md for the first five minutes, and `router.errors` for everything that can go wrong.
"""

from __future__ import annotations

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

__version__ = "0.1.0"

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
]
