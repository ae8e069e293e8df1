"""How does an attempt reach Azure, and how does its answer come back as a value?

Blocking calls go through httpx2, awaiting ones through aiohttp on asyncio and through httpx2 on trio; a client that
the caller hands in serves its side.  What a service does, or a network, comes back as a `Failure`; only a
cancellation, Ctrl-C and mistakes in the caller's own input are raised.
"""

from __future__ import annotations

import ssl
from typing import Any

from router.values import Failure, Lease, Reply

from .attempt import Attempt, Target
from .credentials import CredentialError
from .engines import Breakdown, Engine
from .engines.aiohttp_engine import AiohttpEngine
from .engines.httpx2_engine import Httpx2Engine
from .event_loop import on_asyncio

__all__ = ["AzureTransport", "Target"]


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
        """
        attempt = Attempt(lease, timeout)
        try:
            credential, engine = attempt.target.credential, self._httpx2
            answer = engine.send(attempt.request(credential.authorization(attempt.left())))
            if attempt.was_refused(answer):
                secret = credential.authorization(attempt.left(), attempt.secret)
                if secret != attempt.secret:
                    answer = engine.send(attempt.request(secret))
            if answer.chunks is None:
                return attempt.judged(answer)
        except (Breakdown, CredentialError) as error:
            return attempt.failed(error)
        stream = attempt.stream(answer)
        try:
            return attempt.begun(stream, answer, stream.begin(attempt.pace()))
        except BaseException:
            stream.close()
            raise

    async def asend(self, lease: Lease, timeout: float) -> Reply | Failure:
        """The same, awaiting, on asyncio or trio."""
        attempt = Attempt(lease, timeout)
        try:
            credential = attempt.target.credential
            engine = self._on_asyncio if on_asyncio() else self._httpx2
            answer = await engine.asend(attempt.request(await credential.aauthorization(attempt.left())))
            if attempt.was_refused(answer):
                secret = await credential.aauthorization(attempt.left(), attempt.secret)
                if secret != attempt.secret:
                    answer = await engine.asend(attempt.request(secret))
            if answer.chunks is None:
                return attempt.judged(answer)
        except (Breakdown, CredentialError) as error:
            return attempt.failed(error)
        stream = attempt.stream(answer)
        try:
            return attempt.begun(stream, answer, await stream.abegin(attempt.pace()))
        except BaseException:
            await stream.aclose()
            raise

    def close(self) -> None:
        """Close what blocking calls have opened; event loops close their own.  Idempotent."""
        self._httpx2.close()

    async def aclose(self) -> None:
        """Close what this event loop's calls have opened.  Idempotent."""
        if on_asyncio():
            await self._on_asyncio.aclose()
        await self._httpx2.aclose()
