"""How several visitors share one model: who was served longest ago is next, and only the newest frame of each waits."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

Result = TypeVar("Result")

MAX_WAITING = 64


@dataclass(frozen=True)
class _Place(Generic[Result]):
    work: Callable[[], Result]
    future: "Future[Result | None]"
    owner: Hashable


class Turns(Generic[Result]):
    """A line in which every visitor has one place; `workers` threads take whose owner was served longest ago.

    A visitor is one connection, its owner whoever may open several: eight connections of one owner get no more than the
    one of another.
    A newer frame takes the place of the same visitor's older one, so a visitor who sends faster than frames can be
    answered waits no less and makes nobody else wait longer.
    """

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self._line: OrderedDict[Hashable, _Place[Result]] = OrderedDict()
        self._served: OrderedDict[Hashable, None] = OrderedDict()
        self._changed = threading.Condition()
        self._begun = False

    def submit(self, visitor: Hashable, work: Callable[[], Result], owner: Hashable = None) -> "Future[Result | None]":
        """The future result of `work`, or None if it was dropped: for a newer frame, or because the line is full."""
        future: Future[Result | None] = Future()
        with self._changed:
            displaced = self._line.get(visitor)
            if displaced is None and len(self._line) >= MAX_WAITING:
                future.set_result(None)
                return future
            self._line[visitor] = _Place(work, future, visitor if owner is None else owner)
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
                place = self._take_next()
            if not place.future.set_running_or_notify_cancel():
                continue
            try:
                result = place.work()
            except BaseException as error:
                place.future.set_exception(error)
            else:
                place.future.set_result(result)

    def _take_next(self) -> "_Place[Result]":
        """The place whose owner was served longest ago, or never; of these, the one that waits longest."""
        ages = {owner: age for age, owner in enumerate(self._served, 1)}
        visitor = min(self._line, key=lambda one: ages.get(self._line[one].owner, 0))
        place = self._line.pop(visitor)
        self._served[place.owner] = None
        self._served.move_to_end(place.owner)
        while len(self._served) > MAX_WAITING:
            self._served.popitem(last=False)
        return place


def _drop(waiting: "_Place[Result] | None") -> None:
    if waiting and waiting.future.set_running_or_notify_cancel():
        waiting.future.set_result(None)
