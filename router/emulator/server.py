"""The emulator on real sockets.

Every resource stands on one port: `http://host:port/<resource>/openai/…`, or without the resource, since deployment
names are unique.  Faults of the wire are real ones: connections that are reset, cut short or never answered.

    GET    /emulator/status                        what was admitted, throttled and broken, per deployment
    POST   /emulator/deployments/<name>/fault      {"kind": "status", "status": 500, "share": 0.5, "count": 3}
    DELETE /emulator/deployments/<name>/fault
    PATCH  /emulator/deployments/<name>/limits     {"tpm": 20000, "rpm": 120}
    POST   /emulator/reset
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from aiohttp import web

from .config import EmulatorConfig
from .core import Emulator, Plan
from .faults import Fault

HANG_S = 3_600.0


class EmulatorServer:
    """Serves one emulator.

    Attributes:
        emulator: the heart; its switches may be used while it serves.
        url: `http://127.0.0.1:port`, once it runs.
    """

    def __init__(self, config: EmulatorConfig) -> None:
        self.emulator = Emulator(config)
        self.url = ""

    def base(self, resource: str) -> str:
        """The `api_base` of one resource."""
        return f"{self.url}/{resource}"

    @contextlib.asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[EmulatorServer]:
        """Serve on this event loop (asyncio) until the block ends."""
        runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port, backlog=1024)
            await site.start()
            address = runner.addresses[0]
            self.url = f"http://{address[0]}:{address[1]}"
            yield self
        finally:
            await runner.cleanup()

    @classmethod
    @contextlib.contextmanager
    def in_thread(cls, config: EmulatorConfig, port: int = 0) -> Iterator[EmulatorServer]:
        """Serve from a thread of its own until the block ends, for blocking callers."""
        server = cls(config)
        started = threading.Event()
        box: dict[str, Any] = {}

        async def main() -> None:
            box["loop"], box["stop"] = asyncio.get_running_loop(), asyncio.Event()
            try:
                async with server.serving(port=port):
                    started.set()
                    await box["stop"].wait()
            except OSError as error:
                box["error"] = error
                started.set()

        thread = threading.Thread(target=asyncio.run, args=(main(),), name="emulator", daemon=True)
        thread.start()
        started.wait()
        if "error" in box:
            raise box["error"]
        try:
            yield server
        finally:
            box["loop"].call_soon_threadsafe(box["stop"].set)
            thread.join()

    # ---- requests ------------------------------------------------------------------------------------------

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.content.read()  # `request.read()` would refuse more than a megabyte
        if request.path.startswith("/emulator/"):
            return self._administer(request, body)
        headers = {k.lower(): v for k, v in request.headers.items()}
        plan = self.emulator.handle(request.method, request.raw_path, headers, body, time.monotonic())
        if plan.wire in ("reset", "refuse"):
            return _reset(request)
        if plan.wire == "hang":
            await asyncio.sleep(HANG_S)
        if plan.delay:
            await asyncio.sleep(plan.delay)
        if plan.chunks is None and plan.wire is None:
            return web.Response(status=plan.status, headers=plan.headers, body=plan.body)
        return await self._piecewise(request, plan)

    async def _piecewise(self, request: web.BaseRequest, plan: Plan) -> web.StreamResponse:
        response = web.StreamResponse(status=plan.status, headers=plan.headers)
        if plan.chunks is None:
            response.content_length = len(plan.body)
        await response.prepare(request)
        if plan.wire == "reset_after_headers":
            return _reset(request)
        if plan.wire == "truncate":
            await response.write(plan.body[: len(plan.body) // 2])
            return _reset(request, polite=True)
        for delay, chunk in plan.chunks or ():
            if delay:
                await asyncio.sleep(delay)
            try:
                await response.write(chunk)
            except ConnectionResetError:  # the client has left
                return response
        if plan.wire == "cut":
            return _reset(request)
        await response.write_eof()
        return response

    def _administer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        parts = request.path.strip("/").split("/")[1:]
        try:
            given = json.loads(body) if body else {}
            match request.method, parts:
                case "GET", ["status"]:
                    return web.json_response(self.emulator.status())
                case "POST", ["deployments", name, "fault"]:
                    self.emulator.set_fault(name, Fault(**given))
                case "DELETE", ["deployments", name, "fault"]:
                    self.emulator.set_fault(name, None)
                case "PATCH", ["deployments", name, "limits"]:
                    self.emulator.set_limit(name, given.get("tpm"), given.get("rpm"))
                case "POST", ["reset"]:
                    self.emulator.reset()
                case _:
                    return web.json_response({"error": "no such switch; see docs/emulator.md"}, status=404)
        except KeyError:
            known = ", ".join(self.emulator.deployments)
            return web.json_response({"error": f"no such deployment; there are {known}"}, status=404)
        except (TypeError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"ok": True})


def _reset(request: web.BaseRequest, *, polite: bool = False) -> web.StreamResponse:
    """Break the connection: with a reset, or politely with a mere end."""
    transport = request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        if sock is not None and not polite:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if polite:
            transport.close()
        else:
            transport.abort()
    response = web.Response()
    response.force_close()
    return response


async def serve_forever(config: EmulatorConfig, host: str, port: int) -> None:
    """Serve until cancelled, and say where.  Runs on asyncio."""
    server = EmulatorServer(config)
    async with server.serving(host, port):
        await asyncio.Event().wait()
