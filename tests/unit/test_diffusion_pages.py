"""The handlers of the pages that denoise, called as Gradio would, with a small random network."""

import base64
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from demos.components.pixel_canvas import canvas_value, read_canvas
from demos.diffusion import between, image, reverse, running
from models import runtime, weights
from models.diffusion import runs
from models.diffusion.data import CLASSES
from models.diffusion.network import Config, SpriteUNet
from models.errors import InputError

PICTURE = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 4), dtype=np.uint8)


@pytest.fixture(scope="module")
def loaded():
    torch.manual_seed(0)
    network = SpriteUNet(Config(classes=CLASSES, widths=(16, 16), blocks=1, heads=2, embedding=16))
    torch.nn.init.normal_(network.unfold.weight, std=0.3)
    network = network.eval().requires_grad_(False)
    return runtime.Loaded("sprites-unet", network, weights.find("sprites-unet"), 1, 1, "cpu")


@pytest.fixture(autouse=True)
def small_network(monkeypatch, loaded):
    for module in (running, reverse, image, between):
        monkeypatch.setattr(module, "load_sprite_network", lambda: loaded)


def event(**data):
    return gr.EventData(None, data)


def stroke(canvas, rows=slice(4, 9), *, hole=False, sprite=0):
    """What the canvas sends after a red stroke over some rows, or after marking them as a hole."""
    first = base64.b64decode(canvas["pixels"])[sprite * 4096 : (sprite + 1) * 4096]
    rgba = np.frombuffer(first, np.uint8).reshape(32, 32, 4).copy()
    mask = np.zeros((32, 32), np.uint8)
    mask[rows] = 1
    if not hole:
        rgba[rows] = (200, 0, 0, 255)
    nothing = np.zeros((32, 32), np.uint8)
    texts = {"rgba": rgba, "painted": nothing if hole else mask, "hole": mask if hole else nothing}
    encoded = {name: base64.b64encode(array.tobytes()).decode() for name, array in texts.items()}
    return {**canvas, "sprite": sprite, **encoded}


def generated(sampler="ddim", count=2, steps=5):
    *_, last = reverse.compute_sprites("potion", count, steps, 3, 1.5, sampler)
    return last


def test_a_run_is_a_growing_film_with_files_and_a_key():
    yielded = list(reverse.compute_sprites("potion", 2, 4, 3, 1.5, "ddpm"))
    films = [values[0] for values in yielded if isinstance(values[0], dict) and "steps" in values[0]]
    assert [len(film["steps"]) for film in films] == [1, 2, 3, 4, 4]
    film, strip, files, key, _ = yielded[-1]
    assert film["run"] == key
    assert "step" not in strip
    assert [Image.open(path).mode for path in files] == ["RGBA", "RGBA"]
    assert {term for step in film["steps"] for _, term in step["terms"]} == {"x_0", "x_t", "fresh"}


@pytest.mark.parametrize("sampler", ["ddim", "ddpm", "unipc"])
def test_an_unchanged_fork_shows_no_difference(sampler):
    film, _, files, key, _ = generated(sampler)
    _, where, heading, canvas, *controls = reverse.view_fork(event(run=key, place=2))
    assert "step 3 of 5" in heading
    *_, (fork, _, fork_files, fork_key) = reverse.compute_fork(where, *controls, canvas)
    assert (fork["forkOf"], fork["run"], fork["from"]) == (key, fork_key, 2)
    assert fork["changed"] == "nothing changed"
    assert [step["difference"] for step in fork["steps"]] == [0, 0, 0]
    assert [step["xt"] for step in fork["steps"]] == [step["xt"] for step in film["steps"][2:]]
    assert [Path(path).read_bytes() for path in files] == [Path(path).read_bytes() for path in fork_files]


def test_a_painted_fork_with_another_class_says_so_and_differs_and_can_be_forked():
    *_, key, _ = generated()
    _, where, _, canvas, _, guidance, sampler, seed = reverse.view_fork(event(run=key, place=3))
    *_, (fork, *_, fork_key) = reverse.compute_fork(where, "tree", guidance, sampler, seed, stroke(canvas, sprite=1))
    assert fork["changed"] == "class potion → tree, painted on sprite 2"
    assert fork["steps"][-1]["difference"] > 0
    _, where, *_ = reverse.view_fork(event(run=fork_key, place=4))
    *_, (again, *_) = reverse.compute_fork(where, "tree", guidance, sampler, seed, None)
    assert again["steps"][-1]["difference"] == 0
    assert len(runs.find(fork_key).steps) == 5


@pytest.mark.parametrize(
    "data", [{}, {"run": "absent", "place": 0}, {"run": None, "place": 0}, None, {"run": ["x"], "place": 1}]
)
def test_forks_of_nothing_are_refused(data):
    with pytest.raises(InputError):
        reverse.view_fork(gr.EventData(None, data))
    with pytest.raises(InputError):
        next(reverse.compute_fork(data, "tree", 1.5, "ddim", 0, None))


def test_places_and_pixels_outside_are_refused_and_inside_explained():
    *_, key, _ = generated("unipc")
    for place in (-1, 5, 1.5, "1", None, float("nan"), True):
        with pytest.raises(InputError):
            reverse.view_fork(event(run=key, place=place))
    assert "corrected" in reverse.view_pixel(event(run=key, place=2, sprite=1, row=31, column=0))
    for wrong in ({"sprite": 2}, {"row": 32}, {"column": -1}, {"column": "3"}):
        with pytest.raises(InputError):
            reverse.view_pixel(event(**{"run": key, "place": 2, "sprite": 0, "row": 0, "column": 0, **wrong}))


def test_a_sprite_that_is_not_there_cannot_be_painted():
    *_, key, _ = generated(count=1)
    _, where, _, canvas, *controls = reverse.view_fork(event(run=key, place=0))
    with pytest.raises(InputError, match="no sprite number 2"):
        next(reverse.compute_fork(where, *controls, {**stroke(canvas), "sprite": 1}))


def test_comparing_needs_a_finished_run():
    with pytest.raises(InputError, match="Generate"):
        next(reverse.compute_nearest(None))
    stopped = reverse.compute_sprites("potion", 1, 5, 3, 1.5, "ddim")
    key = None
    while key is None:
        key = next(stopped)[3]
    stopped.close()
    with pytest.raises(InputError, match="stopped"):
        next(reverse.compute_nearest(key))


@pytest.mark.parametrize("wrong", ["x", 3, [], {"pixels": "!"}, {"pixels": None}, {"rgba": "AAAA"}, {"rgba": None}])
def test_what_the_canvas_does_not_send_is_refused(wrong):
    with pytest.raises(InputError, match="draw again"):
        read_canvas(wrong)


def test_the_canvas_keeps_what_was_put_on_it():
    assert read_canvas(None) is None
    canvas = read_canvas(canvas_value(PICTURE))
    assert np.array_equal(canvas.rgba, PICTURE[0])
    assert not canvas.painted.any()
    painted = read_canvas(stroke(canvas_value(PICTURE)))
    assert painted.painted.sum() == 5 * 32
    assert (painted.rgba[5, :, 0] == 200).all()
    for sprite in (-1, 16, None, "0"):
        with pytest.raises(InputError):
            read_canvas({**stroke(canvas_value(PICTURE)), "sprite": sprite})


PLAN = ("tree", 2, 10, 1, 1.5, "ddim")


@pytest.mark.parametrize(("strength", "run"), [(0.3, 3), (1, 10), (0.55, 5)])
def test_a_picture_enters_as_late_as_its_strength_says(strength, run):
    canvas = canvas_value(PICTURE)
    *_, (film, _, files) = image.compute_transform(canvas, strength, *PLAN)
    assert len(film["steps"]) == film["total"] == run
    assert len(files) == 2
    assert f"{run} of 10 steps" in image.view_entry(canvas, strength, *PLAN)


def test_strength_zero_gives_the_picture_back():
    clean = np.full((1, 32, 32, 4), 255, np.uint8)
    ((film, note, files),) = image.compute_transform(canvas_value(clean), 0, *PLAN)
    assert film is None
    assert "as it is" in note
    assert np.array_equal(np.asarray(Image.open(files[0])), clean[0])
    assert "none of 10 steps" in image.view_entry(canvas_value(clean), 0, *PLAN)


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan"), "0.5", None, True])
def test_strengths_that_are_refused(strength):
    with pytest.raises(InputError, match="Strength"):
        next(image.compute_transform(canvas_value(PICTURE), strength, *PLAN))
    with pytest.raises(InputError, match="Strength"):
        next(image.diffusion_transform(None, "tree", strength))


def test_no_picture_is_a_sentence():
    with pytest.raises(InputError, match="no picture yet"):
        next(image.compute_transform(None, 0.5, *PLAN))
    with pytest.raises(InputError, match="no picture yet"):
        next(image.diffusion_transform(None))
    assert image.view_entry(None, 0.5, *PLAN) == ""


def test_a_hole_is_filled_and_the_rest_stays():
    clean = np.zeros((1, 32, 32, 4), np.uint8)
    clean[..., 1] = clean[..., 3] = 255
    with pytest.raises(InputError, match="no hole"):
        next(image.compute_inpainting(canvas_value(clean), 1, *PLAN))
    *_, (film, _, files) = image.compute_inpainting(stroke(canvas_value(clean), hole=True), 2, *PLAN)
    assert len(film["steps"]) == 20
    filled = np.asarray(Image.open(files[0]))
    kept = np.ones(32, bool)
    kept[4:9] = False
    assert np.array_equal(filled[kept], clean[0][kept])
    assert not np.array_equal(filled[~kept], clean[0][~kept])
    for rounds in (0, 5, 1.5, "2"):
        with pytest.raises(InputError, match="rounds"):
            next(image.compute_inpainting(stroke(canvas_value(clean), hole=True), rounds, *PLAN))


def test_the_endpoints_stream_and_end_in_files(tmp_path):
    Image.fromarray(PICTURE[0]).save(tmp_path / "picture.png")
    *steps, (facts, files) = image.diffusion_transform(str(tmp_path / "picture.png"), "food", 0.5, 2, 8, 4, False)
    assert [answer["step"] for answer, _ in steps] == [5, 6, 7, 8]
    assert all(answer["preview"].startswith("data:image/png") and not files for answer, files in steps)
    assert len(files) == 2
    assert (facts["steps_run"], facts["entered_at"], facts["strength"]) == (4, 499, 0.5)
    *steps, (facts, files) = image.diffusion_transform(str(tmp_path / "picture.png"), "food", 0)
    assert steps == []
    assert facts["entered_at"] is None
    *steps, (facts, files) = reverse.diffusion_generate("potion", 3, 4, 7)
    assert len(steps) == 4
    assert set(facts) == {"model", "seconds", "images", "sprite_class", "steps", "seed"}
    assert facts["images"] == ["potion-7-0.png", "potion-7-1.png", "potion-7-2.png"]


def test_a_walk_has_its_ends_and_as_many_sprites_as_asked_for():
    *_, (film, _, files) = between.compute_between("potion", 1, "tree", 2, 5, 3, 1.5, "ddim")
    assert (film["count"], len(film["steps"]), len(files)) == (5, 3, 5)
    for wrong in (
        ("dragon", 1, "tree", 2),
        ("potion", -1, "tree", 2),
        ("potion", 1, None, 2),
        ("potion", 1, "tree", 1.5),
    ):
        with pytest.raises(InputError):
            next(between.compute_between(*wrong, 5, 3, 1.5, "ddim"))
