"""How do we prove who we are?

A credential hands out the secret of the moment: always the same (`ApiKey`, `StaticToken`), or a token that
runs out and is fetched again (`TokenProvider`).  No secret appears in a repr or in an error.
"""

from __future__ import annotations

from typing import Protocol

from .endpoint import check_key
from .token_cache import AsyncProvider, CredentialError, SyncProvider, TokenCache

__all__ = ["ApiKey", "Credential", "CredentialError", "StaticToken", "TokenProvider"]


class Credential(Protocol):
    """What the transport needs: a secret, and the header that carries it."""

    def authorization(self) -> str:
        """The key or token to send now.  May block.  Raises CredentialError if there is none."""
        ...

    async def aauthorization(self) -> str:
        """The same, awaiting (asyncio or trio); never blocks the loop."""
        ...

    def header(self, kind: str, secret: str) -> tuple[str, str]:
        """Name (lower case) and value of the one header that proves who we are.

        Args:
            kind: `Endpoint.kind`.
            secret: what `authorization` returned.
        """
        ...

    def invalidate(self, secret: str | None = None) -> bool:
        """The service refused `secret` with a 401: do not hand it out again.

        Args:
            secret: the refused one; None means the current one.  Calls that were refused at the same time
                cause one refresh, because a newer secret is not touched.

        Returns:
            True if trying once more may help, because the next secret can be another one.
        """
        ...


class ApiKey:
    """A resource's key.

    It travels as `api-key` on both Azure APIs, the only form that is documented for all of Azure and the one
    that gateways expect (azure.md §2.1; `Authorization: Bearer <key>` on v1 is what OpenAI's client happens
    to send), and as `Authorization: Bearer` to OpenAI.
    """

    __slots__ = ("_key",)

    def __init__(self, key: str, place: str = "api_key") -> None:
        """Raises ValueError if the key cannot travel in a header; `place` is where it was configured."""
        self._key = check_key(key, place)

    def authorization(self) -> str:
        """The key."""
        return self._key

    async def aauthorization(self) -> str:
        """The key."""
        return self._key

    def header(self, kind: str, secret: str) -> tuple[str, str]:
        """`api-key` for `azure` and `azure_v1`, else a bearer."""
        return ("authorization", f"Bearer {secret}") if kind == "openai" else ("api-key", secret)

    def invalidate(self, secret: str | None = None) -> bool:
        """A key stays what it is."""
        return False

    def __repr__(self) -> str:
        return "ApiKey([hidden])"


class StaticToken:
    """An Entra token that someone else keeps fresh; we send it as it is, `Authorization: Bearer`."""

    __slots__ = ("_token",)

    def __init__(self, token: str, place: str = "azure_ad_token") -> None:
        """Raises ValueError if the token cannot travel in a header; `place` is where it was configured."""
        self._token = check_key(token, place)

    def authorization(self) -> str:
        """The token."""
        return self._token

    async def aauthorization(self) -> str:
        """The token."""
        return self._token

    def header(self, kind: str, secret: str) -> tuple[str, str]:
        """Always a bearer."""
        return ("authorization", f"Bearer {secret}")

    def invalidate(self, secret: str | None = None) -> bool:
        """A static token stays what it is."""
        return False

    def __repr__(self) -> str:
        return "StaticToken([hidden])"


class TokenProvider(TokenCache):
    """Entra tokens from a callable without arguments, such as azure-identity's `get_bearer_token_provider`.

    The callable may be a plain or an `async def` function.  A plain one always runs in a thread of its own,
    so it never blocks an event loop; an asynchronous one runs in the loop of the call that needs it and
    therefore cannot serve blocking calls.  See `TokenCache` for when it is called.
    """

    def header(self, kind: str, secret: str) -> tuple[str, str]:
        """Always a bearer."""
        return ("authorization", f"Bearer {secret}")

    def __repr__(self) -> str:
        return "TokenProvider(async)" if self.is_async else "TokenProvider(sync)"


Provider = SyncProvider | AsyncProvider
