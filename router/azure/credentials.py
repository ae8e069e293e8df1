"""How do we prove who we are?

A credential hands out the secret of the moment: always the same (`ApiKey`, `StaticToken`), or a token that
runs out and is fetched again (`TokenProvider`).  No secret appears in a repr or in an error.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from math import inf
from typing import Any, Protocol
from weakref import WeakValueDictionary

from router.forks import after_fork

from .endpoint import check_key
from .given_token import CredentialError
from .sign_in import SignIn, ask, asynchronous
from .token_cache import TokenCache

__all__ = [
    "ApiKey",
    "Credential",
    "CredentialError",
    "StaticToken",
    "TokenProvider",
    "from_credential",
    "from_provider",
    "signed_in",
]


class Credential(Protocol):
    """What the transport needs: a secret, and the header that carries it."""

    @property
    def renews(self) -> bool:
        """Whether asking once more after a 401 can give another secret."""
        ...

    def authorization(self, timeout: float = inf, refused: str | None = None) -> str:
        """The key or token to send now.  May block.

        Args:
            timeout: seconds to wait for it at most.
            refused: what the service has just answered with a 401; another one is wanted, if there is one.

        Raises:
            CredentialError: there is none.
        """
        ...

    async def aauthorization(self, timeout: float = inf, refused: str | None = None) -> str:
        """The same, awaiting (asyncio or trio); never blocks the loop."""
        ...

    def header(self, kind: str, secret: str) -> tuple[str, str]:
        """Name (lower case) and value of the one header that proves who we are.

        Args:
            kind: `Endpoint.kind`.
            secret: what `authorization` returned.
        """
        ...


class ApiKey:
    """A resource's key.

    It travels as `api-key` on both Azure APIs, the only form that is documented for all of Azure and the one
    that gateways expect (azure.md §2.1; `Authorization: Bearer <key>` on v1 is what OpenAI's client happens
    to send), as `x-api-key` to Claude (azure.md §1.5), and as `Authorization: Bearer` to OpenAI.
    """

    __slots__ = ("_key",)
    renews = False

    def __init__(self, key: str, place: str = "api_key") -> None:
        """Raises ValueError if the key cannot travel in a header; `place` is where it was configured."""
        self._key = check_key(key, place)

    def authorization(self, timeout: float = inf, refused: str | None = None) -> str:
        """The key."""
        return self._key

    async def aauthorization(self, timeout: float = inf, refused: str | None = None) -> str:
        """The key."""
        return self._key

    def header(self, kind: str, secret: str) -> tuple[str, str]:
        """`api-key` for `azure` and `azure_v1`, `x-api-key` for `anthropic`, else a bearer."""
        if kind == "openai":
            return "authorization", f"Bearer {secret}"
        return ("x-api-key" if kind == "anthropic" else "api-key"), secret

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiKey) and other._key == self._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return "ApiKey([hidden])"


class StaticToken:
    """An Entra token that someone else keeps fresh; we send it as it is, `Authorization: Bearer`."""

    __slots__ = ("_token",)
    renews = False

    def __init__(self, token: str, place: str = "azure_ad_token") -> None:
        """Raises ValueError if the token cannot travel in a header; `place` is where it was configured."""
        self._token = check_key(token, place)

    def authorization(self, timeout: float = inf, refused: str | None = None) -> str:
        """The token."""
        return self._token

    async def aauthorization(self, timeout: float = inf, refused: str | None = None) -> str:
        """The token."""
        return self._token

    def header(self, kind: str, secret: str) -> tuple[str, str]:
        """Always a bearer."""
        return ("authorization", f"Bearer {secret}")

    def __repr__(self) -> str:
        return "StaticToken([hidden])"


class TokenProvider(TokenCache):
    """Entra tokens from a callable without arguments, such as azure-identity's `get_bearer_token_provider`.

    The callable may be a plain or an `async def` function.  A plain one always runs in a thread of its own,
    so it never blocks an event loop; an asynchronous one runs in a task of its own in the loop of the call that
    needs it, and therefore cannot serve blocking calls.  See `TokenCache` for when it is called.
    """

    def header(self, kind: str, secret: str) -> tuple[str, str]:
        """Always a bearer."""
        return ("authorization", f"Bearer {secret}")

    def __repr__(self) -> str:
        return f"TokenProvider({self._name}, {'async' if self.is_async else 'sync'})"


def from_provider(provider: Callable[[], Any]) -> TokenProvider:
    """Tokens from a callable; deployments that name the same one share its token."""
    return _shared.get(_key(provider), lambda: TokenProvider(provider))


def from_credential(credential: Any, scope: str) -> TokenProvider:
    """Tokens from an object of azure-identity, or any other with `get_token`, blocking or asynchronous.

    Args:
        credential: its `get_token_info(scope)`, else `get_token(scope)`, is called; the caller closes it.
        scope: what the token is for.
    """
    asks = asynchronous(credential, scope) or (lambda: ask(credential, scope))
    return _shared.get(
        (_key(credential), scope), lambda: TokenProvider(asks, name=f"the azure_credential {type(credential).__name__}")
    )


def signed_in(sign_in: SignIn) -> TokenProvider:
    """Tokens from Entra, by azure-identity; deployments that sign in alike share a token."""
    return _shared.get(sign_in, lambda: TokenProvider(sign_in, name=sign_in.name, way_out=sign_in.way_out))


class _Shared:
    """The token providers that live, so that nobody fetches a second time what is there."""

    def __init__(self) -> None:
        self._providers: WeakValueDictionary[Hashable, TokenProvider] = WeakValueDictionary()
        self._lock = threading.Lock()
        after_fork(self)

    def get(self, key: Hashable, make: Callable[[], TokenProvider]) -> TokenProvider:
        """The one for this key, made if there is none."""
        with self._lock:
            found = self._providers.get(key)
            if found is None:
                found = self._providers[key] = make()
            return found

    def forked(self) -> None:
        """This is a child process: another thread of the parent may have held the lock."""
        self._lock = threading.Lock()


_shared = _Shared()


def _key(given: Any) -> Hashable:
    """Who it is, without keeping it alive: what is stored under the key does that.

    Bound methods are made anew whenever they are named, so they go by their owner and their function.
    """
    method = getattr(given, "__func__", None)
    return id(given) if method is None else (id(given.__self__), id(method))
