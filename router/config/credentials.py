"""What proves who we are?

Exactly one credential is kept.  What an entry states comes before what the environment holds; among what is stated, a
token that is at hand (an object or a callable that gives one, or the token itself) comes before a key, and a key
before signing in, which is LiteLLM's order.  The names of variables are those of LiteLLM, of OpenAI's client and of
azure-identity.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from router.azure.credentials import (
    ApiKey,
    Credential,
    StaticToken,
    from_credential,
    from_provider,
    signed_in,
)
from router.azure.endpoint import ParsedModel
from router.azure.oidc import PREFIX, check_source
from router.azure.sign_in import (
    CHAINS,
    DEFAULT_SCOPE,
    SCOPES,
    Certificate,
    Federated,
    ServicePrincipal,
    SignIn,
    Surroundings,
    User,
    Way,
)

from .models import Params
from .problems import Path, Problems, spell

log = logging.getLogger("router")

KEYS = {"azure": ("AZURE_API_KEY", "AZURE_OPENAI_API_KEY"), "openai": ("OPENAI_API_KEY",)}
TOKENS = ("AZURE_AD_TOKEN", "AZURE_OPENAI_AD_TOKEN")
VARIABLES = {
    "tenant_id": "AZURE_TENANT_ID",
    "client_id": "AZURE_CLIENT_ID",
    "client_secret": "AZURE_CLIENT_SECRET",
    "azure_username": "AZURE_USERNAME",
    "azure_password": "AZURE_PASSWORD",
}
"""The parts of a sign-in, and the variables that complete them."""
CERTIFICATES = ("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CERTIFICATE_PATH")
AZURE_ONLY = ("azure_credential", "azure_ad_token_provider", "azure_ad_token", *VARIABLES)

_PLACEHOLDER = re.compile(
    r"<.*>|\{.*\}|sk-(\.{3,}|…|x{3,})|\.{3,}|…|x{3,}|change[-_]?me|"
    r"(my|your|the)[-_ ]?(azure|openai|api|client|secret|resource|[-_ ])*(key|token|secret|password)([-_ ]?here)?",
    re.IGNORECASE,
)
_TENANT = re.compile(r"[A-Za-z0-9.-]+", re.ASCII)
_SCOPE = re.compile(r"[A-Za-z0-9_.:/-]+", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", re.ASCII)
_WAYS = (
    "api_key, azure_ad_token, azure_ad_token_provider, azure_credential, or tenant_id with client_id and client_secret"
)


def credential_of(
    params: Params, parsed: ParsedModel, path: Path, environment: Mapping[str, str], problems: Problems
) -> Credential | None:
    """What proves who we are; None if nothing does, or nothing usable."""
    return _Finder(params, path, environment, problems).find("openai" if parsed.provider == "openai" else "azure")


class _Finder:
    """Looks through an entry, then through the environment."""

    def __init__(self, params: Params, path: Path, environment: Mapping[str, str], problems: Problems) -> None:
        self._params = params
        self._path = path
        self._environment = environment
        self._problems = problems
        self._stated = [name for name in VARIABLES if getattr(params, name) is not None]
        """The parts of a sign-in that the entry states."""

    def find(self, side: str) -> Credential | None:
        before = len(self._problems)
        found = self._stated_one(side)
        if found is None and len(self._problems) == before:
            found = self._environments_one(side)
        if found is None and len(self._problems) == before:
            ways = _WAYS if side == "azure" else "api_key"
            named = side == "azure" or (self._params.model or "").startswith("openai/")
            elsewhere = "" if named else "; a deployment on Azure is named azure/my-deployment"
            self._problem((), f"has no credential; give {ways}, or set {KEYS[side][0]}{elsewhere}")
        return found

    def _stated_one(self, side: str) -> Credential | None:
        params = self._params
        if side == "openai":
            for name in AZURE_ONLY:
                if getattr(params, name) is not None:
                    self._problem((name,), "belongs to Azure, and the model is one of OpenAI; give api_key")
                    return None
        if params.azure_credential is not None:
            scope = self._scope(self._authority())
            return None if scope is None else from_credential(params.azure_credential, scope)
        if params.azure_ad_token_provider is not None:
            return from_provider(params.azure_ad_token_provider)
        if params.azure_ad_token is not None:
            return self._token(params.azure_ad_token, "the token")
        if params.api_key is not None:
            if self._stated:
                log.warning("%s: api_key is sent, so %s have no effect; remove one of them",
                            spell(self._problems.place(self._path)), ", ".join(self._stated))  # fmt: skip
            return self._key(params.api_key, "the key")
        return self._sign_in() if self._stated else None

    def _environments_one(self, side: str) -> Credential | None:
        environment = self._environment
        for name in TOKENS if side == "azure" else ():
            if environment.get(name):
                return self._token(environment[name], f"the value of {name}")
        for name in KEYS[side]:
            if environment.get(name):
                return self._key(environment[name], f"the value of {name}")
        return self._sign_in() if side == "azure" else None

    # ---- a key, a token ----------------------------------------------------------------------------------

    def _key(self, value: str, what: str) -> Credential | None:
        if value.startswith(PREFIX):
            self._problem(("api_key",), f"{what} names an OIDC token, which is no key; give it as azure_ad_token")
        elif self._is_real(value, what, "api_key"):
            try:
                return ApiKey(value, what)
            except ValueError as error:
                self._problem(("api_key",), str(error))
        return None

    def _token(self, value: str, what: str) -> Credential | None:
        if value.startswith(PREFIX):
            return self._federated(value)
        if self._is_real(value, what, "azure_ad_token"):
            try:
                return StaticToken(value, what)
            except ValueError as error:
                self._problem(("azure_ad_token",), str(error))
        return None

    def _federated(self, source: str) -> Credential | None:
        try:
            check_source(source)
        except ValueError as error:
            self._problem(("azure_ad_token",), str(error))
            return None
        parts = self._parts(("tenant_id", "client_id"), beside="azure_ad_token")
        return None if parts is None else self._signed_in(Federated(**parts, source=source))

    # ---- signing in --------------------------------------------------------------------------------------

    def _sign_in(self) -> Credential | None:
        """By what the entry states of it, completed from the environment; or else by the environment alone."""
        way = self._way()
        return None if way is None else self._signed_in(way)

    def _way(self) -> Way | None:
        user = [name for name in self._stated if name in ("azure_username", "azure_password")]
        if user and "client_secret" in self._stated:
            self._problem(("client_secret",), "is the application's, and azure_username a user's; remove one of them")
            return None
        if user:
            parts = self._parts(("client_id", "azure_username", "azure_password"), beside=user[0])
            if parts is None:
                return None
            return User(parts["client_id"], parts["azure_username"], parts["azure_password"], self._value("tenant_id"))
        if "client_secret" in self._stated:
            parts = self._parts(("tenant_id", "client_id", "client_secret"), beside="client_secret")
            return None if parts is None else ServicePrincipal(**parts)
        refresh = bool(self._params.enable_azure_ad_token_refresh)
        forced = self._environment.get("AZURE_CREDENTIAL") if refresh else None
        if forced and forced not in (*CHAINS, "ClientSecretCredential", "CertificateCredential"):
            names = ", ".join(("ClientSecretCredential", "CertificateCredential", *CHAINS))
            self._problem((), f"the environment variable AZURE_CREDENTIAL must be one of {names}")
            return None
        assigned = refresh and self._params.client_id is not None  # it names an identity, not the environment's
        own = None if forced in CHAINS or assigned else self._environments_way(forced)
        if own is not None or forced in ("ClientSecretCredential", "CertificateCredential"):
            return own
        if refresh:
            return Surroundings(forced or "DefaultAzureCredential", self._params.client_id, self._params.tenant_id)
        if self._stated:
            self._problem(
                (self._stated[0],),
                "signs nobody in alone; give client_secret, or azure_username and azure_password, or"
                " enable_azure_ad_token_refresh: true",
            )
        return None

    def _environments_way(self, forced: str | None) -> Way | None:
        """The service principal or the user that the environment describes, if it does so completely."""
        tenant, client = self._value("tenant_id"), self._value("client_id")
        secret, variable = self._value("client_secret"), self._environment.get
        if tenant and client and secret and forced != "CertificateCredential":
            return ServicePrincipal(tenant, client, secret)
        certificate = next((variable(name) for name in CERTIFICATES if variable(name)), None)
        if tenant and client and certificate and forced != "ClientSecretCredential":
            chain = (variable("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN") or "").lower() in ("1", "true")
            return Certificate(tenant, client, certificate, variable("AZURE_CLIENT_CERTIFICATE_PASSWORD"), chain)
        username, password = self._value("azure_username"), self._value("azure_password")
        if client and username and password and not forced:
            return User(client, username, password, tenant)
        if forced:
            self._problem((), f"AZURE_CREDENTIAL asks for {forced}, and the variables for it are not all set")
        return None

    def _signed_in(self, way: Way) -> Credential | None:
        before = len(self._problems)
        authority = self._authority()
        scope = self._scope(authority)
        if scope is not None and not scope.endswith("/.default") and not isinstance(way, User):
            self._problem(("azure_scope",), "must end in /.default for an application or an identity")
        tenant = getattr(way, "tenant_id", None)
        if tenant and not _TENANT.fullmatch(tenant):
            self._problem(("tenant_id",), "is no tenant; give its id, or one of its domains")
        for name in ("client_secret", "password"):
            self._check_secret(getattr(way, name, None), "azure_password" if name == "password" else name)
        if len(self._problems) > before or scope is None:
            return None
        return signed_in(SignIn(way, scope, authority))

    def _parts(self, names: tuple[str, ...], beside: str) -> dict[str, str] | None:
        """The values of these, or a problem that names those that are missing."""
        missing = [name for name in names if not self._value(name)]
        if missing:
            variables = ", ".join(VARIABLES[name] for name in missing)
            self._problem((beside,), f"needs {' and '.join(missing)} beside it; give them, or set {variables}")
            return None
        return {name: self._value(name) or "" for name in names}

    def _value(self, name: str) -> str | None:
        stated: str | None = getattr(self._params, name)
        return stated if stated is not None else self._environment.get(VARIABLES[name]) or None

    # ---- checks ------------------------------------------------------------------------------------------

    def _authority(self) -> str | None:
        """The host of Entra; None for the public cloud's."""
        stated = self._params.azure_authority_host or self._environment.get("AZURE_AUTHORITY_HOST")
        if not stated:
            return None
        host = stated.strip().removeprefix("https://").rstrip("/")
        if not _HOST.fullmatch(host):
            self._problem(("azure_authority_host",), "must be a host, such as login.microsoftonline.us, with https")
            return None
        return f"https://{host}"

    def _scope(self, authority: str | None) -> str | None:
        default = SCOPES.get(urlsplit(authority or "").hostname or "", DEFAULT_SCOPE)
        scope = self._params.azure_scope or self._environment.get("AZURE_SCOPE") or default
        if _SCOPE.fullmatch(scope):
            return scope
        self._problem(("azure_scope",), f"must be one scope without spaces, such as {DEFAULT_SCOPE}")
        return None

    def _check_secret(self, value: str | None, name: str) -> None:
        if value is None or not self._is_real(value, f"the {name.replace('_', ' ')}", name):
            return
        if value != value.strip() or not value.isprintable():
            self._problem((name,), "begins or ends with whitespace, or holds a line end; remove it")

    def _is_real(self, value: str, what: str, name: str) -> bool:
        if not _PLACEHOLDER.fullmatch(value.strip()):
            return True
        self._problem((name,), f"{what} is still a placeholder; put the real one there, or os.environ/NAME")
        return False

    def _problem(self, key: Path, text: str) -> None:
        self._problems.add((*self._path, *key), text)
