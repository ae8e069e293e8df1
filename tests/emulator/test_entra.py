"""Tokens: azure-identity's own credentials get them here, and the emulator takes them until they expire."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request

import httpx2
import openai
import pytest
import trustme
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import (
    ClientSecretCredential,
    ManagedIdentityCredential,
    UsernamePasswordCredential,
    WorkloadIdentityCredential,
    get_bearer_token_provider,
)

from router.emulator import EmulatedDeployment, Emulator, EmulatorConfig, EmulatorServer, EntraConfig
from router.emulator.admin import administer

from .helpers import KEY, ask, emulator, said

SCOPE = "https://cognitiveservices.azure.com/.default"
TENANT = "11111111-1111-1111-1111-111111111111"
SECRETS = {"app": "s3cret", "user@example.com": "pass"}


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def secure(authority, tmp_path, monkeypatch):
    """The emulator over https, whose certificate azure-identity's client trusts."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    entra = EntraConfig(secrets=SECRETS)
    config = EmulatorConfig([EmulatedDeployment("chat", resource="east")], keys=[KEY], strict=True, entra=entra)
    with EmulatorServer.in_thread(config, tls=context) as server:
        yield server


def authority_of(server):
    return {"authority": server.url.replace("127.0.0.1", "localhost"), "disable_instance_discovery": True}


def test_a_service_principal_calls(secure, authority):
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with ClientSecretCredential(TENANT, "app", "s3cret", **authority_of(secure)) as credential:
        client = openai.AzureOpenAI(
            azure_endpoint=secure.base("east"),
            api_version="2025-04-01-preview",
            azure_ad_token_provider=get_bearer_token_provider(credential, SCOPE),
            http_client=httpx2.Client(verify=trust),
        )
        with client:
            for _ in range(2):
                assert client.chat.completions.create(model="chat", messages=[{"role": "user", "content": "x"}])
    assert (secure.emulator.entra.requests, secure.emulator.entra.granted) == (1, 1)


def test_a_wrong_secret_is_told(secure):
    with (
        ClientSecretCredential(TENANT, "app", "wrong", **authority_of(secure)) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        credential.get_token(SCOPE)


def test_a_workload_shows_its_assertion(secure, tmp_path):
    (tmp_path / "token").write_text("assertion")
    options = {"tenant_id": TENANT, "client_id": "app", "token_file_path": str(tmp_path / "token")}
    with WorkloadIdentityCredential(**options, **authority_of(secure)) as credential:
        assert credential.get_token(SCOPE).token.count(".") == 2


class ToPort(RequestsTransport):
    """MSAL asks for the realm of a user at the host alone and forgets the port."""

    def __init__(self, base):
        super().__init__()
        self._base = base

    def send(self, request, **options):
        request.url = request.url.replace("https://localhost/", self._base + "/")
        return super().send(request, **options)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # azure-identity advises against passwords
def test_a_user_signs_in_with_a_password(secure):
    where = authority_of(secure)
    options = {"client_id": "app", "username": "user@example.com", "tenant_id": TENANT, **where}
    with UsernamePasswordCredential(password="pass", transport=ToPort(where["authority"]), **options) as credential:
        assert credential.get_token(SCOPE).token.count(".") == 2
    with (
        UsernamePasswordCredential(password="no", transport=ToPort(where["authority"]), **options) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS50126"),
    ):
        credential.get_token(SCOPE)


def test_a_machine_asks_its_own_endpoint(monkeypatch):
    config = EmulatorConfig([EmulatedDeployment("chat", resource="east")], keys=[KEY], strict=True)
    with EmulatorServer.in_thread(config) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", server.url + "/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "proof")
        with ManagedIdentityCredential() as credential:
            token = credential.get_token(SCOPE).token
        headers = {"authorization": f"Bearer {token}"}
        plan = server.emulator.handle("GET", "/east/openai/v1/models", headers, b"", server.emulator._now)
        assert plan.status == 200


# ---- without sockets ---------------------------------------------------------------------------------------------


def token(azure, now=0.0, **form):
    asked = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "s3cret", "scope": SCOPE, **form}
    return azure.handle("POST", f"/{TENANT}/oauth2/v2.0/token", {}, urllib.parse.urlencode(asked).encode(), now)


def entra(**options):
    made = EntraConfig(secrets=SECRETS, **options)
    return Emulator(EmulatorConfig([EmulatedDeployment("chat")], keys=[KEY], strict=True, entra=made))


def test_a_token_is_good_until_it_expires():
    azure = entra(expires_s=60.0, refresh_s=30.0)
    grant = said(token(azure))
    assert (grant["token_type"], grant["expires_in"], grant["refresh_in"]) == ("Bearer", 60, 30)
    headers = {"authorization": f"Bearer {grant['access_token']}"}
    assert [ask(azure, headers=headers, now=now).status for now in (0.0, 59.0, 61.0)] == [200, 200, 401]


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "password", "username": "user@example.com", "password": "pass"}, 200, None),
        ({"grant_type": "password", "username": "user@example.com", "password": "no"}, 400, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "refresh-1"}, 200, None),
        ({"client_secret": "", "client_assertion": "jwt"}, 200, None),
        ({"client_id": "other", "client_assertion": "jwt"}, 400, "unauthorized_client"),
        ({"client_secret": "no"}, 401, "invalid_client"),
        ({"client_id": ""}, 400, "invalid_request"),
        ({"grant_type": "magic"}, 400, "unsupported_grant_type"),
        ({"scope": "https://cognitiveservices.azure.com"}, 400, "invalid_scope"),
    ],
)
def test_every_grant(form, status, error):
    plan = token(entra(), **form)
    assert (plan.status, said(plan).get("error")) == (status, error)


def test_a_token_for_another_audience_opens_nothing():
    azure = entra()
    grant = said(token(azure, scope="https://management.azure.com/.default"))
    assert ask(azure, headers={"authorization": f"Bearer {grant['access_token']}"}).status == 401


def test_it_can_fail_and_be_slow_while_it_runs():
    azure = entra()
    assert administer(azure, "PATCH", "/emulator/entra", b'{"fail": true, "delay_s": 2}', 0.0)[0] == 200
    plan = token(azure)
    assert (plan.status, plan.delay) == (503, 2.0)
    assert administer(azure, "PATCH", "/emulator/entra", b'{"fial": true}', 0.0)[0] == 400
    administer(azure, "PATCH", "/emulator/entra", b'{"fail": false}', 0.0)
    assert token(azure).status == 200
    shown = administer(azure, "GET", "/emulator/status", b"", 0.0)[1]["entra"]
    assert shown == {"requests": 2, "granted": 1, "fail": False}
    azure.reset()
    assert (azure.entra.requests, azure.entra.config.delay_s) == (0, 0.0)


def test_what_msal_reads_first():
    azure = emulator()
    host = {"host": "login.test"}
    known = said(azure.handle("GET", f"/{TENANT}/v2.0/.well-known/openid-configuration", host, b"", 0.0))
    assert known["token_endpoint"] == f"https://login.test/{TENANT}/oauth2/v2.0/token"
    found = said(azure.handle("GET", "/common/discovery/instance?api-version=1.1", host, b"", 0.0))
    assert found["metadata"][0]["preferred_network"] == "login.test"
    realm = said(azure.handle("GET", "/common/userrealm/u@example.com?api-version=1.0", host, b"", 0.0))
    assert realm["account_type"] == "Managed"


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({"metadata": "true"}, "resource=https://ai.azure.com", 200),
        ({}, "resource=x", 400),
        ({"metadata": "true"}, "", 400),
    ],
)
def test_a_virtual_machine_asks_its_metadata(headers, query, status):
    plan = emulator().handle("GET", f"/metadata/identity/oauth2/token?{query}", headers, b"", 0.0)
    assert plan.status == status
    if status == 200:
        assert json.loads(plan.body)["resource"] == "https://ai.azure.com"
