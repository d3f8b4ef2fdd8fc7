"""The gate: everything a request must pass before Gradio sees it, in order."""

import asyncio
import json
import re
from collections.abc import Sequence
from urllib.parse import parse_qs

from gradio.routes import App
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute
from starlette.types import Message, Receive, Scope, Send

from demos.base import log
from demos.door import operations
from demos.door.answers import NOT_HERE, Answer, Refused
from demos.door.bodies import MAX_BODY_BYTES, MAX_UPLOAD_BODY_BYTES, Body, replayed
from demos.door.content import paths_in, read_json
from demos.door.doors import MEDIA, Kind, check_host, check_media_type, check_origin, find_door
from demos.door.pages import Pages
from demos.door.shell import Shell
from demos.door.sweep import KeptFiles
from demos.door.visitors import BODIES, FILES, PAGES, STREAMS, UPLOADS, VISITOR, Ledger, address_of
from demos.sentences import DEFECT, DISK_FULL, is_disk_full, quoted

SHARES = {Kind.STREAM: STREAMS, Kind.FILE: FILES, Kind.PAGE: PAGES, Kind.SMALL: BODIES, Kind.OWN: FILES}


class Gate:
    """What every request passes first (ASGI), and what every answer passes last.

    Args:
        app: Gradio's app.
        blocks: the page it serves.
        own: routes of ours in that app.
        root_path: the prefix a proxy may leave in front of every path.
        proxies: how many proxies before this process are trusted to name the client.
    """

    def __init__(
        self, app: App, blocks: Shell, own: Sequence[BaseRoute], *, root_path: str, proxies: int, kept: KeptFiles
    ) -> None:
        self.app, self._blocks, self._own, self._kept = app, blocks, own, kept
        self._root_path, self._proxies = root_path.rstrip("/"), proxies
        self._pages = Pages(app, self._forget_hosts)
        self.ledger = Ledger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        address = address_of(scope, self._proxies)
        VISITOR.set(address)
        scope["client"] = (address, scope["client"][1] if scope.get("client") else 0)
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = Answer(send, Headers(scope=scope).get("accept-encoding", ""), operations.note_answer)
        try:
            await self._serve(scope, receive, answer, address)
        except Refused as refusal:
            await answer.refuse(refusal.status, refusal.sentence, refusal.retry_after)
        except Exception as error:
            if not (answer.begun and isinstance(error.__cause__, HTTPException)):  # a stream of what is not there
                log.exception("%s %s failed", scope["method"], quoted(scope["path"]))
            full = is_disk_full(error)
            await answer.refuse(507 if full else 500, DISK_FULL if full else DEFECT)

    def _forget_hosts(self) -> None:
        """Gradio keeps its description of the API with the address of whoever asked first, for everybody."""
        self.app.api_info = self.app.all_app_info = None
        self.app.page_api_info.clear()

    async def _serve(self, scope: Scope, receive: Receive, answer: Answer, address: str) -> None:
        path = scope["path"]
        if self._root_path and path.startswith(self._root_path + "/"):
            path = scope["path"] = path.removeprefix(self._root_path)
            scope["raw_path"] = path.encode()
        headers = Headers(scope=scope)
        check_host(headers)
        kind, parts = find_door(scope, path, self._own)
        if scope["method"] == "POST":
            check_origin(headers)
            check_media_type(kind, headers.getlist("content-type"))
        if kind is Kind.JSON:
            await self._serve_json(scope, receive, answer, address, parts.get("name"))
        elif kind is Kind.UPLOAD:
            await self._serve_upload(scope, receive, answer, address)
        else:
            with self.ledger.hold(SHARES[kind], address):
                await self._serve_reading(scope, receive, answer, address, kind, parts)

    async def _serve_reading(
        self, scope: Scope, receive: Receive, answer: Answer, address: str, kind: Kind, parts: dict[str, str]
    ) -> None:
        if kind is Kind.PAGE:
            await self._pages.answer(scope, scope["path"], answer.send, lambda: self.ledger.note_page(address))
            return
        if kind is Kind.FILE and re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", parts["path"].strip()):
            raise Refused(404, NOT_HERE)  # Gradio would fetch a web address for its client
        if kind is Kind.FILE:
            self._kept.touch([parts["path"]])
        if kind is Kind.STREAM and (key := parts.get("event") or _query_value(scope, "session_hash")):
            with self._blocks._queue.heard(key):
                await self.app(scope, receive, answer.send)
            return
        await self.app(scope, receive, answer.send)

    async def _serve_json(
        self, scope: Scope, receive: Receive, answer: Answer, address: str, api_name: str | None
    ) -> None:
        with self.ledger.hold(BODIES, address):
            content, body = await asyncio.to_thread(read_json, await Body(receive, MAX_BODY_BYTES).whole())
        self._blocks.check_names(api_name, content)
        self._kept.touch(paths_in(content))
        await self.app(_as_read(scope, len(body)), replayed(body, receive), answer.send)

    async def _serve_upload(self, scope: Scope, receive: Receive, answer: Answer, address: str) -> None:
        length = Headers(scope=scope).get("content-length", "")
        size = int(length) if length.isdecimal() else MAX_UPLOAD_BODY_BYTES
        with self.ledger.hold(UPLOADS, address):
            if size > MAX_UPLOAD_BODY_BYTES:
                raise Refused(413, f"The request is larger than {MAX_UPLOAD_BODY_BYTES // 2**20} MB.")
            self._kept.check_room(address, size)
            body = Body(receive, MAX_UPLOAD_BODY_BYTES, lambda piece: self.ledger.spend(address, piece))

            async def send(message: Message) -> None:
                if body.refusal is not None:  # Gradio has removed what was written and says so in its own words
                    raise body.refusal
                if message["type"] == "http.response.body" and message.get("body", b"").startswith(b"["):
                    self._kept.note_upload(address, json.loads(message["body"]))
                await answer.send(message)

            await self.app(scope, body.receive, send)


def _as_read(scope: Scope, length: int) -> Scope:
    """The request as the door has read it: its body may have been mended, its media type is spelt in one way."""
    dropped = (b"content-length", b"transfer-encoding", b"content-type", b"content-encoding")
    kept = [(name, value) for name, value in scope["headers"] if name not in dropped]
    told = [(b"content-length", str(length).encode()), (b"content-type", MEDIA[Kind.JSON].encode())]
    return {**scope, "headers": [*kept, *told]}


def _query_value(scope: Scope, name: str) -> str | None:
    return parse_qs(scope["query_string"].decode("latin-1")).get(name, [None])[0]
