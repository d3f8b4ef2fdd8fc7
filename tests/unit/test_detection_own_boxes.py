"""Objects of one's own: what is refused, copies whose boxes follow, heads that begin as the mean, what learns."""

import base64
import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from demos.detection import own_boxes as page
from demos.detection.taught import sentence_of_taught, show_taught
from demos.inputs import frame_boxes as component
from demos.views.own_boxes import LessonsView
from demos.wire import to_wire
from models import runtime, stops
from models.detection import own_boxes
from models.detection.detect import load
from models.detection.network import predict, preprocess
from models.detection.own import OWN, Learned, keep
from models.detection.own_boxes import Frame, Training, changed, check_frames, with_new_classes
from models.errors import InputError
from tests.detectors import tiny_detector

RED = np.array([220, 30, 30], np.uint8)


def scene(left, top, side=16, size=(48, 64)):
    """A red square on grey noise, with its box in shares."""
    image = np.random.default_rng(left * 100 + top).integers(90, 140, (*size, 3), np.uint8)
    image[top : top + side, left : left + side] = RED
    height, width = size
    return image, [([left / width, top / height, (left + side) / width, (top + side) / height], "square")]


DRAWN = [scene(4, 6), scene(30, 20), scene(40, 4)]


@pytest.fixture(scope="module")
def detector():
    return tiny_detector().eval().requires_grad_(False)


def trained(detector, seconds=0.0):
    training = Training(detector, *check_frames(DRAWN), seconds=seconds)
    assert list(training.read())[-1] == training.pictures == own_boxes.COPIES * 3
    return training, list(training.fit())


def change_box(box, name="square"):
    return [(DRAWN[0][0], [(box, name)])]


@pytest.mark.parametrize(
    ("drawn", "sentence"),
    [
        ([], "There is no box yet"),
        ([(DRAWN[0][0], [])], "There is no box yet"),
        (DRAWN * 7, "At most 20 frames"),
        ([(DRAWN[0][0], DRAWN[0][1] * 13)], "At most 20 frames with 12 boxes"),
        (change_box([0.5, 0.5, 0.4, 0.9]), "outside of its frame"),
        (change_box([-0.1, 0, 0.4, 0.9]), "outside of its frame"),
        (change_box([0, 0, 0.4, 1.2]), "outside of its frame"),
        (change_box([0, 0, 0.01, 0.9]), "too small"),
        (change_box([0, 0, 0.4, 0.9], ""), "is empty"),
        (change_box([0, 0, 0.4, 0.9], 7), "must be text"),
        (change_box([0, 0, 0.4, 0.9], "x" * 41), "41 characters"),
        ([(DRAWN[0][0], [([0, 0, 0.5, 0.5], f"kind {i}") for i in range(7)])], "7 kinds"),
    ],
)
def test_drawings_that_are_refused(drawn, sentence):
    with pytest.raises(InputError, match=sentence):
        check_frames(drawn)


def test_names_become_classes_in_their_order_and_a_frame_may_be_empty():
    labels, frames = check_frames(
        [(DRAWN[0][0], [([0, 0, 0.5, 0.5], " b "), ([0, 0, 0.5, 1], "a")]), (DRAWN[1][0], [])]
    )
    assert labels == ("b", "a")
    assert frames[0].classes.tolist() == [0, 1]
    assert frames[1].boxes_xyxy.shape == (0, 4)


def test_the_boxes_of_changed_copies_follow_the_thing():
    random = np.random.default_rng(0)
    (image, ((box, _),)) = scene(20, 12, side=24, size=(96, 128))
    frame = Frame(image, np.array([box], np.float32), np.array([0]))
    kept = 0
    for _ in range(40):
        copy = changed(frame, random)
        pixels = copy.image.astype(int)
        red = (pixels[..., 0] > pixels[..., 1] + 60) & (pixels[..., 0] > pixels[..., 2] + 60)
        if not len(copy.boxes_xyxy):
            continue
        kept += 1
        rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
        seen = np.array([columns[0] / 128, rows[0] / 96, (columns[-1] + 1) / 128, (rows[-1] + 1) / 96])
        assert np.abs(copy.boxes_xyxy[0] - seen).max() < 0.03
    assert kept > 25


def test_new_classes_begin_as_the_mean_of_the_old(detector):
    new = with_new_classes(detector.network, ("a", "b"))
    assert new.config.id2label == {0: "a", 1: "b"}
    assert len(detector.labels) != 2, "the original keeps its classes"
    torch.testing.assert_close(new.class_embed.weight[1], detector.network.class_embed.weight.mean(0))
    pixels = preprocess(DRAWN[0][0], detector.resolution)
    with torch.no_grad():
        assert new.eval()(pixels).logits.shape[-1] == 2


def test_a_training_starts_from_the_detector_and_leaves_it_alone(detector):
    state = {name: tensor.clone() for name, tensor in detector.network.state_dict().items()}
    training, reports = trained(detector)
    assert [report.step for report in reports] == [1]
    assert np.isfinite(reports[0].loss)
    own = training.detector()
    assert own.labels == ("square",)
    assert predict(own, DRAWN[0][0]).labels == ("square",)
    assert all(torch.equal(state[name], tensor) for name, tensor in detector.network.state_dict().items())
    backbone = "model.backbone.backbone."
    after = own.network.state_dict()
    assert all(torch.equal(after[name], state[name]) for name in state if name.startswith(backbone))
    moved = "model.decoder.layers.0.mlp.fc1.weight", "bbox_embed.layers.2.weight"
    assert not any(torch.equal(after[name], state[name]) for name in moved)


def test_the_loss_falls(detector, monkeypatch):
    monkeypatch.setattr(own_boxes, "RATE", 3e-3)  # a network with random weights has a long way to go
    monkeypatch.setattr(own_boxes, "CLASS_RATE", 1e-2)
    training, _ = trained(detector)
    training.seconds, losses = 30.0, []
    for report in training.fit():
        losses.append(report.loss)
        if report.step == 60:
            training.stopped = True
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:5])


# The page


def jpeg(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=95)
    return base64.b64encode(buffer.getvalue()).decode()


def sent(drawn):
    return {
        "frames": [
            {"jpeg": jpeg(image), "boxes": [{"box": box, "name": name} for box, name in boxes]}
            for image, boxes in drawn
        ]
    }


@pytest.fixture
def taught(detector, monkeypatch):
    """What the page yields while the tiny detector is taught."""
    entry = runtime.weights.find("rf-detr-s14-objects")
    loaded = runtime.Loaded("rf-detr-s14-objects", detector, entry, 1, 1, "cpu")
    monkeypatch.setattr(runtime, "load", lambda *_: loaded)
    return lambda seconds: page.compute_own_boxes(sent(DRAWN), seconds)


def test_the_page_ends_with_a_detector_under_a_secret_name(taught, detector):
    *_, (view, own, strip, running) = taught(1)
    json.dumps(to_wire(view))
    assert own.startswith("own-")
    learned = OWN.find(own)
    assert learned.labels == ("square",)
    assert not any(name.startswith("model.backbone.backbone.") for name in learned.weights)
    assert "start the camera" in strip
    assert len(view.round.found) == len(view.frames) == 3
    assert view.frames[0].drawn[0].label == "square"
    assert not stops.asked(running)
    page.stop_training("unknown")
    page.stop_training(None)
    kept = load(own)
    assert kept.network.labels == ("square",)
    assert kept.weights.kind == "session"
    shared, own_weight = "model.backbone.backbone.layernorm.weight", "bbox_embed.layers.2.weight"
    before, after = detector.network.state_dict(), kept.network.network.state_dict()
    assert after[shared].data_ptr() == before[shared].data_ptr(), "the backbone is there once"
    assert torch.equal(after[own_weight], torch.from_numpy(learned.weights[own_weight]))
    assert load(own) is kept


def test_a_stopped_training_keeps_what_it_has_learned(taught):
    events = taught(60)
    running = next(running for view, _, _, running in events if isinstance(view, LessonsView))
    page.stop_training(running)
    *_, (view, own, strip, _) = events
    assert own in OWN
    assert "Training is over" in strip
    assert view.round.number == 1
    assert not stops.asked(running)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (3, "did not arrive"),
        ({"frames": 3}, "did not arrive"),
        ({"frames": [{}] * 21}, "did not arrive"),
        ({"frames": [1]}, "did not arrive"),
        ({"frames": [{"jpeg": 1, "boxes": []}]}, "did not arrive"),
        ({"frames": [{"jpeg": "A" * 400_004, "boxes": []}]}, "did not arrive"),
        ({"frames": [{"jpeg": "é", "boxes": []}]}, "did not arrive"),
        ({"frames": [{"jpeg": "AAAA", "boxes": []}]}, "must be a JPEG"),
        ({"frames": [{"jpeg": jpeg(np.zeros((10, 800, 3), np.uint8)), "boxes": []}]}, "at most 720"),
        ({"frames": [{"jpeg": jpeg(DRAWN[0][0]), "boxes": [{}] * 13}]}, "at most 12 boxes"),
        ({"frames": [{"jpeg": jpeg(DRAWN[0][0]), "boxes": [3]}]}, "did not arrive"),
        ({"frames": [{"jpeg": jpeg(DRAWN[0][0]), "boxes": [{"box": [0, 0, 1]}]}]}, "did not arrive"),
        ({"frames": [{"jpeg": jpeg(DRAWN[0][0]), "boxes": [{"box": [0, 0, 1, float("nan")]}]}]}, "did not arrive"),
        ({"frames": [{"jpeg": jpeg(DRAWN[0][0]), "boxes": [{"box": [0, 0, 1, True]}]}]}, "did not arrive"),
    ],
)
def test_frames_that_are_refused(value, sentence):
    with pytest.raises(InputError, match=sentence):
        component.read_frames(value)


def test_the_component_and_the_model_have_the_same_limits():
    assert (component.MAX_FRAMES, component.MAX_BOXES) == (own_boxes.MAX_FRAMES, own_boxes.MAX_BOXES)


def test_a_taught_detector_is_taken_to_the_page_that_looks_into_it():
    learned = Learned("rf-detr-s14-objects", ("key", "mug"), {"a": np.zeros(3, np.float32)})
    name = keep(learned)
    image = np.full((40, 60, 3), 200, np.uint8)
    drawn = component.frames_value([(image, []), (image // 2, [([0.1, 0.1, 0.5, 0.5], "key")])])
    own, path = show_taught(name, drawn)
    assert own == name
    assert np.asarray(Image.open(path)).mean() == pytest.approx(100, abs=2)
    assert sentence_of_taught(own) == "Asked of the detector that you taught: key, mug."
    assert sentence_of_taught("") == ""
    for nothing in ("", "rf-detr-s14-objects", None, 7):
        with pytest.raises(InputError, match="no detector of your own"):
            show_taught(nothing, drawn)
    with pytest.raises(InputError, match="no longer kept"):
        show_taught("own-" + "x" * 22, drawn)
