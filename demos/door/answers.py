"""Answers: refusals are sentences, nothing of the request is repeated at length, headers are on every one."""

import asyncio
import json
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from demos.compression import COMPRESSIBLE, compress, encoding_for
from demos.sentences import DEFECT, MAX_ECHO, quoted, sentence_for_page

MAX_ERROR_BYTES = 2**20
COMPRESSED_FROM = 1000
NOT_HERE = "There is nothing here by this name."
NOT_ALLOWED = "This may not be read."
MISFIT = "The request does not fit this address"


def content_security_policy(scripts: Iterable[str] = ()) -> str:
    """The policy of an answer; `scripts` are the hashes of those written into a page (`'sha256-...'`).

    Gradio compiles the `js=` of events (`unsafe-eval`) and writes styles into the page (`unsafe-inline` for them).
    """
    from_here = " ".join(("'self'", *scripts))
    return (
        f"default-src 'self'; script-src {from_here} 'unsafe-eval' blob:; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; frame-src 'none'; "
        "form-action 'self'; frame-ancestors 'self' https://huggingface.co https://*.hf.space; object-src 'none'; "
        "base-uri 'self'"
    )


SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": content_security_policy(),
}


class Refused(Exception):  # noqa: N818  # an answer, not an error of ours
    """A request that gets no further: its status, its sentence, and the seconds after which to try again."""

    def __init__(self, status: int, sentence: str, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.retry_after = status, sentence, retry_after


class Answer:
    """The answer to one request: adds headers, turns failures into sentences, knows whether it has begun.

    Args:
        send: where the answer goes (ASGI).
        encodings: the value of the request's `Accept-Encoding`.
        told: called with the status once it is known.
    """

    def __init__(self, send: Send, encodings: str, told: Callable[[int], None]) -> None:
        self._send, self._encodings, self._told = send, encodings, told
        self._start: Message | None = None
        self._held = b""
        self.begun = False

    async def send(self, message: Message) -> None:
        """Pass on what the app answers; an answer of status 400 and above is held until it is whole."""
        if message["type"] == "http.response.start":
            self._start = message
        elif self.begun or self._start is None:
            await self._send(message)
        else:
            await self._first_body(self._start, message)

    async def _first_body(self, start: Message, message: Message) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        if start["status"] >= 400:
            self._held = (self._held + body)[:MAX_ERROR_BYTES]
            if not more:
                await self._mend(start)
            return
        if not more and (compressed := await self._compressed(start, body)) is not None:
            message = {**message, "body": compressed}
        await self._begin(start)
        await self._send(message)

    async def _compressed(self, start: Message, body: bytes) -> bytes | None:
        headers = MutableHeaders(raw=start.setdefault("headers", []))
        encoding = encoding_for(self._encodings)
        if len(body) < COMPRESSED_FROM or not encoding or start["status"] != 200 or "content-encoding" in headers:
            return None
        kind = headers.get("content-type", "")
        if not kind.startswith(COMPRESSIBLE) or kind.startswith("text/event-stream"):
            return None
        compressed = await asyncio.to_thread(compress, body, encoding, once=True)
        headers["content-encoding"] = encoding
        headers["content-length"] = str(len(compressed))
        headers.add_vary_header("Accept-Encoding")
        return compressed

    async def _begin(self, start: Message) -> None:
        self.begun = True
        headers = MutableHeaders(raw=list(start.get("headers", [])))
        for name, value in SECURITY_HEADERS.items():
            headers.setdefault(name, value)
        self._told(start["status"])
        await self._send({**start, "headers": headers.raw})

    async def _mend(self, start: Message) -> None:
        """Answer a failure of the app's in our form: one sentence, cut, without what was sent."""
        content = _read_failure(start["status"], self._held)
        if start["status"] == 500 and content.get("title") == "Please check":
            start["status"] = 422  # an event without a queue, and a mistake of the visitor's
        headers = dict(MutableHeaders(raw=start.get("headers", [])))
        kept = {name: headers[name] for name in ("retry-after", "allow", "location") if name in headers}
        await self._answer(start["status"], content, kept)

    async def refuse(self, status: int, sentence: str, retry_after: int | None = None) -> None:
        """End the answer with a sentence, whether it has begun or not."""
        content = {"error": sentence, "detail": sentence}
        if self.begun:  # an event stream: its clients read errors as events
            await self._send(
                {"type": "http.response.body", "body": f"event: error\ndata: {json.dumps(content)}\n\n".encode()}
            )
            return
        await self._answer(status, content, {} if retry_after is None else {"retry-after": str(retry_after)})

    async def _answer(self, status: int, content: MutableMapping[str, Any], headers: dict[str, str]) -> None:
        body = json.dumps(content).encode()
        all_headers = {"content-type": "application/json", "content-length": str(len(body)), **headers}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in all_headers.items()]
        await self._begin({"type": "http.response.start", "status": status, "headers": raw})
        await self._send({"type": "http.response.body", "body": body})


def _read_failure(status: int, body: bytes) -> dict[str, Any]:
    """What a failure of the app's says, as `error` and `detail` and whatever else its page needs."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = body.decode("utf-8", "replace")
    if not isinstance(content, dict):
        content = {"detail": content}
    told = content.get("error") or content.get("detail")
    if isinstance(told, list):  # a validation of FastAPI's, which repeats what was sent
        told = f"{MISFIT}: " + "; ".join(_misfit(one) for one in told[:3]) + "."
    elif not isinstance(told, str) or not told.strip() or ("title" not in content and len(told) > MAX_ECHO):
        told = {403: NOT_ALLOWED, 404: NOT_HERE}.get(status, MISFIT + "." if status < 500 else DEFECT)
    sentence = sentence_for_page(told)
    extra = {name: content[name] for name in ("duration", "visible", "title") if name in content}
    return {"error": sentence, "detail": sentence, **extra}


def _misfit(one: Any) -> str:
    if not isinstance(one, dict):
        return "it is of another form"
    place = ".".join(str(part) for part in one.get("loc", ())[1:])
    return f"{quoted(place)} {quoted(str(one.get('msg', 'does not fit')))}".strip()
