"""What pages open on: every page on something, recorded trainings named as such, first pages before anybody comes."""

import json

import gradio as gr
import numpy as np
import pytest

from app import create_app
from demos import opening, sketches
from demos.address import _PAGES, keeps
from demos.detection import video
from demos.detection.own_boxes import CLIP_FRAMES, clip_frames, compute_example
from demos.inputs.frame_boxes import read_frames
from demos.opening import _OPENINGS, first_openings, open_early, opens
from demos.sequences.learning import compute_opening
from demos.views.detection_found import sentence_of_frame
from demos.views.diffusion_training import sentence_of_recorded, view_of_recorded
from demos.views.own_boxes import sentence_before
from models import memory
from models.compute import compute
from models.detection import video as model_video
from models.detection.boxes import Prediction
from models.detection.own_boxes import check_frames
from models.detection.tracking import Watched
from models.diffusion import recorded as sprites
from models.sequences import recorded as letters
from models.video import Segment

ELSEWHERE = {"vit/windows", "diffusion/toy"}
"""Pages whose model comes from the hub, and the one that is computed in the browser."""


@pytest.fixture(autouse=True)
def room(monkeypatch):
    monkeypatch.delenv("GLASSBOX_EARLY", raising=False)
    monkeypatch.setattr(memory, "BUDGET_BYTES", 4 * 2**30)
    monkeypatch.setattr(opening, "host_bytes", lambda: 8 * 2**30)


def test_every_page_opens_on_something():
    app = create_app()
    pages = set(_PAGES[app])
    assert len(pages) >= 30
    assert pages - set(_OPENINGS[app]) == ELSEWHERE
    assert len(app.first_openings) == 5


def test_first_pages_are_opened_before_anybody_comes_and_kept_for_who_comes():
    asked = []

    @compute
    def count(text):
        asked.append(text)
        return len(text)

    with gr.Blocks() as app, gr.Tab("Letters", id="letters"):
        text, own, shown = gr.Textbox("three"), gr.State("mine"), gr.Number()
        keeps(text=text)
        opens(lambda text, own: count(text + own), [text, own], [shown])
    (first,) = first_openings(app, ["letters", "elsewhere"])
    for _ in range(2):
        open_early([first])
    assert asked == ["threemine"], "once, with what the controls hold"


def test_one_page_that_fails_does_not_keep_the_others_closed():
    opened = []

    def fails():
        raise ValueError("a reason")

    open_early([fails, lambda: opened.append("second")])
    assert opened == ["second"]


@pytest.mark.parametrize("what", ["told so", "borrowed GPUs", "small budget", "little memory"])
def test_nothing_is_opened_early_where_it_should_not_be(monkeypatch, what):
    if what == "told so":
        monkeypatch.setenv("GLASSBOX_EARLY", "0")
    elif what == "borrowed GPUs":
        monkeypatch.setenv("SPACES_ZERO_GPU", "1")
    elif what == "small budget":
        monkeypatch.setattr(memory, "BUDGET_BYTES", 2**30)
    else:
        monkeypatch.setattr(opening, "host_bytes", lambda: 2**29)
    opened = []
    open_early([lambda: opened.append(1)])
    assert not opened


def test_the_recorded_training_of_letters_is_what_its_file_says_and_is_called_recorded():
    facts, made = json.loads(letters.FILE.read_text()), letters.recorded()
    assert made.steps_done == len(facts["losses"]) > 300
    assert made.history.held_out[0][1] > 6 > made.history.held_out[-1][1]
    view, strip, said = compute_opening()
    assert "Recorded beforehand" in said and "Recorded beforehand, not now" in strip
    assert f"{facts['held_out'][-1][1]:.2f}" in said
    assert view.loss.series[0].points[-1][0] == made.steps_done


def test_the_recorded_training_of_sprites_is_what_its_files_say_and_is_called_recorded():
    made = sprites.recorded()
    assert made.rgba.shape[1:] == (16, 16, 4) and made.rgba.dtype == np.uint8
    assert len({tuple(look.rgba.shape) for look in made.looks}) == 1
    for look in made.looks:
        squared = np.square(signal(look.rgba) - signal(look.nearest)).mean((1, 2, 3))
        np.testing.assert_allclose(np.sqrt(squared), look.distances, atol=1.5)
        assert all(any((one == known).all() for known in made.rgba) for one in look.nearest)
    said = sentence_of_recorded(made)
    assert said.startswith("Recorded beforehand") and f"{made.looks[-1].distances.mean():.0f}" in said
    assert len(view_of_recorded(made).samples) == len(made.looks)


def signal(rgba):
    """Colours times opacity, and opacity, of 255."""
    alpha = rgba[..., 3:] / 255.0
    return np.concatenate([rgba[..., :3] * alpha, rgba[..., 3:]], -1).astype(np.float64)


def test_frames_of_the_clip_are_lessons_that_the_page_takes():
    frames = clip_frames()
    assert len(frames) == len(CLIP_FRAMES)
    labels, checked = check_frames(frames)
    assert len(labels) == 4 and all(len(frame.boxes_xyxy) == 4 for frame in checked)
    taken = read_frames(compute_example())
    assert [boxes for _, boxes in taken] == [boxes for _, boxes in frames]


def prediction(scores, boxes):
    """One query a box, its first label."""
    logits = np.full((len(boxes), 2), -9.0, np.float32)
    logits[:, 0] = np.log(np.array(scores) / (1 - np.array(scores)))
    return Prediction(logits=logits, boxes_cxcywh=np.array(boxes, np.float32), labels=("cat", "dog"), size=(100, 100))


def test_what_the_detector_finds_before_a_training_is_counted():
    image = np.zeros((100, 100, 3), np.uint8)
    drawn = [(image, [([0.0, 0.0, 0.4, 0.4], "cat"), ([0.6, 0.6, 1.0, 1.0], "dog"), ([0.0, 0.6, 0.3, 0.9], "cat")])]
    labels, frames = check_frames(drawn)
    found = prediction([0.9, 0.8, 0.2], [[0.2, 0.2, 0.4, 0.4], [0.8, 0.8, 0.4, 0.4], [0.15, 0.75, 0.3, 0.3]])
    said = sentence_before(frames, labels, [found], 0.5)
    assert "finds 2 of 3 drawn boxes on 1 frames" in said and "calls 1 of them" in said


def test_what_is_found_in_one_frame():
    said = sentence_of_frame(["book", "tree"], [0.9, 0.6], 0.5, "80 ms")
    assert said.startswith("Two things are found") and "least sure of tree (60 %)" in said
    assert sentence_of_frame([], [], 0.25, "80 ms").startswith("Nothing is found above 0.25: lower")


def test_the_clip_is_watched_once_and_leaves_its_files(monkeypatch, tmp_path):
    looked = []

    def answer(_, image):
        looked.append(image.shape)
        return prediction([0.9], [[0.5, 0.5, 0.4, 0.4]]), "a stand-in"

    monkeypatch.setattr(model_video, "load", lambda name: name)
    monkeypatch.setattr(model_video, "run_of", lambda loaded, seconds: None)
    monkeypatch.setattr(model_video, "predict_fast", answer)
    steps = list(model_video.watch_video("stand-in", str(video.CLIP), Watched(0.5)))
    assert len(looked) == len(steps) - 1 == steps[-1].frames
    assert [step.image is not None for step in steps] == [True] + [False] * (len(steps) - 2) + [True]
    assert set(steps[-1].files) == {"annotated.mp4", "detections.coco.json", "detections.csv"}
    said = video.sentence_of_video(steps[-1])
    assert f"in {len(looked)} frames" in said and "at most 1 things" in said and "1 ids were given (1 cat)" in said
    monkeypatch.setattr(video, "get_upload_folder", lambda: str(tmp_path))
    first, again = (video._written(steps[-1].files) for _ in range(2))
    assert first == again and len(list(tmp_path.iterdir())) == 1
    part = list(model_video.watch_video("stand-in", str(video.CLIP), Watched(0.5), Segment(1, 1.5)))
    assert part[-1].frames < 10 and part[-1].length == 0.5 and part[0].seconds < 0.07


def test_sketches_say_that_nothing_is_computed():
    sketch = sketches.sketch_of_windows()
    assert "A sketch" in sketch and 'role="img"' in sketch and len(sketch) < 15_000
