"""The other end of the line: a process that computes one concept's functions for every page that asks.

It runs them by the engine of its own process (`LocalEngine`: lanes, shares of cores, streams step by step), keeps
networks as any process does, and nothing of a visitor's that its page does not keep, too.
"""

import asyncio
import contextlib
import importlib
import inspect
import os
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from models import runtime, stops, weights
from models.compute import BATCHES, TASKS, LocalEngine, Task
from models.errors import SpokenError
from models.serving.belongings import Guests
from models.serving.messages import Lacking, Over, Refused, Request, Result, packed, unpacked
from models.store import sweep_all

Several = Callable[[list[Request]], Awaitable[list[bytes]]]
Gather = Callable[[Several], Callable[[Request], Awaitable[bytes]]]
"""Makes of what answers several calls what answers one, together with others that come at the same time."""

TIDY_SECONDS = 60.0


class Replica:
    """Computes what it is asked; every method may be called many times at once, on one event loop."""

    def __init__(self, ongoing: int, gather: Gather | None = None) -> None:
        """`ongoing`: calls at work at the same time; `gather`: makes batches of calls that come at the same time."""
        if folder := os.environ.get("GLASSBOX_LOCAL_MODELS"):
            weights.add_local(Path(folder))
        self._engine, self._guests, self._untidy = LocalEngine(), Guests(), 0.0
        self._threads = ThreadPoolExecutor(2 * ongoing + 1, "replica")  # a stream that is left may need one to end
        self._together = gather(self._all) if gather else None

    async def answer(self, data: bytes) -> bytes:
        """Call a function and answer with its result."""
        request: Request = await self._in_thread(unpacked, data)
        task = await self._in_thread(_task, request.task)
        batch = BATCHES.get(task.name)
        if self._together and batch and batch.takes(*_arguments(task, request)):
            return await self._together(request)
        return await self._in_thread(self._answer, request)

    async def _all(self, requests: list[Request]) -> list[bytes]:
        return await self._in_thread(self._answer_all, requests)

    def _answer_all(self, requests: list[Request]) -> list[bytes]:
        """One batch for each function; calls that need something first, or whose batch fails, are answered singly."""
        answers: dict[int, bytes] = {}
        for name in {request.task for request in requests}:
            places = [place for place, one in enumerate(requests) if one.task == name and not self._received(one)]
            task = _task(name)
            calls = [_arguments(task, requests[place]) for place in places]
            if len(calls) < 2:
                continue
            with contextlib.suppress(Exception):
                values = self._engine.run(replace(task, function=BATCHES[name].several), (calls,), {})
                answers |= {place: packed(Result(value)) for place, value in zip(places, values, strict=True)}
        return [answers.get(place) or self._answer(request) for place, request in enumerate(requests)]

    def _answer(self, request: Request) -> bytes:
        task = _task(request.task)
        if lacking := self._received(request):
            return packed(lacking)
        try:
            value = self._engine.run(task, request.arguments, request.named)
        except SpokenError as error:
            return packed(Refused(error))
        return packed(Result(value, self._made(request)))

    async def stream(self, data: bytes) -> AsyncIterator[bytes]:
        """Call a function that streams and answer with its steps; ends at its next step when it is cancelled."""
        steps = _Steps(self._steps(data))
        try:
            while (step := await self._in_thread(steps.next)) is not None:
                yield step
        finally:
            self._threads.submit(steps.close)

    def _steps(self, data: bytes) -> Iterator[bytes]:
        request: Request = unpacked(data)
        task = _task(request.task)
        if lacking := self._received(request):
            yield packed(lacking)
            return
        try:
            for value in self._engine.run(task, request.arguments, request.named):
                yield packed(Result(value))
        except SpokenError as error:
            yield packed(Refused(error))
            return
        yield packed(Over(self._made(request)))

    async def wish(self, name: str) -> None:
        """A visitor wants the job of that name to end (`models.stops`)."""
        stops.ask(name)

    async def check_health(self) -> None:
        """Asked every few seconds: now and then also the moment to forget what is too old."""
        if time.monotonic() > self._untidy:
            self._untidy = time.monotonic() + TIDY_SECONDS
            await self._in_thread(_tidy)

    def _received(self, request: Request) -> Lacking | None:
        self._guests.take_in(one for one in request.belongings if one.value is not None)
        lacking = self._guests.lacking(request.belongings)
        return Lacking(lacking) if lacking else None

    def _made(self, request: Request) -> tuple[Any, ...]:
        return self._guests.made_by((request.arguments, request.named))

    async def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


class _Steps:
    """An iterator that is never asked for a step and closed at the same moment."""

    def __init__(self, steps: Iterator[bytes]) -> None:
        self._steps, self._lock = steps, threading.Lock()

    def next(self) -> bytes | None:
        with self._lock:
            return next(self._steps, None)

    def close(self) -> None:
        with self._lock:
            self._steps.close()  # pyright: ignore[reportAttributeAccessIssue]  # a generator


def _arguments(task: Task, request: Request) -> tuple[Any, ...]:
    call = inspect.signature(task.function).bind(*request.arguments, **request.named)
    call.apply_defaults()
    return call.args


def _task(name: str) -> Task:
    importlib.import_module(name.rpartition(".")[0])
    return TASKS[name]


def _tidy() -> None:
    sweep_all()
    runtime.keep_within_budget()
