"""Looking closer: boxes of parts brought into the whole picture, those cut off left out, one box for one thing."""

import numpy as np
import pytest
import supervision
from hypothesis import given
from hypothesis import strategies as st

from demos.views.detection_closer import view_of_closer
from models.compute import Run
from models.detection.boxes import Boxes, Prediction, postprocess
from models.detection.closer import CUT, OVERLAP, SHARE, WINDOWS, Closer, cut_out, detect_closer, together
from models.detection.network import predict
from tests.detectors import stirred, tiny_detector

LABELS = ("cup", "person")
SURE, UNSURE = 3.0, -8.0


def said(*boxes, logit=SURE, label=0):
    """A prediction with these corners, as shares of what was looked at, and one more box that says nothing."""
    given = np.array([*boxes, (0.1, 0.1, 0.11, 0.11)], np.float32)
    logits = np.full((len(given), len(LABELS)), UNSURE, np.float32)
    logits[:-1, label] = logit
    centre_size = np.concatenate([(given[:, :2] + given[:, 2:]) / 2, given[:, 2:] - given[:, :2]], 1)
    return Prediction(logits, centre_size, (480, 640), LABELS)


def sure(found, windows):
    kept = found.scores > 0.5
    return found.take(kept), windows[kept]


NOTHING = said()


@pytest.mark.parametrize(
    ("window", "corners"),
    [
        (1, (0.06, 0.12, 0.3, 0.36)),
        (2, (0.46, 0.12, 0.7, 0.36)),
        (3, (0.06, 0.52, 0.3, 0.76)),
        (4, (0.46, 0.52, 0.7, 0.76)),
    ],
)
def test_a_box_of_a_part_lies_where_its_thing_is_in_the_whole(window, corners):
    answers = [NOTHING] * 5
    answers[window] = said((0.1, 0.2, 0.5, 0.6))
    found, windows = sure(*together(answers))
    np.testing.assert_allclose(found.corners, [corners], atol=1e-6)
    assert windows.tolist() == [window]
    assert found.names == ["cup"]


def test_a_thing_that_a_part_cuts_off_is_left_to_the_others():
    to_the_cut, to_the_edge = (0.5, 0.4, 1, 0.7), (0, 0.4, 0.3, 0.7)
    answers = [NOTHING, said(to_the_cut, to_the_edge), NOTHING, NOTHING, NOTHING]
    found, _ = sure(*together(answers))
    np.testing.assert_allclose(found.corners, [np.multiply(to_the_edge, SHARE)], atol=1e-6)


def test_a_thing_seen_twice_is_one_box_the_surer_and_classes_do_not_disturb_each_other():
    whole = said((0.1, 0.1, 0.4, 0.4), logit=1)
    part = said(tuple(np.array((0.1, 0.1, 0.4, 0.41)) / SHARE), logit=2)
    found, windows = sure(*together([whole, part, NOTHING, NOTHING, NOTHING]))
    assert windows.tolist() == [1]
    person = said(tuple(np.array((0.1, 0.1, 0.4, 0.41)) / SHARE), logit=2, label=1)
    found, windows = sure(*together([whole, person, NOTHING, NOTHING, NOTHING]))
    assert (found.names, windows.tolist()) == (["person", "cup"], [1, 0])


@given(st.integers(0, 2**16))
def test_what_stays_is_what_another_library_keeps(seed):
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 0.7, (5, 12, 2))
    size = rng.uniform(0.05, 0.3, (5, 12, 2))
    answers = [
        Prediction(
            rng.normal(size=(12, 2)).astype(np.float32), np.concatenate([a + b / 2, b], 1).astype(np.float32),
            (48, 64), LABELS
        )
        for a, b in zip(low, size, strict=True)
    ]  # fmt: skip
    boxes, windows = together(answers)
    assert (np.diff(boxes.scores) <= 0).all()
    assert (boxes.corners[:, :2] >= WINDOWS[windows, :2] - 1e-6).all()
    assert (boxes.corners[:, 2:] <= WINDOWS[windows, 2:] + 1e-6).all()

    corners, scores, classes = [], [], []
    for answer, (x0, y0, x1, y1) in zip(answers, WINDOWS.astype(float), strict=True):
        found = postprocess(answer, 0)
        for (left, top, right, bottom), score, label in zip(found.corners, found.scores, found.classes, strict=True):
            box = (
                x0 + left * (x1 - x0),
                y0 + top * (y1 - y0),
                x0 + right * (x1 - x0),
                y0 + bottom * (y1 - y0),
            )
            cut = (x0 > 0 and box[0] < x0 + CUT) or (y0 > 0 and box[1] < y0 + CUT)
            if not (cut or (x1 < 1 and box[2] > x1 - CUT) or (y1 < 1 and box[3] > y1 - CUT)):
                corners.append(box)
                scores.append(score)
                classes.append(label)
    every = supervision.Detections(np.array(corners), confidence=np.array(scores), class_id=np.array(classes))
    kept = every.with_nms(OVERLAP)
    order = np.argsort(-kept.confidence, kind="stable")
    np.testing.assert_allclose(boxes.scores, kept.confidence[order], atol=1e-6)
    np.testing.assert_allclose(boxes.corners, kept.xyxy[order], atol=1e-5)


@given(st.integers(1, 40), st.integers(1, 40))
def test_parts_of_any_picture_cover_it_and_none_is_empty(height, width):
    image = np.arange(height * width * 3, dtype=np.uint32).reshape(height, width, 3)
    parts = [cut_out(image, window) for window in WINDOWS]
    assert np.array_equal(parts[0], image)
    assert all(part.size for part in parts)
    assert set(np.concatenate([part.reshape(-1) for part in parts[1:]]).tolist()) == set(image.reshape(-1).tolist())


def test_a_detector_is_asked_about_the_whole_and_four_parts():
    detector = stirred(tiny_detector())
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    one_by_one = [predict(detector, np.ascontiguousarray(cut_out(image, window))) for window in WINDOWS]
    found, expected = detect_closer(detector, image), together(one_by_one)[0]
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
    np.testing.assert_allclose(found.corners, expected.corners, atol=1e-4)


def test_the_view_says_how_sure_the_whole_picture_was_of_each_box():
    def boxes(corners, scores, classes):
        several = np.array(corners, np.float32), np.array(scores, np.float32), np.array(classes)
        return Boxes(*several, np.zeros(len(scores), int), LABELS)

    here, there = (0.1, 0.1, 0.2, 0.2), (0.5, 0.5, 0.6, 0.6)
    whole = boxes([here, there, there], [0.9, 0.4, 0.02], [0, 0, 1])
    both = boxes([here, there, there, here], [0.9, 0.8, 0.7, 0.01], [0, 0, 1, 1])
    run = Run("tiny", "Tiny", 1, "here", "cpu", 0.25)
    view = view_of_closer(Closer(both, np.array([0, 4, 4, 0]), whole, run), (18, 18))
    assert [(box.label, box.window, box.before) for box in view.together] == [
        ("cup", 0, 0.9),
        ("cup", 4, 0.4),
        ("person", 4, 0.02),
    ]
    assert [box.score for box in view.whole] == [0.9, 0.4]
    assert (view.patches, view.seconds, len(view.windows)) == ([18, 18], 0.25, 5)
