"""One socket from the first second on: it says that the app is starting until the app is there.

Importing Gradio and building the tabs takes seconds; health checks and the first visitor need not wait for that.
Nothing here imports Gradio.
"""

import asyncio
import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from demos.door.connections import PatientProtocol

MAX_MESSAGE_BYTES = 2**19
STARTING = """<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="1">
<title>Glassbox</title><p style="font-family: system-ui, sans-serif; margin: 2rem">Glassbox is starting.</p></html>"""


async def _starting(scope: Scope, receive: Receive, send: Send) -> None:
    """What is answered before the app is there."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1013})
        return
    path = Request(scope).url.path.rstrip("/")
    answer: Response = HTMLResponse(STARTING, 503, {"retry-after": "1", "cache-control": "no-store"})
    if path.endswith("/healthz"):
        answer = JSONResponse({"status": "up", "starting": True})
    elif path.endswith("/readyz"):
        answer = JSONResponse({"error": "The app is starting: try again in a second."}, 503, {"retry-after": "1"})
    await answer(scope, receive, send)


class Front(uvicorn.Server):
    """A server in a thread of its own, whose app arrives later.

    Raises `OSError` where the port cannot be had.
    """

    def __init__(self, host: str, port: int) -> None:
        self._socket = _bound(host, port)
        self.host, self.port = host, port
        self._app: ASGIApp = _starting
        self._left = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        settings = {"log_level": "warning", "proxy_headers": False, "server_header": False, "date_header": False}
        limits = {"ws_max_size": MAX_MESSAGE_BYTES, "ws_per_message_deflate": False, "timeout_graceful_shutdown": 3}
        kind = {"interface": "asgi3", "lifespan": "off", "http": PatientProtocol}
        super().__init__(uvicorn.Config(self._answer, **kind, **settings, **limits))
        self.thread = threading.Thread(target=self.run, kwargs={"sockets": [self._socket]}, name="front", daemon=True)

    def open(self) -> None:
        """Begin to answer."""
        self.thread.start()
        while not self.started and self.thread.is_alive():
            time.sleep(0.001)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Remember the loop in which everything is served (uvicorn)."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    @property
    def address(self) -> str:
        """Where this machine reaches the server."""
        anywhere = ipaddress.ip_address(self._socket.getsockname()[0]).is_unspecified
        return f"http://{'localhost' if anywhere else self.host}:{self.port}/"

    def hand_over(self, app: ASGIApp, lifespan: Callable[[Any], AbstractAsyncContextManager[Any]], owner: Any) -> None:
        """From now on `app` answers; `lifespan(owner)` is entered first, and left when the server ends."""
        assert self._loop is not None
        entered = threading.Event()
        problem: list[BaseException] = []

        async def live() -> None:
            try:
                async with lifespan(owner):
                    self._app = app
                    entered.set()
                    await self._left.wait()
            except BaseException as error:
                problem.append(error)
                raise
            finally:
                entered.set()

        living = asyncio.run_coroutine_threadsafe(live(), self._loop)
        entered.wait()
        if problem:
            living.result()

    def close(self) -> None:
        """End; what is being answered has a few seconds left."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._left.set)
        self.should_exit = True
        self.thread.join(timeout=5)


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(address)
    listening.set_inheritable(True)
    return listening
