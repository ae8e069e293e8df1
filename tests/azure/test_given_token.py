"""How long a token may be used, and what may be said where there is none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.azure.given_token import Token, expiry_of, token_from, what_failed

from .test_credentials import NOW, jwt


@pytest.mark.parametrize(
    ("token", "expires"),
    [
        (jwt(NOW), NOW),
        (jwt(NOW + 0.5), NOW + 0.5),
        (jwt("soon"), None),
        (jwt(True), None),
        (jwt(-5), None),
        (jwt(10**30), None),
        ("opaque", None),
        ("a.b.c", None),
        ("..", None),
        ("a.W10.c", None),
        ("a." + "é" + ".c", None),
    ],
)
def test_the_expiry_is_read_from_a_jwt_and_from_nothing_else(token: str, expires: float | None) -> None:
    assert expiry_of(token) == expires


def info(token: str = "opaque", **times: Any) -> Any:
    return SimpleNamespace(token=token, **times)


@pytest.mark.parametrize(
    ("given", "fresh_for", "valid_for"),
    [
        (jwt(NOW + 3600), 2880, 3600),
        ("opaque", 48, 60),
        (info(expires_on=NOW + 1000), 800, 1000),
        (info(expires_on=NOW + 1000, refresh_on=None), 800, 1000),
        (info(expires_on=NOW + 86_400, refresh_on=NOW + 43_200), 43_200, 86_400),
        (info(expires_on=NOW + 1000, refresh_on=NOW - 1), 800, 1000),
        (info(expires_on=NOW + 1000, refresh_on=NOW + 5000), 1000, 1000),
        (info(jwt(NOW + 1000), expires_on="soon"), 800, 1000),
        (info(expires_on=NOW - 50), 5, 5),
        (jwt(NOW + 3), 5, 5),
    ],
)
def test_a_token_is_fresh_for_most_of_its_life_or_as_the_credential_says(
    given: Any, fresh_for: float, valid_for: float
) -> None:
    token = token_from(given, NOW, None)
    assert isinstance(token, Token)
    assert token.fresh_until - NOW == pytest.approx(fresh_for)
    assert token.valid_until - NOW == pytest.approx(valid_for)


def test_a_token_that_comes_back_unchanged_is_asked_for_again_soon() -> None:
    text = jwt(NOW + 3600)
    first = token_from(text, NOW, None)
    assert isinstance(first, Token)
    later = NOW + 3000
    again = token_from(info(text, expires_on=NOW + 3600, refresh_on=later + 300), later, first)
    assert isinstance(again, Token)
    assert again.fresh_until - later == pytest.approx(60)
    assert again.valid_until == first.valid_until


@given(
    expires=st.one_of(st.none(), st.floats(), st.integers(), st.text()),
    refresh=st.one_of(st.none(), st.floats(), st.integers()),
)
def test_whatever_a_credential_says_a_token_serves_some_seconds_and_never_past_its_end(
    expires: Any, refresh: Any
) -> None:
    token = token_from(info(expires_on=expires, refresh_on=refresh), NOW, None)
    assert isinstance(token, Token)
    assert NOW < token.fresh_until <= token.valid_until
    assert "opaque" not in repr(token)


def test_what_failed_is_told_by_type_and_number_and_never_by_the_text() -> None:
    told = what_failed(ValueError("AADSTS90002: no tenant s3cret. AADSTS90002 AADSTS12345"))
    assert told.startswith("raised ValueError (AADSTS12345, AADSTS90002: there is no such tenant")
    assert "s3cret" not in told
    assert what_failed(OSError("s3cret")) == "raised OSError"
