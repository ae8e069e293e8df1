"""The one credential that is kept, from an entry and from the environment."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from router.azure.credentials import ApiKey, StaticToken, TokenProvider
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
from router.config import settings_from_file
from router.configured import Deployment

from .entries import KEY, entry, only, problem, problems, settings

PRINCIPAL = {"tenant_id": "t", "client_id": "c", "client_secret": "s"}
USER = {"client_id": "c", "azure_username": "u", "azure_password": "p"}
ENV_PRINCIPAL = {"AZURE_TENANT_ID": "et", "AZURE_CLIENT_ID": "ec", "AZURE_CLIENT_SECRET": "es"}
ENV_CERTIFICATE = {"AZURE_TENANT_ID": "et", "AZURE_CLIENT_ID": "ec", "AZURE_CLIENT_CERTIFICATE_PATH": "/x.pem"}
REFRESH = {"enable_azure_ad_token_refresh": True}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("AZURE_API_KEY", "env-key")
    return monkeypatch


def secret(deployment: Deployment) -> str:
    return str(deployment.endpoint.credential.authorization())


def header(deployment: Deployment) -> str:
    target = deployment.endpoint
    return str(target.credential.header(target.endpoint.kind, "s")[0])


def sign_in(deployment: Deployment) -> SignIn:
    found = deployment.endpoint.credential._provider
    assert isinstance(found, SignIn)
    return found


def made(**params: Any) -> Way:
    """How an entry without a key signs in."""
    return sign_in(only(**{"api_key": None, **params})).way


def no_key(**params: Any) -> dict[str, Any]:
    return entry(**{"api_key": None, **params})


class Credential:
    def get_token(self, *scopes: str, **_: Any) -> Any:
        return type("Token", (), {"token": " ".join(scopes), "expires_on": 4e9})


def provider() -> str:
    return "fetched"


@pytest.mark.parametrize(
    ("params", "kind", "sent", "in_header"),
    [
        ({}, ApiKey, KEY, "api-key"),
        ({"azure_ad_token": "tok"}, StaticToken, "tok", "authorization"),
        ({"azure_ad_token": "tok", "azure_ad_token_provider": provider}, TokenProvider, "fetched", "authorization"),
        ({"api_key": None, "azure_ad_token_provider": provider}, TokenProvider, "fetched", "authorization"),
        ({"model": "gpt-4o", "api_base": None}, ApiKey, KEY, "authorization"),
    ],
)
def test_one_credential_is_kept_a_token_before_a_key(
    params: dict[str, Any], kind: type, sent: str, in_header: str
) -> None:
    made = only(**params)
    assert isinstance(made.endpoint.credential, kind)
    assert secret(made) == sent
    assert header(made) == in_header


@pytest.mark.parametrize(
    ("params", "says"),
    [
        (
            {"api_key": None},
            "has no credential; give api_key, azure_ad_token, azure_ad_token_provider, azure_credential, or tenant_id"
            " with client_id and client_secret, or set AZURE_API_KEY",
        ),
        (
            {"api_key": None, "model": "gpt-4o", "api_base": None},
            "has no credential; give api_key, or set OPENAI_API_KEY; a deployment on Azure is named"
            " azure/my-deployment",
        ),
    ],
)
def test_a_missing_credential_names_the_ways_out(params: dict[str, Any], says: str) -> None:
    assert problem(entry(**params)) == f"model_list[0].litellm_params: {says}"


@pytest.mark.parametrize("value", ["CANARY\n", " CANARY", "CAN ARY", "CANÄRY", "CANARY\x00"])
@pytest.mark.parametrize("key", ["api_key", "azure_ad_token"])
def test_a_secret_that_cannot_travel_in_a_header_is_refused_and_not_shown(key: str, value: str) -> None:
    assert problem(entry(**{key: value})).startswith(f"model_list[0].litellm_params.{key}: the ")


@pytest.mark.parametrize(
    "value", ["<your-key>", "sk-...", "your-api-key", "your_azure_openai_api_key_here", "...", "xxxx"]
)
def test_a_placeholder_is_no_key(value: str) -> None:
    assert "the key is still a placeholder" in problem(entry(api_key=value))


@pytest.mark.parametrize("key", ["azure_ad_token", "tenant_id", "client_id", "client_secret", "azure_password"])
def test_what_belongs_to_azure_is_a_mistake_at_openai(key: str) -> None:
    assert f"{key}: belongs to Azure" in problem(entry(model="gpt-4o", api_base=None, **{key: "t"}))


def test_a_token_provider_is_a_callable() -> None:
    assert "azure_ad_token_provider: must be a callable" in problem(entry(azure_ad_token_provider="CANARY"))


# ---- a key or a token of the environment ---------------------------------------------------------------------------


def test_a_token_of_the_environment_wins_over_its_key(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AZURE_AD_TOKEN", "env-token")
    assert secret(only(api_key=None)) == "env-token"


def test_an_empty_variable_is_no_value_and_a_bad_one_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AZURE_API_KEY", "")
    assert "has no credential" in problem(entry(api_key=None))
    environment.setenv("AZURE_API_KEY", "CANARY\n")
    assert "the value of AZURE_API_KEY begins or ends with whitespace" in problem(entry(api_key=None))


def test_two_entries_without_a_key_are_two_problems() -> None:
    assert len(problems(entry(api_key=None), entry(api_key=None))) == 2


# ---- signing in ------------------------------------------------------------------------------------------------------


def test_an_object_with_get_token_wins_over_everything_and_is_asked_for_the_scope() -> None:
    given = only(azure_credential=Credential(), azure_ad_token_provider=provider, azure_ad_token="t", **PRINCIPAL)
    assert secret(given) == DEFAULT_SCOPE
    assert header(given) == "authorization"
    assert secret(only(azure_credential=Credential(), azure_scope="https://ai.azure.com/.default")) == (
        "https://ai.azure.com/.default"
    )


@pytest.mark.parametrize("value", ["CANARY", Credential, object(), provider])
def test_a_credential_is_an_object_with_get_token(value: object) -> None:
    assert "azure_credential: must be an object with get_token(scope)" in problem(entry(azure_credential=value))


def test_a_credential_given_as_a_provider_is_told_its_place() -> None:
    assert "an object with get_token as azure_credential" in problem(entry(azure_ad_token_provider=Credential()))


@pytest.mark.parametrize(
    ("params", "way"),
    [
        (PRINCIPAL, ServicePrincipal("t", "c", "s")),
        (USER, User("c", "u", "p")),
        ({**USER, "tenant_id": "t"}, User("c", "u", "p", "t")),
        (
            {"azure_ad_token": "oidc/env/SOME", "tenant_id": "t", "client_id": "c"},
            Federated("t", "c", "oidc/env/SOME"),
        ),
        (REFRESH, Surroundings()),
        ({**REFRESH, "client_id": "c"}, Surroundings(client_id="c")),
        ({**REFRESH, **PRINCIPAL}, ServicePrincipal("t", "c", "s")),
    ],
)
def test_each_way_to_sign_in_is_understood(params: dict[str, Any], way: Way) -> None:
    assert made(**params) == way
    assert header(only(**{"api_key": None, **params})) == "authorization"


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"client_secret": "CANARY"}, "client_secret: needs tenant_id and client_id beside it; give them, or set AZ"),
        ({"client_secret": "CANARY", "client_id": "c"}, "needs tenant_id beside it; give them, or set AZURE_TENANT_ID"),
        ({"tenant_id": "t", "client_id": "c"}, "tenant_id: signs nobody in alone; give client_secret, or azure_usern"),
        ({"client_id": "c"}, "client_id: signs nobody in alone"),
        ({"azure_username": "u", "client_id": "c"}, "azure_username: needs azure_password beside it"),
        ({"azure_password": "CANARY"}, "azure_password: needs client_id and azure_username beside it"),
        ({**PRINCIPAL, **USER}, "client_secret: is the application's, and azure_username a user's; remove one of them"),
        ({"azure_ad_token": "oidc/env/X"}, "azure_ad_token: needs tenant_id and client_id beside it"),
        ({"azure_ad_token": "oidc/CANARY/x", **PRINCIPAL}, "azure_ad_token: names no source of OIDC tokens"),
        ({"azure_ad_token": "oidc/google/x", **PRINCIPAL}, "ClientAssertionCredential as azure_credential"),
        ({"api_key": "oidc/azure/CANARY"}, "api_key: the key names an OIDC token, which is no key"),
        ({**PRINCIPAL, "tenant_id": "CAN/ARY"}, "tenant_id: is no tenant"),
        ({**PRINCIPAL, "client_secret": "CANARY\n"}, "client_secret: begins or ends with whitespace"),
        ({**PRINCIPAL, "client_secret": "<your-secret>"}, "client_secret: the client secret is still a placeholder"),
        ({**USER, "azure_password": "my-password"}, "azure_password: the azure password is still a placeholder"),
        ({**PRINCIPAL, "azure_scope": "https://a/.default b"}, "azure_scope: must be one scope without spaces"),
        ({**PRINCIPAL, "azure_scope": "https://a"}, "azure_scope: must end in /.default"),
        ({**PRINCIPAL, "azure_authority_host": "http://CANARY"}, "azure_authority_host: must be a host"),
    ],
)
def test_a_sign_in_with_missing_or_wrong_parts_names_the_way_out(params: dict[str, Any], says: str) -> None:
    text = problem(no_key(**params))
    assert text.startswith("model_list[0].litellm_params.")
    assert says in text
    assert "CAN" not in text


def test_a_key_is_sent_before_anybody_signs_in_and_a_warning_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "router"):
        assert secret(only(**PRINCIPAL)) == KEY
    assert "model_list[0].litellm_params: api_key is sent, so tenant_id, client_id, client_secret have" in caplog.text
    assert secret(only(azure_ad_token="tok", **PRINCIPAL)) == "tok"


def test_a_user_may_ask_for_any_scope() -> None:
    assert sign_in(only(api_key=None, azure_scope="api://mine/use", **USER)).scope == "api://mine/use"


@pytest.mark.parametrize(
    ("stated", "authority", "scope"),
    [
        (None, None, DEFAULT_SCOPE),
        ("login.microsoftonline.us", "https://login.microsoftonline.us", "https://cognitiveservices.azure.us/.default"),
        (
            "https://login.chinacloudapi.cn/",
            "https://login.chinacloudapi.cn",
            "https://cognitiveservices.azure.cn/.default",
        ),
        ("private.example:8443", "https://private.example:8443", DEFAULT_SCOPE),
    ],
)
def test_another_cloud_has_its_own_host_and_scope(
    stated: str | None, authority: str | None, scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = sign_in(only(api_key=None, azure_authority_host=stated, **PRINCIPAL))
    assert (found.authority, found.scope) == (authority, scope)
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", stated or "")
    monkeypatch.setenv("AZURE_SCOPE", "https://ai.azure.com/.default")
    found = sign_in(only(api_key=None, **PRINCIPAL))
    assert (found.authority, found.scope) == (authority, "https://ai.azure.com/.default")


def test_deployments_that_sign_in_alike_share_one_credential() -> None:
    one, two, other = settings(
        no_key(**PRINCIPAL), no_key(model="azure/b", **PRINCIPAL), no_key(model="azure/c", **USER)
    ).deployments
    assert one.endpoint.credential is two.endpoint.credential
    assert one.endpoint.credential is not other.endpoint.credential


def test_parts_shared_by_all_deployments_may_stand_in_the_defaults() -> None:
    (one,) = settings(
        no_key(client_secret="s"), default_litellm_params={"tenant_id": "t", "client_id": "c"}
    ).deployments
    assert sign_in(one).way == ServicePrincipal("t", "c", "s")


def test_no_repr_of_a_sign_in_shows_its_secret() -> None:
    for params in ({**PRINCIPAL, "client_secret": "CANARY"}, {**USER, "azure_password": "CANARY"}):
        one = only(api_key=None, **params)
        assert "CANARY" not in f"{one!r} {sign_in(one)!r} {one.endpoint.credential!r}"


# ---- signing in by the environment -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "params", "way"),
    [
        (ENV_PRINCIPAL, {}, ServicePrincipal("et", "ec", "es")),
        (ENV_PRINCIPAL, REFRESH, ServicePrincipal("et", "ec", "es")),
        (ENV_PRINCIPAL, {"client_secret": "s"}, ServicePrincipal("et", "ec", "s")),
        (ENV_PRINCIPAL, {"tenant_id": "t"}, ServicePrincipal("t", "ec", "es")),
        (ENV_PRINCIPAL, {**REFRESH, "client_id": "c"}, Surroundings(client_id="c")),
        (ENV_CERTIFICATE, {}, Certificate("et", "ec", "/x.pem")),
        (
            {
                **ENV_CERTIFICATE,
                "AZURE_CLIENT_CERTIFICATE_PASSWORD": "p",
                "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN": "true",
            },
            {},
            Certificate("et", "ec", "/x.pem", "p", True),
        ),
        (
            {"AZURE_TENANT_ID": "et", "AZURE_CLIENT_ID": "ec", "AZURE_CERTIFICATE_PATH": "/y.pem"},
            REFRESH,
            Certificate("et", "ec", "/y.pem"),
        ),
        (
            {"AZURE_CLIENT_ID": "ec", "AZURE_USERNAME": "eu", "AZURE_PASSWORD": "ep"},
            {},
            User("ec", "eu", "ep"),
        ),
        ({"AZURE_TENANT_ID": "et", "AZURE_CLIENT_ID": "ec"}, REFRESH, Surroundings()),
        (
            {"AZURE_AD_TOKEN": "oidc/env/X", "AZURE_TENANT_ID": "et", "AZURE_CLIENT_ID": "ec"},
            {},
            Federated("et", "ec", "oidc/env/X"),
        ),
        (
            {**ENV_PRINCIPAL, "AZURE_CREDENTIAL": "ManagedIdentityCredential"},
            REFRESH,
            Surroundings("ManagedIdentityCredential"),
        ),
        ({**ENV_PRINCIPAL, "AZURE_CREDENTIAL": "ClientSecretCredential"}, REFRESH, ServicePrincipal("et", "ec", "es")),
        (
            {**ENV_PRINCIPAL, **ENV_CERTIFICATE, "AZURE_CREDENTIAL": "CertificateCredential"},
            REFRESH,
            Certificate("et", "ec", "/x.pem"),
        ),
    ],
)
def test_the_environment_completes_a_sign_in_or_makes_one(
    variables: dict[str, str], params: dict[str, Any], way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert made(**params) == way


@pytest.mark.parametrize(
    ("forced", "says"),
    [
        ("CANARY", "AZURE_CREDENTIAL must be one of ClientSecretCredential, CertificateCredential, DefaultAzure"),
        ("ClientSecretCredential", "asks for ClientSecretCredential, and the variables for it are not all set"),
    ],
)
def test_a_forced_credential_that_cannot_be_is_a_mistake(
    forced: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_CREDENTIAL", forced)
    assert says in problem(no_key(**REFRESH))


def test_a_key_of_the_environment_comes_before_its_sign_in_and_after_what_is_stated(
    environment: pytest.MonkeyPatch,
) -> None:
    for name, value in ENV_PRINCIPAL.items():
        environment.setenv(name, value)
    assert secret(only(api_key=None)) == "env-key"
    assert secret(only(api_key=None, **REFRESH)) == "env-key"
    assert made(**PRINCIPAL) == ServicePrincipal("t", "c", "s")


def test_an_incomplete_environment_signs_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_ID", "ec")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "es")
    assert "has no credential" in problem(no_key())


# ---- enable_azure_ad_token_refresh as a setting ----------------------------------------------------------------------


def test_the_setting_holds_for_every_azure_deployment_that_says_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    plain, keyed, ours, openai = settings(
        no_key(),
        entry(model="azure/b"),
        no_key(model="azure/c", **PRINCIPAL),
        entry(model="gpt-4o", api_base=None, api_key=None),
        enable_azure_ad_token_refresh=True,
    ).deployments
    assert sign_in(plain).way == Surroundings()
    assert isinstance(keyed.endpoint.credential, ApiKey)
    assert sign_in(ours).way == ServicePrincipal("t", "c", "s")
    assert isinstance(openai.endpoint.credential, ApiKey)


def test_a_deployment_may_say_otherwise() -> None:
    text = problem(no_key(enable_azure_ad_token_refresh=False), enable_azure_ad_token_refresh=True)
    assert "has no credential" in text


def test_the_setting_is_read_from_litellm_settings_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "model_list:\n  - model_name: g\n    litellm_params:\n      model: azure/x\n      api_base: https://e.example\n"
        "litellm_settings:\n    enable_azure_ad_token_refresh: true\n"
    )
    (found,) = settings_from_file(path).deployments
    assert sign_in(found).way == Surroundings()
