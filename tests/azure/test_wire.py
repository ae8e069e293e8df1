"""Bodies and headers are what the service wants and never hold what they must not; answers are judged, not trusted."""

import copy
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from router.azure.endpoint import Endpoint, parse_endpoint
from router.azure.operations import OPERATIONS
from router.azure.wire import encode, headers_for, reply_from
from router.configured import Deployment
from router.errors import BadRequestError
from router.values import Call, Failure, Kind, RateLimits, Reply, Usage

AZURE = parse_endpoint("azure/d", "https://r.openai.azure.com", "2024-10-21")
MESSAGES = [{"role": "user", "content": "hé"}]
KEY = ("api-key", "k" * 32)


def deployment(model="d", **more):
    return Deployment("id", "g", model, **more)


def call(body=None, **more):
    return Call("chat.completions", "g", {"messages": MESSAGES} if body is None else body, **more)


def sent(endpoint=AZURE, where=None, what=None):
    return json.loads(encode(endpoint, where or deployment(), what or call()))


def test_the_body_is_the_callers_with_the_deployments_name_as_model():
    assert sent(what=call({"model": "gpt-4o", "messages": MESSAGES})) == {"model": "d", "messages": MESSAGES}
    assert sent(where=deployment("other")) == {"model": "other", "messages": MESSAGES}
    assert sent(endpoint=replace(AZURE, deployment="from-base"))["model"] == "from-base"


def test_an_empty_body_still_names_the_model():
    assert sent(what=call({})) == {"model": "d"}


def test_defaults_are_merged_under_the_callers_parameters():
    where = deployment(defaults={"temperature": 0.1, "user": "u", "model": "no", "stream": True, "max_tokens": 5})
    body = sent(where=where, what=call({"messages": MESSAGES, "temperature": 0.9, "max_completion_tokens": 7}))
    assert body == {"model": "d", "messages": MESSAGES, "temperature": 0.9, "user": "u", "max_completion_tokens": 7}


def test_stream_is_said_only_where_the_call_streams():
    assert sent(what=call(stream=True))["stream"] is True
    assert "stream" not in sent(what=call({"messages": MESSAGES, "stream": True}))


def test_the_limit_goes_by_the_name_of_the_family():
    body = {"messages": MESSAGES, "max_tokens": 9}
    assert sent(what=call(body))["max_tokens"] == 9
    for endpoint, where in [
        (parse_endpoint("azure/o_series/d", "https://r.openai.azure.com", None), deployment()),
        (AZURE, deployment(base_model="azure/gpt-5-mini")),
        (AZURE, deployment("my-o3-mini")),
    ]:
        wire = sent(endpoint, where, call(body))
        assert wire["max_completion_tokens"] == 9
        assert "max_tokens" not in wire


def test_the_callers_objects_are_never_changed():
    body = {"messages": MESSAGES, "max_tokens": 3, "model": "x"}
    defaults = {"user": "u"}
    before = copy.deepcopy((body, defaults))
    encode(AZURE, deployment("o3", defaults=defaults), call(body, stream=True))
    assert (body, defaults) == before


def test_the_messages_are_encoded_once_for_all_attempts_of_a_call():
    """What a caller changes meanwhile is not sent either: every attempt asks the same."""
    messages = [{"role": "user", "content": "first"}]
    what = call({"messages": messages})
    encode(AZURE, deployment(), what)
    messages[0]["content"] = "second"
    assert sent(where=deployment("e"), what=what)["messages"][0]["content"] == "first"


def test_a_new_body_is_encoded_anew():
    """A fallback with parameters of its own gives the call another body."""
    what = call()
    encode(AZURE, deployment(), what)
    what.body = {**what.body, "temperature": 1}
    assert sent(what=what)["temperature"] == 1


def test_models_of_an_earlier_answer_can_be_sent_back_without_their_empty_fields():
    class Message(BaseModel):
        role: str
        content: str
        function_call: str | None = None

    body = sent(what=call({"messages": [Message(role="assistant", content="hi")], "stop": None}))
    assert body["messages"] == [{"role": "assistant", "content": "hi"}]
    assert body["stop"] is None


class Thing:
    """Says its secret when it is printed."""

    def __repr__(self):
        return "my prompt"


CIRCLE = {}
CIRCLE["again"] = CIRCLE


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (Thing(), "messages[0].content"),
        ("my prompt \ud83d", "messages[0].content"),
        (float("nan"), "messages[0].content"),
        (float("inf"), "messages[0].content"),
        ([{"text": "my prompt"}, {"text": -float("inf")}], "messages[0].content[1].text"),
        ({"a b": Thing()}, "messages[0].content[…]"),
        (b"\xff my prompt", "messages[0].content"),
        (CIRCLE, "messages[0].content.again"),
    ],
    ids=["object", "surrogate", "nan", "infinity", "deep", "odd key", "bytes", "circle"],
)
def test_what_json_cannot_say_is_refused_by_its_place_and_never_quoted(value, place):
    with pytest.raises(BadRequestError) as caught:
        encode(AZURE, deployment(), call({"messages": [{"role": "user", "content": value}]}))
    assert place in str(caught.value)
    assert "my prompt" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_bad_default_is_refused_too():
    with pytest.raises(BadRequestError, match="temperature"):
        encode(AZURE, deployment(defaults={"temperature": float("nan")}), call())


def test_text_about_nan_is_no_nan():
    assert sent(what=call({"messages": [], "user": "NaN and Infinity"}))["user"] == "NaN and Infinity"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5).filter(str.isidentifier), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
BODY = st.dictionaries(st.sampled_from(["messages", "temperature", "user", "n", "x"]), JSON)


@given(BODY, BODY, st.booleans())
def test_any_json_arrives_as_it_is(body, defaults, stream):
    expected = {**defaults, **body, "model": "d"} | ({"stream": True} if stream else {})
    assert sent(where=deployment(defaults=defaults), what=call(body, stream=stream)) == expected


def test_a_request_has_our_headers_and_exactly_one_proof():
    headers = headers_for(AZURE, KEY, call())
    assert headers.pop("user-agent").startswith("azure-router/")
    assert headers == {"content-type": "application/json", "accept": "application/json", "api-key": "k" * 32}
    assert headers_for(AZURE, ("authorization", "Bearer t"), call()).keys().isdisjoint({"api-key"})


def test_a_stream_is_asked_for_and_an_organization_is_named():
    assert headers_for(AZURE, KEY, call(stream=True))["accept"].startswith("text/event-stream")
    endpoint = parse_endpoint("gpt-4o", None, None, "org-1")
    assert headers_for(endpoint, KEY, call())["openai-organization"] == "org-1"


def test_the_callers_headers_travel_and_leave_no_trace_in_the_next_request():
    headers = headers_for(AZURE, KEY, call(headers={"X-Trace": "1", "User-Agent": "mine"}))
    assert (headers["x-trace"], headers["user-agent"]) == ("1", "mine")
    assert "x-trace" not in headers_for(AZURE, KEY, call())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "s3cret\r\nX-B: 1"),
        ("X-A", "s3cret\n"),
        ("X-A", "s3cret\x00"),
        ("X-A", "s3cret é"),
        ("X-A\r\nX-B", "s3cret"),
        ("X A", "s3cret"),
        ("", "s3cret"),
        ("Authorization", "s3cret"),
        ("API-Key", "s3cret"),
        ("x-api-key", "s3cret"),
        ("Cookie", "s3cret"),
        ("Host", "s3cret"),
        ("Content-Length", "s3cret"),
        ("Content-Type", "s3cret"),
        ("Transfer-Encoding", "s3cret"),
        ("Connection", "s3cret"),
        ("Accept-Encoding", "s3cret"),
        ("X-A", 5),
    ],
)
def test_a_header_that_smuggles_or_is_ours_is_refused_without_its_value(name, value):
    with pytest.raises(BadRequestError) as caught:
        headers_for(AZURE, KEY, call(headers={name: value}))
    assert "s3cret" not in str(caught.value)
    assert "header" in str(caught.value)


JSON_TYPE = {"content-type": "application/json; charset=utf-8"}
CHAT = {
    "id": "c",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 15, "total_tokens": 35},
}
EMBEDDING = {"data": [{"index": 0, "embedding": [0.1]}], "usage": {"prompt_tokens": 8, "total_tokens": 8}}


def judged(body, status=200, operation="chat.completions", headers=None, secrets=()):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return reply_from(operation, status, JSON_TYPE | (headers or {}), data, 0.5, secrets)


def test_a_good_answer_is_a_reply_with_all_that_is_known_of_it():
    headers = {"x-ratelimit-limit-tokens": "100", "x-ratelimit-remaining-tokens": "65", "apim-request-id": "id-1"}
    reply = judged(CHAT, headers=headers)
    assert isinstance(reply, Reply)
    assert reply.body == CHAT
    assert reply.usage == Usage(20, 15, 35)
    assert reply.limits == RateLimits(limit_tokens=100, remaining_tokens=65)
    assert (reply.status, reply.seconds, reply.request_id) == (200, 0.5, "id-1")
    assert reply.headers["content-type"] == JSON_TYPE["content-type"]


def test_embeddings_and_completions_are_judged_by_their_own_shape():
    reply = judged(EMBEDDING, operation="embeddings")
    assert isinstance(reply, Reply)
    assert reply.usage == Usage(8, 0, 8)
    assert isinstance(judged({"choices": [{"text": ""}]}, operation="completions"), Reply)


@pytest.mark.parametrize("usage", [{"prompt_tokens": -1}, {"prompt_tokens": "9"}, {"total_tokens": 10**12}, [], {}])
def test_an_answer_with_an_impossible_usage_is_delivered_and_flagged(usage):
    reply = judged({**CHAT, "usage": usage})
    assert isinstance(reply, Reply)
    assert reply.usage is None
    assert reply.usage_is_nonsense


def test_an_answer_without_usage_is_delivered_and_not_flagged():
    for body in ({"choices": CHAT["choices"]}, {**CHAT, "usage": None}):
        reply = judged(body)
        assert isinstance(reply, Reply)
        assert reply.usage is None
        assert not reply.usage_is_nonsense


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", Kind.EMPTY),
        (b" \n", Kind.EMPTY),
        (b'{"choices": [{"index', Kind.BAD_JSON),
        (b"s3cret", Kind.BAD_JSON),
        (b"null", Kind.BAD_SHAPE),
        (b"[]", Kind.BAD_SHAPE),
        (b"{}", Kind.BAD_SHAPE),
        (b'"s3cret"', Kind.BAD_SHAPE),
        ({"choices": []}, Kind.BAD_SHAPE),
        ({"choices": None}, Kind.BAD_SHAPE),
        ({"choices": {"message": {}}}, Kind.BAD_SHAPE),
        ({"choices": ["s3cret"]}, Kind.BAD_SHAPE),
        ({"choices": [{"text": "s3cret"}]}, Kind.BAD_SHAPE),
        ({"choices": [{"message": "s3cret"}]}, Kind.BAD_SHAPE),
        ({"choices": [{"message": None}]}, Kind.BAD_SHAPE),
        (EMBEDDING, Kind.BAD_SHAPE),
    ],
)
def test_a_200_that_is_no_answer_is_a_failure_that_quotes_nothing(body, kind):
    failure = judged(body, headers={"x-ratelimit-limit-tokens": "5", "apim-request-id": "i"})
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.status, failure.seconds, failure.request_id) == (kind, 200, 0.5, "i")
    assert failure.limits.limit_tokens == 5
    assert "s3cret" not in failure.message
    assert "HTTP 200" in failure.message


@pytest.mark.parametrize("body", [{"data": None}, {"data": []}, {"data": [1]}, {"data": [{"index": 0}]}, CHAT])
def test_embeddings_need_their_data(body):
    failure = judged(body, operation="embeddings")
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.BAD_SHAPE


def test_a_204_is_empty():
    failure = judged(b"", 204)
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.EMPTY


@pytest.mark.parametrize("form", ["text/html", "text/html; charset=utf-8", "text/event-stream", "application/xml"])
def test_another_content_type_is_a_failure_whatever_the_body(form):
    failure = judged(CHAT, headers={"content-type": form})
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.BAD_CONTENT_TYPE
    assert form.split(";")[0] in failure.message


@pytest.mark.parametrize(
    "form", ["", "text/plain", "application/octet-stream", "application/problem+json", "APPLICATION/JSON"]
)
def test_json_under_a_vague_content_type_is_accepted_and_anything_else_is_not(form):
    assert isinstance(judged(CHAT, headers={"content-type": form}), Reply)
    failure = judged(b"<html>", headers={"content-type": form})
    assert isinstance(failure, Failure)
    assert failure.kind is (Kind.BAD_JSON if "json" in form.lower() else Kind.BAD_CONTENT_TYPE)


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        ({"code": "429", "message": "m"}, Kind.THROTTLED, 429),
        ({"code": "content_filter", "message": "m"}, Kind.CONTENT_POLICY, 400),
        ({"code": "x", "message": "m"}, Kind.SERVER_ERROR, None),
        ("m", Kind.SERVER_ERROR, None),
    ],
)
def test_an_error_object_inside_a_200_is_that_error(error, kind, status):
    failure = judged({"error": error}, headers={"apim-request-id": "i"})
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.status, failure.message, failure.request_id) == (kind, status, "m", "i")


def test_a_redirect_and_an_error_status_are_left_to_the_failures():
    for status, kind in [(307, Kind.REDIRECT), (429, Kind.THROTTLED), (500, Kind.SERVER_ERROR)]:
        failure = judged(CHAT, status)
        assert isinstance(failure, Failure)
        assert failure.kind is kind


def test_binary_answers_are_handed_on_as_bytes():
    reply = reply_from("audio.speech", 200, {"content-type": "audio/mpeg"}, b"\xff\xfb", 0.1)
    assert isinstance(reply, Reply)
    assert reply.body == b"\xff\xfb"


def test_no_reply_or_failure_prints_what_it_holds():
    assert "Hello" not in repr(judged(CHAT))
    assert "s3cret" not in repr(judged({"error": {"message": "m", "more": "s3cret"}}))


@given(
    st.sampled_from([*OPERATIONS]),
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["content-type", "retry-after"]), st.sampled_from(["", "application/json", "5"])),
    st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode())
    | JSON.map(lambda value: json.dumps({"choices": value, "data": [value], "usage": value}).encode()),
)  # fmt: skip
def test_no_answer_whatever_makes_the_judge_raise(operation, status, headers, body):
    assert isinstance(reply_from(operation, status, headers, body), Reply | Failure)


def test_an_endpoint_holds_no_secret_and_can_be_printed():
    assert isinstance(AZURE, Endpoint)
    assert "r.openai.azure.com" in repr(AZURE)
