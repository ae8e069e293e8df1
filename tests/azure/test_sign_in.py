"""Every way to sign in, by azure-identity itself, to an Entra that checks what it is asked."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import trustme

from router.azure.credentials import CredentialError, TokenProvider, from_credential, signed_in
from router.azure.given_token import expiry_of
from router.azure.sign_in import (
    DEFAULT_SCOPE,
    Certificate,
    Federated,
    ServicePrincipal,
    SignIn,
    Surroundings,
    User,
    Way,
)

from .entra_server import CLIENT, SECRET, TENANT, Entra, entra, jwt
from .fault_server import FaultServer, Peer, answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Entra]:
    with entra(monkeypatch, tmp_path) as made:
        yield made


def provider(way: Way, server: Entra | None = None, scope: str = DEFAULT_SCOPE) -> TokenProvider:
    return signed_in(SignIn(way, scope, f"https://{server.host}" if server else None))


async def test_an_application_signs_in_by_its_secret(server: Entra) -> None:
    credential = provider(ServicePrincipal(TENANT, CLIENT, SECRET), server)
    token = await credential.aauthorization()
    assert time.time() < (expiry_of(token) or 0) <= time.time() + 3600
    assert credential.header("azure", token) == ("authorization", f"Bearer {token}")
    (form,) = server.forms
    assert form["grant_type"] == "client_credentials"
    assert form["scope"] == DEFAULT_SCOPE
    assert (form["client_id"], form["client_secret"]) == (CLIENT, SECRET)
    assert f"/{TENANT}/oauth2/v2.0/token" in server.paths
    assert not any("discovery" in path for path in server.paths)


def test_every_fetch_brings_a_new_token_though_azure_identity_would_keep_the_old(server: Entra) -> None:
    credential = provider(ServicePrincipal(TENANT, CLIENT, SECRET), server)
    first = credential.authorization()
    assert credential.authorization() == first
    assert credential.authorization(refused=first) != first
    assert len(server.forms) == 2


def test_an_application_signs_in_by_its_certificate(server: Entra, tmp_path: Path) -> None:
    server.secrets = None
    pem = tmp_path / "app.pem"
    trustme.CA(key_type=trustme.KeyType.RSA).issue_cert(
        "app", key_type=trustme.KeyType.RSA
    ).private_key_and_cert_chain_pem.write_to_path(str(pem))
    assert provider(Certificate(TENANT, CLIENT, str(pem)), server).authorization()
    (form,) = server.forms
    assert form["client_assertion"].count(".") == 2


def test_a_certificate_that_is_not_there_is_told_without_its_path(server: Entra) -> None:
    with pytest.raises(CredentialError, match=r"signing in by AZURE_CLIENT_CERTIFICATE_PATH raised FileNotFound") as e:
        provider(Certificate(TENANT, CLIENT, "/CANARY.pem"), server).authorization()
    assert "/CANARY" not in str(e.value)


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize(("tenant", "path"), [(None, "organizations"), (TENANT, TENANT)])
def test_a_user_signs_in_by_name_and_password(server: Entra, tenant: str | None, path: str) -> None:
    assert provider(User(CLIENT, "me@example.com", SECRET, tenant), server).authorization()
    (form,) = server.forms
    assert form["grant_type"] == "password"
    assert (form["username"], form["password"]) == ("me@example.com", SECRET)
    assert f"/{path}/oauth2/v2.0/token" in server.paths


def test_a_token_of_another_platform_is_exchanged_and_read_anew_each_time(server: Entra, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET + "\n")
    credential = provider(Federated(TENANT, CLIENT, f"oidc/file/{file}"), server)
    first = credential.authorization()
    file.write_text("rotated")
    server.secrets = {"rotated"}
    assert credential.authorization(refused=first) != first
    assert [form["client_assertion"] for form in server.forms] == [SECRET, "rotated"]
    assert "jwt-bearer" in server.forms[0]["client_assertion_type"]


def test_an_assertion_that_is_not_there_says_where_it_was_looked_for(server: Entra) -> None:
    with pytest.raises(CredentialError, match="the environment variable NOWHERE, which should lead to the OIDC token"):
        provider(Federated(TENANT, CLIENT, "oidc/env/NOWHERE"), server).authorization()
    assert not server.forms


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("AADSTS7000215: Invalid client secret provided.", "AADSTS7000215: the client secret is wrong; give its value"),
        ("AADSTS700016: no application", "AADSTS700016: the tenant has no application with this client_id"),
        ("AADSTS99999999: unheard of", r"\(AADSTS99999999\)"),
        ("no number at all", "raised ClientAuthenticationError.  See docs/signing-in.md"),
    ],
)
def test_what_entra_refuses_is_told_by_its_number(server: Entra, error: str, told: str) -> None:
    server.error = error
    with pytest.raises(CredentialError, match=told):
        provider(ServicePrincipal(TENANT, CLIENT, SECRET), server).authorization()


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("spell", [str, quote, quote_plus])
def test_a_secret_that_entra_echoes_is_in_no_error_and_no_log(
    server: Entra, spell: type[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.error = f"AADSTS7000215: '{spell(SECRET)}' is wrong; your token was {jwt(1, 'CANARY')}"
    for way in (ServicePrincipal(TENANT, CLIENT, SECRET), User(CLIENT, "me@example.com", SECRET)):
        credential = provider(way, server)
        with pytest.raises(CredentialError) as caught:
            credential.authorization()
        told = f"{caught.value!r} {caught.value} {credential!r} {way!r} {caplog.text}"
        assert "AADSTS7000215" in caplog.text  # azure-identity said it, too
        for spelling in {SECRET, quote(SECRET), quote_plus(SECRET), "eyJ"}:
            assert spelling not in told
    assert caplog.records


# ---- whoever this machine is -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["DefaultAzureCredential", "ManagedIdentityCredential"])
@pytest.mark.parametrize("client", [None, CLIENT])
def test_a_managed_identity_signs_in(kind: str, client: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def script(peer: Peer) -> None:
        while peer.request():
            expires = str(int(time.time()) + 86_400)
            peer.say(answer({"access_token": "managed", "expires_on": expires, "resource": "r", "token_type": "B"}))

    with FaultServer(script) as app_service:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{app_service.port}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", SECRET)
        assert provider(Surroundings(kind, client)).authorization() == "managed"
        asked = app_service.requests[0].decode()
    assert "resource=https" in asked
    assert (CLIENT in asked) == (client is not None)


def test_a_pod_signs_in_by_its_workload_identity(
    server: Entra, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(SECRET)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    way = Surroundings("WorkloadIdentityCredential", CLIENT, TENANT)
    assert provider(way, server).authorization()
    assert server.forms[0]["client_assertion"] == SECRET


def test_a_developer_signs_in_by_the_azure_cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    az = tmp_path / "az"
    told = {"accessToken": "from-az", "expires_on": int(time.time()) + 3600, "tenant": TENANT, "tokenType": "Bearer"}
    az.write_text(f"#!/bin/sh\necho '{json.dumps(told)}'\n")
    az.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert provider(Surroundings("AzureCliCredential")).authorization() == "from-az"


def test_where_nobody_says_who_we_are_the_chain_fails_as_a_missing_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "workloadidentitycredential")
    with pytest.raises(
        CredentialError, match=r"signing in by DefaultAzureCredential raised \w+\.  See docs/signing-in"
    ):
        provider(Surroundings()).authorization()


# ---- azure-identity's own objects ------------------------------------------------------------------------------------


async def test_a_blocking_object_of_azure_identity_serves_both_loops(server: Entra) -> None:
    from azure.identity import ClientSecretCredential

    with ClientSecretCredential(
        TENANT, CLIENT, SECRET, authority=f"https://{server.host}", disable_instance_discovery=True
    ) as identity:
        credential = from_credential(identity, DEFAULT_SCOPE)
        assert await credential.aauthorization() == credential.authorization()
    assert len(server.forms) == 1


async def test_an_asynchronous_object_of_azure_identity_serves_asyncio_and_says_so_on_trio(
    anyio_backend: str, server: Entra, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    from azure.identity.aio import ClientSecretCredential

    identity = ClientSecretCredential(
        TENANT,
        CLIENT,
        SECRET,
        authority=f"https://{server.host}",
        disable_instance_discovery=True,
        connection_verify=os.environ["REQUESTS_CA_BUNDLE"],
    )
    credential = from_credential(identity, DEFAULT_SCOPE)
    if anyio_backend == "trio":
        with pytest.raises(CredentialError, match=r"work on asyncio only, and this is trio"):
            await credential.aauthorization()
        return
    async with identity:
        assert (await credential.aauthorization()).count(".") == 2
    assert len(server.forms) == 1


def test_azure_identity_is_imported_when_it_is_used_and_not_before() -> None:
    code = "import sys, router, router.config; sys.exit(any(m.startswith(('azure.', 'msal')) for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
