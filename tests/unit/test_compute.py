"""The seam for computing: results, streams, cancelling, lanes."""

import os
import threading

import pytest

from models import compute as module
from models import runtime
from models.compute import compute

ENDED = []


@compute
def double(number):
    return 2 * number


@compute
def thread_of():
    return threading.get_ident()


@compute(heavy=True)
def heavy_thread():
    return threading.current_thread().name, os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), thread_of()


@compute(heavy=True)
def steps(count):
    try:
        for number in range(count):
            yield number, threading.get_ident()
    finally:
        ENDED.append(count)


@compute
def fails():
    raise ValueError("a reason")


def test_results_and_failures_come_back():
    assert double(4) == 8
    with pytest.raises(ValueError, match="a reason"):
        fails()


def test_a_light_function_runs_in_the_callers_thread():
    assert thread_of() == threading.get_ident()


def test_a_heavy_function_runs_elsewhere_and_gives_way():
    name, niceness, _ = heavy_thread()
    assert name.startswith("heavy-")
    assert niceness == module.HEAVY_NICENESS
    assert os.getpriority(os.PRIO_PROCESS, 0) < niceness


def test_a_computed_function_inside_another_is_the_same_job():
    threads = {heavy_thread()[2] for _ in range(3)}
    assert threading.get_ident() not in threads


def test_a_stream_runs_in_one_thread_and_ends():
    got = list(steps(5))
    assert [number for number, _ in got] == [0, 1, 2, 3, 4]
    assert len({thread for _, thread in got}) == 1


def test_closing_a_stream_ends_the_work_and_frees_its_place():
    for _ in range(3 * module.HEAVY_PLACES):  # more than there are places: none may stay taken
        ENDED.clear()
        stream = steps(1000)
        next(stream)
        stream.close()
        assert ENDED == [1000]


def test_a_heavy_job_waits_for_a_place_and_a_light_one_does_not():
    streams = [steps(10) for _ in range(module.HEAVY_PLACES)]
    [next(stream) for stream in streams]
    waiting = threading.Thread(target=lambda: list(steps(1)))
    waiting.start()
    assert double(2) == 4
    waiting.join(0.2)
    assert waiting.is_alive()
    streams[0].close()
    waiting.join(10)
    assert not waiting.is_alive()
    streams[1].close()


def test_every_computed_function_is_known_by_name():
    task = module.TASKS[f"{__name__}.steps"]
    assert (task.heavy, task.streams) == (True, True)


def test_jobs_share_the_cores(monkeypatch):
    """Four threads of arithmetic for one job, two each for two; who comes back to being alone has four again."""
    import torch

    monkeypatch.setattr(runtime, "threads", lambda: 4)
    usual = torch.get_num_threads()

    @compute(heavy=True)
    def counted():
        while True:
            yield torch.get_num_threads()

    first, second = counted(), counted()
    try:
        assert next(first) == 4
        assert (next(second), next(first)) == (2, 2)
        second.close()
        assert next(first) == 4
    finally:
        first.close()
        second.close()
        torch.set_num_threads(usual)
