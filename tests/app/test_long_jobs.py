"""Every long job of every tab ends within a step when it is cancelled and when its visitor leaves.

Jobs are found in the app's configuration and in the code of its handlers: a new one is tried without being listed here.
"""

import functools
import importlib
import pkgutil
import time
import uuid

import pytest

import models
from demos import DEMOS
from demos.page import create_app
from models.compute import TASKS
from tests.abuse.visitors import Visitor
from tests.conftest import running_app
from tests.jobs import FROM_THE_HUB, Starter, seconds_until_idle

pytestmark = pytest.mark.thorough

STEP_SHARE, LEAST_SECONDS, AFTER_STEP_SECONDS = 4, 1.0, 0.5
"""Free within max(1 s, one step + 0.5 s) on two idle cores; four times that where other work goes on beside."""
LONGEST = {
    "sequences": "compute_training",
    "attention": "compute_timings",
    "vit": "compute_own",
    "detection": "compute_video",
    "diffusion": "compute_sprites",
}


@pytest.fixture(scope="module")
def starter():
    with running_app("--models", "embedded") as url, Visitor(url) as visitor:
        yield Starter(visitor)


def leave(starter, job, messages, event):
    messages.close()


def cancel(starter, job, messages, event):
    body = {"session_hash": starter.visitor.session, "fn_index": job.number, "event_id": event}
    assert starter.visitor.post("/cancel", json=body).json() == {"success": True}
    messages.close()


WAYS = (leave, cancel)


def end(starter, job, way):
    """Begin a job, let it take three steps, end it. Returns (seconds until all was idle, longest step)."""
    starter.visitor.session = uuid.uuid4().hex
    starter.prepare(job)
    events = []
    messages = starter.messages(job, events.append)
    began, longest = time.monotonic(), 0.0
    for step, message in enumerate(messages):
        now = time.monotonic()
        longest, began = max(longest, now - began), now
        if message["msg"] == "process_completed":
            assert message["success"], (job.title, message["output"])
            return seconds_until_idle(starter.visitor), longest  # too short to be ended
        if step == 2:
            break
    asked = time.monotonic()
    way(starter, job, messages, events[0])
    seconds_until_idle(starter.visitor)
    return time.monotonic() - asked, longest


def check(starter, job, way):
    idle_after, step = end(starter, job, way)
    print(f"{job.title:40} {way.__name__:7} step {step:6.2f} s, idle after {idle_after:5.2f} s")
    assert idle_after < STEP_SHARE * max(LEAST_SECONDS, step + AFTER_STEP_SECONDS), (job.title, way.__name__, step)


@pytest.mark.parametrize("tab", DEMOS)
def test_the_longest_job_of_each_tab_ends_when_its_visitor_leaves(starter, tab):
    check(starter, starter.pages.first(tab, LONGEST[tab]), leave)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("tab", DEMOS)
def test_every_long_job_ends_within_a_step(starter, tab, way):
    jobs = [job for job in starter.pages.long_jobs() if job.tab == tab and job.name not in FROM_THE_HUB]
    assert LONGEST[tab] in {job.name for job in jobs}
    for job in jobs:
        check(starter, job, way)


@functools.cache
def heavy_tasks():
    """Every heavy computed function of the models that serve, by its own name."""
    for module in pkgutil.walk_packages(models.__path__, "models."):
        if not module.name.startswith("models.recipes"):
            importlib.import_module(module.name)
    return {name.rsplit(".", 1)[1]: task for name, task in TASKS.items() if task.heavy and name.startswith("models.")}


def test_every_heavy_function_is_computed_step_by_step():
    assert heavy_tasks()
    assert [name for name, task in heavy_tasks().items() if not task.streams] == []


def test_every_handler_of_a_heavy_function_streams():
    """What is called from a handler that does not stream could not be ended."""
    blocking, found = [], set()
    for event in create_app().fns.values():
        handler = event.fn
        while isinstance(handler, functools.partial):
            handler = handler.func
        used = heavy_tasks().keys() & set(getattr(getattr(handler, "__code__", None), "co_names", ()))
        found |= used
        if used and not event.types_generator:
            blocking.append(handler.__qualname__)
    assert found, "no handler calls a heavy function by its name"
    assert blocking == []
