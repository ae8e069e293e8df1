"""What goes over the wire, scenario by scenario, through a Router and through the module functions.

The numbers are those of the behaviour that users of LiteLLM expect.  Where one is proved elsewhere, this file has what
is missing there: samples of LiteLLM's page stand in tests/page, families in tests/test_fitness.py, sign-ins in
tests/test_signing_in.py and tests/azure, files and batches in tests/surface.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import router as package
from router import (
    APIError,
    AuthenticationError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    NotFoundError,
    RateLimitError,
    Router,
    UnsupportedParamsError,
    direct,
)
from tests.azure.fault_server import answer
from tests.recorder import Asked, Recorder
from tests.surface.test_files import shelf
from tests.worlds import WORLDS, World

KEY = "canary-key-0123456789"
HELLO = [{"role": "user", "content": "Hello"}]
CHAT: dict[str, Any] = {
    "id": "chatcmpl-1",
    "model": "gpt-4o-2024-11-20",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
}
PROOFS = ("api-key", "authorization", "x-api-key")
Ask = Callable[..., Any]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(direct, "places", direct.Places())
    yield
    direct.places.close()


@pytest.fixture
def server() -> Iterator[Recorder]:
    with Recorder(answer(CHAT)) as running:
        yield running


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


@pytest.fixture(params=["router", "function"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """A chat of one deployment: by a Router that has it in its `model_list`, or by the module function."""

    def asked(model: str, params: dict[str, Any], messages: Any = HELLO, **given: Any) -> Any:
        if request.param == "function":
            return package.completion(model=model, messages=messages, **params, **given)
        with Router([{"model_name": "g", "litellm_params": {"model": model, **params}}]) as router:
            return router.completion(model="g", messages=messages, **given)

    return asked


def proofs(asked: Asked) -> dict[str, str]:
    return {name: asked.headers[name] for name in PROOFS if name in asked.headers}


DATED = "/openai/deployments/dep/chat/completions"
UNSTATED = {"api-version": "2025-02-01-preview"}


@pytest.mark.parametrize(
    ("base", "version", "path", "query"),
    [
        ("", "2024-10-21", DATED, {"api-version": "2024-10-21"}),
        ("/", "2024-10-21", DATED, {"api-version": "2024-10-21"}),
        ("/openai", "2024-10-21", DATED, {"api-version": "2024-10-21"}),
        ("/openai/deployments/dep", "2024-10-21", DATED, {"api-version": "2024-10-21"}),
        ("/openai/deployments/dep/", None, DATED, UNSTATED),
        ("/openai/deployments/dep/chat/completions?api-version=2024-06-01", None, DATED, {"api-version": "2024-06-01"}),
        ("/openai/deployments/dep/extensions", None, DATED.replace("dep/", "dep/extensions/"), UNSTATED),
        ("", "v1", "/openai/v1/chat/completions", {}),
        ("", "latest", "/openai/v1/chat/completions", {}),
        ("", "preview", "/openai/v1/chat/completions", {"api-version": "preview"}),
        ("/openai/v1", "2024-10-21", "/openai/v1/chat/completions", {}),
        ("/openai/v1/", None, "/openai/v1/chat/completions", {}),
        ("/gateway/team", "2024-10-21", f"/gateway/team{DATED}", {"api-version": "2024-10-21"}),
        ("", None, DATED, UNSTATED),
    ],
)
def test_every_form_of_a_base_leads_to_its_url(
    base: str, version: str | None, path: str, query: dict[str, str], ask: Ask, server: Recorder
) -> None:
    """Scenario 63; a base that ends in `/openai/v1` works with a dated version too."""
    params = {"api_base": server.base + base, "api_key": KEY} | ({"api_version": version} if version else {})
    reply = ask("azure/dep", params)
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.query) == ("POST", path, query)
    assert proofs(asked) == {"api-key": KEY}
    assert asked.json == {"model": "dep", "messages": HELLO}
    assert reply.choices[0].message.content == "Hello"


@pytest.mark.parametrize(
    ("given", "environment", "sent"),
    [
        ({"api_key": KEY}, {}, {"api-key": KEY}),
        ({"azure_ad_token": "token-1"}, {}, {"authorization": "Bearer token-1"}),
        ({"azure_ad_token": "token-1", "api_key": KEY}, {}, {"authorization": "Bearer token-1"}),
        ({"azure_ad_token_provider": lambda: "token-2", "api_key": KEY}, {}, {"authorization": "Bearer token-2"}),
        ({"azure_ad_token_provider": lambda: "token-2"}, {"AZURE_API_KEY": KEY}, {"authorization": "Bearer token-2"}),
        ({"api_key": KEY}, {"AZURE_AD_TOKEN": "token-3"}, {"api-key": KEY}),
        ({}, {"AZURE_AD_TOKEN": "token-3", "AZURE_API_KEY": KEY}, {"authorization": "Bearer token-3"}),
        ({}, {"AZURE_API_KEY": KEY, "AZURE_OPENAI_API_KEY": "other"}, {"api-key": KEY}),
        ({}, {"AZURE_OPENAI_API_KEY": KEY}, {"api-key": KEY}),
    ],
)
def test_one_proof_is_sent_whatever_is_given(
    given: dict[str, Any],
    environment: dict[str, str],
    sent: dict[str, str],
    ask: Ask,
    server: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Scenario 66."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ask("azure/dep", {"api_base": server.base, **given})
    assert proofs(server.last) == sent


def test_a_provider_is_asked_again_when_its_token_is_refused(ask: Ask, server: Recorder) -> None:
    """Scenario 66; that it is asked again before its token runs out is in tests/azure/test_credentials.py."""
    tokens = ["old", "new"]
    refused = answer({"error": {"code": "401", "message": "expired"}}, status=401)
    server.reply = lambda asked: answer(CHAT) if "new" in asked.headers["authorization"] else refused
    provider = lambda: tokens.pop(0)  # noqa: E731 - as a caller writes it
    assert ask("azure/dep", {"api_base": server.base, "azure_ad_token_provider": provider}).choices
    assert [proofs(asked)["authorization"] for asked in server.asked] == ["Bearer old", "Bearer new"]


@pytest.mark.parametrize("model", ["azure/o_series/dep", "azure/my-o3-dep", "azure/gpt5_series/dep", "azure/gpt-5-dep"])
def test_reasoning_models_get_their_own_names(model: str, ask: Ask, server: Recorder) -> None:
    """Scenarios 67 and 68: the prefix is not sent, the limit is renamed, a temperature is refused or left out."""
    params = {"api_base": server.base, "api_key": KEY}
    with pytest.raises(UnsupportedParamsError, match="temperature"):
        ask(model, params, temperature=0.2)
    assert not server.asked
    ask(model, params, max_tokens=9, temperature=0.2, drop_params=True)
    name = model.rpartition("/")[2]
    assert server.last.path == f"/openai/deployments/{name}/chat/completions"
    assert server.last.json == {"model": name, "messages": HELLO, "max_completion_tokens": 9}


def test_demo3_is_no_reasoning_model(ask: Ask, server: Recorder) -> None:
    """Scenario 67."""
    ask("azure/demo3", {"api_base": server.base, "api_key": KEY}, max_tokens=9, temperature=0.2)
    assert server.last.json == {"model": "demo3", "messages": HELLO, "max_tokens": 9, "temperature": 0.2}


def test_a_text_deployment_gets_a_sensible_prompt(ask: Ask, server: Recorder) -> None:
    """Scenario 69: several messages are told apart, and the answer has the shape of a chat."""
    server.reply = answer({"id": "cmpl-1", "choices": [{"index": 0, "text": " Sunny.", "finish_reason": "stop"}]})
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}]
    reply = ask("azure_text/dep", {"api_base": server.base, "api_key": KEY}, messages)
    assert server.last.path == "/openai/deployments/dep/completions"
    prompt = server.last.json["prompt"]
    assert "shi" not in prompt
    assert prompt.index("s") < prompt.index("hi")
    assert reply.choices[0].message.content == " Sunny."


CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "cat"}'}}
PARTS = [
    {"type": "text", "text": "What is this?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}},
    {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
]


def test_parts_tools_and_sounds_arrive_as_they_are(ask: Ask, server: Recorder) -> None:
    """Scenario 70, with what a tool has said."""
    message = {"role": "assistant", "content": None, "tool_calls": [CALL, {**CALL, "id": "call_2"}]}
    server.reply = answer({**CHAT, "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]})
    body = {
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "parallel_tool_calls": True,
        "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "wav"},
    }
    said = [{"role": "user", "content": PARTS}, message, {"role": "tool", "tool_call_id": "call_1", "content": "a cat"}]
    reply = ask("azure/dep", {"api_base": server.base, "api_key": KEY}, said, **body)
    assert server.last.json == {"model": "dep", "messages": said, **body}
    assert [call.id for call in reply.choices[0].message.tool_calls] == ["call_1", "call_2"]
    assert json.loads(reply.choices[0].message.tool_calls[0].function.arguments) == {"at": "cat"}
    assert reply.choices[0].finish_reason == "tool_calls"


def _openai(code: str | None, message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code, **more}}


FILTER = {"hate": {"filtered": True, "severity": "high"}}
ERRORS: list[tuple[int, dict[str, Any], type[APIError]]] = [
    (404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}}, NotFoundError),
    (404, {"error": {"code": "404", "message": "Resource not found"}}, NotFoundError),
    (
        400,
        _openai("content_filter", "filtered", innererror={"content_filter_result": FILTER}),
        ContentPolicyViolationError,
    ),
    (
        400,
        _openai("BadRequest", "no", innererror={"code": "ResponsibleAIPolicyViolation"}),
        ContentPolicyViolationError,
    ),
    (400, _openai("content_policy_violation", "no"), ContentPolicyViolationError),
    (400, _openai("context_length_exceeded", "too long"), ContextWindowExceededError),
    (400, _openai(None, "This model's maximum context length is 8192 tokens."), ContextWindowExceededError),
    (401, {"error": {"code": "401", "message": "Access denied due to invalid subscription key."}}, AuthenticationError),
    (401, {"statusCode": 401, "message": "Unauthorized. Access token is missing."}, AuthenticationError),
    (429, {"error": {"code": "429", "message": "Requests have exceeded the token rate limit."}}, RateLimitError),
]


@pytest.mark.parametrize(("status", "body", "error"), ERRORS)
def test_azures_errors_are_typed(
    status: int, body: dict[str, Any], error: type[APIError], world: World, server: Recorder
) -> None:
    """Scenario 72: by class, status and code, with the service's own words and its request's id."""
    server.reply = answer(body, status=status, apim_request_id="req-1")
    entry = {"model": "azure/dep", "api_base": server.base, "api_key": KEY}
    with Router([{"model_name": "g", "litellm_params": entry}]) as router, pytest.raises(error) as caught:
        world.call(router, "completion", "g", HELLO, num_retries=0)
    told = caught.value
    assert type(told) is error
    assert (told.status_code, told.request_id, told.body) == (status, "req-1", body)
    message = body.get("message") or body["error"]["message"]
    assert f"HTTP {status}): {message.rstrip('.')}" in str(told)
    assert told.code == (body["error"]["code"] if "error" in body else None)
    assert len(server.asked) == 1


CLAUDES: dict[str, Any] = {
    "type": "message", "role": "assistant", "model": "claude-x", "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn", "usage": {"input_tokens": 5, "output_tokens": 1},
}  # fmt: skip


@pytest.mark.parametrize("name", ["azure/claude-x", "azure/*", "azure/claude-*"])
def test_claude_is_asked_on_foundrys_route(name: str, world: World, server: Recorder) -> None:
    """Scenario 73, through wildcards too; the module function is in tests/page."""
    server.reply = answer(CLAUDES)
    params = {"model": name, "api_base": server.base, "api_key": KEY}
    with Router([{"model_name": name, "litellm_params": params}]) as router:
        reply = world.call(router, "completion", "azure/claude-x", HELLO)
    assert (server.last.path, server.last.query) == ("/anthropic/v1/messages", {})
    assert (proofs(server.last), server.last.json["model"]) == ({"x-api-key": KEY}, "claude-x")
    assert reply.choices[0].message.content == "Hello"


# ---- files and batches ------------------------------------------------------------------------------------------

LINE = {"custom_id": "t", "method": "POST", "url": "/chat/completions", "body": {"model": "g", "messages": HELLO}}


def entries(*servers: Recorder) -> list[dict[str, Any]]:
    return [
        {
            "model_name": "g",
            "litellm_params": {"model": f"azure/dep{i}", "api_base": server.base, "api_key": KEY},
            "model_info": {"id": f"r{i}"},
        }
        for i, server in enumerate(servers)
    ]


def given_path(path: Path) -> Any:
    return path


def given_named_path(path: Path) -> Any:
    return ("in.jsonl", path)


def given_bytes(path: Path) -> Any:
    return path.read_bytes()


@pytest.mark.parametrize("given", [given_path, given_named_path, given_bytes])
def test_lines_name_the_deployment_and_keep_the_rest(
    given: Callable[[Path], Any], server: Recorder, tmp_path: Path
) -> None:
    """Scenario 74; an open file and a tuple of bytes are in tests/surface/test_files.py, as is that other purposes
    are left alone.  A line that is no JSON is refused and not passed on: the batch would fail hours later."""
    path = tmp_path / "in.jsonl"
    text = [{"role": "user", "content": 'two\nlines, "g" and \u2028 ü'}]
    path.write_text(json.dumps({**LINE, "body": {"model": "g", "messages": text}}) + "\n\n", encoding="utf-8")
    server.reply = answer({"id": "file-1", "object": "file"})
    with Router(entries(server)) as router:
        router.create_file(given(path), "batch")
    (sent,) = server.last.fields["file"].splitlines()
    assert json.loads(sent) == {**LINE, "body": {"model": "dep0", "messages": text}}


def test_all_of_a_batch_is_found_on_its_resource_after_a_restart(world: World, server: Recorder) -> None:
    """Scenario 75: with `model` named at creation too; nothing is asked of the other resource."""
    with Recorder() as other:
        for one in (server, other):
            one.reply = lambda asked: answer(
                {"id": "file-1" if "files" in asked.path else "batch_1", "input_file_id": "file-1", "object": "x"}
            )
        with Router(entries(server, other)) as router:
            file = world.call(router, "create_file", json.dumps(LINE).encode(), "batch")
            batch = world.call(router, "create_batch", "24h", "/chat/completions", file.id, model="g")
        mine, idle = (server, other) if server.asked else (other, server)
        assert not idle.asked
        with Router(entries(server, other)[::-1]) as again:
            world.call(again, "retrieve_batch", batch.id)
            world.call(again, "cancel_batch", batch.id)
            world.call(again, "file_content", batch.input_file_id)
            world.call(again, "delete_file", batch.input_file_id)
        assert [f"{asked.method} {asked.path}" for asked in mine.asked] == [
            "POST /openai/files",
            "POST /openai/batches",
            "GET /openai/batches/batch_1",
            "POST /openai/batches/batch_1/cancel",
            "GET /openai/files/file-1/content",
            "DELETE /openai/files/file-1",
        ]
        assert not idle.asked


def test_a_page_of_batches_is_no_longer_than_asked_and_leads_to_the_next(world: World, server: Recorder) -> None:
    """Scenario 76, over two resources; one page is in tests/page."""
    with Recorder() as other:
        for number, one in enumerate((server, other)):
            one.reply = shelf(*(9 - 2 * i - number for i in range(3)), prefix="batch_")
        with Router(entries(server, other)) as router:
            seen: list[str] = []
            sizes: list[int] = []
            after = None
            while True:
                page = world.call(router, "list_batches", limit=2, after=after)
                seen += [batch.id for batch in page.data]
                sizes.append(len(page.data))
                if not page.has_more:
                    break
                after = page.last_id
    assert (len(set(seen)), len(seen), sizes) == (6, 6, [2, 2, 2])
