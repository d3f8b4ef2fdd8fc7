"""What the page "Why this box?" opens on: all things found, and the query whose box came the longest way."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from demos.detection import picture as page
from demos.views.detection_found import sentence_of_boxes
from models.detection.boxes import overlaps, postprocess
from models.detection.detect import find_boxes
from models.detection.found import longest_way
from models.images import read_image


def test_all_things_of_the_first_example_are_found_at_the_default_threshold():
    path = next(iter(page.EXAMPLES.values()))
    truth = json.loads(path.with_suffix(".json").read_text())
    picture = read_image(str(path))
    found = postprocess(find_boxes("rf-detr-s14-objects", picture).prediction, page.THRESHOLD)
    assert sorted(found.names) == sorted(truth["labels"])
    boxes = found.pixels(picture.shape[:2])
    for label, box in zip(truth["labels"], truth["boxes_xyxy"], strict=True):
        assert overlaps(boxes, np.array(box, float))[found.names.index(label)] > 0.7


@pytest.mark.parametrize(
    ("box", "expected"), [([0, 0, 2, 2], 1), ([1, 0, 3, 2], 2 / 6), ([2, 2, 3, 3], 0), ([0, 0, 1, 1], 0.25)]
)
def test_overlap(box, expected):
    assert overlaps(np.array([box], float), np.array([0.0, 0, 2, 2]))[0] == pytest.approx(expected)


def traced(proposals, layers):
    """A trace as far as ways need it: proposals `[Q, 4]` and boxes `[L, Q, 4]`, centre and size."""
    chosen = np.arange(len(proposals))
    return SimpleNamespace(
        proposals=SimpleNamespace(boxes_cxcywh=np.array(proposals), chosen=chosen), boxes_cxcywh=np.array(layers)
    )


def test_the_box_that_came_the_longest_way_is_named():
    near, far, end = [0.5, 0.5, 0.4, 0.4], [0.6, 0.5, 0.4, 0.4], [0.5, 0.5, 0.4, 0.4]
    trace = traced([near, far], [[end, end], [end, end]])
    found = SimpleNamespace(queries=[1, 0], names=["ace", "king"], __len__=lambda: 2)
    way = longest_way(trace, found)
    assert (way.query, way.place) == (1, 0)
    assert way.overlap == pytest.approx((0.3 / 0.5, 1, 1))


def test_nothing_found_is_said():
    assert longest_way(traced([], [[]]), SimpleNamespace(queries=[])) is None
    assert sentence_of_boxes([], None, 0.5).startswith("Nothing is found above 0.5: lower")
