"""Everything that can go wrong, as callers see it.

    RouterError
    ├── ConfigError (ValueError)            the configuration or an argument; nothing was sent
    ├── RouterClosed (RuntimeError)         the router was closed before the call
    └── APIError                            a call failed
        ├── APIConnectionError              the service was not reached, or broke off
        │   └── APITimeoutError             time ran out
        ├── APIResponseValidationError      a success that is no valid answer (HTML, broken JSON, wrong shape)
        ├── StreamInterrupted               a stream broke after its first content; `.partial` is the text so far
        └── APIStatusError                  the service answered with an error status
            ├── BadRequestError             400
            │   ├── ContextWindowExceededError
            │   ├── ContentPolicyViolationError
            │   └── UnsupportedParamsError
            ├── AuthenticationError         401
            ├── PermissionDeniedError       403
            ├── NotFoundError               404
            ├── ConflictError               409
            ├── UnprocessableEntityError    422
            ├── RateLimitError              429
            │   └── NoDeploymentLeft        nothing was usable or had room; `.retry_after` says when
            └── InternalServerError         5xx

The names are those of the `openai` package.  Each carries the facts as attributes, and none of them ever holds
a key, a token or a prompt.
"""

from __future__ import annotations

from typing import Any

from .values import Attempt, Failure, Kind


class RouterError(Exception):
    """The root of the tree."""


class ConfigError(RouterError, ValueError):
    """The configuration or an argument is wrong; nothing was sent.  `problems` lists every mistake that was found."""

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class RouterClosed(RouterError, RuntimeError):
    """The router was closed."""


class APIError(RouterError):
    """A call failed.

    Attributes:
        message: what happened, in sentences.
        status_code: the HTTP status, or None where there was none.
        code, param, type: the fields of the service's error object, where it sent one.
        body: that error object.
        request_id: the service's id of the last attempt.
        deployment: id of the deployment of the last attempt.
        attempts: every attempt of the call, as `router.values.Attempt`.
        retry_after: seconds after which trying again makes sense, where known.
    """

    status_code: int | None = None

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        code: str | None = None,
        param: str | None = None,
        type: str | None = None,
        body: Any = None,
        request_id: str | None = None,
        deployment: str | None = None,
        attempts: tuple[Attempt, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if status_code is not None:
            self.status_code = status_code
        self.code = code
        self.param = param
        self.type = type
        self.body = body
        self.request_id = request_id
        self.deployment = deployment
        self.attempts = attempts
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.__dict__)


def _rebuild(cls: type[APIError], state: dict[str, Any]) -> APIError:
    """Unpickle: the constructor's keywords are attributes of the same names."""
    error = cls.__new__(cls, state["message"])
    Exception.__init__(error, state["message"])
    error.__dict__.update(state)
    return error


class APIConnectionError(APIError):
    """The service was not reached, or the connection broke."""


class APITimeoutError(APIConnectionError):
    """The time for the call or for an attempt ran out."""


class APIResponseValidationError(APIError):
    """A success that is no valid answer: HTML, broken JSON, a missing `choices`."""


class StreamInterrupted(APIError):
    """A stream broke after its first content, so it could not be moved invisibly.

    Attributes:
        partial: the text that had been delivered.
    """

    partial: str = ""


class APIStatusError(APIError):
    """The service answered with an error status."""


class BadRequestError(APIStatusError):
    """400: the request itself is wrong."""

    status_code = 400


class ContextWindowExceededError(BadRequestError):
    """The prompt is longer than the model's context window."""


class ContentPolicyViolationError(BadRequestError):
    """The content filter refused the prompt."""


class UnsupportedParamsError(BadRequestError):
    """A parameter that this model family does not take; raised before anything is sent."""


class AuthenticationError(APIStatusError):
    """401: the key or token was refused."""

    status_code = 401


class PermissionDeniedError(APIStatusError):
    """403: the identity lacks the role, or the network is not allowed."""

    status_code = 403


class NotFoundError(APIStatusError):
    """404: no such model here, or no such deployment there."""

    status_code = 404


class ConflictError(APIStatusError):
    """409."""

    status_code = 409


class UnprocessableEntityError(APIStatusError):
    """422."""

    status_code = 422


class RateLimitError(APIStatusError):
    """429: a limit is used up."""

    status_code = 429


class NoDeploymentLeft(RateLimitError):
    """No deployment was usable or had room within the time that the call may wait.

    Attributes:
        retry_after: seconds until the call would fit; None if it never would.
        group: the group asked for.
        details: one line per deployment that says why not.
    """

    group: str = ""
    details: tuple[str, ...] = ()


class InternalServerError(APIStatusError):
    """5xx: the service failed."""

    status_code = 500


_BY_KIND: dict[Kind, type[APIError]] = {
    Kind.TIMEOUT: APITimeoutError,
    Kind.FIRST_EVENT_TIMEOUT: APITimeoutError,
    Kind.CONNECT_TIMEOUT: APITimeoutError,
    Kind.TOO_LARGE: APIResponseValidationError,
    Kind.BAD_CONTENT_TYPE: APIResponseValidationError,
    Kind.BAD_JSON: APIResponseValidationError,
    Kind.BAD_SHAPE: APIResponseValidationError,
    Kind.EMPTY: APIResponseValidationError,
    Kind.REDIRECT: APIResponseValidationError,
    Kind.THROTTLED: RateLimitError,
    Kind.BUSY: RateLimitError,
    Kind.SERVER_ERROR: InternalServerError,
    Kind.REQUEST_TIMEOUT: APITimeoutError,
    Kind.CONFLICT: ConflictError,
    Kind.AUTHENTICATION: AuthenticationError,
    Kind.SIGN_IN_REFUSED: AuthenticationError,
    Kind.PERMISSION: PermissionDeniedError,
    Kind.NOT_FOUND: NotFoundError,
    Kind.BAD_REQUEST: BadRequestError,
    Kind.CONTEXT_WINDOW: ContextWindowExceededError,
    Kind.CONTENT_POLICY: ContentPolicyViolationError,
    Kind.UNPROCESSABLE: UnprocessableEntityError,
    Kind.MISSING: BadRequestError,
    Kind.STREAM: StreamInterrupted,
    Kind.CREDENTIALS: AuthenticationError,
    Kind.SIMULATED: InternalServerError,
}


def error_for(failure: Failure, *, deployment: str | None = None, attempts: tuple[Attempt, ...] = ()) -> APIError:
    """The exception that a caller gets for the failure that ended its call.

    Args:
        failure: the last failure.
        deployment: id of the deployment on which it happened.
        attempts: all attempts of the call.
    """
    cls = _BY_KIND.get(failure.kind, APIConnectionError)
    if failure.kind is Kind.MISSING and failure.status == 404:
        cls = NotFoundError
    what = failure.message or failure.kind.replace("_", " ")
    what += "" if what.endswith((".", "!", "?")) else "."
    where = f"{deployment} ({_label(failure)})" if deployment else _label(failure)
    tried = f"  Tried: {_summary(attempts)}." if len(attempts) > 1 else ""
    error = cls(
        f"{where}: {what}{tried}",
        status_code=failure.status,
        code=failure.code,
        param=failure.param,
        type=failure.type,
        body=failure.body,
        request_id=failure.request_id,
        deployment=deployment,
        attempts=attempts,
        retry_after=failure.retry_after,
    )
    if isinstance(error, StreamInterrupted):
        error.partial = failure.partial
    return error


def _label(failure: Failure) -> str:
    return f"{failure.kind}, HTTP {failure.status}" if failure.status else str(failure.kind)


def _summary(attempts: tuple[Attempt, ...]) -> str:
    return ", ".join(f"{a.deployment} ({a.reason})" for a in attempts)
