"""This end of the line: an engine whose computed functions run on replicas."""

import functools
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from models import stops
from models.compute import LocalEngine, Task, counted
from models.errors import EngineError
from models.serving.belongings import belongings_of, names_in, take_back, with_values
from models.serving.messages import Lacking, Over, Refused, Request, packed, unpacked
from models.serving.plan import concept_of, deployment_of
from models.serving.sentences import LOST, log, told


class Line(Protocol):
    """The way to the replicas of one deployment; its failures are those of whatever it is made of."""

    def ask(self, data: bytes) -> bytes:
        """The answer to a request."""
        ...

    def stream(self, data: bytes) -> Iterator[bytes]:
        """The answers to a request, one a step; closing it ends the work."""
        ...

    def tell(self, name: str) -> None:
        """Pass a visitor's wish on to every replica."""
        ...


class ServingEngine:
    """Runs computed functions on replicas, and in this process where there is no line to any.

    lines: by deployment, asked anew for every call, as a cluster may come late, go, and come back.
    """

    def __init__(self, lines: Callable[[], Mapping[str, Line]]) -> None:
        self._lines, self._here = lines, LocalEngine()
        self._followed: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        stops.LISTENERS.append(self._wish)

    def run(self, task: Task, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """The result, or an iterator over results; closing it ends the work at its next step.

        Raises `EngineError` with a sentence where the replica is lost, busy or away.
        """
        place, line = self._way(task, arguments, named)
        if place is None or line is None:
            return self._here.run(task, arguments, named)
        request = functools.partial(Request, task.name, arguments, named)
        known = belongings_of((arguments, named))
        if task.streams:
            return self._stream(task, place, line, request, known)

        def another() -> Line:
            return self._way(task, arguments, named)[1] or line

        with counted(task), told(task.name):
            answer = unpacked(_answered(task, line, another, packed(request(known))))
            if isinstance(answer, Lacking):
                answer = unpacked(_answered(task, line, another, packed(request(with_values(known)))))
            return _taken(answer)

    def _way(self, task: Task, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[str | None, Line | None]:
        """The deployment that computes a call, and the line to it if there is one."""
        lines = {} if task.stays else self._lines()
        place = deployment_of(concept_of(task.name), names_in((arguments, named)), lines)
        return place, lines.get(place) if place else None

    def _stream(self, task: Task, place: str, line: Line, request: Any, known: Any) -> Iterator[Any]:
        with counted(task), told(task.name), self._following(place, (request().arguments, request().named)):
            lacking = yield from _steps(line, request(known))
            if lacking:
                yield from _steps(line, request(with_values(known)))

    @contextmanager
    def _following(self, place: str, arguments: object) -> Iterator[None]:
        names = {(name, place) for name in names_in(arguments)}
        with self._lock:
            self._followed.update(names)
        try:
            yield
        finally:
            with self._lock:
                self._followed.subtract(names)
                for name in [name for name in names if not self._followed[name]]:
                    del self._followed[name]

    def _wish(self, name: str) -> None:
        lines = self._lines()
        with self._lock:
            places = [place for known, place in self._followed if known == name]
        for place in places:
            if line := lines.get(place):
                line.tell(name)


def _answered(task: Task, line: Line, another: Callable[[], Line], data: bytes) -> bytes:
    """The answer; where a replica is lost on the way, that of another one: computed functions leave nothing behind."""
    try:
        with told(task.name):
            return line.ask(data)
    except EngineError as error:
        if str(error) != LOST:
            raise
        log.warning("%s: asked again", task.name)
        return another().ask(data)


def _steps(line: Line, request: Request) -> Iterator[Any]:
    """The steps of a stream; returns whether nothing was computed, as values are needed first."""
    answers = line.stream(packed(request))
    try:
        for data in answers:
            answer = unpacked(data)
            if isinstance(answer, Lacking):
                return True
            if isinstance(answer, Over):
                take_back(answer.made)
                return False
            yield _taken(answer)
        raise ConnectionError("a stream ended before it was over")
    finally:
        answers.close()  # pyright: ignore[reportAttributeAccessIssue]  # a generator


def _taken(answer: Any) -> Any:
    if isinstance(answer, Refused):
        raise answer.error
    take_back(answer.made)
    return answer.value
