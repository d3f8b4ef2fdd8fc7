"""Results of first views: computed once for a crowd, followed while they are made, bounded."""

import threading
from dataclasses import dataclass

import gradio as gr
import numpy as np
import pytest
from gradio.state_holder import SessionState
from gradio_client.utils import apply_diff

from app import create_app
from demos.door.shell import Shell
from demos.opening import PREFIX, Openings, _opening
from models import kept
from models.compute import compute, using
from models.kept import KeepingEngine
from tests import loops

CALLS = []


@dataclass(frozen=True)
class Question:
    text: str
    numbers: np.ndarray


@compute
def answer(question, scale=1):
    CALLS.append(question)
    return question.numbers * scale


@compute
def fails(number):
    CALLS.append(number)
    raise ValueError("a reason")


@compute(heavy=True)
def count(to):
    try:
        for number in range(to):
            CALLS.append(number)
            yield number
    finally:
        CALLS.append("end")


@pytest.fixture
def keeping(monkeypatch):
    CALLS.clear()
    monkeypatch.setattr(kept.RESULTS, "_kept", type(kept.RESULTS._kept)())
    with using(KeepingEngine()):
        yield


def test_equal_questions_are_computed_once(keeping):
    first, second = (answer(Question("a", np.arange(3)), scale=2) for _ in range(2))
    assert first is second
    assert len(CALLS) == 1
    for other in (Question("b", np.arange(3)), Question("a", np.arange(4)), Question("a", np.arange(3.0))):
        answer(other, scale=2)
    answer(Question("a", np.arange(3)))
    assert len(CALLS) == 5


def test_outside_nothing_is_kept():
    CALLS.clear()
    for _ in range(2):
        answer(Question("outside", np.arange(3)))
    assert len(CALLS) == 2


def test_what_cannot_be_compared_is_computed_each_time(keeping):
    for _ in range(2):
        answer(type("Odd", (), {"numbers": 1})())
    assert len(CALLS) == 2


def test_failures_are_not_kept(keeping):
    for _ in range(2):
        with pytest.raises(ValueError, match="a reason"):
            fails(1)
    assert len(CALLS) == 2


def test_two_follow_one_run_and_a_third_finds_it_whole(keeping):
    first, second = count(3), count(3)
    assert [next(first), next(second), next(second), next(second), next(first)] == [0, 0, 1, 2, 1]
    assert list(first) == [2]
    assert list(second) == []
    assert list(count(3)) == [0, 1, 2]
    assert CALLS == [0, 1, 2, "end"]


def test_a_run_goes_on_for_whoever_stays_and_ends_with_the_last(keeping):
    first, second = count(9), count(9)
    next(first), next(second)
    first.close()
    assert next(second) == 1
    second.close()
    assert CALLS == [0, 1, "end"]
    assert list(count(2)) == [0, 1]


def test_a_crowd_costs_one_run(keeping):
    start, seen = threading.Barrier(8), []

    def visit():
        with using(ENGINE):
            start.wait()
            seen.append(list(count(5)))

    ENGINE = KeepingEngine()
    threads = [threading.Thread(target=visit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [[0, 1, 2, 3, 4]] * 8
    assert CALLS.count(0) == 1


def test_the_budget_holds(keeping, monkeypatch):
    monkeypatch.setattr(kept.RESULTS, "budget_bytes", 5000)
    for number in range(8):
        answer(Question("a", np.full(200, number, float)))
    assert kept.RESULTS.bytes <= 5000
    answer(Question("a", np.zeros(200)))
    assert len(CALLS) == 9


def test_an_opening_gives_what_the_handler_gives_and_says_when_it_is_over(keeping):
    def single(number):
        return answer(Question("x", np.arange(number)))

    def several(number):
        yield gr.skip(), "loading"
        yield answer(Question("x", np.arange(number))), "done"

    shown, over = _opening(single, 1)(3)
    assert (shown.tolist(), over) == ([0, 1, 2], {"opened": True})
    steps = list(_opening(several, 2)(3))
    assert [step[1:] for step in steps] == [("loading", gr.skip()), ("done", gr.skip()), (gr.skip(), over)]
    assert len(CALLS) == 1


class Session:
    """What Gradio keeps of one visitor."""


def test_an_opening_that_is_late_shows_nothing():
    app = create_app()
    openings = app.openings
    opening = next(number for number, fn in app.fns.items() if fn.api_name == "open_attention_explorer")
    rival = next(number for number, rivals in openings.rivals.items() if opening in rivals)
    other = next(number for number, rivals in openings.rivals.items() if not rivals and number != opening)
    first, second = Session(), Session()
    data = {"data": ["view", "strip", {"opened": True}], "is_generating": False}
    for session in (first, second):
        openings.begins(opening, session)
        openings.begins(other, session)
        assert openings.seen(opening, session, data, again=False) == data
    openings.begins(rival, first)
    openings.begins(opening, first)
    for again in (False, True):
        assert openings.seen(opening, first, data, again=again)["data"] == [gr.skip(), gr.skip(), {"opened": True}]
        assert openings.seen(rival, first, data, again=again) == data
        assert openings.seen(opening, second, data, again=again) == data
        assert openings.seen(opening, None, data, again=again) == data


def test_an_opening_that_is_late_half_way_tells_the_browser_what_to_change():
    """Steps after the first travel as changes of the step before (`utils.diff`): lists of (action, path, value)."""
    app = create_app()
    openings = app.openings
    opening = next(number for number, fn in app.fns.items() if fn.api_name == "open_diffusion_reverse")
    rival = next(number for number, rivals in openings.rivals.items() if opening in rivals)
    session = Session()
    openings.begins(rival, session)
    step = {"data": [[["replace", ["step"], 2]], [], []], "is_generating": True}
    *views, marker = openings.seen(opening, session, step, again=True)["data"]
    assert views == [[["replace", [], gr.skip()]]] * 2
    assert marker == []


@pytest.mark.parametrize("rival_comes", [False, True])
def test_a_late_opening_sends_steps_in_the_form_that_browsers_read(rival_comes):
    """From its second step on Gradio sends lists of what is different; browsers fail at anything else there."""

    def steps():
        yield gr.skip(), "loading", gr.skip()
        yield "view", "strip", gr.skip()
        yield gr.skip(), gr.skip(), "over"

    with Shell() as app:
        view, strip, marker = gr.HTML(), gr.HTML(), gr.HTML()
        opening = app.load(steps, None, [view, strip, marker], api_name="open_attention_page")
        rival = app.load(lambda: "mine", None, view)
    app.openings = Openings(app)
    number, other = (next(n for n, fn in app.fns.items() if fn.fn is one.fn) for one in (opening, rival))
    session, iterator, read = SessionState(app), None, []
    for turn in range(4):
        run = {"session_hash": "one", "event_id": "one", "iterator": iterator}
        output = loops.run(app.process_api(app.fns[number], [], session, **run))
        iterator, sent = output["iterator"], output["data"]
        if turn and output["is_generating"]:
            sent = [apply_diff(before, changes) for before, changes in zip(read[-1], sent, strict=True)]
        read.append(sent)
        if turn == 0 and rival_comes:
            app.openings.begins(other, session)
    assert read[1][:2] == ([gr.skip(), gr.skip()] if rival_comes else ["view", "strip"])
    assert read[2][2] == "over"


def test_every_page_that_opens_gives_way_to_its_own_events():
    app = create_app()
    opened = [number for number, fn in app.fns.items() if (fn.api_name or "").startswith(PREFIX)]
    assert opened
    for number in opened:
        assert any(number in rivals for rivals in app.openings.rivals.values()), app.fns[number].api_name
        assert number not in app.openings.rivals[number]
