"""The live transport: frames come up a WebSocket as JPEG, boxes go down it as JSON. See docs/live-transport.md.

Nothing a client does costs another client more than its fair share: only its newest frame waits, in one line with
everybody's; a client that is behind with reading is not computed for; sending has a deadline, and so has silence.
"""

import asyncio
import contextlib
import json
import math
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from demos.base import log
from demos.detection.frames import MAX_FRAME_BYTES, TURNS, FrameFound, Stream, answer, detect, open_stream
from demos.door.doors import is_same_host
from demos.door.operations import FRAMES_DROPPED
from models.errors import InputError, SpokenError
from models.inputs import check_flag, check_number, check_text

PATH = "/live/detection"
HEADER = struct.Struct("<IId")  # number of the frame, number of the newest answer read, seconds of the video
MAX_CONNECTIONS = 32
MAX_CONNECTIONS_AN_ADDRESS = 8
MAX_SETTINGS_CHARS = 4000
MAX_UNREAD = 8
MESSAGES_A_SECOND = 60
IDLE_SECONDS = 120.0
SEND_SECONDS = 5.0
GOING_AWAY, POLICY = 1001, 1008

_connections: Counter[str] = Counter()
_next_message: dict[str, float] = {}
"""When the next message of an address is taken: its connections share `MESSAGES_A_SECOND`."""


class _Ended(Exception):  # noqa: N818  # not an error of ours: how a connection ends, and what the client is told
    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


async def serve_live(socket: WebSocket) -> None:
    """One connection, from its handshake to its end."""
    address = socket.client.host if socket.client else ""
    if not is_same_host(socket.headers):
        await _refuse(socket, 403, "Live detection answers only pages of this host.")
    elif _connections.total() >= MAX_CONNECTIONS or _connections[address] >= MAX_CONNECTIONS_AN_ADDRESS:
        await _refuse(socket, 503, "Too many live connections are open: close one, or try again in a moment.")
    else:
        _connections[address] += 1
        try:
            await socket.accept()
            await Visit(socket, address).run()
        finally:
            _connections[address] -= 1
            if not _connections[address]:
                del _connections[address]
                _next_message.pop(address, None)


async def _refuse(socket: WebSocket, status: int, sentence: str) -> None:
    await socket.send_denial_response(JSONResponse({"error": sentence}, status_code=status))


class Visit:
    """One client: settings first, then frames, each answered with its boxes or as dropped."""

    def __init__(self, socket: WebSocket, address: str = "") -> None:
        self._socket = socket
        self._stream: Stream | None = None
        self._last_number = -1
        self._address = address
        self._in_order = asyncio.Lock()  # whoever asks first has it first

    async def run(self) -> None:
        """Serve until the client leaves, falls silent, stops reading or makes a mistake."""
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._listen(tasks)
        except* WebSocketDisconnect:
            pass
        except* _Ended as endings:
            await self._end(endings)
        except* SpokenError as mistakes:
            await self._end(mistakes)
        except* Exception:
            log.exception("defect in a live connection")
            await self._end(ExceptionGroup("", [InputError("Something went wrong on our side; the app goes on.")]))
        finally:
            TURNS.leave(self)

    async def _listen(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            message = await self._receive()
            if (text := message.get("text")) is not None:
                await self._set(text)
                continue
            number, seen, seconds, jpeg = self._unpack(message.get("bytes") or b"")
            arrived = time.perf_counter()
            future: Future[FrameFound | None] | None = None
            if self._stream is None:
                raise InputError("Settings must come before the first frame.")
            if number - seen <= MAX_UNREAD:
                future = TURNS.submit(self, partial(detect, self._stream, jpeg, arrived), self._address or None)
            tracker = self._stream.tracker
            tasks.create_task(self._answer(number, future, partial(answer, tracker=tracker, seconds=seconds), arrived))

    async def _receive(self) -> Mapping[str, Any]:
        """The next message; messages that come faster than `MESSAGES_A_SECOND` are left in the network."""
        now = time.monotonic()
        turn = max(now, _next_message.get(self._address, 0.0))
        _next_message[self._address] = turn + 1 / MESSAGES_A_SECOND
        await asyncio.sleep(turn - now)
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                message = await self._socket.receive()
        except TimeoutError:
            raise _Ended(GOING_AWAY, f"Nothing was sent for {IDLE_SECONDS:.0f} seconds.") from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        return message

    async def _set(self, text: str) -> None:
        """Take new settings, all of them at once: `model`, `track`, `threshold`, `line`, `zone`."""
        settings = read_settings(text)
        self._stream = await asyncio.to_thread(_stream_with, self._stream, settings)
        await self._send({"ready": True, **self._stream.facts()})

    def _unpack(self, message: bytes) -> tuple[int, int, float, bytes]:
        if not HEADER.size < len(message) <= HEADER.size + MAX_FRAME_BYTES:
            raise InputError(f"A frame must have a header of {HEADER.size} bytes and at most {MAX_FRAME_BYTES:,} more.")
        number, seen, seconds = HEADER.unpack_from(message)
        if number <= self._last_number or not math.isfinite(seconds):
            raise InputError("Frames must have rising numbers and a finite time.")
        self._last_number = number
        return number, seen, seconds, message[HEADER.size :]

    async def _answer(
        self,
        number: int,
        future: "Future[FrameFound | None] | None",
        answer_to: Callable[[FrameFound], dict[str, Any]],
        arrived: float,
    ) -> None:
        """Send the answer to one frame, after those to all earlier ones: ids need the order of time."""
        async with self._in_order:
            found = await asyncio.wrap_future(future) if future else None
            if found is None:
                FRAMES_DROPPED.inc()
                await self._send({"frame": number, "dropped": True})
                return
            boxes = await asyncio.to_thread(answer_to, found)
            server_seconds = round(time.perf_counter() - arrived, 4)
            await self._send({"frame": number, **boxes, "server_seconds": server_seconds})

    async def _send(self, content: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._socket.send_text(json.dumps(content))
        except TimeoutError:
            raise _Ended(POLICY, "The answers were not read.") from None

    async def _end(self, reasons: BaseExceptionGroup[Exception]) -> None:
        """Say why, if the client still listens, and close."""
        reason = next(_leaves(reasons))
        with contextlib.suppress(Exception):
            async with asyncio.timeout(1):
                await self._socket.send_text(json.dumps({"error": str(reason)}))
                await self._socket.close(getattr(reason, "code", POLICY))


def _leaves(group: BaseExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def read_settings(text: str) -> dict[str, Any]:
    """Settings of a connection, checked. Raises `InputError`.

    `model`: name; `track`: whether boxes get ids; `threshold` (0 to 1); `line` and `zone`: see
    `models.detection.tracking`. All but the model may be left out.
    """
    check_text(text, name="The settings", max_chars=MAX_SETTINGS_CHARS)
    try:
        sent = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError("The settings are not valid JSON.") from None
    if not isinstance(sent, dict):
        raise InputError("The settings must be a JSON object.")
    return {
        "model": check_text(sent.get("model"), name="The model", max_chars=100),
        "track": check_flag(sent.get("track", False), name="track"),
        "threshold": check_number(sent.get("threshold", 0.5), name="The threshold", low=0, high=1),
        "line": sent.get("line"),
        "zone": sent.get("zone"),
    }


def _stream_with(stream: Stream | None, settings: dict[str, Any]) -> Stream:
    """The stream for these settings; ids and counts go on as long as the detector stays and tracking is on."""
    from models.detection.tracking import Tracker, Watched, check_line, check_zone

    watched = Watched(settings["threshold"], check_line(settings["line"]), check_zone(settings["zone"]))
    opened = open_stream(settings["model"])
    if not settings["track"]:
        return opened
    tracker = stream.tracker if stream and stream.model == opened.model else None
    tracker = tracker or Tracker(watched)
    tracker.watched = watched
    return replace(opened, tracker=tracker)
