"""How does a call become bytes, and bytes a reply?

The pure middle of the transport: bodies and headers of requests, and the judgement of whole answers.  URLs
are in `endpoint.py`, error answers in `failures.py`, streams in `events.py` and `chunks.py`.

An answer with status 200 is no success yet: proxies answer HTML, gateways `{}`, and Azure an error object.
What lacks the required shape is a failure, so that the call can go elsewhere.

Claude is asked in Anthropic's words: its own requests go as they are, chat requests are translated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic_core import from_json, to_json

from router.configured import Deployment
from router.errors import BadRequestError
from router.values import Call, Failure, Kind, Reply

from .anthropic.request import claudes_body
from .endpoint import Endpoint, wire_name
from .failures import failure_from, failure_in
from .fitting import fitted
from .headers import rate_limits, request_id
from .operations import OPERATIONS, Operation
from .parameters import LIMITS, limits
from .payload import decode, is_nonsense, usage_from
from .scrub import HIDDEN

__all__ = ["OPERATIONS", "encode", "headers_for", "reply_from"]

_OURS = frozenset({"model", "stream", *LIMITS})
"""Keys of a body that differ between deployments; the rest is encoded once per call."""
ANTHROPIC_VERSION = "2023-06-01"
"""Of the Messages API, required by it; a caller's own `anthropic-version` header wins."""
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_REFUSED_HEADERS = frozenset(
    (
        "authorization",
        "api-key",
        "x-api-key",
        "proxy-authorization",
        "proxy-authenticate",
        "cookie",
        "host",
        "content-length",
        "content-type",
        "content-encoding",
        "accept",
        "accept-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
    )
)
"""Ours to set, or only meant for one hop."""


def encode(endpoint: Endpoint, deployment: Deployment, call: Call) -> bytes:
    """The JSON body of a call for one deployment.

    `deployment.defaults` under `call.body`; `model` is the deployment's name (dated Azure ignores it, everyone else
    needs it, and what runs no model has its own or none); `stream` is there if the call streams; the limit on the
    answer's tokens goes by the name that the model's family takes, and what the family refuses is left out if that is
    wanted (`fitting.py`).  The caller's objects are never changed.  What does not depend on the deployment is encoded
    once per call and kept in `call.encoded`, as long as the body is the same object.

    Raises:
        UnsupportedParamsError: the family refuses a parameter.
        BadRequestError: the body holds something that is no JSON, or a message that Claude cannot take; the message
            names the place, never the value.
    """
    if not call.charged:
        # Tokens are counted for a model, which only Anthropic's API has somebody do.
        named = {"model": wire_name(endpoint, deployment.model)} if endpoint.kind == "anthropic" else {}
        return _to_json({**call.body, **named})
    body, defaults, traits = fitted(endpoint, deployment, call)
    if endpoint.kind == "anthropic":
        whole = {**claudes_body(body, defaults, deployment, call), "model": wire_name(endpoint, deployment.model)}
        return _to_json({**whole, "stream": True} if call.stream else whole)
    kept = call.encoded
    if kept is not None and kept[0] is body:
        rest: bytes = kept[1]
    else:
        alike = body if _OURS.isdisjoint(body) else {k: v for k, v in body.items() if k not in _OURS}
        rest = _to_json(alike)
        call.encoded = (body, rest)
    head: dict[str, Any] = {"model": wire_name(endpoint, deployment.model)}
    if call.stream:
        head["stream"] = True
    if defaults:
        head.update((key, value) for key, value in defaults.items() if key not in body and key not in _OURS)
    head.update(limits(traits.renames_limit, body, defaults))
    front = _to_json(head)
    return front if rest == b"{}" else b"%b,%b" % (front[:-1], rest[1:])


def headers_for(
    endpoint: Endpoint, credential_header: tuple[str, str], call: Call, content_type: str | None = "application/json"
) -> dict[str, str]:
    """The headers of a request: ours, exactly one that proves who we are, and the caller's own.

    Args:
        endpoint: where the request goes.
        credential_header: from `Credential.header`.
        call: `call.headers` are the caller's; they may replace `user-agent` and `anthropic-version` and nothing else
            of ours.
        content_type: of the body; None: there is none.

    Raises:
        BadRequestError: a header of the caller that cannot be sent or is not the caller's to set; the message
            names it, without its value.
    """
    answer = OPERATIONS[call.operation].answer
    headers = dict(_own_headers(endpoint.kind, endpoint.organization, call.stream, answer))
    if content_type is not None:
        headers["content-type"] = content_type
    for name, value in call.headers.items():
        lowered = name.lower()
        if not _HEADER_NAME.fullmatch(name) or not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            raise BadRequestError(
                f"header {_name(name)} holds a character that no HTTP header may have.  Nothing was sent."
            )
        if lowered in _REFUSED_HEADERS:
            raise BadRequestError(
                f"header {lowered!r} is not the caller's to set.  Configure it on the deployment instead."
            )
        headers[lowered] = value
    name, value = credential_header
    headers[name] = value
    return headers


def reply_from(
    operation: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    seconds: float = 0.0,
    secrets: Sequence[str] = (),
) -> Reply | Failure:
    """Judge a whole answer.  Never raises for what a service may send.

    Args:
        operation: a key of `OPERATIONS`; it says which shape a success must have.
        status: the HTTP status; anything outside 200 to 299 is left to `failure_from`.
        headers: with lower-case names.
        body: after decompression.
        seconds: how long the attempt took.
        secrets: strings that must not appear in a failure, such as the key that was sent.
    """
    if not 200 <= status < 300:
        return failure_from(status, headers, body, seconds, secrets)
    row = OPERATIONS[operation]
    if row.is_file:
        return Reply(status, body, None, False, rate_limits(headers), seconds, request_id(headers), headers)
    if not body.strip():
        return _bad(Kind.EMPTY, f"the service answered HTTP {status} without a body", status, headers, seconds)
    if row.answer != "json" and (whole := _unparsed(row, headers, body)) is not None:
        return Reply(status, whole, None, False, rate_limits(headers), seconds, request_id(headers), headers)
    decoded = _decoded(status, headers, body, seconds)
    if isinstance(decoded, Failure):
        return decoded
    value = decoded[0]
    wrong = _misshapen(row, value)
    if wrong is None:
        stated = value.get("usage")
        usage = usage_from(stated)
        return Reply(
            status, value, usage, usage is None and is_nonsense(stated), rate_limits(headers), seconds,
            request_id(headers), headers,
        )  # fmt: skip
    failure = failure_in(value, Kind.SERVER_ERROR, secrets) if isinstance(value, dict) else None
    if failure is None:
        return _bad(Kind.BAD_SHAPE, f"the service answered HTTP {status}, but {wrong}", status, headers, seconds)
    failure.limits = rate_limits(headers)
    failure.seconds = seconds
    failure.request_id = request_id(headers)
    return failure


@lru_cache(maxsize=256)
def _own_headers(kind: str, organization: str | None, stream: bool, answer: str) -> dict[str, str]:
    """Copied by the caller, never changed."""
    accept = "application/json" if answer == "json" else "*/*"
    headers = {
        "accept": f"text/event-stream, {accept}" if stream else accept,
        "user-agent": f"azure-router/{_version()}",
    }
    if kind == "anthropic":
        headers["anthropic-version"] = ANTHROPIC_VERSION
    if organization:
        headers["openai-organization"] = organization
    return headers


def _version() -> str:
    """Looked up at the first call, because importlib.metadata takes long to import."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("azure-router")
    except PackageNotFoundError:  # run from a copy that is not installed
        return "0"


def _name(name: object) -> str:
    return repr(name[:60]) if isinstance(name, str) and _HEADER_NAME.fullmatch(name) else HIDDEN


def _decoded(status: int, headers: Mapping[str, str], body: bytes, seconds: float) -> tuple[Any] | Failure:
    """The JSON value of a body, in a tuple because it may be anything."""
    form = headers.get("content-type", "")
    if form != "application/json":
        form = form.partition(";")[0].strip().lower()
    vague = form in ("", "text/plain", "application/octet-stream")  # gateways that lose the type
    if "json" in form or vague:
        try:
            return (decode(body),)
        except ValueError:
            if not vague:
                what = f"the service answered HTTP {status} with {len(body):,} bytes that are no valid JSON"
                return _bad(Kind.BAD_JSON, what, status, headers, seconds)
    what = f"the service answered HTTP {status} with {form[:60] or 'no content type'} instead of JSON.  "
    what += "Check api_base: a proxy or a portal may have answered in its place"
    return _bad(Kind.BAD_CONTENT_TYPE, what, status, headers, seconds)


def _unparsed(row: Operation, headers: Mapping[str, str], body: bytes) -> bytes | str | None:
    """An answer that is no JSON and need not be; None: it is JSON (of a speech: an error), or a page for people."""
    form = headers.get("content-type", "").partition(";")[0].strip().lower()
    if "json" in form or "html" in form:
        return None
    return body if row.answer == "bytes" else body.decode("utf-8", "replace")


def _misshapen(row: Operation, value: Any) -> str | None:
    """What is wrong with a decoded answer; None: nothing."""
    if not isinstance(value, dict):
        return f"the JSON is {'null' if value is None else type(value).__name__} and no object"
    if row.required is None:
        if row.charged and value.get("error"):  # a failed batch or job, well retrieved, may hold one too
            return "it is an error"
        return None if row.key is None or row.key in value else f"{row.key!r} is missing"
    items = value.get(row.required)
    if not isinstance(items, list) or not (items or row.may_be_empty):
        return f"{row.required!r} is missing or empty"
    for item in items:
        if not isinstance(item, dict) or (row.item is not None and item.get(row.item) is None):
            return f"{row.required!r} holds an element without {row.item!r}"
        if row.item_is_object and row.item is not None and not isinstance(item[row.item], dict):
            return f"{row.required!r} holds an element whose {row.item!r} is no object"
    return None


def _bad(kind: Kind, message: str, status: int, headers: Mapping[str, str], seconds: float) -> Failure:
    return Failure(kind, message, status, limits=rate_limits(headers), seconds=seconds, request_id=request_id(headers))


def _to_json(value: Mapping[str, Any]) -> bytes:
    """Encode, and refuse what JSON cannot say.

    pydantic's encoder writes NaN and Infinity as such; the bytes are searched for them first, because looking
    at every number of every call would cost more than the encoding.
    """
    try:
        encoded = to_json(value, exclude_none=True)  # of models in it, not of dicts
        if encoded.find(b"NaN") >= 0 or encoded.find(b"Infinity") >= 0:
            from_json(encoded, allow_inf_nan=False)
    except (ValueError, TypeError, RecursionError):
        place = _unsendable(value, "")
        raise BadRequestError(
            f"the request cannot be sent as JSON: {place or 'a value in it'} is no text, finite number, "
            "list, object, true, false or null.  Nothing was sent."
        ) from None
    return encoded


def _unsendable(value: Any, place: str, depth: int = 0) -> str:
    """Where the first value is that cannot be sent, such as `messages[3].content`; "" if it is not found."""
    if depth > 60:  # a list or object that holds itself, or nearly so
        return place
    for name, item in _parts(value, place):
        found = _unsendable(item, name, depth + 1)
        if found:
            return found
    if isinstance(value, dict | list | tuple):
        return ""
    try:
        from_json(to_json(value), allow_inf_nan=False)
    except (ValueError, TypeError, RecursionError):
        return place
    return ""


def _parts(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """The elements of a list or an object, with the place of each."""
    if isinstance(value, dict):
        for key, item in value.items():
            plain = isinstance(key, str) and key.isidentifier()
            yield (f"{place}.{key[:60]}".lstrip(".") if plain else f"{place}[…]"), item
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield f"{place}[{i}]", item
