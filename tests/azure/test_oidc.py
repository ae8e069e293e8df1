"""Where another platform's token for us is looked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from router.azure.given_token import CredentialError
from router.azure.oidc import assertion, check_source

from .fault_server import FaultServer, Script, always, answer


@pytest.mark.parametrize(
    ("source", "environment"),
    [
        ("oidc/file/{path}", {}),
        ("oidc/file{path}", {}),
        ("oidc/env/SOME_TOKEN", {"SOME_TOKEN": "the-token"}),
        ("oidc/env_path/SOME_PATH", {"SOME_PATH": "{path}"}),
        ("oidc/azure/", {"AZURE_FEDERATED_TOKEN_FILE": "{path}"}),
        ("oidc/azure", {"AZURE_FEDERATED_TOKEN_FILE": "{path}"}),
        ("oidc/circleci/", {"CIRCLE_OIDC_TOKEN": "the-token"}),
        ("oidc/circleci_v2/", {"CIRCLE_OIDC_TOKEN_V2": "the-token"}),
    ],
)
def test_each_source_is_read(
    source: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = str(tmp_path / "token")
    Path(path).write_text("the-token\n")
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(path=path))
    source = source.format(path=path)
    check_source(source)
    assert assertion(source) == "the-token"


def test_github_is_asked_for_the_audience(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(always(answer({"value": "the-token"}))) as server:
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"http://127.0.0.1:{server.port}/token?v=2")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "asking")
        check_source("oidc/github/api://AzureADTokenExchange")
        assert assertion("oidc/github/api://AzureADTokenExchange") == "the-token"
        head = server.requests[0].lower()
    assert head.startswith(b"get /token?v=2&audience=api%3a%2f%2fazureadtokenexchange ")
    assert b"authorization: bearer asking" in head


@pytest.mark.parametrize("script", [always(answer({}, 403)), always(answer({"no": 1})), always(answer(b"<html>"))])
def test_github_that_gives_none_names_the_permission(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(script) as server:
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"http://127.0.0.1:{server.port}/token")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "CANARY")
        with pytest.raises(CredentialError, match="id-token: write") as caught:
            assertion("oidc/github/a")
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("oidc/google/https://example.com", "not fetched here; ask for that token in code of yours"),
        ("oidc/azure/api://x", "not fetched here"),
        ("oidc/nobody/CANARY", "names no source of OIDC tokens that is known; write oidc/file"),
        ("oidc/", "names no source"),
        ("oidc/file/", "is not complete"),
        ("oidc/github", "is not complete"),
        ("oidc/circleci/CANARY", "holds too much"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_way_out(source: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        check_source(source)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "prepare", "says"),
    [
        ("oidc/env/GONE", lambda _: None, "the environment variable GONE"),
        ("oidc/file/{path}", lambda _: None, r"cannot be read \(FileNotFoundError\)"),
        ("oidc/file/{path}", lambda path: path.write_bytes(b"\xff"), r"cannot be read \(UnicodeDecodeError\)"),
        ("oidc/file/{path}", lambda path: path.write_text("\n"), "is empty"),
    ],
)
def test_a_token_that_is_not_there_is_an_error_without_its_path(
    source: str, prepare: Callable[[Path], object], says: str, tmp_path: Path
) -> None:
    path = tmp_path / "CANARY"
    prepare(path)
    with pytest.raises(CredentialError, match=says) as caught:
        assertion(source.format(path=path))
    assert "CANARY" not in str(caught.value)
