"""What others log while they work for us loses our secrets, and nothing else changes."""

from __future__ import annotations

import logging

import pytest

from router.azure.quiet import quiet

SECRET = "CANARY/+ 1"


def test_secrets_and_tokens_vanish_from_messages_arguments_and_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    log = logging.getLogger("azure.identity.test_quiet")
    with quiet((SECRET, "")):
        log.info("failed: %s", f"{SECRET} CANARY/%2B%201 CANARY%2F%2B+1")
        with quiet():
            log.info("and bearer abcdefghijkl of %s", SECRET)
        try:
            raise ValueError(SECRET)
        except ValueError:
            log.exception("here")
    assert "CANARY" not in caplog.text
    assert "abcdefghijkl" not in caplog.text
    assert "Traceback" in caplog.text
    assert "ValueError: [hidden]" in caplog.text


def test_outside_of_it_and_elsewhere_nothing_changes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ours, theirs = logging.getLogger("azure.test_quiet"), logging.getLogger("somebody.else")
    with quiet((SECRET,)):
        theirs.info("%s", SECRET)
    ours.info("%s", SECRET)
    assert caplog.text.count(SECRET) == 2
