"""How do we sign in to Entra?

Each way is a small value that two deployments may have in common, and it knows how azure-identity spells it.  A
credential of azure-identity lives for one fetch: it keeps its tokens itself, and would hand out the old one where a
new one is wanted (before its last five minutes, or after a 401).  azure-identity is imported when first used, in the
thread of the fetch, and so are its blocking classes: they serve asyncio and trio alike.
Sources: azure.md §2.2 and §2.3, azure-identity 1.27.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .event_loop import on_asyncio
from .given_token import CredentialError
from .oidc import assertion
from .quiet import quiet

DEFAULT_SCOPE = "https://cognitiveservices.azure.com/.default"
SCOPES = {
    "login.microsoftonline.us": "https://cognitiveservices.azure.us/.default",
    "login.chinacloudapi.cn": "https://cognitiveservices.azure.cn/.default",
    "login.partner.microsoftonline.cn": "https://cognitiveservices.azure.cn/.default",
}
"""What a token is for, by the host of the sovereign cloud that gives it."""
CHAINS = ("DefaultAzureCredential", "ManagedIdentityCredential", "WorkloadIdentityCredential", "AzureCliCredential")
"""Credentials of azure-identity that find out themselves who we are."""

_SECRET_VARIABLES = ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD", "IDENTITY_HEADER")
"""What the credentials of `CHAINS` may read from the environment."""


@dataclass(frozen=True, slots=True)
class ServicePrincipal:
    """An application with a secret."""

    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)
    stated: ClassVar[str] = "client_secret"

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.client_secret,)

    def credential(self, identity: Any, authority: dict[str, Any]) -> Any:
        return identity.ClientSecretCredential(self.tenant_id, self.client_id, self.client_secret, **authority)


@dataclass(frozen=True, slots=True)
class Certificate:
    """An application with a certificate."""

    tenant_id: str
    client_id: str
    path: str
    password: str | None = field(default=None, repr=False)
    send_chain: bool = False
    stated: ClassVar[str] = "AZURE_CLIENT_CERTIFICATE_PATH"

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.password or "",)

    def credential(self, identity: Any, authority: dict[str, Any]) -> Any:
        return identity.CertificateCredential(
            self.tenant_id,
            self.client_id,
            self.path,
            password=self.password,
            send_certificate_chain=self.send_chain,
            **authority,
        )


@dataclass(frozen=True, slots=True)
class User:
    """A user's name and password.  Deprecated by Microsoft and by its libraries: it cannot give a second factor."""

    client_id: str
    username: str
    password: str = field(repr=False)
    tenant_id: str | None = None
    stated: ClassVar[str] = "azure_username and azure_password"

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.password,)

    def credential(self, identity: Any, authority: dict[str, Any]) -> Any:
        given = {"tenant_id": self.tenant_id} if self.tenant_id else {}
        return identity.UsernamePasswordCredential(self.client_id, self.username, self.password, **given, **authority)


@dataclass(frozen=True, slots=True)
class Federated:
    """An application that another platform vouches for."""

    tenant_id: str
    client_id: str
    source: str = field(repr=False)
    """`oidc/…`, see `oidc.py`."""
    secrets: ClassVar[tuple[str, ...]] = ()
    stated: ClassVar[str] = "azure_ad_token: oidc/…"

    def credential(self, identity: Any, authority: dict[str, Any]) -> Any:
        token = assertion(self.source)  # here, where its own error is not wrapped in another
        return identity.ClientAssertionCredential(self.tenant_id, self.client_id, lambda: token, **authority)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Whoever this machine, pod or developer is."""

    kind: str = "DefaultAzureCredential"
    """One of `CHAINS`."""
    client_id: str | None = None
    """Of a user-assigned identity."""
    tenant_id: str | None = None

    @property
    def stated(self) -> str:
        return self.kind

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(os.environ.get(name, "") for name in _SECRET_VARIABLES)

    def credential(self, identity: Any, authority: dict[str, Any]) -> Any:
        given = {name: value for name in ("client_id", "tenant_id") if (value := getattr(self, name))}
        if self.kind == "DefaultAzureCredential":
            host = {"authority": authority["authority"]} if authority else {}
            chain = {f"{of}_client_id": self.client_id for of in ("managed_identity", "workload_identity")}
            chain |= {"workload_identity_tenant_id": self.tenant_id}
            return identity.DefaultAzureCredential(**host, **{k: v for k, v in chain.items() if v})
        if self.kind == "WorkloadIdentityCredential":
            return identity.WorkloadIdentityCredential(**given, **authority)
        if self.kind == "AzureCliCredential":
            return identity.AzureCliCredential(tenant_id=self.tenant_id or "")
        return identity.ManagedIdentityCredential(**({"client_id": self.client_id} if self.client_id else {}))


Way = ServicePrincipal | Certificate | User | Federated | Surroundings
"""Each says by which keys it is `stated`, which `secrets` must not appear in a log, and makes its `credential` of the
module azure.identity and of its keywords for another cloud."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """A way to sign in, what for, and where.  Called, it fetches a token; it blocks.

    Attributes:
        way: who we are, and what proves it.
        scope: what the token is for.
        authority: the host of another cloud's Entra; None: the public cloud's.
    """

    way: Way
    scope: str = DEFAULT_SCOPE
    authority: str | None = None

    @property
    def name(self) -> str:
        """What errors call it."""
        return f"signing in by {self.way.stated}"

    @property
    def way_out(self) -> str:
        """What errors advise."""
        return "See docs/signing-in.md; the log azure.identity says more."

    def __call__(self) -> Any:
        """A token of Entra, with its end."""
        from azure import identity

        # A host that was configured is trusted as api_base is; nobody else is asked whether it exists.
        authority = {"authority": self.authority, "disable_instance_discovery": True} if self.authority else {}
        with quiet(self.way.secrets), closing(self.way.credential(identity, authority)) as credential:
            return ask(credential, self.scope)


def ask(credential: Any, scope: str) -> Any:
    """A token of a credential object, blocking."""
    given = getattr(credential, "get_token_info", None) or credential.get_token
    with quiet():
        return given(scope)


def asynchronous(credential: Any, scope: str) -> Callable[[], Awaitable[Any]] | None:
    """The same as an asynchronous function, if the object is asynchronous."""
    given = getattr(credential, "get_token_info", None) or credential.get_token
    if not inspect.iscoroutinefunction(given):
        return None

    async def aask() -> Any:
        if type(credential).__module__.startswith("azure.") and not on_asyncio():
            raise CredentialError(
                "the asynchronous credentials of azure-identity work on asyncio only, and this is trio.  "
                "Give the class of the same name from azure.identity, without .aio."
            )
        with quiet():
            return await given(scope)

    return aask
