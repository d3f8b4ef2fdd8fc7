"""The door: what a request must pass before Gradio sees it, headers of every answer, launch settings."""

import importlib.metadata
import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import gradio as gr
import uvicorn
from gradio import http_server
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demos.base import EXAMPLES, log, visitor_errors
from demos.theme import CSS, HEAD, THEME
from demos.ui import head, ui_route
from demos.wire import array_route
from models import hub, runtime, weights
from models.errors import InputError

MAX_BODY_BYTES = 12 * 2**20
MAX_UPLOAD_BODY_BYTES = 24 * 2**20
MAX_UPLOAD = "20mb"
MAX_JSON_DEPTH = 50
MAX_MESSAGE_BYTES = 2**19
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "content-security-policy": "frame-ancestors 'self' https://huggingface.co https://*.hf.space; object-src 'none'; "
    "base-uri 'self'",
}


class Shell(gr.Blocks):
    """Gradio's Blocks in which every failure of an event becomes one sentence, wherever it happens."""

    async def process_api(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Run one event (or one step of a streaming one)."""
        with visitor_errors():
            return await super().process_api(*args, **kwargs)

    async def preprocess_data(self, *args: Any, **kwargs: Any) -> list[Any]:
        """Check what the components received: their own sentences stay, any other complaint becomes one."""
        try:
            return await super().preprocess_data(*args, **kwargs)
        except (gr.Error, InputError):
            raise
        except Exception:
            raise InputError("One of the values sent is not of the kind this control takes.") from None


class Gate:
    """What every HTTP request passes first.

    Refuses bodies over `MAX_BODY_BYTES` (`MAX_UPLOAD_BODY_BYTES` for uploads), files given as web addresses and file
    objects without Gradio's mark (their paths would not be checked); answers requests for names that do not exist with
    one sentence instead of a failure;
    adds `SECURITY_HEADERS` to every answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send)
        if scope["method"] == "POST":
            limit = MAX_UPLOAD_BODY_BYTES if scope["path"].endswith("/upload") else MAX_BODY_BYTES
            body = await _read_body(receive, limit)
            if body is None:
                await answer.refuse(413, f"The request is larger than {limit // 2**20} MB.")
                return
            if problem := _problem_of(scope, body):
                await answer.refuse(*problem)
                return
            receive = _replay(body, receive)
        try:
            await self.app(scope, receive, answer.send)
        except Exception:
            log.warning("request for %s could not be routed", scope["path"], exc_info=True)
            await answer.refuse(404, "There is nothing here by this name, or the request does not fit it.")


class _Answer:
    """The answer to one request: adds headers, knows whether it has begun, and can end in a sentence either way."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            extra = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
            message = {**message, "headers": [*message.get("headers", []), *extra]}
        await self._send(message)

    async def refuse(self, status: int, sentence: str) -> None:
        content = json.dumps({"error": sentence, "detail": sentence})
        if self._begun:  # an event stream: its clients read errors as events
            body = f"event: error\ndata: {content}\n\n".encode()
        else:
            body = content.encode()
            headers = [(b"content-type", b"application/json")]
            await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


async def _read_body(receive: Receive, limit: int) -> bytes | None:
    """The whole body, or None when it is longer than `limit` bytes (the rest is not read)."""
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        chunks.append(message.get("body", b""))
        size, more = size + len(chunks[-1]), message.get("more_body", False)
        if size > limit:
            return None
    return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: Iterator[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive_again() -> Message:
        return next(messages, None) or await receive()

    return receive_again


def _problem_of(scope: Scope, body: bytes) -> tuple[int, str] | None:
    if b"application/json" not in dict(scope["headers"]).get(b"content-type", b""):
        return None
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return 422, "The request is not valid JSON."
    if not isinstance(content, dict):
        return 422, "The request must be a JSON object."
    return _problem_with_files(content, depth=0)


def _problem_with_files(content: Any, depth: int) -> tuple[int, str] | None:
    """What is wrong with a file object (`path`, `meta`) anywhere in `content`, if anything."""
    if depth > MAX_JSON_DEPTH:
        return 422, f"The request is nested more than {MAX_JSON_DEPTH} levels deep."
    if isinstance(content, dict):
        if isinstance(content.get("path"), str):
            if content["path"].strip().lower().startswith(("http:", "https:", "ftp:", "//")):
                return 422, "Files cannot be given as web addresses: upload them."
            if not isinstance(content.get("meta"), dict) or content["meta"].get("_type") != "gradio.FileData":
                return 422, "A file must be uploaded first and sent as a file object with its mark."
        content = list(content.values())
    if isinstance(content, list):
        return next(filter(None, (_problem_with_files(item, depth + 1) for item in content)), None)
    return None


async def healthz(_: Request) -> JSONResponse:
    """The process is up."""
    return JSONResponse({"status": "up", "version": importlib.metadata.version("gradio")})


async def readyz(_: Request) -> JSONResponse:
    """Every model of the catalogue: in memory, on this machine, on its way, or absent."""
    in_memory = set(runtime.names_in_memory())
    states = {
        entry.name: "in memory"
        if entry.name in in_memory
        else hub.state_of(entry.name).status
        if entry.kind == "hub"
        else "on this machine"
        for entry in weights.CATALOGUE.values()
    }
    hub_names = [entry.name for entry in weights.CATALOGUE.values() if entry.kind == "hub"]
    downloads = {name: (hub.state_of(name).status, hub.describe(name)) for name in hub_names}
    return JSONResponse({"mode": weights.mode(), "models": states, "downloads": downloads})


def bound_messages() -> None:
    """Give WebSockets limits that fit live frames; to be called before the launch.

    Gradio starts uvicorn with that server's own: messages of up to 16 MB, and JPEGs packed once more on their way.
    """
    http_server.uvicorn.Config = partial(  # pyright: ignore[reportAttributeAccessIssue]
        uvicorn.Config, ws_max_size=MAX_MESSAGE_BYTES, ws_per_message_deflate=False
    )


def launch_settings(host: str, port: int | None, share: bool, routes: Sequence[BaseRoute] = ()) -> dict[str, Any]:
    """Everything `Blocks.launch` needs: the look, the door, the limits, the tabs' own routes."""
    return {
        "server_name": host,
        "server_port": port,
        "share": share,
        "theme": THEME,
        "css": CSS,
        "head": HEAD + head(),
        "ssr_mode": False,
        "show_error": False,
        "run_history": False,
        "enable_monitoring": False,
        "max_file_size": MAX_UPLOAD,
        "allowed_paths": [str(EXAMPLES)],
        "state_session_capacity": 200,
        "footer_links": ["api"],
        "app_kwargs": {
            "middleware": [Middleware(Gate)],
            "routes": [Route("/healthz", healthz), Route("/readyz", readyz), ui_route(), array_route(), *routes],
        },
    }
