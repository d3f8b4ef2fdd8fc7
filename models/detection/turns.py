"""How several visitors share one model: whoever waits longest is next, and only the newest frame of each waits."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Result = TypeVar("Result")

MAX_WAITING = 64


class Turns(Generic[Result]):
    """A line in which every visitor has one place; `workers` threads take from its head.

    A newer frame takes the place of the same visitor's older one, so a visitor who sends faster than frames can be
    answered waits no less and makes nobody else wait longer.
    """

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self._line: OrderedDict[Hashable, tuple[Callable[[], Result], Future[Result | None]]] = OrderedDict()
        self._changed = threading.Condition()
        self._begun = False

    def submit(self, visitor: Hashable, work: Callable[[], Result]) -> "Future[Result | None]":
        """The future result of `work`, or None if it was dropped: for a newer frame, or because the line is full."""
        future: Future[Result | None] = Future()
        with self._changed:
            displaced = self._line.get(visitor)
            if displaced is None and len(self._line) >= MAX_WAITING:
                future.set_result(None)
                return future
            self._line[visitor] = (work, future)
            if not self._begun:
                self._begun = True
                for _ in range(self.workers):
                    threading.Thread(target=self._serve, name="turns", daemon=True).start()
            self._changed.notify()
        _drop(displaced)
        return future

    def leave(self, visitor: Hashable) -> None:
        """Drop what the visitor has waiting."""
        with self._changed:
            waiting = self._line.pop(visitor, None)
        _drop(waiting)

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not self._line:
                    self._changed.wait()
                _, (work, future) = self._line.popitem(last=False)
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = work()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)


def _drop(waiting: "tuple[Callable[[], Result], Future[Result | None]] | None") -> None:
    if waiting and waiting[1].set_running_or_notify_cancel():
        waiting[1].set_result(None)
