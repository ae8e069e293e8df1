"""`reply.routing.cost`: the right model's price, the deployment's own before the list's, and None with one warning."""

from __future__ import annotations

import copy
import logging
import pickle
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from router import Router, billing
from router.azure.operations import OPERATIONS
from router.billing import Bill, bill_for
from router.configured import Deployment
from router.costs import Prices
from router.emulator import EmulatedDeployment, EmulatorConfig, EmulatorServer
from router.values import Call, Usage

from .fleets import HELLO, KEY, entry

USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}


@pytest.fixture(autouse=True)
def _nobody_was_warned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(billing, "_warned", set[str]())


def bill(
    operation: str = "chat.completions",
    reply: Any = None,
    request: dict[str, Any] | None = None,
    stated: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    **deployment: Any,
) -> Bill:
    where = Deployment("east", "g", deployment.pop("model", "prod"), **deployment)
    body = {"model": "gpt-4o-2024-08-06", "usage": USAGE if stated is None else stated} if reply is None else reply
    usage = Usage(1, 1, 2, body["usage"]) if isinstance(body, dict) and "usage" in body else None
    call = Call(operation, "g", request or {}, charged=OPERATIONS[operation].charged)
    return bill_for(call, where, body, usage, headers or {}, seconds=2.0)


def test_base_model_decides_before_the_replys_model_and_that_before_the_deployments_name() -> None:
    assert bill(base_model="azure/gpt-4-1106-preview").cost == pytest.approx(1000 * 10e-6 + 100 * 30e-6)
    assert bill(model="gpt-4o-mini").cost == pytest.approx(1000 * 2.5e-6 + 100 * 10e-6)
    assert bill(model="gpt-4o-mini", reply={"model": "who knows", "usage": USAGE}).cost == pytest.approx(
        1000 * 0.15e-6 + 100 * 0.6e-6
    )


def test_cached_tokens_are_cheaper_and_reasoning_is_part_of_the_answer() -> None:
    stated = {
        **USAGE,
        "prompt_tokens_details": {"cached_tokens": 600},
        "completion_tokens_details": {"reasoning_tokens": 90},
    }
    assert bill(stated=stated).cost == pytest.approx(400 * 2.5e-6 + 600 * 1.25e-6 + 100 * 10e-6)


def test_audio_tokens_have_their_price() -> None:
    stated = {
        **USAGE,
        "prompt_tokens_details": {"audio_tokens": 200},
        "completion_tokens_details": {"audio_tokens": 50},
    }
    expected = 800 * 2.5e-6 + 200 * 40e-6 + 50 * 10e-6 + 50 * 80e-6
    assert bill(stated=stated, base_model="gpt-4o-audio-preview").cost == pytest.approx(expected)


@pytest.mark.parametrize(
    ("operation", "model", "request_", "reply", "expected"),
    [
        ("images.generations", "dall-e-3", {"size": "1792x1024", "quality": "hd"}, {"data": [{}]}, 0.12),
        ("images.generations", "dall-e-3", {"n": 1}, {"data": [{}]}, 0.04),
        (
            "images.generations",
            "gpt-image-1",
            {},
            {
                "data": [{}],
                "usage": {
                    "input_tokens": 60,
                    "input_tokens_details": {"text_tokens": 10, "image_tokens": 50},
                    "output_tokens": 1000,
                },
            },
            10 * 5e-6 + 50 * 10e-6 + 1000 * 40e-6,
        ),
        ("audio.speech", "tts-1", {"input": "x" * 1000}, b"mp3", 0.015),
        ("audio.transcriptions", "whisper", {}, {"text": "x", "duration": 90.0}, 0.009),
        (
            "audio.transcriptions",
            "gpt-4o-transcribe",
            {},
            {
                "text": "x",
                "usage": {"input_tokens": 100, "input_token_details": {"audio_tokens": 100}, "output_tokens": 9},
            },
            100 * 6e-6 + 9 * 10e-6,
        ),
        (
            "embeddings",
            "text-embedding-3-small",
            {},
            {"data": [], "usage": {"prompt_tokens": 50, "total_tokens": 50}},
            50 * 0.02e-6,
        ),
        ("responses.retrieve", "gpt-4o", {}, {"usage": {"input_tokens": 10, "output_tokens": 1}}, 10 * 2.5e-6 + 10e-6),
        ("responses", "gpt-4o", {}, {"usage": {"input_tokens": 10, "output_tokens": 1}}, 10 * 2.5e-6 + 10e-6),
        ("batches.retrieve", "gpt-4o", {}, {"usage": {"input_tokens": 10, "output_tokens": 1}}, 10 * 1.25e-6 + 5e-6),
        ("batches.retrieve", "o4-mini", {}, {"usage": {"input_tokens": 10, "output_tokens": 1}}, (11e-6 + 4.4e-6) / 2),
    ],
)
def test_every_operation_has_its_cost(
    operation: str, model: str, request_: dict[str, Any], reply: Any, expected: float
) -> None:
    assert bill(operation, reply, request_, base_model=model).cost == pytest.approx(expected)


def test_handling_files_costs_nothing() -> None:
    for operation in ("files.create", "files.content", "batches.list", "responses.delete", "models.list"):
        assert bill(operation, {"id": "file-1"}).cost == 0.0


def test_own_prices_come_first_and_need_no_list() -> None:
    assert bill(prices=Prices(1e-3, 1e-2), model="nobody-knows", reply={"usage": USAGE}).cost == pytest.approx(2.0)
    assert bill(prices=Prices(output_token=0.0)).cost == pytest.approx(1000 * 2.5e-6)
    assert bill(prices=Prices(second=0.5), model="x", reply={"usage": USAGE}).cost == pytest.approx(1.0)


def test_a_provisioned_deployment_costs_nothing_unless_it_passed_the_call_on() -> None:
    assert bill(provisioned=True).cost == 0.0
    for headers in ({"x-ms-spillover-from-deployment": "ptu"}, {"x-ms-is-spilled-over": "true"}):
        assert bill(provisioned=True, headers=headers).cost == pytest.approx(0.0035)


def test_the_replys_tier_is_priced() -> None:
    reply = {"model": "gpt-4o", "usage": USAGE, "service_tier": "priority"}
    assert bill(reply=reply).cost == pytest.approx(1000 * 4.25e-6 + 100 * 17e-6)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: bill(model="mine", reply={"usage": USAGE}), "State the model as base_model"),
        (lambda: bill(base_model="mine"), "'mine' on east"),
        (lambda: bill("audio.transcriptions", {"text": "x"}, base_model="whisper"), "does not say how much it used"),
    ],
)
def test_the_unknown_is_none_with_one_warning_for_each_model(
    made: Any, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert [made().cost for _ in range(3)] == [None, None, None]
    ((name, level, said),) = caplog.record_tuples
    assert (name, level) == ("router", logging.WARNING)
    assert says in said


def response(*items: dict[str, Any], model: str = "gpt-5") -> dict[str, Any]:
    usage = {"input_tokens": 1000, "output_tokens": 100}
    return {"model": model, "usage": usage, "output": [{"type": "message"}, *items]}


SEARCH = {"type": "web_search_call", "action": {"type": "search", "query": "x"}}
LOOK = {"type": "web_search_call", "action": {"type": "open_page", "url": "x"}}
OF_FILES, OF_CODE, FUNCTION = ({"type": f"{name}_call"} for name in ("file_search", "code_interpreter", "function"))
OPENAI: Any = SimpleNamespace(endpoint=SimpleNamespace(kind="openai", family=None))


def test_tools_that_are_billed_by_their_uses_have_the_price_of_the_list_on_openai() -> None:
    tokens = bill("responses", response(FUNCTION), endpoint=OPENAI).cost
    assert tokens == pytest.approx(1000 * 1.25e-6 + 100 * 10e-6)
    used = bill("responses", response(SEARCH, LOOK, SEARCH, OF_FILES), endpoint=OPENAI).cost
    assert used == pytest.approx(tokens + 2 * 0.01 + 0.0025)
    assert bill("responses", response(SEARCH, OF_CODE), endpoint=OPENAI).cost is None


@pytest.mark.parametrize(
    ("operation", "reply", "request_", "named"),
    [
        ("responses", response(SEARCH), {}, "web_search"),
        ("responses.retrieve", response(OF_FILES, OF_CODE), {}, "code_interpreter, file_search"),
        ("chat.completions", {"model": "gpt-4o", "usage": USAGE}, {"web_search_options": {}}, "web_search_options"),
        ("fine_tuning.jobs.retrieve", {"model": "gpt-4o-mini", "trained_tokens": 5000}, {}, "training"),
    ],
)
def test_what_has_no_price_makes_the_cost_unknown_and_not_too_little(
    operation: str, reply: dict[str, Any], request_: dict[str, Any], named: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        deployment = {"base_model": "gpt-4o"} if named == "training" else {}  # whose resource keeps the job
        assert bill(operation, reply, request_, **deployment).cost is None
    (warning,) = caplog.records
    assert f"no price of {named} is known" in warning.getMessage()
    assert repr(reply["model"]) in warning.getMessage()


def test_claudes_searches_have_anthropics_price() -> None:
    usage = {"input_tokens": 1000, "output_tokens": 100, "server_tool_use": {"web_search_requests": 3}}
    reply = {"model": "claude-sonnet-4-5", "usage": usage}
    assert bill("messages", reply).cost == pytest.approx(1000 * 3e-6 + 100 * 15e-6 + 3 * 0.01)


def test_a_provisioned_deployment_pays_for_tools_all_the_same() -> None:
    assert bill("responses", response(FUNCTION), provisioned=True).cost == 0.0
    assert bill("responses", response(SEARCH), provisioned=True).cost is None
    assert bill("responses", response(SEARCH), provisioned=True, endpoint=OPENAI).cost == pytest.approx(0.01)


def test_a_batch_that_runs_has_no_cost_yet_and_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert bill("batches.create", {"id": "b"}, base_model="gpt-4o").cost is None
    assert bill("fine_tuning.jobs.create", {"id": "j"}, base_model="gpt-4o").cost is None
    assert caplog.text == ""


def test_a_bill_is_plain_values() -> None:
    made = bill()
    for copied in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        assert copied.cost == made.cost is not None


# ---- from end to end -----------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    deployments = [
        EmulatedDeployment("chat", resource="chat", model="gpt-4o-2024-08-06"),
        EmulatedDeployment("thinker", resource="thinker", model="o4-mini-2025-04-16", family="o_series"),
    ]
    with EmulatorServer.in_thread(EmulatorConfig(deployments, keys=[KEY])) as running:
        yield running


def priced(usage: Any, prompt: float, answer: float) -> Any:
    return pytest.approx(usage.prompt_tokens * prompt + usage.completion_tokens * answer)


def test_a_reply_has_its_cost(server: EmulatorServer) -> None:
    with Router([entry(server, "chat")]) as router:
        reply = router.completion("gpt-4o", HELLO, max_tokens=30)
    assert reply.routing.cost == priced(reply.usage, 2.5e-6, 10e-6)
    assert not reply.routing.cost_is_estimate
    assert pickle.loads(pickle.dumps(reply)).routing.cost == reply.routing.cost


def test_base_model_counts_though_azure_names_another(server: EmulatorServer) -> None:
    with Router([entry(server, "chat", model_info={"base_model": "azure/gpt-4-1106-preview"})]) as router:
        reply = router.completion("gpt-4o", HELLO, max_tokens=30)
    assert reply.model == "gpt-4o-2024-08-06"
    assert reply.routing.cost == priced(reply.usage, 10e-6, 30e-6)


def test_own_prices_and_provisioned_deployments_from_the_configuration(server: EmulatorServer) -> None:
    own = {"input_cost_per_token": 1.0, "output_cost_per_token": 2.0}
    with Router([entry(server, "chat", **own)]) as router:
        reply = router.completion("gpt-4o", HELLO, max_tokens=30)
        assert reply.routing.cost == priced(reply.usage, 1.0, 2.0)
    with Router([entry(server, "chat", model_info={"ptu_count": 50})]) as router:
        assert router.completion("gpt-4o", HELLO, max_tokens=30).routing.cost == 0.0


def test_a_stream_has_its_cost_after_its_end(server: EmulatorServer) -> None:
    with Router([entry(server, "chat")]) as router:
        stream = router.completion("gpt-4o", HELLO, stream=True, stream_options={"include_usage": True})
        assert stream.routing.cost is None
        chunks = list(stream)
    assert stream.routing.cost == priced(chunks[-1].usage, 2.5e-6, 10e-6)
    assert not stream.routing.cost_is_estimate


async def test_without_a_stated_usage_a_stream_is_estimated(server: EmulatorServer) -> None:
    async with Router([entry(server, "chat")]) as router:
        stream = await router.acompletion("gpt-4o", HELLO, stream=True)
        assert [chunk async for chunk in stream]
    assert stream.routing.cost_is_estimate
    assert stream.routing.cost is not None
    assert stream.routing.cost > len(stream.text) / 4 * 10e-6


def test_reasoning_that_nobody_saw_is_not_estimated(server: EmulatorServer, caplog: pytest.LogCaptureFixture) -> None:
    with Router([entry(server, "thinker")]) as router:
        stream = router.completion("gpt-4o", HELLO, stream=True)
        assert list(stream)
        assert stream.routing.cost is None
    assert "does not say how much it used" in caplog.text
