"""An Entra that gives tokens to whoever knows the secret, over TLS, as azure-identity and msal ask for them.

Its answers are those of Microsoft's documents of the OAuth 2.0 endpoints; the tokens are unsigned JWTs.
"""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import trustme
from msal.authority import Authority

from .fault_server import FaultServer, Peer, answer

SECRET = "s3cret+CANARY/1"
TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
CA = trustme.CA()


def jwt(serial: int, scope: str, life: float = 3600.0) -> str:
    """A token that looks like one of Entra's."""
    claims = {"aud": scope.removesuffix("/.default"), "exp": int(time.time() + life), "jti": serial}
    return _coded({"alg": "RS256"}, claims)


def _coded(*parts: dict[str, Any]) -> str:
    """A JWT of these parts, with a signature that is none."""
    coded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join([*coded, "c2ln"])


class Entra:
    """What the server was asked, and what it says.

    Attributes:
        forms: every request for a token.
        error: what it answers instead of a token, e.g. `AADSTS7000215: …`.
        secrets: accepted as `client_secret`, `password` or `client_assertion`; None: any.
        server: where it listens.
    """

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.error: str | None = None
        self.secrets: set[str] | None = {SECRET}
        self.server: FaultServer = FaultServer(self._script, _tls())

    @property
    def host(self) -> str:
        return f"localhost:{self.server.port}"

    def _script(self, peer: Peer) -> None:
        while request := peer.request():
            peer.say(self._answer(request))

    def _answer(self, request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        method, target = head.decode().split(" ")[:2]
        path = target.partition("?")[0]
        self.paths.append(path)
        tenant = f"https://{self.host}/{path.split('/')[1]}"
        if path.endswith("/.well-known/openid-configuration"):
            places = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
            found = {name: f"{tenant}/oauth2/v2.0/{place}" for name, place in places.items()}
            return answer({**found, "issuer": f"{tenant}/v2.0"})
        if method == "POST" and path.endswith("/oauth2/v2.0/token"):
            return self._token({name: values[0] for name, values in parse_qs(body.decode()).items()})
        return answer({"error": "not_found"}, 404)

    def _token(self, form: dict[str, str]) -> bytes:
        self.forms.append(form)
        shown = {form.get(name) for name in ("client_secret", "password", "client_assertion")}
        if self.error is not None or (self.secrets is not None and not shown & self.secrets):
            told = self.error or f"AADSTS7000215: Invalid client secret provided: {shown}"
            return answer({"error": "invalid_client", "error_description": told, "error_codes": [1]}, 401)
        scope = next(s for s in form["scope"].split() if "://" in s)
        token: dict[str, Any] = {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599}
        if form["grant_type"] == "password":
            token["id_token"] = _coded({"alg": "RS256"}, self._user(form))
        return answer({**token, "access_token": jwt(len(self.forms), scope)})

    def _user(self, form: dict[str, str]) -> dict[str, Any]:
        now = int(time.time())
        whose = {"aud": form["client_id"], "sub": "subject", "preferred_username": form["username"]}
        return {**whose, "iss": f"https://{self.host}/{TENANT}/v2.0", "iat": now, "nbf": now, "exp": now + 3600}


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert("localhost").configure_cert(context)
    return context


@contextmanager
def entra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Entra]:
    """A running Entra whose certificate azure-identity trusts."""
    bundle = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    # msal asks a user's realm at port 443, whatever the port of the authority.
    monkeypatch.setattr(Authority, "_domains_without_user_realm_discovery", {"localhost"})
    made = Entra()
    with made.server:
        yield made
