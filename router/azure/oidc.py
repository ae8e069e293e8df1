"""Who vouches for us, where an application signs in with a token of somebody else?

A workload that another platform has identified (a GitHub action, a pod, a CI job) holds a token of that platform, and
Entra gives one of its own for it (workload identity federation).  `oidc/<source>/<detail>` names where that token is,
with LiteLLM's words.  It is read anew for every fetch, since such tokens are short-lived and rotate.
Sources: LiteLLM's page on OIDC; GitHub's and CircleCI's pages on OpenID Connect.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from .given_token import CredentialError

PREFIX = "oidc/"
KNOWN = "oidc/file/<path>, oidc/env/<NAME>, oidc/env_path/<NAME>, oidc/azure/, oidc/github/<audience>, oidc/circleci/"
_ELSEWHERE = (
    "ask for that token in code of yours, and give azure-identity's ClientAssertionCredential as azure_credential"
)
_TIMEOUT_S = 10.0
_WITHOUT_DETAIL = frozenset({"azure", "circleci", "circleci_v2"})


def check_source(text: str) -> None:
    """Refuse a source that is not known or not complete.

    Raises:
        ValueError: with the way out.
    """
    source, detail = _parts(text)
    if source == "google" or (source == "azure" and detail):
        raise ValueError(f"OIDC tokens from this source are not fetched here; {_ELSEWHERE}")
    if source not in _READERS:
        raise ValueError(f"names no source of OIDC tokens that is known; write {KNOWN}")
    if bool(detail) == (source in _WITHOUT_DETAIL):
        raise ValueError(f"is not complete, or holds too much; write {KNOWN}")


def assertion(text: str) -> str:
    """The token of the other platform, as it is now.  May block.

    Raises:
        CredentialError: it is not there.
    """
    source, detail = _parts(text)
    token = _READERS[source](detail).strip()
    if not token:
        raise CredentialError(f"the OIDC token of {PREFIX}{source} is empty.  Check where it should come from.")
    return token


def _parts(text: str) -> tuple[str, str]:
    source, _, detail = text.removeprefix(PREFIX).partition("/")
    return source, detail


def _variable(name: str, environment: Mapping[str, str] = os.environ) -> str:
    value = environment.get(name, "")
    if not value:
        raise CredentialError(f"the environment variable {name}, which should lead to the OIDC token, is not set.")
    return value


def _file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise CredentialError(
            f"the file with the OIDC token cannot be read ({type(error).__name__}).  Check its path and its rights."
        ) from None


def _github(audience: str) -> str:
    import httpx2

    address = _variable("ACTIONS_ID_TOKEN_REQUEST_URL")
    sign = "&" if "?" in address else "?"
    bearer = {"Authorization": f"Bearer {_variable('ACTIONS_ID_TOKEN_REQUEST_TOKEN')}"}
    try:
        answer = httpx2.get(f"{address}{sign}audience={quote(audience, safe='')}", headers=bearer, timeout=_TIMEOUT_S)
        return str(answer.raise_for_status().json()["value"])
    except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
        raise CredentialError(
            f"GitHub gave no OIDC token ({type(error).__name__}).  The job needs `permissions: id-token: write`."
        ) from None


_READERS: dict[str, Callable[[str], str]] = {
    "file": lambda path: _file(path if Path(path).exists() else f"/{path}"),  # both are in use among LiteLLM's users
    "env": _variable,
    "env_path": lambda name: _file(_variable(name)),
    "azure": lambda _: _file(_variable("AZURE_FEDERATED_TOKEN_FILE")),
    "github": _github,
    "circleci": lambda _: _variable("CIRCLE_OIDC_TOKEN"),
    "circleci_v2": lambda _: _variable("CIRCLE_OIDC_TOKEN_V2"),
}
