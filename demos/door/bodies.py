"""How much of a request's body is read, and for how long."""

import asyncio
import time
from collections.abc import Callable

from starlette.formparsers import MultiPartException
from starlette.types import Message, Receive

from demos.door.answers import Refused

MAX_BODY_BYTES = 12 * 2**20
MAX_UPLOAD_BODY_BYTES = 24 * 2**20
SILENT_SECONDS = 15.0
GRACE_SECONDS = 20.0
SLOWEST_BYTES_A_SECOND = 8_000


class BodyRefused(Refused, MultiPartException):
    """A body that is given up. Gradio's reader of uploads removes what it has written at a `MultiPartException`."""

    def __init__(self, status: int, sentence: str, retry_after: int | None = None) -> None:
        Refused.__init__(self, status, sentence, retry_after)
        self.message = sentence


class Body:
    """The body of one request, passed on as it arrives.

    Args:
        receive: where it comes from (ASGI).
        limit: how many bytes it may have.
        note: called with the size of every piece; what it raises ends the body.
    """

    def __init__(self, receive: Receive, limit: int, note: Callable[[int], None] = lambda _: None) -> None:
        self._receive, self._limit, self._note = receive, limit, note
        self._began, self._size, self._over = time.monotonic(), 0, False
        self.refusal: Refused | None = None

    async def receive(self) -> Message:
        """The next piece. Raises `BodyRefused` for a body that is too large (413), silent or too slow (408)."""
        if self._over:
            return await self._receive()
        try:
            return await self._next()
        except Refused as refusal:
            self.refusal = BodyRefused(refusal.status, refusal.sentence, refusal.retry_after)
            raise self.refusal from None

    async def _next(self) -> Message:
        allowed = GRACE_SECONDS + self._size / SLOWEST_BYTES_A_SECOND - (time.monotonic() - self._began)
        try:
            async with asyncio.timeout(max(0.0, min(SILENT_SECONDS, allowed))):
                message = await self._receive()
        except TimeoutError:
            raise Refused(408, "The request did not arrive in time: try again.") from None
        size = len(message.get("body", b""))
        self._size += size
        self._over = message["type"] == "http.disconnect" or not message.get("more_body", False)
        if self._size > self._limit:
            raise Refused(413, f"The request is larger than {self._limit // 2**20} MB.")
        self._note(size)
        return message

    async def whole(self) -> bytes:
        """All of it. Raises `BodyRefused`, also for a client that has left (499: nobody reads the answer)."""
        pieces: list[bytes] = []
        while not self._over:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise BodyRefused(499, "The request was not finished.")
            pieces.append(message.get("body", b""))
        return b"".join(pieces)


def replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body read before, then whatever comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again
