"""When must a token be fetched, and who waits for it?

A token is kept until 80 % of its life has passed, or until the time that the credential states.  From then on it is
still handed out while one fetch runs beside the calls; only when there is no valid token, or the service refused it,
do calls wait, and then all of them for the same fetch.  The life of a token ends where the credential says, or at the
`exp` of a JWT; any other is kept for a minute.  A provider that failed is left alone for five seconds.
Rules: ecosystem.md §5.4 (Entra tokens).
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from math import inf
from typing import Any, cast

import anyio
from anyio import from_thread, lowlevel

from router.forks import after_fork

from .event_loop import on_asyncio
from .given_token import CredentialError, Token, token_from, what_failed

SyncProvider = Callable[[], Any]
AsyncProvider = Callable[[], Awaitable[Any]]

FETCH_TIMEOUT_S = 30.0
"""azure-identity's default chain may try several command lines of 10 s each; a call cannot wait for all."""
REST_AFTER_FAILURE_S = 5.0


class _Fetch:
    """One run of the provider, which any number of threads and tasks wait for."""

    __slots__ = ("_bells", "_done", "_lock", "abandoned", "error", "until")

    def __init__(self, until: float) -> None:
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._bells: list[Callable[[], object]] = []
        self.until = until
        """When it counts as hanging, on the monotonic clock."""
        self.error: str | None = None
        self.abandoned = False
        """Its event loop has ended, so one of the waiting has to begin again."""

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

    def wait(self, until: float) -> bool:
        return self._done.wait(max(0.0, min(until, self.until) - time.monotonic()))

    async def await_(self, until: float) -> bool:
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
        with anyio.move_on_after(max(0.0, min(until, self.until) - time.monotonic())):
            await event.wait()
        return self._done.is_set()


class TokenCache:
    """Calls a provider as rarely as possible, and never twice at a time, across threads and event loops."""

    renews = True
    """Asking once more after a 401 may help."""

    def __init__(
        self,
        provider: SyncProvider | AsyncProvider,
        *,
        name: str = "the token provider",
        way_out: str = "Call it alone to see the whole error.",
        timeout: float = FETCH_TIMEOUT_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is fetched yet.

        Args:
            provider: called without arguments; returns the token as text or as an object with `token` and
                `expires_on`, or an awaitable of it.
            name: what errors call it.
            way_out: what errors advise when it raises.
            timeout: seconds that one fetch may take.
            clock: seconds since 1970, because a token's end is in them.
        """
        if not callable(provider):
            raise ValueError("azure_ad_token_provider is not callable.  Give a function that returns a token")
        self._provider = provider
        self._name = name
        self._way_out = way_out
        self._timeout = timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._fetch: _Fetch | None = None
        self._failure = ""
        self._rest_until = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_async = _is_async(provider)
        after_fork(self)

    def forked(self) -> None:
        """This is a child process: a fetch under way is the parent's, whose thread or task is not here."""
        self._lock = threading.Lock()
        self._fetch = None
        self._tasks = set()

    def authorization(self, timeout: float = inf, refused: str | None = None) -> str:
        """The token of the moment.  Blocks only if there is no valid one, or it was refused.

        Args:
            timeout: seconds to wait at most; the fetch goes on without the caller.
            refused: what the service has just answered with a 401.  Calls that were refused at the same time cause
                one fetch; others go on with the token, since it may be good for their deployments.

        Raises:
            CredentialError: the provider failed, was too slow or gave no usable token, or it is asynchronous.
        """
        until = time.monotonic() + timeout
        while True:
            token, fetch, leads = self._look(refused, may_lead=not self.is_async)
            if leads and fetch is not None:
                self._start(fetch)
            if token is not None:
                return token.secret
            if fetch is None:
                raise CredentialError(
                    f"{self._name} is asynchronous and the call is blocking.  "
                    "Give a plain function or a blocking credential, or use the awaiting call."
                )
            self._judge(fetch, fetch.wait(until), timeout)
            refused = None

    async def aauthorization(self, timeout: float = inf, refused: str | None = None) -> str:
        """The same, awaiting, on asyncio and trio."""
        until = time.monotonic() + timeout
        while True:
            token, fetch, leads = self._look(refused, may_lead=True)
            if leads and fetch is not None:
                (self._spawn if self.is_async else self._start)(fetch)
            if token is not None:
                return token.secret
            assert fetch is not None
            self._judge(fetch, await fetch.await_(until), timeout)
            refused = None

    def _look(self, refused: str | None, *, may_lead: bool) -> tuple[Token | None, _Fetch | None, bool]:
        """A usable token, or the fetch to wait for; and whether the caller is the one who has to start it."""
        token = self._token
        now = self._clock()
        if token is not None and now < token.fresh_until and token.secret != refused:
            return token, None, False
        hanging = self._fetch
        if hanging is not None and time.monotonic() >= hanging.until:
            self._end(hanging, None, self._too_slow())
        with self._lock:
            token = self._token
            if token is not None and (now >= token.valid_until or token.secret == refused):
                token = None
            if self._fetch is not None:
                return token, self._fetch, False
            if token is not None and (now < token.fresh_until or now < self._rest_until):
                return token, None, False
            if now < self._rest_until:
                raise CredentialError(self._failure)
            if not may_lead:
                return token, None, False
            self._fetch = fetch = _Fetch(time.monotonic() + self._timeout)
            return token, fetch, True

    def _judge(self, fetch: _Fetch, done: bool, timeout: float) -> None:
        """After waiting: raise what went wrong, or return to look again."""
        if done:
            if fetch.error is not None and not fetch.abandoned:
                raise CredentialError(fetch.error)
            return
        if time.monotonic() < fetch.until:
            raise CredentialError(
                f"{self._name} gave no token within {timeout:.3g} s, which was all the time that the attempt had.  "
                "Check that the identity service can be reached from here, or allow the call more time."
            )
        message = self._too_slow()
        self._end(fetch, None, message)
        raise CredentialError(message)

    def _start(self, fetch: _Fetch) -> None:
        threading.Thread(target=self._run, args=(fetch,), name="azure-router-token", daemon=True).start()

    def _spawn(self, fetch: _Fetch) -> None:
        """Start an asynchronous provider beside the call, so that a call that goes away does not end it."""
        if on_asyncio():
            task = asyncio.get_running_loop().create_task(self._arun(fetch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            import trio  # only reached under trio, which is no dependency of ours

            trio.lowlevel.spawn_system_task(self._arun, fetch, context=copy_context())

    def _run(self, fetch: _Fetch) -> None:
        """Call a plain provider, in a thread of its own."""
        try:
            given: object = self._provider()
        except BaseException as error:
            self._end(fetch, None, self._told(error))
            return
        if inspect.isawaitable(given):
            if inspect.iscoroutine(given):
                given.close()
            self._end(
                fetch,
                None,
                f"{self._name} returned an awaitable but is no `async def` function.  "
                "Give the asynchronous function itself.",
            )
            return
        self._take(fetch, given)

    async def _arun(self, fetch: _Fetch) -> None:
        """Call an asynchronous provider, in a task of its own."""
        finished = False
        try:
            with anyio.move_on_after(self._timeout) as scope:
                given: Any = await cast(AsyncProvider, self._provider)()
                self._take(fetch, given)
            if scope.cancelled_caught:
                self._end(fetch, None, self._too_slow())
            finished = True
        except Exception as error:
            self._end(fetch, None, self._told(error))
            finished = True
        finally:
            if not finished:  # the loop ends: whoever waits elsewhere has to begin again
                with self._lock:
                    if self._fetch is fetch:
                        self._fetch = None
                fetch.finish(None, abandoned=True)

    def _take(self, fetch: _Fetch, given: object) -> None:
        token = token_from(given, self._clock(), self._token)
        if isinstance(token, str):
            self._end(fetch, None, f"{self._name} returned {token}")
        else:
            self._end(fetch, token, None)

    def _end(self, fetch: _Fetch, token: Token | None, error: str | None) -> None:
        with self._lock:
            if self._fetch is not fetch:  # given up as too slow; a token that comes late is welcome
                if token is not None and (self._token is None or self._token.valid_until < token.valid_until):
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

    def _told(self, error: BaseException) -> str:
        if isinstance(error, CredentialError):
            return str(error)
        return f"{self._name} {what_failed(error)}.  {self._way_out}"

    def _too_slow(self) -> str:
        return (
            f"{self._name} gave no token within {self._timeout:g} s.  "
            "Check that the identity service can be reached from here."
        )


def _is_async(provider: object) -> bool:
    if inspect.iscoroutinefunction(provider):
        return True
    return inspect.iscoroutinefunction(getattr(type(provider), "__call__", None))  # noqa: B004
