"""Where do tokens come from?  A token endpoint of Entra, and the local ones of managed identities.

`/{tenant}/oauth2/v2.0/token` grants by client secret, by client assertion (certificates, workload identity), by user
and password, and by refresh token; the documents that MSAL reads before it are there as well.  A managed identity
asks `/metadata/identity/oauth2/token` (virtual machines) or `/msi/token` (App Service).  Tokens are JWTs that the
emulator accepts until they expire; nothing is signed.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote
from uuid import UUID

from .config import EntraConfig
from .dialects import compact
from .headers import JSON
from .plan import Plan

_PATH = re.compile(r"/(?P<tenant>[^/]+)/(?P<what>oauth2/v2\.0/token|v2\.0/\.well-known/openid-configuration)")
_DISCOVERY = "/common/discovery/instance"
_REALM = "/common/userrealm/"
_IDENTITY = ("/metadata/identity/oauth2/token", "/msi/token")
_GRANTS = ("client_credentials", "password", "refresh_token")


@dataclass(slots=True)
class Entra:
    """The token endpoint; its manners may be changed while it serves.

    Attributes:
        config: which clients it knows, how long tokens live, whether it fails, how slow it is.
        requests: for tokens, so far.
        granted: tokens, so far.
    """

    config: EntraConfig
    requests: int = 0
    granted: int = 0

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, wall: float, rng: Random
    ) -> Plan | None:
        """What happens to a request; None if it is not for Entra.

        Args:
            method: of HTTP.
            target: path and query.
            headers: with lower-case names, or case-insensitive.
            body: a form.
            wall: seconds since 1970.
            rng: makes the ids of tokens.
        """
        path, _, query = target.partition("?")
        asked = dict(parse_qsl(query))
        host = headers.get("host", "localhost")
        if path in _IDENTITY and method == "GET":
            return self._counted(self._identity(path, asked, headers, wall, rng))
        if path == _DISCOVERY:
            return self._plan(200, _discovery(host))
        if path.startswith(_REALM):
            domain = unquote(path.removeprefix(_REALM)).rpartition("@")[2]
            realm = {"ver": "1.0", "account_type": "Managed", "domain_name": domain, "cloud_instance_name": host}
            return self._plan(200, realm)
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        if match["what"] != "oauth2/v2.0/token":
            return self._plan(200, _configuration(host, match["tenant"]))
        if method != "POST":
            return self._plan(405, {"error": "invalid_request", "error_description": "Use POST."})
        form = {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        return self._counted(self._grant(match["tenant"], host, form, wall, rng))

    def _counted(self, answer: tuple[int, dict[str, Any]]) -> Plan:
        self.requests += 1
        if self.config.fail:
            answer = (503, _error("temporarily_unavailable", 90033, "A transient error has occurred."))
        self.granted += answer[0] == 200
        return self._plan(*answer)

    def _plan(self, status: int, value: dict[str, Any]) -> Plan:
        headers = {"content-type": JSON, "cache-control": "no-store"}
        return Plan(status, headers, compact(value), self.config.delay_s)

    def _grant(
        self, tenant: str, host: str, form: dict[str, str], wall: float, rng: Random
    ) -> tuple[int, dict[str, Any]]:
        refused = self._refused(form)
        if refused is not None:
            return refused
        scopes = form["scope"].split()
        wanted = [scope for scope in scopes if scope not in ("openid", "profile", "offline_access")]
        if not wanted or (form["grant_type"] == "client_credentials" and not wanted[0].endswith("/.default")):
            return 400, _error("invalid_scope", 70011, "The provided value for the scope is not valid.")
        audience = wanted[0].removesuffix("/.default")
        client, user = form.get("client_id", ""), form.get("username")
        issuer = f"https://{host}/{tenant}/v2.0"
        claims = {"aud": audience, "iss": issuer, "tid": tenant, "appid": client, "sub": user or client}
        answer = {
            "token_type": "Bearer",
            "expires_in": round(self.config.expires_s),
            "ext_expires_in": round(self.config.expires_s),
            "access_token": self._token(claims, wall, rng),
        }
        if self.config.refresh_s is not None:
            answer["refresh_in"] = round(self.config.refresh_s)
        if form["grant_type"] != "client_credentials":
            answer["scope"] = " ".join(wanted)
            answer["refresh_token"] = f"refresh-{rng.getrandbits(128):032x}"
            answer["id_token"] = self._token({**claims, "aud": client, "preferred_username": user or client}, wall, rng)
            answer["client_info"] = _encoded({"uid": user or "user", "utid": tenant})
        return 200, answer

    def _refused(self, form: dict[str, str]) -> tuple[int, dict[str, Any]] | None:
        """Why nothing is granted."""
        grant, client = form.get("grant_type"), form.get("client_id")
        if grant not in _GRANTS:
            return 400, _error("unsupported_grant_type", 70003, "The grant type is not supported.")
        if not client or not form.get("scope"):
            return 400, _error("invalid_request", 900144, "The request must contain 'client_id' and 'scope'.")
        known = self.config.secrets
        if grant == "client_credentials" and not form.get("client_assertion"):
            secret = form.get("client_secret")
            if not secret or (known and known.get(client) != secret):
                return 401, _error("invalid_client", 7000215, "Invalid client secret provided.")
        elif grant == "client_credentials" and known and client not in known:
            return 400, _error("unauthorized_client", 700016, "The application was not found in the directory.")
        elif grant == "password":
            user, password = form.get("username", ""), form.get("password")
            if not password or (known and known.get(user) != password):
                return 400, _error("invalid_grant", 50126, "Invalid username or password.")
        return None

    def _identity(
        self, path: str, asked: dict[str, str], headers: Mapping[str, str], wall: float, rng: Random
    ) -> tuple[int, dict[str, Any]]:
        """A token for the machine itself."""
        proof = "metadata" if path == _IDENTITY[0] else "x-identity-header"
        if not headers.get(proof):
            return 400, {"error": "invalid_request", "error_description": f"Required header '{proof}' not specified"}
        if not asked.get("resource"):
            return 400, {"error": "invalid_request", "error_description": "Required parameter 'resource' not specified"}
        client = asked.get("client_id", "managed-identity")
        token = self._token({"aud": asked["resource"], "appid": client, "sub": client}, wall, rng)
        life = round(self.config.expires_s)
        return 200, {
            "access_token": token,
            "client_id": client,
            "expires_in": str(life),
            "expires_on": str(int(wall) + life),
            "resource": asked["resource"],
            "token_type": "Bearer",
        }

    def _token(self, claims: dict[str, Any], wall: float, rng: Random) -> str:
        times = {"iat": int(wall), "nbf": int(wall), "exp": wall + self.config.expires_s}
        identity = {"jti": f"{rng.getrandbits(128):032x}"}
        head = _encoded({"alg": "none", "typ": "JWT"})
        return f"{head}.{_encoded({**claims, **times, **identity})}.emulated"


def _encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _error(name: str, number: int, text: str) -> dict[str, Any]:
    trace = str(UUID(int=number))
    return {
        "error": name,
        "error_description": f"AADSTS{number}: {text} Trace ID: {trace}",
        "error_codes": [number],
        "trace_id": trace,
        "correlation_id": trace,
    }


def _configuration(host: str, tenant: str) -> dict[str, Any]:
    base = f"https://{host}/{tenant}"
    return {
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "response_types_supported": ["code"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def _discovery(host: str) -> dict[str, Any]:
    cloud = {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
    tenant = f"https://{host}/common/v2.0/.well-known/openid-configuration"
    return {"tenant_discovery_endpoint": tenant, "api-version": "1.1", "metadata": [cloud]}
