"""Places in Gradio's queue, shared fairly: nobody holds many, everybody's first comes before anybody's second."""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import fastapi
from gradio.block_function import BlockFunction
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Event, Queue

from demos.door import operations
from demos.door.visitors import VISITOR
from models import memory

MAX_WAITING, MAX_WAITING_FIRST = 60, 200
"""How many events may wait before a visitor's second is refused, and before anybody's first is."""
PLACES_A_SESSION, PLACES_AN_ADDRESS = 10, 20
RUNNING_A_SESSION, RUNNING_AN_ADDRESS = 4, 8
UNHEARD_SECONDS = 15.0
LONG_SECONDS = 2.0


class FairQueue(Queue):
    """Gradio's queue with places that belong to somebody.

    A visitor is a session and an address. Events whose stream nobody opens are dropped after `UNHEARD_SECONDS`, and so
    are messages that nobody reads.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._listening: Counter[str] = Counter()
        self._unheard_since: dict[str, float] = {}
        self.pending_messages_per_session = OrderedDict()  # type: ignore[assignment]  # bounded by drop_unheard

    async def push(
        self, body: PredictBodyInternal, request: fastapi.Request, username: str | None
    ) -> tuple[bool, Any, Any]:
        """Take an event, unless its visitor holds too many places (429) or all are taken (503).

        A few addresses can take all `MAX_WAITING`; whoever holds none still gets one.
        """
        of_address, of_session = self._places(VISITOR.get(), body.session_hash)
        if of_address >= PLACES_AN_ADDRESS or of_session >= PLACES_A_SESSION:
            sentence = f"You have {max(of_address, of_session)} events waiting: try again when some have been answered."
            raise fastapi.HTTPException(429, sentence, {"Retry-After": "5"})
        if len(self) >= (MAX_WAITING if of_address else MAX_WAITING_FIRST):
            sentence = f"{len(self)} events of all visitors are waiting: try again in half a minute."
            raise fastapi.HTTPException(503, sentence, {"Retry-After": "30"})
        return await super().push(body, request, username)

    def _places(self, address: str, session: str | None) -> tuple[int, int]:
        events = list(self.event_ids_to_events.values())
        of_address = sum(_address(event) == address for event in events)
        return of_address, sum(event.session_hash == session for event in events)

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """The next event of any lane that has room, the first ones of every visitor before anybody's second."""
        running = [event for job in self.active_jobs if job for event in job]
        sessions = Counter(event.session_hash for event in running)
        addresses = Counter(map(_address, running))
        for lane in sorted(self.event_queue_per_concurrency_id.values(), key=lambda lane: lane.current_concurrency):
            if lane.concurrency_limit is not None and lane.current_concurrency >= lane.concurrency_limit:
                continue
            for event in in_turn(lane.queue, running):
                if sessions[event.session_hash] < RUNNING_A_SESSION and addresses[_address(event)] < RUNNING_AN_ADDRESS:
                    lane.queue.remove(event)
                    return [event], event.fn.batch, lane.concurrency_id
        return None

    async def process_events(self, events: list[Event], batch: bool, begin_time: float, fn: BlockFunction) -> None:
        """Run one event to its end, and note how long it waited and took."""
        began, event = time.monotonic(), events[0]
        VISITOR.set(_address(event))
        try:
            await super().process_events(events, batch, begin_time, fn)
        finally:
            outcome = str((self.event_analytics.pop(event._id, None) or {}).get("status", "cancelled"))
            seconds = time.monotonic() - began
            operations.note_job(fn, began - event.enqueue_time, seconds, outcome)
            if seconds > LONG_SECONDS:
                await asyncio.to_thread(memory.give_back)

    def compute_analytics_summary(self, records: Any) -> dict[str, Any]:
        """Nothing: Gradio would sum up its last 10,000 events with pandas after each one."""
        return self.cached_event_analytics_summary

    @contextmanager
    def heard(self, key: str) -> Iterator[None]:
        """As long as the block runs, a client listens to the events of a session or to one event of that id."""
        self._listening[key] += 1
        try:
            yield
        finally:
            self._listening[key] -= 1
            if not self._listening[key]:
                del self._listening[key]

    async def drop_unheard(self) -> None:
        """Drop events and messages to which nobody has listened for `UNHEARD_SECONDS`."""
        now = time.monotonic()
        events = list(self.event_ids_to_events.values())
        silent = {event._id: event for event in events if event.alive and not self._is_heard(event)}
        open_sessions = {event.session_hash for event in events}
        abandoned = {
            session
            for session in self.pending_messages_per_session
            if session not in open_sessions and not self._listening[session]
        }
        keys = silent.keys() | abandoned
        self._unheard_since = {key: self._unheard_since.get(key, now) for key in keys}
        late = {key for key, since in self._unheard_since.items() if now - since > UNHEARD_SECONDS}
        for event_id in late & silent.keys():
            operations.REFUSALS.labels("unheard event").inc()
            await self.clean_events(event_id=event_id)
            self.pending_event_ids_session.get(silent[event_id].session_hash, set()).discard(event_id)
        for session in late & abandoned:
            self.pending_messages_per_session.pop(session, None)
            self.pending_event_ids_session.pop(session, None)

    def _is_heard(self, event: Event) -> bool:
        return bool(self._listening[event.session_hash] or self._listening[event._id])

    async def keep_in_order(self) -> None:
        """Drop what nobody listens to, for ever."""
        while True:
            await asyncio.sleep(1)
            await self.drop_unheard()


def in_turn(waiting: list[Event], running: list[Event]) -> list[Event]:
    """The order in which events of a lane are begun: by how many of the same address are before them, then by age."""
    before = Counter(map(_address, running))
    ranked = []
    for event in waiting:
        ranked.append((before[_address(event)], event))
        before[_address(event)] += 1
    return [event for _, event in sorted(ranked, key=lambda pair: pair[0])]


def _address(event: Event) -> str:
    return event.request.client.host if event.request.client else ""
