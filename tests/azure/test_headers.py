"""What headers say is believed only where it makes sense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.azure.headers import rate_limits, request_id, retry_after
from router.values import NO_RATE_LIMITS, RateLimits

NOW = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "-5", "retry-after": "2"}, 2.0),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after": "86400"}, 86400.0),
        ({"retry-after": "604800"}, 604800.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": NOW}, 30.0),
        ({"retry-after": "Thu, 22 Oct 2026 07:28:00 GMT", "date": NOW}, 86400.0),
        ({"x-rate-limit-reset-tokens": "55"}, 55.0),
        ({"x-ratelimit-reset-tokens": "1m3s"}, 63.0),
        ({"x-ratelimit-reset-requests": "250ms"}, 0.25),
        ({"x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-reset-requests": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "9s"}, 9.0),
        ({"retry-after": "0", "x-ratelimit-reset-tokens": "7"}, 7.0),
        ({"anthropic-ratelimit-tokens-reset": "2026-10-21T07:28:09Z", "date": NOW}, 9.0),
        (
            {
                "anthropic-ratelimit-requests-reset": "2026-10-21T07:28:05Z",
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2026-10-21T07:28:50.25Z",
                "anthropic-ratelimit-input-tokens-remaining": "70",
                "date": NOW,
            },
            5.0,
        ),
    ],
)
def test_a_wait_is_understood_in_every_spelling(headers, seconds):
    assert retry_after(headers) == pytest.approx(seconds)


@pytest.mark.parametrize("value", ["-5", "0", "-1", "0.0", "1e9", "1000000000", "604801", "NaN", "inf", "soon", "", " ",
                                   "5, 7", "1_0", "٣", "0x10", "5s", "+5", "1" * 400])  # fmt: skip
def test_an_absurd_wait_counts_as_absent(value):
    assert retry_after({"retry-after": value}) is None


@pytest.mark.parametrize("value", ["-5", "0", "NaN", "", "1m3", "m", "ms", "s", "-1s", "3 s", "1d"])
def test_an_absurd_reset_counts_as_absent(value):
    assert retry_after({"x-ratelimit-reset-tokens": value}) is None


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("Wed, 21 Oct 2026 07:27:59 GMT", NOW),
        (NOW, NOW),
        ("Wed, 21 Oct 2099 07:28:00 GMT", NOW),
        ("Wed, 21 Oct 2026 07:28:30 GMT", None),
        ("Wed, 21 Oct 2026 07:28:30 GMT", "now"),
        ("Wed, 99 Oct 2026 07:28:30 GMT", NOW),
        ("Wed, 21 Xxx 2026 07:28:30 GMT", NOW),
        ("Wed, 21 Oct 2026 27:28:30 GMT", NOW),
    ],
)
def test_a_date_that_is_past_far_or_cannot_be_judged_counts_as_absent(value, date):
    headers = {"retry-after": value} | ({"date": date} if date else {})
    assert retry_after(headers) is None


@pytest.mark.parametrize("value", ["2026-13-21T07:28:09Z", "2026-10-21", "soon", "0000-00-00T00:00:00Z"])
def test_an_instant_that_makes_no_sense_counts_as_absent(value):
    assert retry_after({"anthropic-ratelimit-tokens-reset": value, "date": NOW}) is None
    assert retry_after({"anthropic-ratelimit-tokens-reset": "2026-10-21T07:28:09Z"}) is None


def test_claudes_rate_limits_are_read():
    headers = {
        "anthropic-ratelimit-requests-limit": "1000",
        "anthropic-ratelimit-requests-remaining": "999",
        "anthropic-ratelimit-tokens-limit": "96000",
        "anthropic-ratelimit-tokens-remaining": "95000",
        "anthropic-ratelimit-input-tokens-limit": "80000",
    }
    assert rate_limits(headers) == RateLimits(96_000, 95_000, 1000, 999)


def test_rate_limits_are_read():
    headers = {
        "x-ratelimit-limit-tokens": "100000",
        "x-ratelimit-remaining-tokens": "99871",
        "x-ratelimit-limit-requests": "100",
        "x-ratelimit-remaining-requests": "0",
    }
    assert rate_limits(headers) == RateLimits(100_000, 99_871, 100, 0)


@pytest.mark.parametrize(
    ("limit", "remaining", "expected"),
    [
        ("100", "-3", (100, 0)),
        ("-1", "-1", (None, None)),
        ("0", "0", (None, None)),
        ("-1", "50", (None, None)),
        (None, "50", (None, 50)),
        (None, "-50", (None, None)),
        ("100", None, (100, None)),
        ("1e5", "x", (None, None)),
        ("100", "99.5", (100, None)),
        ("9" * 30, "1", (None, 1)),
        ("²", "१", (None, None)),
        ("--5", "-", (None, None)),
    ],
)
def test_a_limit_that_means_nothing_is_unknown_and_an_overdrawn_one_is_empty(limit, remaining, expected):
    headers = {"x-ratelimit-limit-tokens": limit, "x-ratelimit-remaining-tokens": remaining}
    limits = rate_limits({k: v for k, v in headers.items() if v is not None})
    assert (limits.limit_tokens, limits.remaining_tokens) == expected


def test_without_headers_nothing_is_known():
    assert rate_limits({}) == NO_RATE_LIMITS


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"apim-request-id": "a", "x-request-id": "b"}, "a"),
        ({"x-request-id": "b"}, "b"),
        ({"x-ms-client-request-id": "Not-Set"}, None),
        ({"apim-request-id": "", "x-request-id": "b"}, "b"),
        ({"x-request-id": "x" * 500}, None),
        ({"x-request-id": "a\nb"}, None),
        ({}, None),
    ],
)
def test_the_request_id_is_the_gateways_then_the_models(headers, expected):
    assert request_id(headers) == expected


NAMES = st.sampled_from(
    "retry-after-ms x-ms-retry-after-ms retry-after date x-ratelimit-reset-tokens x-ratelimit-reset-requests "
    "x-rate-limit-reset-tokens x-ratelimit-limit-tokens x-ratelimit-remaining-tokens x-ratelimit-limit-requests "
    "x-ratelimit-remaining-requests apim-request-id".split()
)
VALUES = (
    st.text(max_size=40)
    | st.integers().map(str)
    | st.floats().map(str)
    | st.from_regex(r"\A(\d{1,4}(\.\d{1,3})?(h|m|s|ms)){1,4}\Z")
    | st.from_regex(r"\A[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\Z")
)


@given(st.dictionaries(NAMES, VALUES))
def test_no_header_whatever_makes_them_raise_or_return_nonsense(headers):
    wait = retry_after(headers)
    assert wait is None or 0 < wait <= 7 * 86_400
    limits = rate_limits(headers)
    for limit in (limits.limit_tokens, limits.limit_requests):
        assert limit is None or limit > 0
    for left in (limits.remaining_tokens, limits.remaining_requests):
        assert left is None or left >= 0
    request_id(headers)
