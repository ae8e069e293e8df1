"""When must a token be fetched, and by whom?

A token is kept until 80 % of its life has passed.  From then on it is still handed out while one fetch runs
beside the calls; only when there is no valid token do calls wait, and then all of them for the same fetch.
The life of a token that looks like a JWT ends at its `exp`; any other is kept for a minute, since nobody can
see its end and callables of this kind keep their tokens themselves.  A provider that failed is left alone for
five seconds.
Rules: ecosystem.md §5.4 (Entra tokens).
"""

from __future__ import annotations

import base64
import inspect
import re
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

import anyio
from anyio import from_thread, lowlevel
from pydantic_core import from_json

from router.errors import RouterError

from .endpoint import check_key

SyncProvider = Callable[[], str]
AsyncProvider = Callable[[], Awaitable[str]]

FETCH_TIMEOUT_S = 30.0
"""azure-identity's default chain may try several command lines of 10 s each; a call cannot wait for all."""
OPAQUE_LIFE_S = 60.0
FRESH_SHARE = 0.8
"""Of its life, during which a token is not fetched again."""
SHORTEST_LIFE_S = 5.0
"""A token that comes expired (clocks differ) is used for this long, not fetched for every call."""
REST_AFTER_FAILURE_S = 5.0

_AADSTS = re.compile(r"AADSTS\d{4,8}", re.ASCII)


class CredentialError(RouterError):
    """No token could be had; nothing was sent.  The message never holds a token or what the provider said."""


@dataclass(frozen=True, slots=True)
class _Token:
    secret: str
    fresh_until: float
    valid_until: float


class _Fetch:
    """One run of the provider, which any number of threads and tasks wait for."""

    __slots__ = ("_bells", "_done", "_lock", "abandoned", "error")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._bells: list[Callable[[], object]] = []
        self.error: str | None = None
        self.abandoned = False
        """The task that fetched was cancelled, so one of the waiting has to begin again."""

    def finish(self, error: str | None, *, abandoned: bool = False) -> None:
        with self._lock:
            if self._done.is_set():
                return
            self.error = error
            self.abandoned = abandoned
            self._done.set()
            bells, self._bells = self._bells, []
        for ring in bells:
            ring()

    def wait(self, timeout: float) -> bool:
        return self._done.wait(timeout)

    async def await_(self, timeout: float) -> bool:
        event = anyio.Event()
        token = lowlevel.current_token()
        here = threading.get_ident()

        def ring() -> None:
            if threading.get_ident() == here:
                event.set()
                return
            try:
                from_thread.run_sync(event.set, token=token)
            except RuntimeError:  # that event loop is gone, and with it the waiter
                return

        with self._lock:
            if self._done.is_set():
                return True
            self._bells.append(ring)
        with anyio.move_on_after(timeout):
            await event.wait()
        return self._done.is_set()


class TokenCache:
    """Calls a provider as rarely as possible, and never twice at a time, across threads and event loops."""

    def __init__(
        self,
        provider: SyncProvider | AsyncProvider,
        *,
        timeout: float = FETCH_TIMEOUT_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is fetched yet.

        Args:
            provider: called without arguments; returns the token, or an awaitable of it.
            timeout: seconds that one fetch may take.
            clock: seconds since 1970, because a token's `exp` is in them.
        """
        if not callable(provider):
            raise ValueError("azure_ad_token_provider is not callable.  Give a function that returns a token")
        self._provider = provider
        self._timeout = timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self._fetch: _Fetch | None = None
        self._failure = ""
        self._rest_until = 0.0
        self.is_async = _is_async(provider)

    def authorization(self) -> str:
        """The token of the moment.  Blocks only if there is no valid one.

        Raises:
            CredentialError: the provider failed, was too slow or gave no usable token, or it is asynchronous.
        """
        while True:
            token, fetch, leads = self._look(may_lead=not self.is_async)
            if leads and fetch is not None:
                self._start(fetch)
            if token is not None:
                return token.secret
            if fetch is None:
                raise CredentialError(
                    "the token provider is asynchronous and the call is blocking.  "
                    "Give a plain function, or use the awaiting call."
                )
            self._judge(fetch, fetch.wait(self._timeout))

    async def aauthorization(self) -> str:
        """The same, awaiting, on asyncio and trio."""
        while True:
            token, fetch, leads = self._look(may_lead=True)
            if leads and fetch is not None:
                if self.is_async:
                    await self._arun(fetch)
                    if token is None or fetch.error is None:
                        continue
                else:
                    self._start(fetch)
            if token is not None:
                return token.secret
            assert fetch is not None
            self._judge(fetch, await fetch.await_(self._timeout))

    def invalidate(self, secret: str | None = None) -> bool:
        """Forget the token that the service refused, unless a newer one is here already; see `Credential`."""
        with self._lock:
            if self._token is not None and secret in (None, self._token.secret):
                self._token = None
                self._rest_until = 0.0
        return True

    def _look(self, *, may_lead: bool) -> tuple[_Token | None, _Fetch | None, bool]:
        """A valid token, or the fetch to wait for; and whether the caller is the one who has to run it."""
        token = self._token
        now = self._clock()
        if token is not None and now < token.fresh_until:
            return token, None, False
        with self._lock:
            token = self._token
            if token is not None and now >= token.valid_until:
                token = None
            if self._fetch is not None:
                return token, self._fetch, False
            if token is not None and (now < token.fresh_until or now < self._rest_until):
                return token, None, False
            if now < self._rest_until:
                raise CredentialError(self._failure)
            if not may_lead:
                return token, None, False
            self._fetch = fetch = _Fetch()
            return token, fetch, True

    def _judge(self, fetch: _Fetch, done: bool) -> None:
        """After waiting: raise what went wrong, or return to look again."""
        if not done:
            message = self._too_slow()
            self._end(fetch, None, message)
            raise CredentialError(message)
        if fetch.error is not None and not fetch.abandoned:
            raise CredentialError(fetch.error)

    def _start(self, fetch: _Fetch) -> None:
        threading.Thread(target=self._run, args=(fetch,), name="azure-router-token", daemon=True).start()

    def _run(self, fetch: _Fetch) -> None:
        """Call a plain provider, in a thread of its own."""
        try:
            given: object = self._provider()
        except BaseException as error:
            self._end(fetch, None, _what_failed(error))
            return
        if inspect.isawaitable(given):
            if inspect.iscoroutine(given):
                given.close()
            self._end(
                fetch,
                None,
                "the token provider returned an awaitable but is no `async def` function.  "
                "Give the asynchronous function itself.",
            )
            return
        self._take(fetch, given)

    async def _arun(self, fetch: _Fetch) -> None:
        """Call an asynchronous provider, in the caller's task."""
        finished = False
        try:
            with anyio.move_on_after(self._timeout) as scope:
                given: Any = await cast(AsyncProvider, self._provider)()
                self._take(fetch, given)
            if scope.cancelled_caught:
                self._end(fetch, None, self._too_slow())
            finished = True
        except Exception as error:
            self._end(fetch, None, _what_failed(error))
            finished = True
        finally:
            if not finished:  # cancelled: whoever waits has to begin again
                with self._lock:
                    if self._fetch is fetch:
                        self._fetch = None
                fetch.finish(None, abandoned=True)

    def _take(self, fetch: _Fetch, given: object) -> None:
        problem = _problem_of(given)
        if problem is not None:
            self._end(fetch, None, f"the token provider returned {problem}")
            return
        secret = cast(str, given)
        now = self._clock()
        expires = expiry_of(secret)
        life = OPAQUE_LIFE_S if expires is None else max(expires - now, SHORTEST_LIFE_S)
        self._end(fetch, _Token(secret, now + FRESH_SHARE * life, now + life), None)

    def _end(self, fetch: _Fetch, token: _Token | None, error: str | None) -> None:
        with self._lock:
            if self._fetch is not fetch:  # given up as too slow; a token that comes late is welcome
                if token is not None and self._token is None:
                    self._token = token
                return
            self._fetch = None
            if token is not None:
                self._token = token
                self._rest_until = 0.0
            else:
                self._failure = error or ""
                self._rest_until = self._clock() + REST_AFTER_FAILURE_S
        fetch.finish(error)

    def _too_slow(self) -> str:
        return (
            f"the token provider gave no token within {self._timeout:g} s.  "
            "Check that the identity service can be reached from here."
        )


def _is_async(provider: object) -> bool:
    if inspect.iscoroutinefunction(provider):
        return True
    return inspect.iscoroutinefunction(getattr(type(provider), "__call__", None))  # noqa: B004


def expiry_of(token: str) -> float | None:
    """When a JWT runs out, in seconds since 1970; None if it is none or does not say.

    Its signature is not checked: that is the service's business.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = from_json(base64.urlsafe_b64decode(parts[1] + "==="), allow_inf_nan=False)
    except ValueError:
        return None
    expires = claims.get("exp") if isinstance(claims, dict) else None
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        return None
    return float(expires) if 0 <= expires < 10**11 else None


def _problem_of(given: object) -> str | None:
    if not isinstance(given, str):
        return f"{type(given).__name__} instead of str.  It must return the bare token as text."
    try:
        check_key(given, "the token")
    except ValueError:
        return "an empty text." if not given else "a text that is no token (spaces, line ends or non-ASCII)."
    return None


def _what_failed(error: BaseException) -> str:
    """The type, and Entra's own error numbers.  The rest of the text may hold a token, so it is left out."""
    numbers = sorted(set(_AADSTS.findall(str(error))))
    told = f" ({', '.join(numbers)})" if numbers else ""
    return f"the token provider raised {type(error).__name__}{told}.  Call it alone to see the whole error."
