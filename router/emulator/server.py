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
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType

from aiohttp import web

from .admin import PREFIX, administer
from .config import EmulatorConfig
from .core import Emulator
from .dialects import compact
from .plan import Plan, Wire
from .refusals import Refusal

MAX_BODY_BYTES = 64 * 1024 * 1024
FLUSH_S = 0.02
"""Before a reset that must not overtake what was sent: the kernel drops unsent bytes with the connection."""
_LINGER_NOT = struct.pack("ii", 1, 0)


class EmulatorServer:
    """Serves one emulator, on asyncio.

    Used as `async with EmulatorServer(config) as server`, as `async with server.serving(host, port)`, or from
    blocking code as `with EmulatorServer.in_thread(config) as server`.

    Attributes:
        emulator: the heart; its switches may be used from any thread while it serves.
        url: `http://127.0.0.1:port`, once it serves.
    """

    def __init__(self, config: EmulatorConfig) -> None:
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
            await web.TCPSite(runner, host, port, backlog=2048).start()
            address = runner.addresses[0]
            name = f"[{address[0]}]" if ":" in address[0] else address[0]
            self.url = f"http://{name}:{address[1]}"
            yield self
        finally:
            await runner.cleanup()

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
    def in_thread(cls, config: EmulatorConfig, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[EmulatorServer]:
        """Serve from a thread of its own until the block ends, for blocking callers.

        Raises:
            OSError: the port is taken.
        """
        server = cls(config)
        thread = _ServingThread(server, host, port)
        thread.start()
        try:
            thread.wait()
            yield server
        finally:
            thread.stop()

    # ---- requests ------------------------------------------------------------------------------------------

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await _read(request)
        if body is None:
            refusal = Refusal(413, "413", f"The request is longer than {MAX_BODY_BYTES} bytes.")
            too_large = web.Response(status=413, body=compact(refusal.payload()), content_type="application/json")
            too_large.force_close()
            return too_large
        target = request.raw_path
        if target.startswith(PREFIX):
            status, value = administer(self.emulator, request.method, target.partition("?")[0], body, time.monotonic())
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


async def _read(request: web.BaseRequest) -> bytes | None:
    """The body; None if it is too large."""
    if not request.can_read_body:
        return b""
    parts: list[bytes] = []
    size = 0
    while part := await request.content.readany():
        size += len(part)
        if size > MAX_BODY_BYTES:
            return None
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


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


class _ServingThread(threading.Thread):
    """A thread with an event loop that serves until it is stopped."""

    def __init__(self, server: EmulatorServer, host: str, port: int) -> None:
        super().__init__(name="azure-emulator", daemon=True)
        self._server = server
        self._place = (host, port)
        self._settled = threading.Event()
        self._error: OSError | None = None
        self._stop_soon: Callable[[], None] = lambda: None

    def run(self) -> None:
        """Serve."""
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._error = error
        finally:
            self._settled.set()

    async def _serve(self) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()

        def stop_soon() -> None:
            loop.call_soon_threadsafe(stop.set)

        self._stop_soon = stop_soon
        async with self._server.serving(*self._place):
            self._settled.set()
            await stop.wait()

    def wait(self) -> None:
        """Until it serves, or cannot."""
        self._settled.wait()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End serving and wait for the end of the thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            self._stop_soon()
        self.join()


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
