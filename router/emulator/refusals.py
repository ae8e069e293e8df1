"""How does Azure say no?  Every error body of the front door and of the model, in the wording of public captures.

Errors of the front door have `code` and `message` only; errors of the model have OpenAI's `type` and `param` as well.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .filters import BLOCKED_PROMPT

INVALID = "invalid_request_error"


@dataclass(slots=True)
class Refusal:
    """A status and the error object that goes with it."""

    status: int
    code: str | None
    message: str
    more: dict[str, Any] = field(default_factory=dict)
    """Further members of the error object."""
    headers: dict[str, str] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """The body."""
        return {"error": {"code": self.code, "message": self.message, **self.more}}


def invalid(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    """400 of the model."""
    return Refusal(400, code, message, {"type": INVALID, "param": param})


def unread() -> Refusal:
    """400: the body is neither a JSON object nor a form."""
    return invalid("We could not parse the JSON body of your request.")


def wrong_key() -> Refusal:
    """401: the key."""
    return Refusal(
        401,
        "401",
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
        "active subscription and use a correct regional API endpoint for your resource.",
    )


def wrong_token() -> Refusal:
    """401: the Entra token."""
    return Refusal(
        401,
        "Unauthorized",
        "Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), "
        "or have expired.",
    )


def not_found() -> Refusal:
    """404: the path or the api-version."""
    return Refusal(404, "404", "Resource not found")


def no_deployment() -> Refusal:
    """404: no such deployment on this resource."""
    return Refusal(
        404,
        "DeploymentNotFound",
        "The API deployment for this resource does not exist. If you created the deployment within the last 5 "
        "minutes, please wait a moment and try again.",
    )


_OPERATIONS = {
    "chat/completions": "chatCompletion",
    "completions": "completion",
    "images/generations": "imageGenerations",
    "images/edits": "imageEdits",
    "audio/speech": "audioSpeech",
    "audio/transcriptions": "audioTranscription",
    "audio/translations": "audioTranslation",
}


def wrong_operation(operation: str, model: str) -> Refusal:
    """400: chat asked of an embedding model, or the other way round."""
    return Refusal(
        400,
        "OperationNotSupported",
        f"The {_OPERATIONS.get(operation, operation)} operation does not work with the specified model, {model}. "
        "Please choose different model and try again. You can learn more about which models can be used with each "
        "operation here: https://go.microsoft.com/fwlink/?linkid=2197993.",
    )


def too_old(what: str, since: str) -> Refusal:
    """400: the dated `api-version` is older than what was asked for."""
    return Refusal(400, "BadRequest", f"{what} is enabled only for api versions {since} and later")


def unknown_version() -> Refusal:
    """400: `/openai/v1` knows the versions `v1` and `preview` only."""
    return Refusal(400, "BadRequest", "API version not supported")


def no_object(kind: str, identity: str) -> Refusal:
    """404: no file, batch, job or response of this id on this resource."""
    return Refusal(404, "notFound", f"No {kind} found with id '{identity}'.", {"type": INVALID, "param": None})


def conflict(message: str) -> Refusal:
    """409: the object is not in the state for this."""
    return Refusal(409, "conflict", message)


def content_filter(results: dict[str, Any] = BLOCKED_PROMPT, *, plural: bool = False) -> Refusal:
    """400: the prompt was blocked.

    Args:
        results: by category.
        plural: the second spelling in the wild: `inner_error` and `content_filter_results`.
    """
    message = (
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please "
        "modify your prompt and retry. To learn more about our content filtering policies please read our "
        "documentation: https://go.microsoft.com/fwlink/?linkid=2198766"
    )
    inner = {"code": "ResponsibleAIPolicyViolation", f"content_filter_result{'s' if plural else ''}": results}
    more = {"type": None, "param": "prompt", "status": 400, "inner_error" if plural else "innererror": inner}
    return Refusal(400, "content_filter", message, more)


def context_length(window: int, tokens: int, param: str = "messages") -> Refusal:
    """400: prompt and answer do not fit into the model's window."""
    return invalid(
        f"This model's maximum context length is {window} tokens. However, your messages resulted in {tokens} tokens. "
        "Please reduce the length of the messages.",
        param,
        "context_length_exceeded",
    )


def unsupported_parameter(name: str, instead: str = "") -> Refusal:
    """400: a reasoning model does not take this parameter."""
    hint = f" Use '{instead}' instead." if instead else ""
    return invalid(
        f"Unsupported parameter: '{name}' is not supported with this model.{hint}", name, "unsupported_parameter"
    )


def unsupported_value(name: str, value: Any, only: Any) -> Refusal:
    """400: a reasoning model takes this parameter's default only."""
    return invalid(
        f"Unsupported value: '{name}' does not support {value} with this model. Only the default ({only}) value is "
        "supported.",
        name,
        "unsupported_value",
    )


def not_among(name: str, value: Any, allowed: Sequence[str]) -> Refusal:
    """400: a model takes other values of this parameter."""
    shown = json.dumps(value) if not isinstance(value, str) else f"'{value}'"
    these = ", ".join(f"'{v}'" for v in allowed[:-1])
    listed = f"{these}, and '{allowed[-1]}'" if these else f"'{allowed[-1]}'"
    return invalid(
        f"Unsupported value: '{name}' does not support {shown} with this model. Supported values are: {listed}.",
        name,
        "unsupported_value",
    )


def unrecognized(name: str) -> Refusal:
    """400: no parameter of this model has this name."""
    return invalid(f"Unrecognized request argument supplied: {name}")


def busy() -> Refusal:
    """429 for want of capacity; no quota is involved."""
    return Refusal(
        429,
        "429",
        "The system is currently experiencing high demand and cannot process your request. Your request exceeds the "
        "maximum usage size allowed during peak load. For improved capacity reliability, consider switching to "
        "Provisioned Throughput.",
    )


_SAID = {
    400: ("BadRequest", "The request is not valid."),
    403: ("AccessDenied", "Access denied due to Virtual Network/Firewall rules."),
    408: ("Timeout", "The operation was timeout."),
    409: ("conflict", "The request conflicts with the present state of the resource."),
    422: ("UnprocessableEntity", "The request cannot be processed."),
    424: ("424", "The model returned a status other than 200."),
    429: ("429", "Rate limit is exceeded. Try again later."),
    500: ("InternalServerError", "The server had an error while processing your request. Sorry about that!"),
    503: ("ServiceUnavailable", "The service is temporarily unable to process your request. Please try again later."),
}


def of_status(status: int) -> Refusal:
    """The usual body of a status, for faults."""
    if status == 401:
        return wrong_key()
    if status == 404:
        return no_deployment()
    refusal = Refusal(status, *_SAID.get(status, (str(status), "The request failed.")))
    if status == 403:
        refusal.headers["policy-id"] = "ThrowExceptionDueToTrafficDenied"
    if status == 424:
        refusal.headers["ms-azureml-model-error-statuscode"] = "500"
    return refusal
