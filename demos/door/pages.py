"""Pages and assets: made once, kept in memory compressed, sent again only to who does not have them."""

import asyncio
import base64
import contextlib
import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Scope, Send

from demos.compression import COMPRESSIBLE, compress, encoding_for
from demos.door.answers import content_security_policy
from demos.door.bodies import replayed
from demos.door.mended import is_mended, mended
from demos.page_head import dressed

MAX_KEPT_BYTES = 48 * 2**20
MAX_KEPT_ONE = 4 * 2**20
SCRIPTS = re.compile(rb"<script\b([^>]*)>(.*?)</script\s*>", re.DOTALL | re.IGNORECASE)
SOURCE = re.compile(rb"\bsrc\s*=", re.IGNORECASE)
HASHED = re.compile(r"/assets/.*-[A-Za-z0-9_-]{8}\.[a-z0-9]+")
IMMUTABLE, CHECKED = "public, max-age=31536000, immutable", "no-cache"
ROOT_HEADERS = ("host", "x-forwarded-host", "x-forwarded-proto")
READ_KEYS = ("all_endpoints",)  # not `page`, Gradio's own for apps of several: it fails on one that is not there


@dataclass(frozen=True)
class Page:
    """One answer, as it is and compressed twice; `body` is None where it is not to be kept."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    brotli: bytes | None
    gzip: bytes | None
    tag: str

    @property
    def size(self) -> int:
        """Bytes it takes in memory."""
        return len(self.body) + len(self.brotli or b"") + len(self.gzip or b"")


class Pages:
    """Answers to GET that are the same for everybody, by address and by the host they name."""

    def __init__(self, app: ASGIApp, forget: Callable[[], None] = lambda: None) -> None:
        """`forget` makes the app drop what it keeps under the name of whichever host was asked for first."""
        self._app, self._forget = app, forget
        self._one_host_at_a_time = asyncio.Lock()
        self._kept: OrderedDict[tuple[str, ...], Page] = OrderedDict()
        self._being_made: dict[tuple[str, ...], asyncio.Task[Page]] = {}

    async def answer(self, scope: Scope, path: str, send: Send, note: Callable[[], None] = lambda: None) -> None:
        """Answer one request from what is kept, or make it: once, however many ask for it.

        note: called before a page is made for whoever asks (assets are only read); what it raises ends the answer.
        """
        headers = Headers(scope=scope)
        query = urlencode([pair for pair in parse_qsl(scope["query_string"].decode("latin-1")) if pair[0] in READ_KEYS])
        static = path.startswith(("/assets/", "/static/"))
        key = (path, query, *([] if static else [headers.get(name, "") for name in ROOT_HEADERS]))
        if scope["method"] == "HEAD" and path == "/" and key not in self._kept:
            await _send_heads_only(send)  # Gradio asks for it when it starts, and gives up where it takes long
            return
        if not (static or key in self._kept or key in self._being_made):
            note()
        page = self._kept.get(key) or await self._made(key, scope, query)
        await _send_page(page, headers, scope["method"], path, send)

    async def _made(self, key: tuple[str, ...], scope: Scope, query: str) -> Page:
        if (task := self._being_made.get(key)) is None:
            task = self._being_made[key] = asyncio.create_task(self._make(key, scope, query))
            task.add_done_callback(lambda _: self._being_made.pop(key, None))
        return await asyncio.shield(task)

    async def _make(self, key: tuple[str, ...], scope: Scope, query: str) -> Page:
        async with self._one_host_at_a_time if len(key) > 2 else contextlib.nullcontext():
            self._forget()
            status, headers, body = await _asked(self._app, scope, query)
        if status == 200:
            body = mended(scope["path"], body)
        page = await asyncio.to_thread(_compressed, *_with_our_head(status, headers, body))
        if page.status == 200 and page.size <= MAX_KEPT_ONE * 2:
            self._kept[key] = page
            while sum(one.size for one in self._kept.values()) > MAX_KEPT_BYTES:
                self._kept.popitem(last=False)
        return page


async def _send_heads_only(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b""})


async def _nothing_more() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def _asked(app: ASGIApp, scope: Scope, query: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """What the app answers to a plain GET of this address."""
    kept = [(name, value) for name, value in scope["headers"] if name.decode("latin-1") in ROOT_HEADERS]
    asked = {**scope, "method": "GET", "headers": kept, "query_string": query.encode("latin-1"), "state": {}}
    start: Message = {}
    body = bytearray()

    async def take(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))

    await app(asked, replayed(b"", _nothing_more), take)
    return start["status"], list(start.get("headers", [])), bytes(body)


def _with_our_head(
    status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """A whole page gets the head of this app; anything else stays as it is."""
    is_page = any(name == b"content-type" and value.startswith(b"text/html") for name, value in headers)
    return status, headers, dressed(body.decode("utf-8")).encode() if is_page else body


def _compressed(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> Page:
    kind = next((value for name, value in headers if name == b"content-type"), b"").decode("latin-1")
    worth = len(body) > 1000 and kind.startswith(COMPRESSIBLE)
    dropped = (b"content-length", b"etag", b"last-modified", b"cache-control", b"vary", b"accept-ranges")
    kept = [(name, value) for name, value in headers if name not in dropped]
    if kind.startswith("text/html"):
        kept.append((b"content-security-policy", content_security_policy(hashes_of_scripts(body)).encode()))
    return Page(
        status=status,
        headers=kept,
        body=body,
        brotli=compress(body, "br") if worth else None,
        gzip=compress(body, "gzip") if worth else None,
        tag=f'"{hashlib.sha256(body).hexdigest()[:24]}"',
    )


def hashes_of_scripts(page: bytes) -> list[str]:
    """What a content security policy calls the scripts that stand in a page: `'sha256-...'` of each one's text."""
    texts = [text for attributes, text in SCRIPTS.findall(page) if not SOURCE.search(attributes)]
    return [f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'" for text in dict.fromkeys(texts)]


async def _send_page(page: Page, asked: Headers, method: str, path: str, send: Send) -> None:
    fresh = page.status == 200 and page.tag in asked.get("if-none-match", "")
    accepted = asked.get("accept-encoding", "")
    encoding = encoding_for(accepted) if page.brotli is not None else ""
    body = {"br": page.brotli, "gzip": page.gzip}.get(encoding) or page.body
    headers = {
        "etag": page.tag,
        "cache-control": IMMUTABLE if HASHED.fullmatch(path) and not is_mended(path) else CHECKED,
        "vary": "Accept-Encoding",
    }
    if not fresh:
        headers["content-length"] = str(len(body))
        headers |= {"content-encoding": encoding} if encoding else {}
    raw = [*page.headers, *((name.encode(), value.encode("latin-1")) for name, value in headers.items())]
    await send({"type": "http.response.start", "status": 304 if fresh else page.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if fresh or method == "HEAD" else body})
