"""What the service refuses, and how it breaks, are the official client's own exceptions."""

from __future__ import annotations

import contextlib
import gc

import openai
import pytest
from openai.types.chat import completion_create_params

from router.emulator import EmulatedDeployment, EmulatorConfig, EmulatorServer, Fault
from router.emulator.operations.known import CHAT, COMPLETIONS, EMBEDDINGS

from .conftest import entered
from .helpers import KEY

HELLO = [{"role": "user", "content": "hello"}]


def is_azure(client):
    return not str(client.base_url).endswith("east/v1/")


def ask(client, name="chat", **more):
    return client.chat.completions.create(**{"model": name, "messages": HELLO, **more})


@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_key(client, stream):
    wrong = client.with_options(api_key="wrong")
    for call in (lambda: ask(wrong, stream=stream), lambda: wrong.files.list(), lambda: wrong.models.retrieve("x")):
        with pytest.raises(openai.AuthenticationError) as caught:
            call()
        assert caught.value.status_code == 401
        # A key that travels as a bearer is taken for a token.
        assert caught.value.code in (("401", "Unauthorized") if is_azure(client) else ("invalid_api_key",))
        assert "wrong" not in str(caught.value).replace("wrong API endpoint", "")


def test_an_unknown_deployment(client):
    asks = (
        lambda: ask(client, "nowhere"),
        lambda: client.embeddings.create(model="nowhere", input="x"),
        lambda: client.images.generate(model="nowhere", prompt="x"),
        lambda: client.audio.speech.create(model="nowhere", input="x", voice="alloy"),
        lambda: client.audio.transcriptions.create(model="nowhere", file=("a.wav", b"x")),
        lambda: client.responses.create(model="nowhere", input="x"),
    )
    for call in asks:
        with pytest.raises(openai.NotFoundError) as caught:
            call()
        assert caught.value.code == ("DeploymentNotFound" if is_azure(client) else "model_not_found")


def test_a_full_deployment_says_when_to_come_again(client):
    with contextlib.suppress(openai.RateLimitError):  # a test before this one may have filled it
        ask(client, "small", max_tokens=900)
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client, "small", max_tokens=900)
    headers = caught.value.response.headers
    assert 0 < int(headers["retry-after"]) <= 60
    assert 0 < int(headers["retry-after-ms"]) <= 60_000
    assert caught.value.code == ("RateLimitReached" if is_azure(client) else "rate_limit_exceeded")
    assert headers["apim-request-id" if is_azure(client) else "x-request-id"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_is_blocked(client, stream):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, messages=[{"role": "user", "content": "emulate:content_filter"}], stream=stream)
    assert caught.value.code == "content_filter"
    if is_azure(client):
        inner = caught.value.body["innererror"]
        assert inner["code"] == "ResponsibleAIPolicyViolation"
        assert inner["content_filter_result"]["violence"] == {"filtered": True, "severity": "medium"}


def test_a_prompt_that_is_too_long(client):
    with pytest.raises(openai.BadRequestError, match="maximum context length is 1000 tokens") as caught:
        ask(client, "window", messages=[{"role": "user", "content": "word " * 2000}])
    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "messages")
    assert caught.value.type == "invalid_request_error"


@pytest.mark.parametrize("name", ["thinker", "gpt5"])
@pytest.mark.parametrize(
    ("asked", "code", "param"),
    [
        ({"max_tokens": 5}, "unsupported_parameter", "max_tokens"),
        ({"temperature": 0.2}, "unsupported_value", "temperature"),
        ({"logprobs": True}, "unsupported_parameter", "logprobs"),
        ({"presence_penalty": 1}, "unsupported_value", "presence_penalty"),
    ],
)
def test_what_a_reasoning_model_does_not_take(client, name, asked, code, param):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, name, **asked)
    assert (caught.value.code, caught.value.param) == (code, param)


@pytest.mark.parametrize("stream", [False, True])
def test_a_parameter_that_nobody_knows(client, stream):
    with pytest.raises(openai.BadRequestError, match="Unrecognized request argument supplied: frobnicate"):
        ask(client, stream=stream, extra_body={"frobnicate": 1})
    with pytest.raises(openai.BadRequestError, match="frobnicate"):
        client.completions.create(model="text", prompt="x", extra_body={"frobnicate": 1})
    with pytest.raises(openai.BadRequestError, match="frobnicate"):
        client.embeddings.create(model="vectors", input="x", extra_body={"frobnicate": 1})


def test_every_parameter_of_the_client_is_known():
    stated = {
        CHAT: completion_create_params.CompletionCreateParamsBase,
        COMPLETIONS: openai.types.completion_create_params.CompletionCreateParamsBase,
        EMBEDDINGS: openai.types.embedding_create_params.EmbeddingCreateParams,
    }
    assert [set(params.__annotations__) - known for known, params in stated.items()] == [set()] * 3


# ---- breakage -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fragile():
    with EmulatorServer.in_thread(EmulatorConfig([EmulatedDeployment("chat", resource="east")], keys=[KEY])) as server:
        yield server


@pytest.fixture(params=["dated", "v1 awaiting"])
def breaking(request, fragile, portal):
    """A client, and the switch that makes its next call break."""
    for client in entered(fragile, request.param, portal):
        yield client, lambda *fault, **how: fragile.emulator.set_fault("chat", Fault(*fault, **{"count": 1, **how}))
    # A broken stream of the awaiting client leaves generators half-way, in a cycle with the error.  Collected by this
    # thread while the loop's thread closes them already, one of them is "already executing".
    portal.call(gc.collect)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, openai.PermissionDeniedError),
        (408, openai.APIStatusError),
        (409, openai.ConflictError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
def test_a_status_is_its_exception_and_the_client_tries_again_where_that_helps(breaking, status, kind):
    client, break_ = breaking
    break_("status", status)
    with pytest.raises(kind) as caught:
        ask(client)
    assert caught.value.status_code == status
    if status in (408, 409, 429, 500, 503):
        break_("status", status, headers={"retry-after-ms": "1"})
        assert ask(client.with_options(max_retries=1)).choices


def test_connections_that_break_and_answers_that_do_not_come(breaking):
    client, break_ = breaking
    break_("reset")
    with pytest.raises(openai.APIConnectionError):
        ask(client)
    break_("hang")
    with pytest.raises(openai.APITimeoutError):
        ask(client.with_options(timeout=0.1))


@pytest.mark.parametrize(("fault", "error"), [("stream_error", openai.APIError), ("stream_cut", Exception)])
def test_a_stream_that_breaks_after_its_first_words(breaking, fault, error):
    client, break_ = breaking
    break_(fault, after_events=3)
    chunks = iter(ask(client, stream=True))
    for _ in range(3):
        assert isinstance(next(chunks), openai.types.chat.ChatCompletionChunk)
    with pytest.raises(error) as caught:
        next(chunks)
    assert not isinstance(caught.value, openai.APIStatusError)
