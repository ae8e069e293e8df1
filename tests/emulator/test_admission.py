"""What is admitted, what is charged, and what a 429 says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.emulator import Fault

from .helpers import ask, emulator, said


@pytest.mark.parametrize(
    ("estimate", "body", "tokens"),
    [
        ("modern", {}, 2),
        ("modern", {"max_tokens": 10}, 12),
        ("modern", {"max_tokens": 10, "n": 3}, 32),
        ("modern", {"max_completion_tokens": 7}, 9),
        ("legacy16", {}, 16),
        ("legacy16", {"max_tokens": 10, "n": 3}, 10),
    ],
)
def test_the_charge_follows_the_profile(estimate, body, tokens):
    azure = emulator(tpm=1000, estimate=estimate)
    plan = ask(azure, **body)
    assert azure.log[-1].tokens == tokens
    assert plan.headers["x-ratelimit-remaining-tokens"] == str(1000 - tokens)


def test_the_capture_of_2026_is_charged_five():
    azure = emulator(tpm=100_000)
    ask(azure, {"messages": [{"role": "user", "content": "x" * 19}]})
    assert azure.log[-1].tokens == 5


def test_images_are_charged_by_the_piece_and_not_by_their_bytes():
    azure = emulator(tpm=100_000)
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 50_000}}
    ask(azure, {"messages": [{"role": "user", "content": [{"type": "text", "text": "abcd"}, image]}]})
    assert azure.log[-1].tokens == 766


def test_embeddings_are_charged_input_by_input():
    azure = emulator(model="text-embedding-3-small", tpm=1000)
    ask(azure, {"input": ["abcde", "a", [1, 2, 3]]}, operation="embeddings")
    assert azure.log[-1].tokens == 2 + 1 + 3


@settings(max_examples=40)
@given(
    st.sampled_from(["sliding", "fixed_minute", "token_bucket"]),
    st.lists(st.tuples(st.floats(0.0, 30.0), st.integers(1, 400)), max_size=50),
)
def test_headers_agree_with_what_is_admitted(limiter, calls):
    azure, now = emulator(tpm=1000, limiter=limiter), 0.0
    for gap, tokens in calls:
        before = ask(azure, {"messages": []}, now=now)  # a 400 that costs nothing, and shows the state
        now += gap
        plan = ask(azure, max_tokens=tokens, now=now)
        assert plan.status in (200, 429)
        if gap == 0.0:
            assert (plan.status == 200) == (tokens + 2 <= int(before.headers["x-ratelimit-remaining-tokens"]))


def test_a_throttled_call_fits_after_the_time_that_it_is_told():
    azure = emulator(tpm=100)
    assert ask(azure, max_tokens=90, now=0.0).status == 200
    refused = ask(azure, max_tokens=50, now=12.5)
    assert refused.status == 429
    wait_ms = int(refused.headers["retry-after-ms"])
    assert refused.headers["retry-after"] == "48"
    assert wait_ms == 47_500
    assert ask(azure, max_tokens=50, now=12.5 + wait_ms / 1000).status == 200


def test_what_never_fits_is_told_to_come_back_in_a_day():
    refused = ask(emulator(tpm=100), max_tokens=500)
    assert (refused.status, refused.headers["retry-after"], refused.headers["retry-after-ms"]) == (
        429,
        "86400",
        "86400000",
    )


def test_requests_are_judged_by_the_ten_seconds_and_rejected_ones_count():
    azure = emulator(rpm=12)
    plans = [ask(azure, now=t) for t in (0.0, 1.0, 2.0)]
    assert [p.status for p in plans] == [200, 200, 429]
    assert plans[2].headers["retry-after-ms"] == "9000"  # with the rejected one in the window, 1.0 must leave as well
    assert ask(azure, now=11.0).status == 200
    hasty = emulator(rpm=12)
    assert [ask(hasty, now=t).status for t in (0.0, 1.0, 2.0, 10.5)] == [200, 200, 429, 429]
    patient = emulator(rpm=12, rejected_count=False)
    assert [ask(patient, now=t).status for t in (0.0, 1.0, 2.0, 10.5)] == [200, 200, 429, 200]
    assert ask(patient, now=11.0).status == 200


def test_a_second_window_is_judged_but_not_shown():
    azure = emulator(rpm=600, request_windows=(10.0, 1.0))
    plans = [ask(azure, now=0.0) for _ in range(11)]
    assert [p.status for p in plans] == [200] * 10 + [429]
    assert plans[0].headers["x-ratelimit-limit-requests"] == "100"
    assert plans[9].headers["x-ratelimit-remaining-requests"] == "90"


@pytest.mark.parametrize(
    ("form", "code", "words"),
    [
        ("2025", "RateLimitReached", "exceeded the token rate limit for your current AIServices S0"),
        ("2024", "429", "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2025-04-01"),
        ("short", "429", "Rate limit is exceeded. Try again in 60 seconds."),
    ],
)
def test_a_429_is_worded_by_its_generation(form, code, words):
    azure = emulator(tpm=10, throttle_body=form)
    ask(azure, max_tokens=8)
    error = said(ask(azure, max_tokens=8))["error"]
    assert error["code"] == code
    assert words in error["message"]


def test_a_429_for_calls_says_call():
    azure = emulator(rpm=6)
    ask(azure)
    refused = ask(azure)
    assert "exceeded the call rate limit" in said(refused)["error"]["message"]
    assert refused.headers["policy-id"] == "DeploymentRatelimit-Call"


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("both", {"retry-after", "retry-after-ms"}),
        ("seconds", {"retry-after"}),
        ("reset", {"x-ratelimit-reset-tokens"}),
        ("none", set()),
    ],
)
def test_a_429_says_when_to_come_back_in_one_of_four_ways(form, names):
    azure = emulator(tpm=10, throttle_headers=form)
    ask(azure, max_tokens=8)
    headers = ask(azure, max_tokens=8).headers
    assert {n for n in headers if n.startswith("retry-after") or "-reset-" in n} == names


@pytest.mark.parametrize(("generation", "count"), [("full", 4), ("remaining", 2), ("none", 0)])
def test_rate_headers_come_in_generations(generation, count):
    plan = ask(emulator(tpm=100, rpm=60, rate_headers=generation))
    assert len([name for name in plan.headers if name.startswith("x-ratelimit")]) == count


def test_a_provisioned_deployment_shows_its_utilisation_and_corrects_it():
    azure = emulator(tpm=1000, limiter="ptu", answer_tokens=10, answer_sigma=0.0)
    first = ask(azure, max_tokens=1100)
    assert first.status == 200
    assert first.headers["azure-openai-deployment-utilization"] == "110.2%"
    assert not [name for name in first.headers if name.startswith("x-ratelimit")]
    assert ask(azure, max_tokens=10, now=0.0).status == 200  # the answer was complete at once, and was short


def test_unused_tokens_come_back_when_the_answer_is_complete():
    azure = emulator(tpm=1000, release_unused=True, answer_tokens=10, answer_sigma=0.0)
    ask(azure, max_tokens=900)
    assert ask(azure, max_tokens=900, now=1.0).status == 200
    kept = emulator(tpm=1000, answer_tokens=10)
    ask(kept, max_tokens=900)
    assert ask(kept, max_tokens=900, now=1.0).status == 429


def test_a_quota_cut_holds_from_the_next_call():
    azure = emulator(tpm=1000)
    azure.set_limit("chat", tpm=50)
    assert ask(azure, max_tokens=60).status == 429
    assert ask(azure, max_tokens=10).headers["x-ratelimit-limit-tokens"] == "50"
    azure.reset()
    assert ask(azure, max_tokens=60).status == 200


def test_the_peak_of_a_fixed_window_may_be_twice_its_limit():
    azure = emulator(tpm=100, limiter="fixed_minute")
    for now in range(180):
        ask(azure, max_tokens=98, now=float(now))
    status = azure.status()["chat"]
    assert status["admitted"] in (3, 4)
    assert status["peak_share"] == 2.0  # one call at the end of a window and one at the start of the next
    assert status["tokens"] == 100 * status["admitted"]


def test_failures_of_the_service_are_charged_and_refusals_at_the_door_are_not():
    azure = emulator(tpm=1000)
    for status, charged in ((500, 102), (503, 102), (401, 0), (403, 0), (404, 0), (429, 0)):
        azure.set_fault("chat", Fault("status", status))
        assert ask(azure, max_tokens=100).status == status
        assert azure.log[-1].tokens == charged
