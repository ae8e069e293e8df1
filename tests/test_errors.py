"""What a caller reads: where, what, and the way out, in whole sentences."""

from __future__ import annotations

import pytest

from router.errors import APIError, APITimeoutError, NotFoundError, error_for
from router.values import Attempt, Failure, Kind


@pytest.mark.parametrize(
    ("message", "deployment", "text"),
    [
        ("no such thing", "a@east", "a@east (not_found, HTTP 404): no such thing."),
        ("no such thing.  Check it.", "a@east", "a@east (not_found, HTTP 404): no such thing.  Check it."),
        ("Sorry about that!", "a@east", "a@east (not_found, HTTP 404): Sorry about that!"),
        ("", "a@east", "a@east (not_found, HTTP 404): not found."),
        ("no such thing", None, "not_found, HTTP 404: no such thing."),
    ],
)
def test_an_error_says_where_and_what_in_whole_sentences(message: str, deployment: str | None, text: str) -> None:
    error = error_for(Failure(Kind.NOT_FOUND, message, status=404), deployment=deployment)
    assert type(error) is NotFoundError
    assert str(error) == error.message == text
    assert error.deployment == deployment


def test_several_attempts_are_told_at_the_end() -> None:
    attempts = (Attempt("a@east", 500, "server_error", 0.1), Attempt("b@west", None, "timeout", 0.2))
    error = error_for(Failure(Kind.TIMEOUT, "no answer"), deployment="b@west", attempts=attempts)
    assert isinstance(error, APITimeoutError)
    assert str(error) == "b@west (timeout): no answer.  Tried: a@east (server_error), b@west (timeout)."
    assert error.attempts == attempts


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_failure_has_an_error(kind: Kind) -> None:
    assert isinstance(error_for(Failure(kind, "words")), APIError)
