"""The emulator on real sockets: one port for all resources.

A resource is reached at `http://host:port/<resource>/openai/…`, by a Host header that begins with its name, or, where
deployment names are unique, plainly at `http://host:port/openai/…`.  Faults of the wire are real ones: connections
that are reset, cut short or never answered.  `admin.py` lists the endpoints that switch faults and limits.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType

from aiohttp import web

from .admin import PREFIX, administer
from .config import EmulatorConfig
from .core import Emulator
from .dialects import compact
from .pictures import PATH
from .plan import Plan, Wire
from .refusals import Refusal
from .thread import ServingThread
from .uploads import is_upload, read_body, read_upload

MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_UPLOAD_BYTES = 520 * 1024 * 1024
"""Of a file and the form around it; Azure takes 512 MB."""
FLUSH_S = 0.02
"""Before a reset that must not overtake what was sent: the kernel drops unsent bytes with the connection."""
_LINGER_NOT = struct.pack("ii", 1, 0)


class EmulatorServer:
    """Serves one emulator, on asyncio.

    Used as `async with EmulatorServer(config) as server`, as `async with server.serving(host, port)`, or from
    blocking code as `with EmulatorServer.in_thread(config) as server`.

    Args:
        config: what to play.
        tls: serve https with this certificate.

    Attributes:
        emulator: the heart; its switches may be used from any thread while it serves.
        url: `http://127.0.0.1:port`, once it serves.
    """

    def __init__(self, config: EmulatorConfig, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.emulator = Emulator(config, epoch=time.time() - time.monotonic())
        self.url = ""
        self._open: contextlib.AbstractAsyncContextManager[EmulatorServer] | None = None

    def base(self, resource: str) -> str:
        """The `api_base` of one resource."""
        return f"{self.url}/{resource.partition('.')[0]}"

    @contextlib.asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[EmulatorServer]:
        """Serve on this event loop until the block ends.

        Args:
            host: where to listen.
            port: 0 takes a free one; `url` says which.

        Raises:
            OSError: the port is taken.
        """
        manager = web.Server(self._answer, access_log=None, handler_cancellation=True)
        runner = web.ServerRunner(manager, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port, backlog=2048, ssl_context=self._tls).start()
            address = runner.addresses[0]
            name = f"[{address[0]}]" if ":" in address[0] else address[0]
            self.url = f"{'https' if self._tls else 'http'}://{name}:{address[1]}"
            yield self
        finally:
            transports = [connection.transport for connection in manager.connections]
            await runner.cleanup()
            for transport in transports:  # under TLS, a close would wait for the client's
                if transport is not None:
                    transport.abort()
            await asyncio.sleep(0)

    async def __aenter__(self) -> EmulatorServer:
        self._open = self.serving()
        return await self._open.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            await self._open.__aexit__(kind, error, trace)

    @classmethod
    @contextlib.contextmanager
    def in_thread(
        cls,
        config: EmulatorConfig,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> Iterator[EmulatorServer]:
        """Serve from a thread of its own until the block ends, for blocking callers.

        Args:
            config: what to play.
            host: where to listen.
            port: 0 takes a free one; `url` says which.
            tls: serve https with this certificate, as the credentials of azure-identity insist on.

        Raises:
            OSError: the port is taken.
        """
        server = cls(config, tls=tls)
        thread = ServingThread(server.serving, host, port)
        thread.start()
        try:
            thread.wait()
            yield server
        finally:
            thread.stop()

    # ---- requests ------------------------------------------------------------------------------------------

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        upload = is_upload(request.method, request.path, request.headers)
        body = await (read_upload(request, MAX_UPLOAD_BYTES) if upload else read_body(request, MAX_BODY_BYTES))
        if body is None:
            most = MAX_UPLOAD_BYTES if upload else MAX_BODY_BYTES
            refusal = Refusal(413, "413", f"The request is longer than {most} bytes.")
            too_large = web.Response(status=413, body=compact(refusal.payload()), content_type="application/json")
            too_large.force_close()
            return too_large
        target = request.raw_path
        if target.startswith(PREFIX) and not target.startswith(PATH):
            status, value = administer(
                self.emulator, request.method, target.partition("?")[0], bytes(body), time.monotonic()
            )
            return web.Response(
                status=status, body=json.dumps(value, indent=2).encode(), content_type="application/json"
            )
        plan = self.emulator.handle(request.method, target, request.headers, body, time.monotonic())
        if plan.delay > 0.0 and plan.wire not in _SILENT:
            await asyncio.sleep(plan.delay)
        if plan.wire is Wire.CLEAN:
            if plan.chunks is None:
                return web.Response(status=plan.status, headers=plan.headers, body=plan.body)
            with contextlib.suppress(ConnectionResetError):  # the client has left
                return await _pieces(request, plan)
            return web.Response()
        return await _break(request, plan)


_SILENT = (Wire.RESET, Wire.REFUSE, Wire.DNS, Wire.TLS, Wire.CONNECT_TIMEOUT)


async def _pieces(request: web.BaseRequest, plan: Plan) -> web.StreamResponse:
    """A body in pieces, each at its time; pieces that are due together are written together."""
    response = web.StreamResponse(status=plan.status, headers=plan.headers)
    await response.prepare(request)
    together = plan.status != 200 or not _fragmented(plan)
    waiting: list[bytes] = []
    for delay, data in plan.chunks or ():
        if waiting and (delay > 0.0 or not together):
            await response.write(b"".join(waiting))
            waiting.clear()
        if delay > 0.0:
            await asyncio.sleep(delay)
        waiting.append(data)
    if waiting:
        await response.write(b"".join(waiting))
    return response


def _fragmented(plan: Plan) -> bool:
    """The pieces are no events but shreds: each is a write of its own."""
    return bool(plan.chunks) and not plan.content


async def _break(request: web.BaseRequest, plan: Plan) -> web.StreamResponse:
    """Whatever is not a whole answer."""
    transport = request.transport
    wire = plan.wire
    if wire in (Wire.RESET, Wire.REFUSE, Wire.DNS, Wire.TLS):
        _reset(transport)
    elif wire is Wire.CONNECT_TIMEOUT or (wire is Wire.HANG and plan.chunks is None):
        await _forever()
    elif wire is Wire.BAD_FRAMING:
        _write_raw(transport, plan, [f"Content-Length: {len(plan.payload)}", "Content-Length: 7"], plan.payload)
    elif wire is Wire.CLOSE_AFTER:
        body = plan.payload
        _write_raw(transport, plan, [f"Content-Length: {len(body)}", "Connection: keep-alive"], body)
    elif wire is Wire.RESET_AFTER_HEADERS:
        _write_raw(transport, plan, ["Content-Length: 1000"], b"", close=False)
        await asyncio.sleep(FLUSH_S)
        _reset(transport)
    elif wire is Wire.TRUNCATE and plan.chunks is None:
        _write_raw(transport, plan, [f"Content-Length: {plan.announced}"], plan.body)
    else:
        await _unfinished(request, plan)
    response = web.Response()  # the connection is gone or goes: aiohttp drops this
    response.force_close()
    return response


async def _unfinished(request: web.BaseRequest, plan: Plan) -> None:
    """A stream that hangs, is cut or ends too early after its last piece."""
    transport = request.transport
    _write_raw(transport, plan, ["Transfer-Encoding: chunked"], b"", close=False)
    for delay, data in plan.chunks or ():
        if delay > 0.0:
            await asyncio.sleep(delay)
        if transport is not None and data and not transport.is_closing():
            transport.write(b"%x\r\n%b\r\n" % (len(data), data))
    if plan.wire is Wire.HANG:
        await _forever()
    if plan.wire is Wire.CUT:
        await asyncio.sleep(FLUSH_S)
        _reset(transport)
    elif transport is not None:
        transport.close()


async def _forever() -> None:
    """Until the client goes away, which cancels the handler, or the server is closed."""
    await asyncio.Event().wait()


def _write_raw(
    transport: asyncio.Transport | None, plan: Plan, framing: list[str], body: bytes, *, close: bool = True
) -> None:
    """Write an answer past aiohttp, which would not let it be wrong."""
    if transport is None or transport.is_closing():
        return
    lines = [f"HTTP/1.1 {plan.status} Emulated", *(f"{k}: {v}" for k, v in plan.headers.items()), *framing, "", ""]
    transport.write("\r\n".join(lines).encode() + body)
    if close:
        transport.close()


def _reset(transport: asyncio.Transport | None) -> None:
    """End the connection with RST instead of FIN."""
    if transport is None or transport.is_closing():
        return
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()


def run_server(
    config: EmulatorConfig,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    ready: Callable[[EmulatorServer], None] | None = None,
) -> None:
    """Serve until Ctrl-C, blocking.

    Args:
        config: what to play.
        host: where to listen.
        port: 0 takes a free one.
        ready: called once with the server when it serves, to say where.

    Raises:
        OSError: the port is taken.
        KeyboardInterrupt: at Ctrl-C, after everything is closed.
    """

    async def serve() -> None:
        server = EmulatorServer(config)
        async with server.serving(host, port):
            if ready is not None:
                ready(server)
            await _forever()

    asyncio.run(serve())
