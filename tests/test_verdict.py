"""What follows from a failure: the golden table, and LiteLLM's classes of retries and allowed failures."""

from __future__ import annotations

import pytest

from router.configured import AllowedFails, Retries
from router.values import Failure, Kind
from router.verdict import VERDICTS, allowed_fails_for, judge, retries_allowed

# kind: retry, effect, weight, refund, retry cost, fallbacks.  Written out by hand from algorithms.md §3.4.
GOLDEN = {
    Kind.DNS: ("anywhere", "resource", 1.0, True, 0.0, "general"),
    Kind.CONNECT: ("anywhere", "resource", 1.0, True, 0.0, "general"),
    Kind.CONNECT_TIMEOUT: ("anywhere", "resource", 1.0, True, 0.0, "general"),
    Kind.TLS: ("elsewhere", "resource", 1.0, False, 1.0, "general"),
    Kind.RESET: ("anywhere", "fail", 1.0, False, 1.0, "general"),
    Kind.TRUNCATED: ("anywhere", "fail", 1.0, False, 1.0, "general"),
    Kind.PROTOCOL: ("anywhere", "fail", 1.0, False, 1.0, "general"),
    Kind.REDIRECT: ("elsewhere", "fail", 1.0, False, 1.0, "general"),
    Kind.TOO_LARGE: ("elsewhere", "fail", 1.0, False, 1.0, "general"),
    Kind.BAD_CONTENT_TYPE: ("anywhere", "fail", 1.0, False, 1.0, "general"),
    Kind.BAD_JSON: ("anywhere", "fail", 1.0, False, 1.0, "general"),
    Kind.BAD_SHAPE: ("anywhere", "fail", 1.0, False, 1.0, "general"),
    Kind.EMPTY: ("anywhere", "fail", 1.0, False, 1.0, "general"),
    Kind.TIMEOUT: ("anywhere", "fail", 1.0, False, 1.0, "general"),
    Kind.FIRST_EVENT_TIMEOUT: ("anywhere", "fail", 1.0, False, 1.0, "general"),
    Kind.THROTTLED: ("anywhere", "throttle", 1.0, False, 0.25, "general"),
    Kind.BUSY: ("anywhere", "throttle", 1.0, False, 0.25, "general"),
    Kind.SERVER_ERROR: ("anywhere", "fail", 1.0, False, 1.0, "general"),
    Kind.REQUEST_TIMEOUT: ("anywhere", "fail", 0.5, False, 1.0, "general"),
    Kind.CONFLICT: ("anywhere", "none", 1.0, False, 1.0, "general"),
    Kind.AUTHENTICATION: ("elsewhere", "disable", 1.0, False, 1.0, "general"),
    Kind.SIGN_IN_REFUSED: ("elsewhere", "disable", 1.0, False, 1.0, "general"),
    Kind.PERMISSION: ("elsewhere", "disable", 1.0, False, 1.0, "general"),
    Kind.NOT_FOUND: ("elsewhere", "disable", 1.0, False, 1.0, "general"),
    Kind.BAD_REQUEST: ("never", "success", 1.0, False, 1.0, "general"),
    Kind.UNPROCESSABLE: ("never", "success", 1.0, False, 1.0, "general"),
    Kind.MISSING: ("anywhere", "success", 1.0, False, 1.0, "none"),
    Kind.CONTEXT_WINDOW: ("never", "success", 1.0, False, 1.0, "context_window"),
    Kind.CONTENT_POLICY: ("never", "success", 1.0, False, 1.0, "content_policy"),
    Kind.STREAM: ("anywhere", "fail", 1.0, False, 1.0, "general"),
    Kind.CREDENTIALS: ("elsewhere", "fail", 1.0, True, 0.0, "general"),
    Kind.CANCELLED: ("never", "none", 1.0, False, 1.0, "none"),
    Kind.SIMULATED: ("never", "none", 1.0, True, 0.0, "general"),
}


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_of_failure_has_the_consequences_of_the_table(kind):
    v = judge(Failure(kind))
    assert (v.retry, v.effect, v.weight, v.refund, v.retry_cost, v.fallbacks) == GOLDEN[kind]


def test_a_call_that_had_no_time_left_to_be_sent_says_nothing_about_the_deployment():
    assert judge(Failure(Kind.TIMEOUT)).effect == "fail"
    assert judge(Failure(Kind.TIMEOUT, sent=False)).effect == "none"


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.TIMEOUT])
def test_what_was_not_sent_is_refunded_and_tried_again_for_free_and_nothing_else_changes(kind):
    sent, unsent = judge(Failure(kind)), judge(Failure(kind, sent=False))
    assert unsent.refund
    assert unsent.retry_cost == 0.0
    assert (unsent.retry, unsent.effect, unsent.fallbacks) == (sent.retry, sent.effect, sent.fallbacks)


@pytest.mark.parametrize(
    ("code", "fallbacks"),
    [
        (None, "general"),
        ("general", "general"),
        ("anything", "general"),
        ("context_window", "context_window"),
        ("content_policy", "content_policy"),
    ],
)
def test_a_simulated_failure_goes_to_the_fallbacks_that_its_code_names(code, fallbacks):
    verdict = judge(Failure(Kind.SIMULATED, code=code, sent=False))
    assert (verdict.fallbacks, verdict.retry, verdict.effect) == (fallbacks, "never", "none")


def test_the_code_of_a_real_failure_does_not_choose_its_fallbacks():
    assert judge(Failure(Kind.SERVER_ERROR, code="content_policy")).fallbacks == "general"


ALL_CLASSES = Retries(
    default=9, bad_request=1, authentication=2, timeout=3, rate_limit=4, content_policy=5, internal_server=6
)


@pytest.mark.parametrize(
    ("kind", "figure"),
    [
        (Kind.BAD_REQUEST, 1),
        (Kind.UNPROCESSABLE, 1),
        (Kind.AUTHENTICATION, 2),
        (Kind.SIGN_IN_REFUSED, 2),
        (Kind.PERMISSION, 2),
        (Kind.CREDENTIALS, 2),
        (Kind.TIMEOUT, 3),
        (Kind.FIRST_EVENT_TIMEOUT, 3),
        (Kind.CONNECT_TIMEOUT, 3),
        (Kind.REQUEST_TIMEOUT, 3),
        (Kind.THROTTLED, 4),
        (Kind.BUSY, 4),
        (Kind.CONTENT_POLICY, 5),
        (Kind.SERVER_ERROR, 6),
        (Kind.NOT_FOUND, 9),
        (Kind.DNS, 9),
        (Kind.RESET, 9),
        (Kind.BAD_JSON, 9),
    ],
)
def test_each_class_of_errors_has_its_own_number_of_retries_and_the_rest_the_default(kind, figure):
    assert retries_allowed(kind, ALL_CLASSES) == figure


def test_what_is_not_stated_for_a_class_is_the_default_and_a_stated_zero_is_zero():
    assert retries_allowed(Kind.THROTTLED, Retries(default=7)) == 7
    assert retries_allowed(Kind.THROTTLED, Retries(default=7, rate_limit=0)) == 0


@pytest.mark.parametrize("kind", [k for k in Kind if VERDICTS[k].retry == "never"])
def test_a_failure_that_would_come_again_is_retried_only_if_its_class_says_so(kind):
    assert retries_allowed(kind, Retries(default=7)) == 0


def test_a_prompt_that_is_too_long_is_never_retried_even_if_bad_requests_are():
    assert retries_allowed(Kind.CONTEXT_WINDOW, ALL_CLASSES) == 0


def test_allowed_failures_follow_the_class_then_the_default_then_are_not_stated():
    allowed = AllowedFails(default=3, content_policy=1000, rate_limit=0)
    assert allowed_fails_for(Kind.CONTENT_POLICY, allowed) == 1000
    assert allowed_fails_for(Kind.THROTTLED, allowed) == 0
    assert allowed_fails_for(Kind.SERVER_ERROR, allowed) == 3
    assert allowed_fails_for(Kind.RESET, allowed) == 3
    assert allowed_fails_for(Kind.SERVER_ERROR, AllowedFails(rate_limit=0)) is None
