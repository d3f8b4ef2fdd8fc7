"""Sessions: their number is bounded, and a visitor who opens many loses their own first."""

import datetime
import sys
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Mapping
from copy import copy
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from gradio.components import State
from gradio.state_holder import SessionState, StateHolder

from demos.door.visitors import VISITOR

if TYPE_CHECKING:
    from gradio.blocks import Blocks

CAPACITY = 200
LEFT_SECONDS = 600.0


class SlimSession(SessionState):
    """What one session holds: its `gr.State` values. Gradio also keeps a copy of every output, for deep links."""

    def __init__(self, blocks: "Blocks") -> None:
        self.blocks_config = copy(blocks.default_config)
        self.config_values: dict[int, dict[str, Any]] = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = int(LEFT_SECONDS)

    def __setitem__(self, key: int, value: Any) -> None:
        block = self.blocks_config.blocks.get(key)
        if isinstance(block, State):
            self._state_ttl[key] = (block.time_to_live, datetime.datetime.now())
            self.state_data[key] = value
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None: ...

    def _update_value_in_config(self, key: int, value: Any) -> None: ...


class Iterators(dict[str, AsyncIterator[Any]]):
    """Gradio's running generators by event: one may end by itself while it is being cancelled, and is then gone."""

    def __delitem__(self, event: str) -> None:
        self.pop(event, None)


class FairSessions(StateHolder):
    """Sessions by name. Past `CAPACITY` the address with the most of them loses its least recently used one."""

    def __init__(self) -> None:
        super().__init__()
        self.session_data: OrderedDict[str, SessionState] = OrderedDict()
        self._owners: dict[str, str] = {}
        self._left: dict[str, float] = {}

    def __getitem__(self, session_id: str) -> SessionState:
        with self.lock:
            if session_id not in self.session_data:
                self.session_data[session_id] = SlimSession(self.blocks)
                self._owners[session_id] = VISITOR.get()
            self.session_data.move_to_end(session_id)
            session = self.session_data[session_id]
            session.is_closed = False  # its page has come back
            while len(self.session_data) > self.capacity:
                self._drop(self._next_to_go(session_id))
        return session

    def _next_to_go(self, newest: str) -> str:
        held = Counter(self._owners.values())
        most = max(held.values())
        return next(one for one in self.session_data if held[self._owners[one]] == most and one != newest)

    def _drop(self, session_id: str) -> None:
        self.delete_state(session_id)
        del self.session_data[session_id]
        self._owners.pop(session_id, None)
        self._left.pop(session_id, None)

    def delete_all_expired_state(self) -> None:
        """Drop sessions whose page was closed `LEFT_SECONDS` ago; Gradio asks every second."""
        super().delete_all_expired_state()
        now = time.monotonic()
        with self.lock:
            closed = [one for one, session in self.session_data.items() if session.is_closed]
            self._left = {one: self._left.get(one, now) for one in closed}
            for session_id in [one for one, since in self._left.items() if now - since > LEFT_SECONDS]:
                self._drop(session_id)


def bytes_of_sessions(holder: StateHolder) -> dict[str, float]:
    """Memory of the values of all sessions together, and of the largest one; large things belong into a `Store`."""
    sizes = [
        bytes_of(one) for session in list(holder.session_data.values()) for one in list(session.state_data.values())
    ]
    return {"all": float(sum(sizes)), "largest": float(max(sizes, default=0))}


def bytes_of(value: object, seen: set[int] | None = None) -> int:
    """Memory of a value with all that it refers to, arrays and tensors included."""
    seen = set() if seen is None else seen
    if id(value) in seen or isinstance(value, type | ModuleType | FunctionType | MethodType):
        return 0
    seen.add(id(value))
    size = max(sys.getsizeof(value), int(getattr(value, "nbytes", 0)))
    if isinstance(value, Mapping):
        return size + sum(bytes_of(one, seen) for pair in list(value.items()) for one in pair)
    if isinstance(value, list | tuple | set | frozenset | deque):
        return size + sum(bytes_of(one, seen) for one in list(value))
    return size + bytes_of(getattr(value, "__dict__", {}), seen)
