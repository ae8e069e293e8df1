"""What does an error answer mean?

From a status, headers and a body of any kind to one `Failure`: its kind (from which everything follows, see
`verdict.py`), the service's own words without secrets, and a way out where we know one.  Azure's errors come
from two layers with different bodies (gateway: string codes; model: OpenAI's object), from gateways of
customers, and as HTML or nothing at all from proxies, so the status decides wherever it can, and text only
where nothing else tells.  Source: azure.md §4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from router.values import Failure, Kind

from .headers import rate_limits, request_id, retry_after
from .payload import decode
from .scrub import scrub, scrub_all

MESSAGE_LIMIT = 1_000
"""Characters of a message."""
_FIELD_LIMIT = 128
_BODY_LIMIT = 64 * 1024
"""A larger error body is not kept."""

_KINDS: dict[int, Kind] = {
    401: Kind.AUTHENTICATION,
    402: Kind.PERMISSION,
    403: Kind.PERMISSION,
    404: Kind.NOT_FOUND,
    405: Kind.NOT_FOUND,
    408: Kind.REQUEST_TIMEOUT,
    409: Kind.CONFLICT,
    410: Kind.NOT_FOUND,
    422: Kind.UNPROCESSABLE,
    429: Kind.THROTTLED,
    499: Kind.REQUEST_TIMEOUT,
}
"""Other 4xx are BAD_REQUEST, 5xx (529 too) SERVER_ERROR, 3xx REDIRECT."""

_CONTENT_CODES = frozenset(
    {"content_filter", "contentfilter", "content_policy_violation", "responsibleaipolicyviolation"}
)
_CODES: dict[str, int] = {
    "ratelimitreached": 429,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "toomanyrequests": 429,
    "too_many_requests": 429,
    "insufficient_quota": 429,
    "server_error": 500,
    "internalservererror": 500,
    "internal_server_error": 500,
    "internal_error": 500,
    "internalfailure": 500,
    "serviceunavailable": 503,
    "service_unavailable": 503,
    "timeout": 408,
    "unauthorized": 401,
    "invalid_api_key": 401,
    "permissiondenied": 401,
    "accessdenied": 403,
    "deploymentnotfound": 404,
    "context_length_exceeded": 400,
    "invalid_request_error": 400,
    # Anthropic's types; its `invalid_request_error` and `rate_limit_error` are OpenAI's too.
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The status that a code stands for, for errors that arrive without one (inside a 200)."""

_BUSY_WORDS = (
    "experiencing high demand",
    "allowed during peak load",
    "model is currently overloaded",
    "engine is overloaded",
)
_TOO_LONG_WORDS = (
    "maximum context length is",
    "exceed the configured limit of",
    "prompt is too long",  # Anthropic, which has no code for it
    "exceed context limit",
)
_FILTERED_WORDS = ("blocked by content filtering policy",)
"""Anthropic's, which has no code for it."""


def failure_from(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    seconds: float = 0.0,
    secrets: Sequence[str] = (),
) -> Failure:
    """The failure that an answer with an error status stands for.  Never raises.

    Args:
        status: the HTTP status, 300 or above.
        headers: with lower-case names.
        body: whatever came, JSON or not.
        seconds: how long the attempt took.
        secrets: strings that must not appear in the result, such as the key that was sent.
    """
    whole = _object(body)
    error = _error_object(whole)
    real = _model_status(headers) if status == 424 else status
    kind = _kind(real, error)
    text = _text(error) or _without_body(status, headers, body)
    asks = retry_after(headers) if status >= 500 or status in (408, 409, 424, 429) else None
    failure = _failure(kind, error, _with_way_out(text, _way_out(real, kind, error, text)), secrets)
    failure.status = status
    failure.retry_after = asks
    failure.limits = rate_limits(headers)
    failure.seconds = seconds
    failure.request_id = request_id(headers)
    failure.body = scrub_all(whole, secrets) if isinstance(whole, dict) and len(body) <= _BODY_LIMIT else None
    return failure


def is_about_a_thing(failure: Failure) -> bool:
    """Whether a 404 to a call that runs a model is about a file, a vector store or the like, and not the deployment.

    Such errors are the model's ("Files [file-…] were not found"); those about the deployment, its path and its version
    are the gateway's, which have no type.  OpenAI's own about the model and the URL do, so their words tell.
    """
    text = _lower(failure.message)
    return (
        failure.type == "invalid_request_error"
        and _lower(failure.code) not in ("model_not_found", "deploymentnotfound")
        and "not found" in text
        and "model" not in text
    )


def failure_in(value: Mapping[str, Any], default: Kind, secrets: Sequence[str] = ()) -> Failure | None:
    """The error that a JSON object carries although its status was 200, in an answer or in a stream's event.

    Knows `{"error": {…}}`, `{"error": "text"}`, `{"type": "error", "error": {…}}` and the flat
    `{"type": "error", "code": …, "message": …}`.

    Args:
        value: the decoded object.
        default: the kind where neither code nor status tells one.
        secrets: as for `failure_from`.

    Returns:
        None if the object is no error; else a failure with the `status` that its code stands for, or None.
    """
    if not value.get("error") and value.get("type") != "error":
        return None
    error = _error_object(value)
    status = _status_in(error)
    kind = _kind(status or 400, error)
    if status is None and kind is Kind.BAD_REQUEST:
        kind = default
    text = _text(error) or "the service reported an error without a message"
    failure = _failure(kind, error, text, secrets)
    failure.status = status
    failure.body = scrub_all(dict(value), secrets)
    return failure


def _failure(kind: Kind, error: Mapping[str, Any], message: str, secrets: Sequence[str]) -> Failure:
    return Failure(
        kind,
        scrub(message, secrets, MESSAGE_LIMIT),
        code=_field(error, "code", secrets),
        param=_field(error, "param", secrets),
        type=_field(error, "type", secrets),
    )


def _object(body: bytes) -> Any:
    try:
        return decode(body) if body else None
    except ValueError:
        return None


def _error_object(whole: Any) -> dict[str, Any]:
    """The error's own fields, wherever the layer that speaks puts them."""
    if isinstance(whole, list) and len(whole) == 1:  # Google-style gateways wrap it once more
        whole = whole[0]
    if not isinstance(whole, dict):
        return {}
    error = whole.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str):
        return {"message": whole.get("message") or error, "code": whole.get("code") or error}
    # API Management answers {"statusCode": 401, "message": "…"}, others {"detail": "…"}.
    return {**whole, "message": whole.get("message") or whole.get("detail")}


def _kind(status: int, error: Mapping[str, Any]) -> Kind:
    if status < 400:
        return Kind.REDIRECT if status >= 300 else Kind.PROTOCOL
    if status >= 500:
        return Kind.SERVER_ERROR
    code = _lower(error.get("code"))
    text = _lower(error.get("message"))
    if status == 429:
        return _kind_of_429(code, _lower(error.get("type")), text)
    if code == "previous_response_not_found":
        return Kind.MISSING
    if status in (400, 413, 422):
        inner = error.get("innererror") or error.get("inner_error")
        inner_code = _lower(inner.get("code")) if isinstance(inner, dict) else ""
        if code in _CONTENT_CODES or inner_code in _CONTENT_CODES:
            return Kind.CONTENT_POLICY
        if any(words in text for words in _FILTERED_WORDS):
            return Kind.CONTENT_POLICY
        if code == "context_length_exceeded" or any(words in text for words in _TOO_LONG_WORDS):
            return Kind.CONTEXT_WINDOW
    return _KINDS.get(status, Kind.BAD_REQUEST)


def _kind_of_429(code: str, type_: str, text: str) -> Kind:
    if "insufficient_quota" in (code, type_):
        # The account has run out of money.  No wait helps, so it is no throttling: the deployment is benched.
        return Kind.PERMISSION
    if "overloaded" in code or any(words in text for words in _BUSY_WORDS):
        return Kind.BUSY
    return Kind.THROTTLED


def _status_in(error: Mapping[str, Any]) -> int | None:
    """The status that an error inside a 200 states, or its code stands for."""
    for name in ("status", "status_code", "statusCode", "code", "type"):
        value = error.get(name)
        if type(value) is int or (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3):
            number = int(value)
            if 400 <= number <= 599:
                return number
        known = _CODES.get(_lower(value))
        if known is not None:
            return known
        if _lower(value) in _CONTENT_CODES:
            return 400
    return None


def _model_status(headers: Mapping[str, str]) -> int:
    """A 424 says that the model behind the front end did not answer 200; what it answered is in a header."""
    value = headers.get("ms-azureml-model-error-statuscode", "").strip()
    real = int(value) if value.isascii() and value.isdigit() and len(value) == 3 else 0
    return real if 400 <= real <= 599 else 500


def _text(error: Mapping[str, Any]) -> str:
    message = error.get("message")
    return message.strip() if isinstance(message, str) else ""


def _field(error: Mapping[str, Any], name: str, secrets: Sequence[str]) -> str | None:
    value = error.get(name)
    if value is None or isinstance(value, dict | list | bool):
        return None
    return scrub(str(value), secrets, _FIELD_LIMIT) or None


def _lower(value: object) -> str:
    return value.lower() if isinstance(value, str) else ""


def _without_body(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """Says what came instead of an error object.  The body is never quoted: it is not ours to judge."""
    if status < 400:
        return (
            f"the service redirected the call (HTTP {status}); "
            "redirects are not followed, because the key would travel on"
        )
    form = headers.get("content-type", "").split(";")[0].strip()[:60] or "no content type"
    what = f"{len(body):,} bytes of {form}" if body else "an empty body"
    return f"the service answered HTTP {status} with {what} instead of an error object"


def _with_way_out(text: str, way_out: str) -> str:
    """Both, with an end between them."""
    return f"{text}{'' if not way_out or text.endswith(('.', '!', '?')) else '.'}{way_out}"


def _way_out(status: int, kind: Kind, error: Mapping[str, Any], text: str) -> str:
    """One sentence for the failures that only a person can mend."""
    code = _lower(error.get("code"))
    lowered = text.lower()
    if status == 413:
        return "  Send less: a smaller file, or a picture by its URL instead of its bytes."
    if kind is Kind.REDIRECT:
        return "  Set api_base to the final address."
    if kind is Kind.AUTHENTICATION:
        if code == "permissiondenied" or "principal does not have access" in lowered:
            return (
                "  Give the identity the role 'Cognitive Services OpenAI User' on the resource "
                "(Owner and Contributor do not suffice; allow five minutes)."
            )
        if "token" in lowered and "key" not in lowered:
            return "  Check the token's audience (azure_scope), its expiry and its tenant."
        return (
            "  Check that the key or token belongs to this very resource: "
            "a key is api_key, an Entra token is azure_ad_token."
        )
    if kind is Kind.PERMISSION:
        if "insufficient_quota" in (code, _lower(error.get("type"))):
            return "  Add credit to the account, or remove the deployment."
        return "  Check the resource's network rules (private endpoint, firewall) and the identity's role."
    if kind is Kind.NOT_FOUND:
        if code == "notfound" or _lower(error.get("type")) == "invalid_request_error":
            return ""  # a file, a response, a model: the service has said which
        if code == "deploymentnotfound":
            return "  Check the deployment's name (it is not the model's) and that api_base is its resource."
        return "  Check api_base and api_version: the path or the version does not exist there."
    return ""
