"""Connections below their requests: how many there may be, how long a head may take, how long an answer may lie unread.

Nothing here imports Gradio.
"""

import asyncio
import os
from collections import Counter
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS, CONNECTIONS_AN_ADDRESS = 2000, 500
HEAD_SECONDS = 15.0
UNREAD_SECONDS = 30.0


def trusted_proxies() -> int:
    """How many proxies stand before this process by its host's word (`GLASSBOX_TRUSTED_PROXIES`); one on a Space."""
    return int(os.environ.get("GLASSBOX_TRUSTED_PROXIES", "1" if "SPACE_ID" in os.environ else "0"))


OPEN: Counter[str] = Counter()
"""Open connections by the address at their other end."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 with an end to patience.

    Closed at once: a connection past `CONNECTIONS_AN_ADDRESS` (where no proxy stands before the app, which would be one
    address for all) or `MAX_CONNECTIONS`. Closed in time: one that has not sent the whole head of a request after
    `HEAD_SECONDS`, and one whose client has read nothing of its answer for `UNREAD_SECONDS`.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Count it, and wait for a head."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self._timers: dict[str, asyncio.TimerHandle] = {}
        OPEN[self._address] += 1
        self._counted = True
        if OPEN.total() > MAX_CONNECTIONS or (OPEN[self._address] > CONNECTIONS_AN_ADDRESS and not trusted_proxies()):
            transport.abort()
            return
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._leave()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Read what has arrived; a whole head ends the waiting for it."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._stop("head")

    def handle_websocket_upgrade(self, event: Any) -> None:
        """A live connection is counted and bounded by its own route."""
        self._leave()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """Wait for the next head; it may be here already."""
        self._wait_for_head()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """More is to be sent than the client has read."""
        self._watch_reading()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client reads on."""
        self._stop("reading")
        super().resume_writing()

    def _watch_reading(self) -> None:
        unread = self.transport.get_write_buffer_size()

        def look() -> None:
            if self.transport.get_write_buffer_size() < unread:
                self._watch_reading()
            else:
                self.transport.abort()

        self._stop("reading")
        self._timers["reading"] = self.loop.call_later(UNREAD_SECONDS, look)

    def _wait_for_head(self) -> None:
        self._stop("head")
        self._timers["head"] = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _stop(self, why: str) -> None:
        if (timer := self._timers.pop(why, None)) is not None:
            timer.cancel()

    def _leave(self) -> None:
        for why in list(self._timers):
            self._stop(why)
        if self._counted:
            self._counted = False
            OPEN[self._address] -= 1
            if not OPEN[self._address]:
                del OPEN[self._address]
