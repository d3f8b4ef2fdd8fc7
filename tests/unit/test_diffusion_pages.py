"""The handlers of the pages that denoise, called as Gradio would, with a small random network."""

import base64
from collections import OrderedDict
from itertools import pairwise
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from demos import wire
from demos.diffusion import api, between, films, image, networks, reverse
from demos.inputs.pixel_canvas import read_canvas, view_of_canvas
from demos.views.diffusion import FilmView, sheet
from models import runtime, weights
from models.diffusion import live
from models.diffusion.data import CLASSES
from models.diffusion.network import Config, SpriteUNet
from models.diffusion.runs import RUNS
from models.diffusion.trained import TRAINED, Settings, Trained
from models.errors import InputError
from tests.handles import picture_at

EMBEDDED = "embedded", ""  # the choice of the network, and the name of the visitor's own
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
    monkeypatch.setattr(runtime, "load", lambda name, loader: loaded)


def canvas_value(rgba):
    """What the canvas sends while nothing is painted on the pictures it was given."""
    return wire.to_wire(view_of_canvas(rgba))


def films_of(answers):
    return [answer[0] for answer in answers if isinstance(answer[0], FilmView)]


def event(**data):
    return gr.EventData(None, data)


def stroke(canvas, rows=slice(4, 9), *, hole=False, sprite=0):
    """What the canvas sends after a red stroke over some rows, or after marking them as a hole."""
    canvas = canvas if isinstance(canvas, dict) else wire.to_wire(canvas)
    side = canvas["side"]
    content = wire.content_of(canvas["pixels"])
    rgba = np.frombuffer(content, np.uint8).reshape(-1, side, side, 4)[sprite].copy()
    mask = np.zeros((side, side), np.uint8)
    mask[rows] = 1
    if not hole:
        rgba[rows] = (200, 0, 0, 255)
    nothing = np.zeros((side, side), np.uint8)
    texts = {"rgba": rgba, "painted": nothing if hole else mask, "hole": mask if hole else nothing}
    encoded = {name: base64.b64encode(array.tobytes()).decode() for name, array in texts.items()}
    return {**canvas, "sprite": sprite, **encoded}


def generated(sampler="ddim", count=2, steps=5):
    *_, last = reverse.compute_sprites(*EMBEDDED, "potion", count, steps, 3, 1.5, sampler)
    return last


def test_a_run_is_a_growing_film_with_files_and_a_name():
    yielded = list(reverse.compute_sprites(*EMBEDDED, "potion", 2, 4, 3, 1.5, "ddpm"))
    assert [len(film.steps) for film in films_of(yielded)] == [1, 2, 3, 4]
    film, strip, files, name, _ = yielded[-1]
    assert film.run == name
    assert "step" not in strip
    assert [Image.open(path).mode for path in files] == ["RGBA", "RGBA"]
    assert {term for step in film.steps for _, term in step.terms} == {"x_0", "x_t", "fresh"}


def test_each_event_of_a_film_brings_its_new_step_alone():
    from gradio.utils import diff

    sent = [wire.to_wire(film) for film in films_of(reverse.compute_sprites(*EMBEDDED, "potion", 1, 6, 3, 1.5, "ddim"))]
    for number, (before, after) in enumerate(pairwise(sent), 1):
        changes = {tuple(where): (how, value) for how, where, value in diff(before, after)}
        assert changes.pop(("steps", number)) == ("add", after["steps"][-1])
        assert set(changes) == ({("finding",)} if number == 5 else set())
    assert sent[-1]["finding"].startswith("By step ")


def test_the_page_opens_at_the_step_by_which_half_of_the_way_is_done():
    *_, film = films_of(reverse.open_sprites(*EMBEDDED, "potion", 1, 6, 3, 1.5, "ddim"))
    assert film.finding.startswith(f"By step {film.first + 1} of 6, ")


def test_a_stopped_run_says_where():
    stopped = reverse.compute_sprites(*EMBEDDED, "potion", 1, 5, 3, 1.5, "ddim")
    for _, _, _, name, _ in stopped:
        if name and len(RUNS.find(name).steps) == 3:
            break
    stopped.close()
    assert "Stopped at step 3 of 5." in films.view_stopped(RUNS, name)
    for over in (None, "unknown", generated()[3]):
        assert films.view_stopped(RUNS, over) == gr.skip()


@pytest.mark.parametrize("sampler", ["ddim", "ddpm", "unipc"])
def test_an_unchanged_fork_shows_no_difference(sampler):
    film, _, files, key, _ = generated(sampler)
    _, where, heading, canvas, *controls, _ = reverse.view_fork(event(run=key, place=2))
    assert "step 3 of 5" in heading
    *_, (fork, _, fork_files, fork_key) = reverse.compute_fork(where, *controls, wire.to_wire(canvas))
    assert (fork.fork.run, fork.run, fork.fork.place) == (key, fork_key, 2)
    assert fork.fork.changed == "nothing changed"
    assert [step.difference for step in fork.steps] == [0, 0, 0]
    assert [step.x_t for step in fork.steps] == [step.x_t for step in film.steps[2:]]
    assert [Path(path).read_bytes() for path in files] == [Path(path).read_bytes() for path in fork_files]


def test_a_painted_fork_with_another_class_says_so_and_differs_and_can_be_forked():
    _, _, _, key, *_ = generated()
    _, where, _, canvas, _, guidance, sampler, seed, _ = reverse.view_fork(event(run=key, place=3))
    *_, (fork, *_, fork_key) = reverse.compute_fork(where, "tree", guidance, sampler, seed, stroke(canvas, sprite=1))
    assert fork.fork.changed == "class potion → tree, painted on sprite 2"
    assert fork.steps[-1].difference > 0
    _, where, *_ = reverse.view_fork(event(run=fork_key, place=4))
    *_, (again, *_) = reverse.compute_fork(where, "tree", guidance, sampler, seed, None)
    assert again.steps[-1].difference == 0
    assert len(RUNS.find(fork_key).steps) == 5


@pytest.mark.parametrize(
    "data", [{}, {"run": "absent", "place": 0}, {"run": None, "place": 0}, None, {"run": ["x"], "place": 1}]
)
def test_forks_of_nothing_are_refused(data):
    with pytest.raises(InputError):
        reverse.view_fork(gr.EventData(None, data))
    with pytest.raises(InputError):
        next(reverse.compute_fork(data, "tree", 1.5, "ddim", 0, None))


def test_places_and_pixels_outside_are_refused_and_inside_explained():
    _, _, _, key, *_ = generated("unipc")
    for place in (-1, 5, 1.5, "1", None, float("nan"), True):
        with pytest.raises(InputError):
            reverse.view_fork(event(run=key, place=place))
    pixel = films.view_pixel({"run": key, "place": 2, "sprite": 1, "row": 31, "column": 0})
    assert [row["of"] for row in pixel["rows"] if row["factor"] is None] == [
        *("x_0_of_v", "epsilon_of_v", "corrected", "next"),
    ]
    for wrong in ({"sprite": 2}, {"row": 32}, {"column": -1}, {"column": "3"}, {"run": "x"}):
        answer = films.view_pixel({"run": key, "place": 2, "sprite": 0, "row": 0, "column": 0, **wrong})
        assert set(answer) == {"error"}


def test_a_sprite_that_is_not_there_cannot_be_painted():
    _, _, _, key, *_ = generated(count=1)
    _, where, _, canvas, *controls, _ = reverse.view_fork(event(run=key, place=0))
    with pytest.raises(InputError, match="no sprite number 2"):
        next(reverse.compute_fork(where, *controls, {**stroke(canvas), "sprite": 1}))


def test_comparing_needs_a_finished_run():
    with pytest.raises(InputError, match="Generate"):
        next(reverse.compute_nearest(None))
    stopped = reverse.compute_sprites(*EMBEDDED, "potion", 1, 5, 3, 1.5, "ddim")
    key = None
    while key is None:
        key = next(stopped)[3]
    stopped.close()
    with pytest.raises(InputError, match="stopped"):
        next(reverse.compute_nearest(key))


@pytest.mark.parametrize(
    "wrong",
    [
        *("x", 3, [], {}, {"pixels": {"data": "AAAA"}}),
        *({"side": 32, "pixels": pixels} for pixels in ("AAAA", None, {}, {"data": "!"}, {"data": 3}, {"array": "x"})),
        *({"side": 32, "pixels": {"data": "AAAA"}}, {"side": 32, "rgba": "AAAA"}, {"side": 32, "rgba": None}),
        *({**canvas_value(PICTURE), "side": side} for side in (0, 24, 32.0, "32", None, True, [32], 64)),
    ],
)
def test_what_the_canvas_does_not_send_is_refused(wrong):
    with pytest.raises(InputError, match=r"draw again|run it again"):
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
    *_, (film, _, files, _) = image.compute_transform(*EMBEDDED, canvas, strength, *PLAN)
    assert len(film.steps) == film.total == run
    assert len(files) == 2
    assert f"{run} of 10 steps" in image.view_entry(*EMBEDDED, canvas, strength, *PLAN)


def test_strength_zero_gives_the_picture_back():
    clean = np.full((1, 32, 32, 4), 255, np.uint8)
    ((film, note, files, _),) = image.compute_transform(*EMBEDDED, canvas_value(clean), 0, *PLAN)
    assert film is None
    assert "as it is" in note
    assert np.array_equal(np.asarray(Image.open(files[0])), clean[0])
    assert "none of 10 steps" in image.view_entry(*EMBEDDED, canvas_value(clean), 0, *PLAN)


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan"), "0.5", None, True])
def test_strengths_that_are_refused(strength):
    with pytest.raises(InputError, match="Strength"):
        next(image.compute_transform(*EMBEDDED, canvas_value(PICTURE), strength, *PLAN))
    with pytest.raises(InputError, match="Strength"):
        next(api.diffusion_transform(None, "tree", strength))


def test_no_picture_is_a_sentence():
    with pytest.raises(InputError, match="no picture yet"):
        next(image.compute_transform(*EMBEDDED, None, 0.5, *PLAN))
    with pytest.raises(InputError, match="no picture yet"):
        next(api.diffusion_transform(None))
    assert image.view_entry(*EMBEDDED, None, 0.5, *PLAN) == ""


def test_a_hole_is_filled_and_the_rest_stays():
    clean = np.zeros((1, 32, 32, 4), np.uint8)
    clean[..., 1] = clean[..., 3] = 255
    with pytest.raises(InputError, match="no hole"):
        next(image.compute_inpainting(*EMBEDDED, canvas_value(clean), 1, *PLAN))
    *_, (film, _, files, _) = image.compute_inpainting(*EMBEDDED, stroke(canvas_value(clean), hole=True), 2, *PLAN)
    assert len(film.steps) == 20
    filled = np.asarray(Image.open(files[0]))
    kept = np.ones(32, bool)
    kept[4:9] = False
    assert np.array_equal(filled[kept], clean[0][kept])
    assert not np.array_equal(filled[~kept], clean[0][~kept])
    assert [of for _, of in film.steps[3].around] == ["known", "known_fresh"]
    pixel = films.view_pixel({"run": film.run, "place": 3, "sprite": 0, "row": 0, "column": 0})
    assert "given, around the hole" in pixel["caption"]
    *summands, total = pixel["rows"]
    products = sum(row["factor"] * np.array(row["values"]) for row in summands)
    np.testing.assert_allclose(products, total["values"], atol=1e-6)
    np.testing.assert_allclose(total["values"], RUNS.find(film.run).steps[3].x_next[0, :, 0, 0])
    inside = films.view_pixel({"run": film.run, "place": 3, "sprite": 0, "row": 5, "column": 0})
    assert {row["of"] for row in inside["rows"]} > {"v", "x_t", "x_0", "next"}
    for rounds in (0, 5, 1.5, "2"):
        with pytest.raises(InputError, match="rounds"):
            next(image.compute_inpainting(*EMBEDDED, stroke(canvas_value(clean), hole=True), rounds, *PLAN))


def test_the_endpoints_stream_and_end_in_files(tmp_path):
    Image.fromarray(PICTURE[0]).save(tmp_path / "picture.png")
    *steps, (facts, files) = api.diffusion_transform(str(tmp_path / "picture.png"), "food", 0.5, 2, 8, 4, False)
    assert [answer["step"] for answer, _ in steps] == [5, 6, 7, 8]
    assert all(answer["preview"].startswith("data:image/png") and not files for answer, files in steps)
    assert len(files) == 2
    assert (facts["steps_run"], facts["entered_at"], facts["strength"]) == (4, 499, 0.5)
    *steps, (facts, files) = api.diffusion_transform(str(tmp_path / "picture.png"), "food", 0)
    assert steps == []
    assert facts["entered_at"] is None
    *steps, (facts, files) = api.diffusion_generate("potion", 3, 4, 7)
    assert len(steps) == 4
    assert set(facts) == {"model", "seconds", "images", "sprite_class", "steps", "seed", "sampler", "guidance"}
    assert facts["images"] == ["potion-7-0.png", "potion-7-1.png", "potion-7-2.png"]


def test_a_walk_has_its_ends_and_as_many_sprites_as_asked_for():
    *_, (film, _, files, _) = between.compute_between(*EMBEDDED, "potion", 1, "tree", 2, 5, 3, 1.5, "ddim")
    assert (film.count, len(film.steps), len(files)) == (5, 3, 5)
    for wrong in (
        ("dragon", 1, "tree", 2),
        ("potion", -1, "tree", 2),
        ("potion", 1, None, 2),
        ("potion", 1, "tree", 1.5),
    ):
        with pytest.raises(InputError):
            next(between.compute_between(*EMBEDDED, *wrong, 5, 3, 1.5, "ddim"))


@pytest.fixture(params=[16, 32])
def own(request, monkeypatch):
    """The choice of a network that the visitor has trained for two steps, and its name."""
    monkeypatch.setattr(live, "SMALL", Config(classes=(), widths=(16, 16), blocks=1, heads=2, embedding=16))
    monkeypatch.setattr(TRAINED, "_kept", OrderedDict())
    rgba = np.random.default_rng(1).integers(0, 256, (3, request.param, request.param, 4), dtype=np.uint8)
    settings = Settings(size=request.param, seconds=1000)
    training = live.LiveTraining(settings, rgba)
    for step in training.fit():
        if step.step == 2:
            break
    return "own", TRAINED.put(Trained(training.network_for_sampling(), settings, rgba, 2))


def side_of(name):
    return TRAINED.find(name).settings.size


def test_a_network_of_ones_own_makes_a_film_whose_forks_it_makes_too(own):
    size = side_of(own[1])
    *_, (film, strip, files, key, _) = reverse.compute_sprites(*own, "potion", 2, 5, 3, 4.0, "ddpm")
    assert {step.size for step in film.steps} == {size}
    assert f"the one I trained, {size} x {size}" in strip
    assert {Image.open(path).size for path in files} == {(size, size)}
    plan = RUNS.find(key).plan
    assert (plan.sprite_class, plan.guidance, plan.size) == ("any", 1, size)

    _, where, _, canvas, *controls, classed = reverse.view_fork(event(run=key, place=2))
    assert not classed.visible
    *_, (fork, *_, fork_key) = reverse.compute_fork(where, *controls, wire.to_wire(canvas))
    assert RUNS.find(fork_key).network == own[1]
    assert [step.difference for step in fork.steps] == [0, 0, 0]
    *_, (fork, *_) = reverse.compute_fork(where, "tree", 7, "euler", controls[-1], stroke(canvas, sprite=1))
    assert fork.fork.changed == "sampler DDPM → Euler, painted on sprite 2"
    assert fork.steps[-1].difference > 0
    with pytest.raises(InputError, match="not of the size"):
        next(reverse.compute_fork(where, *controls, stroke(canvas_value(np.zeros((1, 48 - size, 48 - size, 4), "u1")))))

    where = {"run": key, "place": 2, "sprite": 1, "column": 0}
    assert f"row {size}" in films.view_pixel({**where, "row": size - 1})["caption"]
    assert "error" in films.view_pixel({**where, "row": size})
    (table,) = reverse.compute_nearest(key)
    assert table.count("nearest picture it was given") == 3


def test_it_is_the_networks_own_noise_and_weights(own):
    *_, (film, *_) = reverse.compute_sprites(*own, "any", 8, live.SAMPLE_STEPS, 0, 1, "ddim")
    network = TRAINED.find(own[1]).network
    assert film.steps[-1].x_0 == sheet(live.sample_pictures(network, side_of(own[1])))


def test_a_walk_with_a_network_of_ones_own_goes_from_seed_to_seed(own):
    *_, (film, *_) = between.compute_between(*own, "potion", 1, "tree", 2, 5, 3, 1.5, "ddim")
    assert (film.count, film.steps[0].size) == (5, side_of(own[1]))
    *_, (alone, *_) = reverse.compute_sprites(*own, "any", 1, 3, 1, 1, "ddim")
    assert picture_at(film.steps[0].x_t)[:, : side_of(own[1])].tolist() == picture_at(alone.steps[0].x_t).tolist()


def test_pictures_and_holes_at_the_size_of_a_network_of_ones_own(own, tmp_path):
    size = side_of(own[1])
    Image.fromarray(PICTURE[0]).save(tmp_path / "picture.png")
    canvas = image.view_picture(str(tmp_path / "picture.png"), False, *own)
    assert canvas.side == size
    *_, (film, _, files, _) = image.compute_transform(*own, wire.to_wire(canvas), 0.5, *PLAN)
    assert len(film.steps) == 5
    assert {Image.open(path).size for path in files} == {(size, size)}
    assert "5 of 10 steps" in image.view_entry(*own, wire.to_wire(canvas), 0.5, *PLAN)
    *_, (film, *_) = image.compute_inpainting(*own, stroke(canvas, hole=True), 1, *PLAN)
    assert len(film.steps) == 10


def test_the_canvas_follows_the_network(own, tmp_path):
    size = side_of(own[1])
    blank = image.view_canvas(*own, None, True, None)
    assert blank.side == size
    assert read_canvas(wire.to_wire(blank)) is None
    drawn = stroke(canvas_value(PICTURE))
    followed = image.view_canvas(*own, None, True, drawn)
    if size == 16:
        assert followed.side == 16
        assert read_canvas(wire.to_wire(followed)).rgba[3].tolist() == [[200, 0, 0, 255]] * 16
        assert image.view_entry(*own, drawn, 0.5, *PLAN) == ""
        for compute, value in ((image.compute_transform, 0.5), (image.compute_inpainting, 1)):
            with pytest.raises(InputError, match="choose the network again"):
                next(compute(*own, drawn, value, *PLAN))
    Image.fromarray(PICTURE[0]).save(tmp_path / "picture.png")
    back = image.view_canvas(*EMBEDDED, str(tmp_path / "picture.png"), False, wire.to_wire(blank))
    assert np.array_equal(read_canvas(wire.to_wire(back)).rgba, PICTURE[0])


def test_the_choice_is_offered_and_hides_what_such_a_network_does_not_know(own):
    shown, knows_classes = networks.view_choice("embedded", own[1])
    assert [value for _, value in shown["choices"]] == ["embedded", "own"]
    assert "knows classes" in shown["info"]
    assert knows_classes
    shown, knows_classes = networks.view_choice(*own)
    assert "without classes" in shown["info"]
    assert not knows_classes
    shown, _ = networks.view_choice("embedded", "")
    assert [value for _, value in shown["choices"]] == ["embedded"]


def test_a_forgotten_network_is_a_sentence_and_the_embedded_one_stays(own, monkeypatch):
    *_, key, _ = list(reverse.compute_sprites(*own, "any", 1, 2, 0, 1, "ddim"))[-1]
    _, where, _, canvas, *controls, _ = reverse.view_fork(event(run=key, place=1))
    monkeypatch.setattr(TRAINED, "_kept", OrderedDict())
    for ask in (
        lambda: next(reverse.compute_sprites(*own, "any", 1, 2, 0, 1, "ddim")),
        lambda: next(reverse.compute_fork(where, *controls, wire.to_wire(canvas))),
        lambda: next(reverse.compute_nearest(key)),
        lambda: next(between.compute_between(*own, "any", 1, "any", 2, 2, 2, 1, "ddim")),
        lambda: next(image.compute_transform(*own, wire.to_wire(canvas), 0.5, *PLAN)),
        lambda: image.view_canvas(*own, None, True, None),
        lambda: networks.view_choice(*own),
        lambda: networks.chosen_network("own", ""),
        lambda: networks.chosen_network("own", None),
    ):
        with pytest.raises(InputError, match="train one first"):
            ask()
    shown, _ = networks.view_choice("embedded", own[1])
    assert [value for _, value in shown["choices"]] == ["embedded"]
    for wrong in (None, "", "trained", 1, ["own"]):
        with pytest.raises(InputError, match="network"):
            networks.chosen_network(wrong, own[1])
