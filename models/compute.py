"""The one seam for computing: whatever runs a network is decorated with `@compute`; one place decides where it runs.

A computed function takes plain arguments (names of models, arrays, frozen dataclasses) and gives a plain result (frozen
dataclasses of CPU arrays; a generator of them where it takes longer than half a second). It loads its model by name
inside, is safe from several threads and keeps nothing: what it may read from a store, its caller has put there. So the
same function can run in this process, on a GPU borrowed for one call, or on another machine.
"""

import functools
import inspect
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from queue import LifoQueue
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from models.runtime import Loaded

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

HEAVY_PLACES = 2
HEAVY_NICENESS = 5
_END = object()


@dataclass(frozen=True)
class Run:
    """What ran: a model's name and title, its parameters, where its weights came from, the device, and seconds taken.

    model: name in the catalogue, or the name a visitor's own network is kept under.
    parameters: number of scalars.
    seconds: wall time of the network alone.
    """

    model: str
    title: str
    parameters: int
    source: str
    device: str
    seconds: float


def run_of(loaded: "Loaded", seconds: float) -> Run:
    """The facts of a run of `loaded` that took `seconds`."""
    from models import weights

    source = weights.source_of(loaded.weights)
    return Run(loaded.name, loaded.weights.title, loaded.parameters, source, loaded.device, seconds)


@dataclass(frozen=True)
class Task:
    """A computed function as an engine sees it.

    name: module and function, unique.
    heavy: it takes seconds (training, diffusion, video, measuring) and gives way to everything that does not.
    gpu_seconds: how long a borrowed GPU is asked for.
    stays: it works on what a page looks at meanwhile, and so runs in the page's process whatever the engine.
    """

    name: str
    function: Callable[..., Any]
    heavy: bool
    gpu_seconds: int
    streams: bool
    stays: bool = False


class Engine(Protocol):
    """Where computed functions run."""

    def run(self, task: Task, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """The function's result, or an iterator over its results where it streams."""
        ...


@dataclass(frozen=True)
class Call:
    """A computed function that was called: the name of its task, and with what."""

    task: str
    arguments: tuple[Any, ...]
    named: dict[str, Any]


MAX_RECORDED = 16

TASKS: dict[str, Task] = {}
"""Every computed function imported so far, by name."""
COMPUTING: Counter[str] = Counter()
"""How often each computed function is at work now; a stream from its first step to its end."""


@overload
def compute(function: Callable[Parameters, Result], /) -> Callable[Parameters, Result]: ...
@overload
def compute(
    *, heavy: bool = ..., gpu_seconds: int = ..., stays: bool = ...
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]: ...
def compute(
    function: Callable[..., Any] | None = None, /, *, heavy: bool = False, gpu_seconds: int = 60, stays: bool = False
) -> Any:
    """Mark a function as computed: calls go to the engine in use. See the module's text for what it must be like."""
    if function is None:
        return functools.partial(_computed, heavy=heavy, gpu_seconds=gpu_seconds, stays=stays)
    return _computed(function, heavy=heavy, gpu_seconds=gpu_seconds, stays=stays)


def _computed(function: Callable[..., Any], *, heavy: bool, gpu_seconds: int, stays: bool) -> Callable[..., Any]:
    streams = inspect.isgeneratorfunction(function)
    name = f"{function.__module__}.{function.__qualname__}"
    task = Task(name, _borrowing(function, gpu_seconds), heavy, gpu_seconds, streams, stays)
    TASKS[task.name] = task

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        if getattr(_inside, "active", False):  # a computed function that uses another one is one job
            return function(*arguments, **named)
        if (calls := _recorded.get()) is not None and len(calls) <= MAX_RECORDED:
            calls.append(Call(task.name, arguments, named))
        return engine().run(task, arguments, named)

    return call


@dataclass(frozen=True)
class Batch:
    """What answers several calls of a computed function at once, and which calls it takes: see `batched`."""

    several: Callable[[Sequence[tuple[Any, ...]]], Sequence[Any]]
    takes: Callable[..., bool]


BATCHES: dict[str, Batch] = {}
"""By the function's name."""


def batched(
    function: Callable[..., Result], *, takes: Callable[..., bool] = lambda *_: True
) -> Callable[[Callable[..., Sequence[Result]]], Callable[..., Any]]:
    """Mark what answers several calls of the computed `function`, given as tuples of all its arguments, as one batch.

    An engine may use it for calls that come at the same time and that it `takes`. Results are those of single calls but
    for rounding.
    """

    def mark(several: Callable[..., Sequence[Result]]) -> Callable[..., Any]:
        BATCHES[f"{function.__module__}.{function.__qualname__}"] = Batch(several, takes)
        return several

    return mark


def _borrowing(function: Callable[..., Any], gpu_seconds: int) -> Callable[..., Any]:
    """On Hugging Face Spaces with ZeroGPU, the function with a GPU for one call; elsewhere the function as it is."""
    if not os.environ.get("SPACES_ZERO_GPU"):
        return function
    import spaces  # pyright: ignore[reportMissingImports]  # installed on ZeroGPU Spaces only

    return spaces.GPU(duration=gpu_seconds)(function)


_inside = threading.local()
_counting = threading.Lock()


@contextmanager
def _one_job() -> Iterator[None]:
    _share_cores()
    _inside.active = True
    try:
        yield
    finally:
        _inside.active = False


class LocalEngine:
    """Runs computed functions in this process.

    Light ones run in the caller's thread. Heavy ones run in one of `HEAVY_PLACES` threads which the operating system
    prefers less, so that a click never waits behind a training; the others wait for a place.
    """

    def __init__(self) -> None:
        self._places: LifoQueue[ThreadPoolExecutor] = LifoQueue()
        for number in range(HEAVY_PLACES):
            self._places.put(ThreadPoolExecutor(1, f"heavy-{number}", initializer=_give_way))

    def run(self, task: Task, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """The result, or an iterator over results; closing it ends the work at its next step."""
        if task.streams:
            return self._stream(task, arguments, named)
        if not task.heavy:
            with counted(task):
                return _call(task, arguments, named)
        with self._place() as thread, counted(task):
            return thread.submit(_call, task, arguments, named).result()

    def _stream(self, task: Task, arguments: tuple[Any, ...], named: dict[str, Any]) -> Iterator[Any]:
        results = task.function(*arguments, **named)
        if not task.heavy:
            with counted(task):
                yield from _steps(results)
            return
        with self._place() as thread, counted(task):
            try:
                while (result := thread.submit(_next, results).result()) is not _END:
                    yield result
            finally:
                thread.submit(results.close).result()

    @contextmanager
    def _place(self) -> Iterator[ThreadPoolExecutor]:
        thread = self._places.get()
        try:
            yield thread
        finally:
            self._places.put(thread)


@contextmanager
def counted(task: Task) -> Iterator[None]:
    """The task is at work meanwhile."""
    _count(task, 1)
    try:
        yield
    finally:
        _count(task, -1)


def _count(task: Task, change: int) -> None:
    with _counting:
        COMPUTING[task.name] += change


def _share_cores() -> None:
    """All cores of the machine for a job that is alone, its share where several are at work; for this thread only."""
    if "torch" not in sys.modules:
        return
    import torch

    from models.runtime import threads

    share = max(1, threads() // max(1, COMPUTING.total()))
    if torch.get_num_threads() != share:
        torch.set_num_threads(share)


def _call(task: Task, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    with _one_job():
        return task.function(*arguments, **named)


def _next(results: Iterator[Any]) -> Any:
    with _one_job():
        return next(results, _END)


def _steps(results: Iterator[Any]) -> Iterator[Any]:
    try:
        while (result := _next(results)) is not _END:
            yield result
    finally:
        results.close()  # pyright: ignore[reportAttributeAccessIssue]  # a generator


def _give_way() -> None:
    if hasattr(os, "setpriority") and os.uname().sysname == "Linux":  # elsewhere a process has one priority
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), HEAVY_NICENESS)


_recorded: ContextVar[list[Call] | None] = ContextVar("recorded", default=None)


@contextmanager
def recording(calls: list[Call]) -> Iterator[None]:
    """Computed functions called inside, in this thread and those that it starts work in, are noted in `calls`.

    One more than `MAX_RECORDED` says that there were more.
    """
    token = _recorded.set(calls)
    try:
        yield
    finally:
        _recorded.reset(token)


_used: ContextVar[Engine | None] = ContextVar("engine", default=None)


def engine() -> Engine:
    """The engine in use."""
    return _used.get() or own_engine()


def own_engine() -> Engine:
    """The engine of this process: `LocalEngine`, unless another was chosen at the start."""
    return _own


def choose(other: Engine) -> None:
    """Computed functions of this process go to another engine from now on."""
    global _own
    _own = other


_own: Engine = LocalEngine()


@contextmanager
def using(other: Engine) -> Iterator[None]:
    """Computed functions called inside go to another engine."""
    token = _used.set(other)
    try:
        yield
    finally:
        _used.reset(token)
