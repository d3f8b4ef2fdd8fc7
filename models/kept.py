"""Results kept for the process: what pages show when they are opened is computed once, however many ask for it.

A second engine for `models.compute`: while it is in use, a computed function asked again with equal arguments gives the
results it gave before. Who asks while it still runs follows the same run, step by step.
"""

import hashlib
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from models.compute import Engine, Task, own_engine
from models.store import Store

BUDGET_BYTES = 256 * 2**20
_END = object()

RESULTS: Store[list[Any]] = Store(
    "first views",
    BUDGET_BYTES,
    size=lambda steps: sum(map(weigh, steps)),
    gone="This result is no longer kept.",
)


class _Shared:
    """A run that several follow: whoever needs its next step first makes it."""

    def __init__(self, source: Iterator[Any]) -> None:
        self.steps: list[Any] = []
        self.followers = 0
        self.over = False
        self._source = source
        self._error: Exception | None = None
        self._lock = threading.Lock()

    def step(self, place: int) -> Any:
        """The result in that place, `_END` behind the last. Raises what the run raised."""
        with self._lock:
            if self._error:
                raise self._error
            if place == len(self.steps) and not self.over:
                self._advance()
            return self.steps[place] if place < len(self.steps) else _END

    def _advance(self) -> None:
        try:
            step = next(self._source, _END)
        except Exception as error:
            self._error = error
            raise
        if step is _END:
            self.over = True
        else:
            self.steps.append(step)

    def close(self) -> None:
        """End the work: nobody follows it any more."""
        self._source.close()  # pyright: ignore[reportAttributeAccessIssue]  # a generator


class KeepingEngine:
    """Runs computed functions by the engine of this process, and keeps what they gave."""

    def __init__(self) -> None:
        self._running: dict[str, _Shared] = {}
        self._lock = threading.Lock()

    def run(self, task: Task, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """The result, or an iterator over results; arguments that cannot be told apart are not kept."""
        name = _name_of(task.name, arguments, named)
        if name is None:
            return own_engine().run(task, arguments, named)
        steps = self._follow(name, lambda: _results(own_engine(), task, arguments, named))
        if task.streams:
            return steps
        (only,) = steps
        return only

    def _follow(self, name: str, begin: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        shared = self._join(name, begin)
        if isinstance(shared, list):
            yield from shared
            return
        try:
            place = 0
            while (step := shared.step(place)) is not _END:
                yield step
                place += 1
        finally:
            self._leave(name, shared)

    def _join(self, name: str, begin: Callable[[], Iterator[Any]]) -> _Shared | list[Any]:
        with self._lock:
            if name in RESULTS:
                return RESULTS.find(name)
            shared = self._running.setdefault(name, _Shared(begin()))
            shared.followers += 1
            return shared

    def _leave(self, name: str, shared: _Shared) -> None:
        with self._lock:
            shared.followers -= 1
            if shared.over and name in self._running:
                RESULTS.put(shared.steps, name)
            if shared.over or not shared.followers:
                self._running.pop(name, None)
            abandoned = not shared.over and not shared.followers
        if abandoned:
            shared.close()


KEEPING = KeepingEngine()
"""The one of this process."""


def _results(engine: Engine, task: Task, arguments: tuple[Any, ...], named: dict[str, Any]) -> Iterator[Any]:
    result = engine.run(task, arguments, named)
    if task.streams:
        yield from result
    else:
        yield result


def _name_of(*parts: Any) -> str | None:
    """A name that equal values have in common; None where a value is of a kind that cannot be compared."""
    digest = hashlib.sha256()
    try:
        for piece in _pieces(parts):
            digest.update(len(piece).to_bytes(8) + piece)
    except TypeError:
        return None
    return digest.hexdigest()


def _pieces(value: Any) -> Iterator[bytes]:
    yield type(value).__qualname__.encode()
    if value is None or isinstance(value, (bool, int, float, str, np.generic)):
        yield repr(value).encode()
    elif isinstance(value, bytes):
        yield value
    elif isinstance(value, np.ndarray) and value.dtype != object:
        yield repr((value.shape, value.dtype.str)).encode()
        yield value.tobytes()
    elif isinstance(value, (Mapping, Sequence)):
        yield str(len(value)).encode()
        for item in value.items() if isinstance(value, Mapping) else value:
            yield from _pieces(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _pieces(getattr(value, field.name))
    else:
        raise TypeError(f"{type(value).__name__} cannot be compared")


def weigh(value: Any) -> int:
    """Bytes of a result in memory, near enough for a budget."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if is_dataclass(value) and not isinstance(value, type):
        return 64 + sum(weigh(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, Mapping):
        return 64 + sum(map(weigh, value.values()))
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return 64 + sum(map(weigh, value))
    return sys.getsizeof(value)
