"""Visitors share the model: in turn, with their newest frame, whatever the others do."""

import threading

import pytest

from models.detection import turns
from models.detection.turns import Turns

WAIT = 10


@pytest.fixture
def held():
    """Turns whose worker is held at a first frame until `release` is set, and the order in which frames were done."""
    line, release, begun = Turns(), threading.Event(), threading.Event()
    line.submit("first", lambda: begun.set() or release.wait(WAIT))
    assert begun.wait(WAIT)
    return line, release


def test_the_newest_frame_of_each_is_done_in_the_order_in_which_visitors_came(held):
    line, release = held
    done = []
    futures = [line.submit(who, lambda frame=frame: done.append(frame) or frame) for who, frame in FRAMES]
    release.set()
    assert [future.result(WAIT) for future in futures] == [None, "b1", "a2", None, "c2"]
    assert done == ["a2", "b1", "c2"]


FRAMES = [("a", "a1"), ("b", "b1"), ("a", "a2"), ("c", "c1"), ("c", "c2")]


def test_a_visitor_who_floods_gets_one_turn_in_two(held):
    line, release = held
    served, ready, over = [], threading.Barrier(2), threading.Event()

    def flood():
        served.append("flood")
        for _ in range(0 if over.is_set() else 50):
            line.submit("flood", flood)
        return True

    def honest():
        served.append("honest")
        if len(served) > 40:
            ready.wait(WAIT)
        else:
            line.submit("honest", honest)
        return True

    line.submit("flood", flood)
    line.submit("honest", honest)
    release.set()
    ready.wait(WAIT)
    over.set()
    assert abs(served[:40].count("honest") - 20) <= 1


def test_a_failure_is_that_visitors_own(held):
    line, release = held
    broken, fine = line.submit("a", lambda: 1 / 0), line.submit("b", lambda: "fine")
    release.set()
    with pytest.raises(ZeroDivisionError):
        broken.result(WAIT)
    assert fine.result(WAIT) == "fine"


def test_whoever_leaves_waits_no_more_and_a_full_line_drops(held, monkeypatch):
    line, release = held
    gone = line.submit("a", lambda: "never")
    line.leave("a")
    line.leave("a")
    assert gone.result(WAIT) is None
    monkeypatch.setattr(turns, "MAX_WAITING", 1)
    kept, refused = line.submit("b", lambda: "kept"), line.submit("c", lambda: "no place")
    assert refused.result(WAIT) is None
    release.set()
    assert kept.result(WAIT) == "kept"


def test_many_connections_of_one_owner_get_no_more_turns_than_one_of_another(held):
    line, release = held
    order = []
    futures = [line.submit(f"flood {number}", lambda: order.append("flood"), "flood") for number in range(8)]
    futures.append(line.submit("victim", lambda: order.append("victim"), "victim"))
    release.set()
    for future in futures:
        future.result(WAIT)
    assert order == ["flood", "victim", *["flood"] * 7]
