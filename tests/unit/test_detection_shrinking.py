"""An object made smaller: what the picture is then, whose score counts, what the page says and refuses."""

import gradio as gr
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from demos.detection import compare as page
from demos.views import detection_compare as views
from demos.wire import to_wire
from models import runtime, weights
from models.detection import detr, shrinking
from models.detection.boxes import Prediction, overlaps
from models.detection.shrinking import made_smaller, score_on
from models.errors import InputError
from models.images import read_image
from tests.handles import array_of

pytestmark = pytest.mark.thorough

EXAMPLE = next(iter(page.EXAMPLES.values()))
EMBEDDED = "rf-detr-s14-objects"


@settings(max_examples=30, deadline=None)
@given(
    scale=st.sampled_from(shrinking.SCALES[1:]),
    corner=st.tuples(st.floats(0, 0.6), st.floats(0, 0.6)),
    size=st.tuples(st.floats(0.1, 0.4), st.floats(0.1, 0.4)),
)
def test_the_object_is_where_it_is_said_to_be_and_nothing_else_changes(scale, corner, size):
    image = np.full((120, 160, 3), 40, np.uint8)
    box = np.array([*corner, *np.add(corner, size)], np.float32)
    left, top, right, bottom = np.round(box * [160, 120, 160, 120]).astype(int)
    image[top:bottom, left:right] = 220
    picture, small = made_smaller(image, box, scale)
    assert picture.shape == image.shape
    np.testing.assert_allclose(small[2:] - small[:2], (box[2:] - box[:2]) * scale, atol=1e-5)
    np.testing.assert_allclose(small[2:] + small[:2], box[2:] + box[:2], atol=1e-5)
    x, y = np.clip(((small[:2] + small[2:]) / 2 * [160, 120]).astype(int), 0, [159, 119])
    near = picture[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].max()
    assert near > 120, "the object's middle is still there"
    far = np.ones((120, 160), bool)
    grown = shrinking.MARGIN * np.array([right - left, bottom - top]) + 8
    far[max(0, int(top - grown[1])) : int(bottom + grown[1]), max(0, int(left - grown[0])) : int(right + grown[0])] = 0
    np.testing.assert_array_equal(picture[far], image[far])


def test_at_full_size_the_picture_is_the_very_same():
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3), np.uint8)
    assert made_smaller(image, np.array([0.2, 0.2, 0.6, 0.6], np.float32), 1.0)[0] is image


def test_only_boxes_of_the_class_that_lie_on_the_object_count():
    boxes = np.array([[0.5, 0.5, 0.2, 0.2], [0.5, 0.5, 0.21, 0.2], [0.1, 0.1, 0.2, 0.2]], np.float32)
    logits = np.array([[0.0, 3.0], [1.0, -2.0], [9.0, 9.0]], np.float32)
    prediction = Prediction(logits, boxes, (10, 10), ("cat", "dog"))
    on = np.array([0.4, 0.4, 0.6, 0.6])
    assert score_on(prediction, 0, on) == (pytest.approx(1 / (1 + np.exp(-1))), 1)
    assert score_on(prediction, 1, on) == (pytest.approx(1 / (1 + np.exp(-3))), 0)
    assert score_on(prediction, 0, np.array([0.8, 0.8, 0.9, 0.9])) == (0.0, -1)
    assert score_on(prediction, -1, on) == (0.0, -1)


@pytest.fixture(scope="module")
def shown():
    return list(page.compute_shrunk(str(EXAMPLE), EMBEDDED, 0, 0.5))


def test_the_score_falls_as_the_object_covers_fewer_patches(shown):
    *_, last = shown
    steps = [one for one in shown if isinstance(one[0], views.ShrinkView)]
    figure, chart = steps[-1][0], steps[-1][1]
    assert len(figure.steps) == len(shrinking.SCALES)
    answers = [step.answers[0] for step in figure.steps]
    assert answers[0].score == pytest.approx(figure.found[0].score, abs=1e-3)
    assert answers[0].score > 0.5 > answers[-1].score
    patches = [answer.patches for answer in answers]
    np.testing.assert_allclose(patches, patches[0] * np.array(shrinking.SCALES), rtol=0.01)
    first = answers[0].points
    assert first.shape[1] == 3 and first[:, 2].sum() == pytest.approx(1, abs=1e-4)
    assert np.mean(overlaps(np.array([answers[0].box]), np.array(figure.steps[0].box))) > 0.9
    drawn = [point[1] for point in chart["series"][0]["points"]][::-1]
    np.testing.assert_allclose(drawn, [answer.score for answer in answers], atol=1e-3)
    assert "of its size." in steps[-1][4]
    assert last[2]["series"][0]["points"][-1] == [17.2, 60.1]
    assert last[2]["series"][1]["name"].endswith("its own 25 things")
    assert "not COCO" in last[3] and "median of 7" in last[3]
    to_wire(figure)


def test_what_cannot_be_shrunk_is_told(tmp_path):
    grey = tmp_path / "grey.png"
    from PIL import Image

    Image.new("RGB", (64, 64), (128, 128, 128)).save(grey)
    with pytest.raises((InputError, gr.Error), match="Nothing is found in this picture"):
        list(page.compute_shrunk(str(grey), EMBEDDED, 0, 0.5))
    for chosen, threshold, said in ((-1, 0.5, "The object"), (0, 2, "The threshold"), ("1", 0.5, "The object")):
        with pytest.raises((InputError, gr.Error), match=said):
            next(page.compute_shrunk(str(EXAMPLE), EMBEDDED, chosen, threshold))


def test_an_object_that_is_not_there_is_the_last_one():
    image = read_image(str(EXAMPLE))
    first = next(iter(shrinking.shrink_object([EMBEDDED], image, 99, 0.5)))
    assert first.chosen == len(first.found) - 1


def test_detr_is_asked_beside_it_and_its_dense_look_is_drawn(monkeypatch):
    """In place of DETR, one that finds a clock wherever the object is, as long as it is larger than a cell."""
    image, sizes = read_image(str(EXAMPLE)), []
    network = detr.Detr.__new__(detr.Detr)
    torch.nn.Module.__init__(network)
    loaded = runtime.Loaded(detr.NAME, network, weights.find(detr.NAME), 7, 28, "cpu")
    real = runtime.load
    monkeypatch.setattr(runtime, "load", lambda name, *how: loaded if name == detr.NAME else real(name, *how))
    boxes = iter([None, *shrinking.SCALES])
    first = next(iter(shrinking.shrink_object([EMBEDDED], image, 0, 0.5))).steps[0].box
    middle, side = (first[:2] + first[2:]) / 2, first[2:] - first[:2]

    def look(_, picture):
        scale = next(boxes) or 1.0
        sizes.append(picture.shape)
        logit = 2.0 if scale > 0.3 else -5.0
        box = np.array([[*middle, *(side * scale)]], np.float32)
        dense = np.full((1, 3, 4), 1 / 12, np.float32)
        return Prediction(np.array([[logit]], np.float32), box, picture.shape[:2], ("clock",)), dense

    monkeypatch.setattr(detr, "look", look)
    *_, whole = shrinking.shrink_object([EMBEDDED, detr.NAME], image, 0, 0.5)
    assert whole.names[detr.NAME] == "clock" and len(sizes) == 1 + len(shrinking.SCALES)
    figure = to_wire(views.view_of_shrunk(whole))
    beside = figure["steps"][0]["answers"][1]
    assert beside["network"] == "DETR" and array_of(beside["dense"]).shape == (3, 4) and beside["points"] is None
    said = views.sentence_of_shrunk(whole, 0.5)
    assert "; DETR is 0.88 sure of clock at " in said and said.endswith("26 % of its size.")
    assert [line["name"] for line in views.chart_of_shrunk(whole)["series"]] == ["RF-DETR: book", "DETR: clock"]
    height, width = detr.enlarged(image)
    cells = np.sqrt(np.prod(side * [width, height] / 32))
    assert beside["patches"] == pytest.approx(cells, rel=0.02)
