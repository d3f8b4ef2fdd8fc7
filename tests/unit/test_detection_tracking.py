"""Ids, the line and the zone, on boxes whose ways are known."""

import numpy as np
import pytest

from demos.views.detection import view_of_tracked
from models.detection.boxes import Boxes
from models.detection.tracking import Tracker, Watched, check_line, check_zone, one_per_query
from models.errors import InputError

SIZE = (480, 640)
LABELS = ("book", "tree")


def boxes(*centres, scores=None, classes=None, queries=None, side=60):
    """Squares of `side` pixels in a picture of `SIZE`."""
    xy = np.array(centres, np.float32).reshape(-1, 2)
    return Boxes(
        corners=np.concatenate([xy - side / 2, xy + side / 2], 1) / np.array([640, 480, 640, 480], np.float32),
        scores=np.full(len(xy), 0.9, np.float32) if scores is None else np.array(scores, np.float32),
        classes=np.zeros(len(xy), int) if classes is None else np.array(classes),
        queries=np.arange(len(xy)) if queries is None else np.array(queries),
        labels=LABELS,
    )


def follow(tracker, way, rate=10, **how):
    return [tracker.update(boxes(*at, **how), SIZE, i / rate) for i, at in enumerate(way)]


def test_two_things_keep_their_ids_while_they_move_past_each_other():
    way = [((100 + 12 * i, 150), (500 - 12 * i, 330)) for i in range(30)]
    tracker = Tracker(Watched())
    frames = follow(tracker, way, classes=[0, 1])
    assert frames[0].ids.tolist() == [-1, -1]
    named = [zip(frame.names, frame.ids, strict=True) for frame in frames[1:]]
    pairs = {(name, int(i)) for frame in named for name, i in frame}
    assert len(pairs) == 2
    assert tracker.counts(frames[-1]) == {"seen": {"book": 1, "tree": 1}}


def test_an_id_outlives_a_short_gap_and_not_a_long_one():
    tracker = Tracker(Watched())
    first = follow(tracker, [((100, 100),)] * 3)[-1].ids[0]
    for moment, same in ((0.9, True), (3.0, False)):
        tracker.update(boxes(), SIZE, moment - 0.1)
        tracker.update(boxes((100, 100)), SIZE, moment)
        found = tracker.update(boxes((100, 100)), SIZE, moment + 0.1)
        assert bool(found.ids[0] == first) is same


def test_a_weak_box_goes_on_with_a_track_and_begins_none():
    tracker = Tracker(Watched(threshold=0.5))
    found = follow(tracker, [((100, 100),)] * 4, scores=[0.4])
    assert all(frame.ids.tolist() == [-1] for frame in found)
    strong = tracker.update(boxes((100, 100)), SIZE, 0.4), tracker.update(boxes((100, 100)), SIZE, 0.5)
    weak = tracker.update(boxes((100, 100), scores=[0.2]), SIZE, 0.6)
    assert weak.ids[0] == strong[1].ids[0] >= 0
    tracker.watched = Watched(threshold=0.3)
    follow_up = [tracker.update(boxes((400, 300), scores=[0.4]), SIZE, 0.7 + i / 10) for i in range(2)]
    assert follow_up[1].ids[0] >= 0


def test_the_better_class_of_a_query_counts():
    both = boxes((100, 100), (300, 300), (100, 100), scores=[0.9, 0.8, 0.7], classes=[0, 1, 1], queries=[4, 2, 4])
    kept = one_per_query(both)
    assert kept.queries.tolist() == [4, 2]
    assert kept.names == ["book", "tree"]
    assert len(one_per_query(boxes())) == 0


@pytest.mark.parametrize(("down", "way"), [(True, "out"), (False, "in")])
def test_what_crosses_the_line_is_counted_once_by_class_and_way(down, way):
    tracker = Tracker(Watched(line=((0.0, 0.5), (1.0, 0.5))))
    heights = range(100, 400, 15) if down else range(400, 100, -15)
    last = follow(tracker, [((300, y),) for y in heights], classes=[1])[-1]
    counts = tracker.counts(last)
    assert counts[way] == {"tree": 1}
    assert counts["in" if way == "out" else "out"] == {}


def test_trembling_on_the_line_counts_nothing():
    tracker = Tracker(Watched(line=((0.0, 0.5), (1.0, 0.5))))
    last = follow(tracker, [((300, 240 + (-1) ** i * 4),) for i in range(20)])[-1]
    assert (tracker.counts(last)["in"], tracker.counts(last)["out"]) == ({}, {})


def test_the_zone_counts_what_is_in_it_now():
    zone = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))
    tracker = Tracker(Watched(zone=zone))
    seen = [tracker.counts(frame)["zone"] for frame in follow(tracker, [((x, 200),) for x in range(200, 500, 20)])]
    assert seen[1] == {}
    assert seen[-1] == {"book": 1}
    assert tracker.counts(boxes())["zone"] == {}


def test_another_line_counts_anew_and_ids_stay():
    tracker = Tracker(Watched(line=((0.0, 0.5), (1.0, 0.5))))
    before = follow(tracker, [((300, y),) for y in range(100, 400, 15)])[-1]
    tracker.watched = Watched(line=((0.0, 0.6), (1.0, 0.6)))
    after = tracker.update(boxes((300, 385)), SIZE, 2.0)
    assert after.ids.tolist() == before.ids.tolist()
    assert tracker.counts(after)["out"] == {}


@pytest.mark.parametrize("change", ["time", "size"])
def test_going_back_in_time_and_another_size_begin_anew(change):
    tracker = Tracker(Watched())
    follow(tracker, [((100, 100),)] * 3)
    size, moment = (SIZE, 0.0) if change == "time" else ((240, 320), 5.0)
    assert tracker.update(boxes((100, 100)), size, moment).ids.tolist() == [-1]
    assert tracker.counts(boxes()) == {"seen": {}}


def test_a_time_that_stands_still_does_not_keep_every_track_for_ever():
    tracker, rng = Tracker(Watched()), np.random.default_rng(0)
    for _ in range(120):
        tracker.update(boxes(*rng.uniform(0, 640, (40, 2)), side=4), SIZE, 1.0)
    assert len(tracker._tracks.tracks) < 40 * 35


def test_boxes_are_drawn_as_shares_best_first_with_ids_where_there_are():
    tracker = Tracker(Watched())
    frames = follow(tracker, [((500, 300), (100, 100))] * 2, scores=[0.8, 0.6], classes=[1, 0])
    first, second = view_of_tracked(frames[1])
    assert (first.label, second.label) == ("tree", "book")
    assert first.box == pytest.approx([470 / 640, 270 / 480, 530 / 640, 330 / 480], abs=1e-4)
    assert {first.id, second.id} == set(frames[1].ids.tolist())
    assert [box.id for box in view_of_tracked(frames[0])] == [None, None]


@pytest.mark.parametrize(
    "line", ["x", [], [[0, 0]], [[0, 0], [1, 1], [1, 0]], [[0, 0], [0, 0.001]], [[0, 0], [1, True]]]
)
def test_a_line_that_is_none_is_refused(line):
    with pytest.raises(InputError):
        check_line(line)


@pytest.mark.parametrize("zone", [3, [[0, 0], [1, 1]], [[0, 0]] * 30, [[0, 0], [1, 1], [1, float("nan")]], [1, 2, 3]])
def test_a_zone_that_is_none_is_refused(zone):
    with pytest.raises(InputError):
        check_zone(zone)


def test_line_and_zone_in_good_order():
    assert check_line([[0, 0.5], [1, 0.5]]) == ((0, 0.5), (1, 0.5))
    assert check_zone([[0, 0], [1, 0], [1, 1]]) == ((0, 0), (1, 0), (1, 1))
    assert check_line(None) is check_zone(None) is None
