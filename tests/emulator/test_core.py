"""Does the emulator answer as Azure does?  (azure.md §0 is the list.)"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from router.emulator import EmulatedDeployment, Emulator, EmulatorConfig, Fault
from router.emulator.core import Plan

HEADERS = {"api-key": "k", "content-type": "application/json"}
CLASSIC = "/openai/deployments/chat/chat/completions?api-version=2024-10-21"
SAY = {"messages": [{"role": "user", "content": "x" * 400}]}


def emulator(**options: Any) -> Emulator:
    return Emulator(EmulatorConfig([EmulatedDeployment("chat", **options)], keys=["k"]))


def ask(e: Emulator, body: Any = None, target: str = CLASSIC, now: float = 1000.0, **headers: str) -> Plan:
    given = json.dumps(SAY if body is None else body).encode()
    return e.handle("POST", target, {**HEADERS, **headers}, given, now)


def said(plan: Plan) -> Any:
    return json.loads(plan.body)


def test_a_chat_completion_has_azures_shape() -> None:
    plan = ask(emulator(model="gpt-4.1-2025-04-14", tpm=10_000, rpm=60))
    whole = said(plan)
    assert plan.status == 200
    assert whole["model"] == "gpt-4.1-2025-04-14"
    assert whole["choices"][0]["content_filter_results"]["hate"] == {"filtered": False, "severity": "safe"}
    assert whole["prompt_filter_results"][0]["prompt_index"] == 0
    assert whole["usage"]["prompt_tokens"] == 100
    assert plan.headers["x-ratelimit-limit-tokens"] == "10000"
    assert plan.headers["x-ratelimit-remaining-tokens"] == "9900"
    assert plan.headers["x-ms-deployment-name"] == "chat"
    assert plan.headers["apim-request-id"]


def test_max_tokens_cuts_and_is_charged_whole() -> None:
    e = emulator(tpm=10_000)
    whole = said(ask(e, {**SAY, "max_tokens": 3}))
    assert whole["choices"][0]["finish_reason"] == "length"
    assert whole["usage"]["completion_tokens"] == 3
    assert e.status()["chat"]["tokens"] == 103


def test_the_unused_part_can_be_released() -> None:
    kept, released = emulator(tpm=10_000), emulator(tpm=10_000, release_unused=True)
    for e in (kept, released):
        ask(e, {**SAY, "max_tokens": 5_000})
    assert ask(kept).headers["x-ratelimit-remaining-tokens"] == "4800"
    assert int(ask(released).headers["x-ratelimit-remaining-tokens"]) > 9_000


def test_a_stream_begins_empty_and_ends_with_its_usage_and_done() -> None:
    plan = ask(emulator(), {**SAY, "stream": True, "stream_options": {"include_usage": True}})
    assert plan.chunks is not None
    frames = [chunk.decode().removeprefix("data: ").strip() for _, chunk in plan.chunks]
    events = [json.loads(f) for f in frames[:-1]]
    assert frames[-1] == "[DONE]"
    assert events[0]["choices"] == []
    assert events[0]["prompt_filter_results"]
    assert events[1]["choices"][0]["delta"]["role"] == "assistant"
    assert events[-2]["choices"][0]["finish_reason"] == "stop"
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["total_tokens"] > 100
    assert plan.headers["content-type"].startswith("text/event-stream")


def test_embeddings_of_every_kind_of_input() -> None:
    e = emulator()
    target = CLASSIC.replace("chat/completions", "embeddings")
    for given, count in (("one", 1), (["one", "two"], 2), ([1, 2, 3], 1), ([[1], [2]], 2)):
        assert len(said(ask(e, {"input": given, "dimensions": 4}, target))["data"]) == count
    packed = said(ask(e, {"input": "one", "dimensions": 4, "encoding_format": "base64"}, target))
    assert len(base64.b64decode(packed["data"][0]["embedding"])) == 16


@pytest.mark.parametrize("auth", [{"api-key": "k"}, {"api-key": "", "authorization": "Bearer k"}])
def test_both_url_families_and_both_credentials_are_served(auth: dict[str, str]) -> None:
    e = emulator()
    assert ask(e, **auth).status == 200
    assert ask(e, {**SAY, "model": "chat"}, "/openai/v1/chat/completions", **auth).status == 200
    assert ask(e, target="/east" + CLASSIC, **auth).status == 200


@pytest.mark.parametrize(
    ("target", "headers", "status", "code"),
    [
        (CLASSIC, {"api-key": "wrong"}, 401, "401"),
        (CLASSIC.replace("/chat/chat", "/nobody/chat"), {}, 404, "DeploymentNotFound"),
        (CLASSIC.split("?")[0], {}, 404, "404"),
        ("/elsewhere", {}, 404, "404"),
    ],
)
def test_refusals_of_the_gateway(target: str, headers: dict[str, str], status: int, code: str) -> None:
    plan = ask(emulator(), target=target, **headers)
    assert (plan.status, said(plan)["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("body", "options", "code"),
    [
        ({"messages": [{"role": "user", "content": "emulate:content_filter"}]}, {}, "content_filter"),
        ({"messages": [{"role": "user", "content": "emulate:context_length"}]}, {}, "context_length_exceeded"),
        (SAY, {"context_window": 50}, "context_length_exceeded"),
        ({**SAY, "max_tokens": 5}, {"reasoning": True}, "unsupported_parameter"),
        ({**SAY, "temperature": 0}, {"reasoning": True}, "unsupported_value"),
        ({"messages": []}, {}, "BadRequest"),
    ],
)
def test_refusals_of_the_model(body: Any, options: Any, code: str) -> None:
    plan = ask(emulator(**options), body)
    assert (plan.status, said(plan)["error"]["code"]) == (400, code)


@pytest.mark.parametrize("kind", ["sliding", "fixed_minute", "token_bucket"])
def test_a_full_minute_is_throttled_and_says_how_long(kind: str) -> None:
    e = emulator(tpm=250, limiter=kind)
    assert [ask(e, now=1000.0 + i).status for i in range(4)] == [200, 200, 429, 429]
    plan = ask(e, now=1004.0)
    wait = int(plan.headers["retry-after-ms"]) / 1000
    assert plan.headers["retry-after"] == str(int(-(-wait // 1)))
    assert "token rate limit" in said(plan)["error"]["message"]
    assert ask(e, now=1004.0 + wait + 0.01).status == 200
    assert e.status()["chat"]["throttled"] == 3


def test_requests_are_judged_over_ten_seconds() -> None:
    e = emulator(rpm=18)
    assert [ask(e, now=1000.0).status for _ in range(4)] == [200, 200, 200, 429]
    assert "call rate limit" in said(ask(e, now=1001.0))["error"]["message"]
    assert ask(e, now=1011.0).status == 200


@pytest.mark.parametrize(
    ("form", "present", "absent"),
    [
        ("2024", "retry-after-ms", "x-ratelimit-reset-tokens"),
        ("reset-only", "x-ratelimit-reset-tokens", "retry-after"),
        ("bare", "apim-request-id", "retry-after"),
    ],
)
def test_the_older_forms_of_a_429(form: str, present: str, absent: str) -> None:
    e = emulator(tpm=100, throttle_form=form)
    ask(e)
    plan = ask(e)
    assert plan.status == 429
    assert present in plan.headers
    assert absent not in plan.headers


def test_a_request_larger_than_the_limit_is_told_to_wait_a_day() -> None:
    assert ask(emulator(tpm=50)).headers["retry-after"] == "86400"


def test_a_provisioned_deployment_shows_its_utilisation() -> None:
    plan = ask(emulator(tpm=1_000, limiter="ptu"))
    assert plan.headers["azure-openai-deployment-utilization"] == "10.0%"
    assert "x-ratelimit-remaining-tokens" not in plan.headers


def test_a_fault_hits_its_share_and_its_count_and_can_be_cleared() -> None:
    e = emulator()
    e.set_fault("chat", Fault("status", 503, count=2))
    assert [ask(e).status for _ in range(3)] == [503, 503, 200]
    e.set_fault("chat", Fault("status", 500, share=0.3))
    statuses = [ask(e).status for _ in range(300)]
    assert 50 < statuses.count(500) < 130
    e.set_fault("chat", None)
    assert ask(e).status == 200
    with pytest.raises(ValueError, match="hang"):
        Fault("explode")


def test_a_quota_can_be_cut_while_it_runs() -> None:
    e = emulator(tpm=1_000)
    assert ask(e).status == 200
    e.set_limit("chat", tpm=150)
    plan = ask(e)
    assert plan.status == 429
    assert plan.headers["x-ratelimit-limit-tokens"] == "150"


def test_the_peak_of_any_minute_is_counted_exactly() -> None:
    e = emulator()
    for now in (1000.0, 1030.0, 1059.9, 1060.1):
        ask(e, now=now)
    assert e.status()["chat"]["peak_tokens_per_minute"] == 300


def test_the_same_seed_gives_the_same_answers() -> None:
    assert ask(emulator()).body == ask(emulator()).body
