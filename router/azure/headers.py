"""What do the headers of an answer tell?

How long to stay away, how much is left of the quota, under which id support can find the request.  The
headers are a mapping with lower-case names.  Nothing here raises: a value that makes no sense counts as
absent.  Sources: azure.md §3.4 and §3.5 (spellings seen on the wire), §1.5 (Claude), ecosystem.md §5.6 #24 (absurd
values).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping

from router.values import NO_RATE_LIMITS, RateLimits

LONGEST_WAIT_S = 7 * 86_400.0
"""A longer `retry-after` is taken for nonsense.  Azure has been seen to ask for one day, never for more."""
_LARGEST = 10**12

_NUMBER = re.compile(r"\d{1,12}(\.\d{1,12})?", re.ASCII)
_SPAN = re.compile(
    r"(?:(\d{1,6}(?:\.\d{1,9})?)h)?(?:(\d{1,6}(?:\.\d{1,9})?)m(?!s))?"
    r"(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,12}(?:\.\d{1,9})?)ms)?",
    re.ASCII,
)
_DATE = re.compile(r"[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RESETS = (
    "x-ratelimit-reset-tokens",
    "x-ratelimit-reset-requests",
    "x-rate-limit-reset-tokens",
    "x-rate-limit-reset-requests",
)
_CLAUDES = "anthropic-ratelimit-"
_CLAUDES_QUOTA = tuple(
    f"{_CLAUDES}{what}" for what in ("tokens-limit", "tokens-remaining", "requests-limit", "requests-remaining")
)
_INSTANT = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d{1,9})?(?:Z|\+00:00)", re.ASCII)
_IDS = ("apim-request-id", "x-request-id", "request-id", "x-ms-client-request-id")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds after which the service wants to be asked again; None if it did not say, or said nonsense.

    The first of these that makes sense: `retry-after-ms`, `x-ms-retry-after-ms`, `retry-after` (seconds, or a
    date judged against the answer's own `date`), else the longest of the `x-ratelimit-reset-*` headers, or of the
    `anthropic-ratelimit-*-reset` of what is used up.
    The value is not capped here, so 86400 is returned as it is; zero, negative numbers, dates in the past and
    anything beyond a week count as absent.
    """
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        value = headers.get(name)
        if value is not None and (seconds := _sane(_number(value, 0.001))) is not None:
            return seconds
    value = headers.get("retry-after")
    if value is not None:
        seconds = _sane(_number(value)) or _sane(_until(value, headers.get("date")))
        if seconds is not None:
            return seconds
    resets = [_sane(_span(headers[name])) for name in _RESETS if name in headers] or _claudes_resets(headers)
    return max((s for s in resets if s is not None), default=None)


def rate_limits(headers: Mapping[str, str]) -> RateLimits:
    """What the `x-ratelimit-*` headers say about the quota, or Claude's `anthropic-ratelimit-*`.

    A limit of zero or less means "not stated" (the Responses API sends −1), and then what remains of it is
    not stated either.  A negative remainder of a stated limit is 0: more was admitted than there was.
    """
    get = headers.get
    limit_tokens, left_tokens = get("x-ratelimit-limit-tokens"), get("x-ratelimit-remaining-tokens")
    limit_requests, left_requests = get("x-ratelimit-limit-requests"), get("x-ratelimit-remaining-requests")
    if limit_tokens is left_tokens is limit_requests is left_requests is None:  # Claude, provisioned, files, batches
        limit_tokens, left_tokens, limit_requests, left_requests = map(get, _CLAUDES_QUOTA)
        if limit_tokens is left_tokens is limit_requests is left_requests is None:
            return NO_RATE_LIMITS
    most_tokens, more_tokens = _quota(limit_tokens, left_tokens)
    most_requests, more_requests = _quota(limit_requests, left_requests)
    return RateLimits(most_tokens, more_tokens, most_requests, more_requests)


def request_id(headers: Mapping[str, str]) -> str | None:
    """The id under which the service knows the request: Azure's gateway first, then the model's own."""
    for name in _IDS:
        value = headers.get(name)
        if value and value != "Not-Set" and len(value) <= 128 and value.isascii() and value.isprintable():
            return value
    return None


def _quota(limit: str | None, remaining: str | None) -> tuple[int | None, int | None]:
    if limit is None and remaining is None:
        return None, None
    most = _whole(limit)
    left = _whole(remaining)
    if most is not None and most <= 0:
        return None, None
    if left is not None and left < 0:
        left = None if most is None else 0
    return most, left


def _whole(value: str | None) -> int | None:
    if value is None:
        return None
    if value.isdigit() and value.isascii() and len(value) < 13:
        return int(value)
    digits = value.removeprefix("-")
    if len(digits) > 13 or not digits.isascii() or not digits.isdigit():
        return None
    number = int(value)
    return number if abs(number) <= _LARGEST else None


def _number(value: str, unit: float = 1.0) -> float | None:
    text = value.strip()
    return float(text) * unit if _NUMBER.fullmatch(text) else None


def _span(value: str) -> float | None:
    """`55`, `1.5`, `250ms`, `1m3s`, `6m0s`, `1h2m`."""
    text = value.strip()
    if (seconds := _number(text)) is not None:
        return seconds
    match = _SPAN.fullmatch(text)
    if match is None or not text:
        return None
    hours, minutes, secs, millis = (float(part) if part else 0.0 for part in match.groups())
    return hours * 3600 + minutes * 60 + secs + millis / 1000


def _until(value: str, date: str | None) -> float | None:
    """Seconds from the answer's own date to the one asked for; without that date nothing can be said."""
    then, now = _timestamp(value), _timestamp(date or "")
    return None if then is None or now is None else then - now


def _claudes_resets(headers: Mapping[str, str]) -> list[float | None]:
    """Seconds until what Claude's headers call used up is there again, judged against the answer's own date."""
    now = _timestamp(headers.get("date", ""))
    if now is None:
        return []
    resets: list[float | None] = []
    for what in ("requests", "tokens", "input-tokens", "output-tokens"):
        match = _INSTANT.fullmatch(headers.get(f"{_CLAUDES}{what}-reset", ""))
        if match is not None and headers.get(f"{_CLAUDES}{what}-remaining", "0") == "0":
            year, month, day, hour, minute, second = (int(part) for part in match.groups())
            if 1 <= month <= 12 and 1 <= day <= 31 and year >= 1970:
                resets.append(_sane(calendar.timegm((year, month, day, hour, minute, second)) - now))
    return resets


def _timestamp(value: str) -> float | None:
    """An HTTP date of the one form that is still sent (RFC 9110 §5.6.7, IMF-fixdate)."""
    match = _DATE.fullmatch(value.strip())
    if match is None or match[2] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(match[i]) for i in (1, 3, 4, 5, 6))
    if not 1 <= day <= 31 or hour > 23 or minute > 59 or second > 60 or year < 1970:
        return None
    return float(calendar.timegm((year, _MONTHS.index(match[2]) + 1, day, hour, minute, second)))


def _sane(seconds: float | None) -> float | None:
    return seconds if seconds is not None and 0.0 < seconds <= LONGEST_WAIT_S else None
