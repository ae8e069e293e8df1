"""Every error answer becomes one kind, in the service's words, without secrets, with a way out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.azure.failures import MESSAGE_LIMIT, failure_from, failure_in, is_about_a_thing
from router.values import Failure, Kind

FILTERED = {
    "error": {
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's policy.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}},
    }
}


def failure(status, body=None, headers=None, secrets=()):
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return failure_from(status, headers or {}, data, 0.5, secrets)


def error(code=None, message="words", **more):
    return {"error": {"code": code, "message": message, **more}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, FILTERED, Kind.CONTENT_POLICY),
        (400, error("other", inner_error={"code": "ResponsibleAIPolicyViolation"}), Kind.CONTENT_POLICY),
        (400, error("other", innererror={"code": "ResponsibleAIPolicyViolation"}), Kind.CONTENT_POLICY),
        (400, error("contentFilter"), Kind.CONTENT_POLICY),
        (400, error("content_policy_violation"), Kind.CONTENT_POLICY),
        (400, error("context_length_exceeded"), Kind.CONTEXT_WINDOW),
        (400, error(None, "This model's maximum context length is 128000 tokens. However, …"), Kind.CONTEXT_WINDOW),
        (400, error(None, "Input tokens exceed the configured limit of 272000 tokens. …"), Kind.CONTEXT_WINDOW),
        (400, error(None, "prompt is too long: 219898 tokens > 200000 maximum"), Kind.CONTEXT_WINDOW),
        (400, error(None, "input length and `max_tokens` exceed context limit: 198981 + 21333"), Kind.CONTEXT_WINDOW),
        (400, error(None, "Output blocked by content filtering policy"), Kind.CONTENT_POLICY),
        (400, error("unsupported_parameter", param="max_tokens"), Kind.BAD_REQUEST),
        (400, error("OperationNotSupported"), Kind.BAD_REQUEST),
        (400, error("BadRequest", innererror="text"), Kind.BAD_REQUEST),
        (400, None, Kind.BAD_REQUEST),
        (401, error("401", "Access denied due to invalid subscription key"), Kind.AUTHENTICATION),
        (401, error("PermissionDenied", "Principal does not have access to API/Operation."), Kind.AUTHENTICATION),
        (402, None, Kind.PERMISSION),
        (403, error("AccessDenied", "Public access is disabled."), Kind.PERMISSION),
        (404, error("DeploymentNotFound"), Kind.NOT_FOUND),
        (404, error("404", "Resource not found"), Kind.NOT_FOUND),
        (405, None, Kind.NOT_FOUND),
        (400, error("previous_response_not_found", param="previous_response_id"), Kind.MISSING),
        (404, error("previous_response_not_found", param="previous_response_id"), Kind.MISSING),
        (408, error("Timeout"), Kind.REQUEST_TIMEOUT),
        (409, error("conflict"), Kind.CONFLICT),
        (413, None, Kind.BAD_REQUEST),
        (413, error(None, type="request_too_large"), Kind.BAD_REQUEST),
        (418, None, Kind.BAD_REQUEST),
        (422, error(), Kind.UNPROCESSABLE),
        (424, None, Kind.SERVER_ERROR),
        (429, error("RateLimitReached", "Your requests … have exceeded the token rate limit"), Kind.THROTTLED),
        (429, error("429", "Rate limit is exceeded. Try again in 50 seconds."), Kind.THROTTLED),
        (429, error(None, "The system is currently experiencing high demand and cannot …"), Kind.BUSY),
        (429, error(None, "exceeds the maximum usage size allowed during peak load."), Kind.BUSY),
        (429, error("engine_overloaded"), Kind.BUSY),
        (429, error("insufficient_quota"), Kind.PERMISSION),
        (429, error(None, type="insufficient_quota"), Kind.PERMISSION),
        (429, None, Kind.THROTTLED),
        (431, None, Kind.BAD_REQUEST),
        (499, None, Kind.REQUEST_TIMEOUT),
        (500, error("InternalServerError"), Kind.SERVER_ERROR),
        (502, b"<html><h1>Bad gateway</h1></html>", Kind.SERVER_ERROR),
        (503, error("ServiceUnavailable"), Kind.SERVER_ERROR),
        (504, None, Kind.SERVER_ERROR),
        (529, None, Kind.SERVER_ERROR),
        (529, error(None, "Overloaded", type="overloaded_error"), Kind.SERVER_ERROR),
        (301, None, Kind.REDIRECT),
        (307, b"<html>", Kind.REDIRECT),
        (304, None, Kind.REDIRECT),
    ],
)  # fmt: skip
def test_the_kind_follows_from_status_and_code(status, body, kind):
    got = failure(status, body)
    assert (got.kind, got.status, got.seconds) == (kind, status, 0.5)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (error(None, "Files [file-1] were not found", type="invalid_request_error"), True),
        (error("DeploymentNotFound", "The API deployment for this resource does not exist."), False),
        (error("404", "Resource not found"), False),
        (error("model_not_found", "It was not found", type="invalid_request_error"), False),
        (error(None, "Invalid URL (POST /v1/x)", type="invalid_request_error"), False),
        (error(None, "the model `x` was not found", type="invalid_request_error"), False),
        (None, False),
    ],
)
def test_a_404_is_about_the_deployment_or_about_a_thing(body, told):
    assert is_about_a_thing(failure(404, body)) is told


@pytest.mark.parametrize(
    ("stated", "kind"),
    [("429", Kind.THROTTLED), ("400", Kind.BAD_REQUEST), ("500", Kind.SERVER_ERROR), ("200", Kind.SERVER_ERROR),
     ("", Kind.SERVER_ERROR), ("x", Kind.SERVER_ERROR), ("99999", Kind.SERVER_ERROR)],
)  # fmt: skip
def test_a_424_is_what_the_model_behind_it_answered(stated, kind):
    assert failure(424, None, {"ms-azureml-model-error-statuscode": stated}).kind is kind


def test_the_errors_own_fields_are_kept():
    got = failure(400, FILTERED, {"apim-request-id": "id-1", "x-ratelimit-limit-tokens": "100"})
    assert (got.code, got.param, got.type, got.request_id) == ("content_filter", "prompt", None, "id-1")
    assert got.limits.limit_tokens == 100
    assert got.message == "The response was filtered due to the prompt triggering Azure OpenAI's policy."
    assert got.body == FILTERED


def test_a_wait_is_kept_uncapped_where_the_service_may_ask_for_one():
    headers = {"retry-after": "86400"}
    for status in (408, 409, 429, 500, 503, 529):
        assert failure(status, None, headers).retry_after == 86_400
    for status in (400, 401, 404, 422):
        assert failure(status, None, headers).retry_after is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"statusCode": 401, "message": "Access denied due to missing subscription key."},
            "Access denied due to missing",
        ),
        ({"error": "unauthorized"}, "unauthorized"),
        ({"detail": "no such route"}, "no such route"),
        ([{"error": {"message": "wrapped once more"}}], "wrapped once more"),
    ],
)
def test_the_bodies_of_gateways_are_understood(body, message):
    assert failure(401, body).message.startswith(message)


@pytest.mark.parametrize(
    "body", [b"", b"<html>secret-page</html>", b'{"error":', b"null", b"[]", b"{}", b'"x"', b"\xff"]
)
def test_without_an_error_object_the_message_says_what_came_and_never_quotes_it(body):
    got = failure(502, body, {"content-type": "text/html; charset=utf-8"})
    assert "HTTP 502" in got.message
    assert "secret-page" not in got.message
    assert ("an empty body" if not body else f"{len(body)} bytes of text/html") in got.message


def test_a_redirect_names_no_target():
    got = failure(307, None, {"location": "https://evil.example/?key=k"})
    assert "evil" not in got.message
    assert "api_base" in got.message


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, error("401", "Access denied due to invalid subscription key or wrong API endpoint."), "api_key"),
        (401, error("Unauthorized", "Access token is missing, invalid, or have expired."), "azure_scope"),
        (401, error("PermissionDenied", "Principal does not have access to API/Operation."), "Services OpenAI User"),
        (403, error("AccessDenied", "Public access is disabled."), "private endpoint"),
        (404, error("DeploymentNotFound", "The API deployment for this resource does not exist."), "deployment's name"),
        (404, error("404", "Resource not found"), "api_version"),
        (429, error("insufficient_quota", "You exceeded your current quota"), "credit"),
    ],
)  # fmt: skip
def test_what_a_person_must_mend_comes_with_a_way_out(status, body, words):
    got = failure(status, body)
    assert got.message.startswith(body["error"]["message"])
    assert words in got.message


def test_no_secret_is_left_anywhere():
    key = "0123456789abcdef"
    body = error(f"c-{key}", f"key {key} is wrong, {key}", param=key, type=key, details=[{key: f"x{key}x"}])
    got = failure(401, body, secrets=(key, ""))
    assert key not in f"{got.message} {got.code} {got.param} {got.type} {got.body}"
    assert "key [hidden] is wrong" in got.message


@pytest.mark.parametrize(
    "leak",
    [
        "Bearer abcdefghijkl",
        "bearer eyJhbGciOi.eyJhdWQi.c2ln",
        "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.sig",
        "sk-proj-abc123456789",
    ],
)
def test_what_looks_like_a_secret_goes_even_if_nobody_named_it(leak):
    got = failure(401, error(None, f"you sent {leak} to us"))
    assert leak.split()[-1] not in got.message
    assert got.message.startswith("you sent [hidden] to us")


def test_a_cut_leaves_no_half_of_a_secret_and_a_message_is_one_short_line():
    key = "k" * 40
    got = failure(500, error(None, "x" * (MESSAGE_LIMIT - 20) + key + "\n\x1b[31m" + "y" * 5000), secrets=(key,))
    assert len(got.message) <= MESSAGE_LIMIT
    assert "kkk" not in got.message
    assert got.message.isprintable()


def test_a_huge_error_body_is_not_kept():
    got = failure(500, error(None, "x" * 100_000))
    assert got.body is None
    assert len(got.message) <= MESSAGE_LIMIT


@pytest.mark.parametrize(
    ("value", "kind", "status", "message"),
    [
        (error("429", "slow down"), Kind.THROTTLED, 429, "slow down"),
        (error(429, "slow down"), Kind.THROTTLED, 429, "slow down"),
        (error("rate_limit_exceeded"), Kind.THROTTLED, 429, "words"),
        (error(None, type="server_error"), Kind.SERVER_ERROR, 500, "words"),
        (error("content_filter"), Kind.CONTENT_POLICY, 400, "words"),
        (error("context_length_exceeded"), Kind.CONTEXT_WINDOW, 400, "words"),
        (error("invalid_request_error"), Kind.BAD_REQUEST, 400, "words"),
        (error("500", "high demand", status=503), Kind.SERVER_ERROR, 503, "high demand"),
        (error("whatever"), Kind.STREAM, None, "words"),
        (error(None), Kind.STREAM, None, "words"),
        ({"error": "text"}, Kind.STREAM, None, "text"),
        ({"type": "error", **error("too_many_requests")}, Kind.THROTTLED, 429, "words"),
        ({"type": "error", "code": "server_error", "message": "flat", "param": None}, Kind.SERVER_ERROR, 500, "flat"),
        ({"type": "error", "message": "flat"}, Kind.STREAM, None, "flat"),
        ({"error": {"x": 1}}, Kind.STREAM, None, "the service reported an error without a message"),
    ],
)
def test_an_error_inside_a_200_is_told_by_its_code(value, kind, status, message):
    got = failure_in(value, Kind.STREAM)
    assert got is not None
    assert (got.kind, got.status, got.message) == (kind, status, message)


@pytest.mark.parametrize("value", [{}, {"error": None}, {"error": {}}, {"choices": []}, {"type": "message"}])
def test_an_object_without_an_error_is_none(value):
    assert failure_in(value, Kind.STREAM) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["error", "code", "message", "type", "param", "status", "innererror", "detail"]),
        inner,
        max_size=5,
    ),
    max_leaves=10,
)  # fmt: skip


@given(
    st.integers(100, 999),
    st.dictionaries(
        st.sampled_from(["retry-after", "content-type", "ms-azureml-model-error-statuscode"]), st.text(max_size=9)
    ),
    st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode()),
    st.lists(st.text(max_size=3), max_size=2),
)
def test_no_answer_whatever_makes_it_raise(status, headers, body, secrets):
    got = failure_from(status, headers, body, 0.0, secrets)
    assert isinstance(got, Failure)
    assert got.message
    assert len(got.message) <= MESSAGE_LIMIT
    assert all(field is None or isinstance(field, str) for field in (got.code, got.param, got.type))


@given(JSON.filter(lambda value: isinstance(value, dict)))
def test_no_event_whatever_makes_it_raise(value):
    got = failure_in(value, Kind.STREAM)
    assert got is None or got.message
