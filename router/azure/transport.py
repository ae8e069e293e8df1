"""How does an attempt reach Azure, and how does its answer come back as a value?

Blocking calls go through httpx2, awaiting ones through aiohttp on asyncio and through httpx2 on trio; a client that
the caller hands in serves its side.  What a service does, or a network, comes back as a `Failure`; only a
cancellation, Ctrl-C and mistakes in the caller's own input are raised.
"""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import Any

from router.errors import RouterClosed
from router.values import Failure, Kind, Lease, Reply

from .attempt import Attempt, Target
from .credentials import CredentialError
from .engines import Breakdown, Engine, Request
from .engines.aiohttp_engine import AiohttpEngine
from .engines.httpx2_engine import Httpx2Engine
from .event_loop import on_asyncio

__all__ = ["AzureTransport", "Target"]

_CUT_OFF = (Kind.RESET, Kind.TRUNCATED)


class AzureTransport:
    """Sends attempts, blocking or awaiting, from any number of threads and event loops.

    Args:
        client: an `httpx2.Client` (or `httpx.Client`) for the blocking calls, instead of our own.
        async_client: an `httpx2.AsyncClient` (or httpx's) for the awaiting calls, instead of our own.
        tls: TLS settings of our own connections.  None: the operating system's trust store.
    """

    def __init__(self, *, client: Any = None, async_client: Any = None, tls: ssl.SSLContext | None = None) -> None:
        self._httpx2 = Httpx2Engine(client, async_client, tls=tls)
        self._on_asyncio: Engine = AiohttpEngine(tls=tls) if async_client is None else self._httpx2
        self._is_closed = False

    def __repr__(self) -> str:
        blocking, awaiting = self._httpx2.blocking, self._httpx2.awaiting
        on_asyncio = awaiting if self._on_asyncio is self._httpx2 else self._on_asyncio.name
        return f"AzureTransport(blocking: {blocking}, asyncio: {on_asyncio}, trio: {awaiting})"

    def send(self, lease: Lease, timeout: float) -> Reply | Failure:
        """Send one attempt, blocking, and bring its reply: whole, or a stream whose answer has begun.

        Args:
            lease: what to send, and where to.
            timeout: seconds for all of it; for a stream, until its first content.

        Raises:
            BadRequestError: the caller's input cannot be sent.
            RouterClosed: it was closed before the attempt was sent.
        """
        attempt = Attempt(lease, timeout)
        try:
            credential, engine = attempt.target.credential, self._httpx2
            answer = engine.send(self._request(attempt, credential.authorization(attempt.left())))
            if attempt.was_refused(answer):
                secret = credential.authorization(attempt.left(), attempt.secret)
                if secret != attempt.secret:
                    answer = engine.send(self._request(attempt, secret))
            if answer.chunks is None:
                return attempt.judged(answer)
        except (Breakdown, CredentialError) as error:
            return self._told(attempt.failed(error))
        stream = attempt.stream(answer)
        try:
            return self._told(attempt.begun(stream, answer, stream.begin(attempt.pace())))
        except BaseException:
            stream.close()
            raise

    async def asend(self, lease: Lease, timeout: float) -> Reply | Failure:
        """The same, awaiting, on asyncio or trio."""
        attempt = Attempt(lease, timeout)
        try:
            credential = attempt.target.credential
            engine = self._on_asyncio if on_asyncio() else self._httpx2
            answer = await engine.asend(self._request(attempt, await credential.aauthorization(attempt.left())))
            if attempt.was_refused(answer):
                secret = await credential.aauthorization(attempt.left(), attempt.secret)
                if secret != attempt.secret:
                    answer = await engine.asend(self._request(attempt, secret))
            if answer.chunks is None:
                return attempt.judged(answer)
        except (Breakdown, CredentialError) as error:
            return self._told(attempt.failed(error))
        stream = attempt.stream(answer)
        try:
            return self._told(attempt.begun(stream, answer, await stream.abegin(attempt.pace())))
        except BaseException:
            await stream.aclose()
            raise

    def hang_up(self) -> None:
        """Close what blocking calls have opened; a later attempt opens anew."""
        self._httpx2.close()

    def close(self) -> None:
        """Close what blocking calls have opened; event loops close their own.  Idempotent.

        Nothing is sent any more, neither blocking nor awaiting.
        """
        self._is_closed = True
        self.hang_up()

    async def aclose(self) -> None:
        """Close what this event loop's calls have opened, and send nothing any more.  Idempotent."""
        self._is_closed = True
        if on_asyncio():
            await self._on_asyncio.aclose()
        await self._httpx2.aclose()

    def _request(self, attempt: Attempt, secret: str) -> Request:
        if self._is_closed:
            raise RouterClosed("this router was closed before the call was sent")
        return attempt.request(secret)

    def _told(self, result: Reply | Failure) -> Reply | Failure:
        """An attempt that our own close has broken off is no failure of the service, and is not to be repeated."""
        if self._is_closed and isinstance(result, Failure) and result.kind in _CUT_OFF:
            return replace(result, kind=Kind.CANCELLED, message="the router was closed while the call ran")
        return result
