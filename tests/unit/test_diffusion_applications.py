"""Applications: what is given is kept to, what is said is measured, and links lead where they say."""

import re
from html import unescape
from urllib.parse import parse_qs

import gradio as gr
import numpy as np
import pytest
import torch

from demos.address import _PAGES, read_values
from demos.diffusion import applications
from demos.diffusion.applications import DO, compute_application
from demos.page import create_app
from demos.views.diffusion import FilmView
from demos.views.diffusion_applications import enlarged_smoothly, find_enlarged
from models import runtime, weights
from models.diffusion.data import CLASSES, to_signal
from models.diffusion.network import Config, SpriteUNet
from models.diffusion.restoring import MEASUREMENTS, nearest_with, restore
from models.diffusion.runs import RUNS
from models.diffusion.schedule import cosine_schedule
from models.diffusion.trace import Plan
from models.errors import InputError

PICTURE = np.random.default_rng(0).integers(0, 256, (32, 32, 4), dtype=np.uint8)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = SpriteUNet(Config(classes=CLASSES, widths=(16, 16), blocks=1, heads=2, embedding=16))
    torch.nn.init.normal_(network.unfold.weight, std=0.3)
    return network.eval().requires_grad_(False)


@pytest.fixture
def small_network(monkeypatch, network):
    loaded = runtime.Loaded("sprites-unet", network, weights.find("sprites-unet"), 1, 1, "cpu")
    monkeypatch.setattr(runtime, "load", lambda name, loader: loaded)
    monkeypatch.setattr(applications, "STEPS", 4)


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_a_correction_is_the_least_that_makes_the_measurement_right(name):
    measurement, random = MEASUREMENTS[name], np.random.default_rng(1)
    x, y = random.normal(size=(3, 4, 32, 32)), measurement.of(to_signal(PICTURE[None]))
    corrected = nearest_with(x, y, measurement)
    np.testing.assert_allclose(measurement.of(corrected), np.repeat(y, 3, axis=0), atol=1e-6)
    np.testing.assert_allclose(nearest_with(corrected, y, measurement), corrected, atol=1e-6)
    other = corrected + random.normal(size=x.shape)
    other = nearest_with(other, y, measurement)  # any other picture with that measurement is farther from x
    assert np.square(other - x).sum() > np.square(corrected - x).sum()


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_what_is_given_is_kept_to_at_every_step(network, name):
    measurement = MEASUREMENTS[name]
    steps = list(restore(network, Plan("potion", 2, 5, 3, sampler="ddpm"), PICTURE, measurement))
    assert len(steps) == 5
    schedule, given = cosine_schedule(), measurement.of(to_signal(PICTURE[None]))
    for step in steps:
        off = np.abs(measurement.of(step.x_0) - given)
        assert np.quantile(off, 0.9) < 0.02, "but where a colour would leave the range"
        rebuilt = schedule.signal(step.t) * step.x_0 + schedule.noise(step.t) * step.epsilon
        np.testing.assert_allclose(step.x_t, rebuilt, atol=1e-4)
    assert not np.array_equal(steps[-1].x_0[0], steps[-1].x_0[1])


@pytest.mark.parametrize("do", [one for one in DO.values() if one != "words"])
def test_each_streams_a_film_and_says_what_was_measured(small_network, do):
    (given, *_), *made = compute_application(do, "potion", "", 1)
    assert given.count("<img") == (1 if do == "vary" else 2)
    _, film, _, files, name = made[-1]
    assert isinstance(film, FilmView) and RUNS.find(name).over and len(files) == 4
    numbers = re.findall(r"\d\.\d+", film.finding)
    assert len(numbers) >= 1 and "root mean square" in film.finding
    if do == "fill":
        assert "192 of 1024 pixels were made anew" in film.finding and "all around 0.00" in film.finding
        assert [of for _, of in film.steps[0].around] == ["known", "known_fresh"]
    if do == "enlarge":
        assert film.finding == find_enlarged(RUNS.find(name), applications.read_rgba(PATH))[1]
        assert {step.predicts for step in film.steps} == {""}


PATH = applications.example_sprites()["potion"]


def test_plain_enlarging_keeps_a_plain_picture():
    np.testing.assert_allclose(enlarged_smoothly(np.full((4, 16, 16), 0.3, np.float32)), 0.3, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"do": "sharpen"}, "What to do must be one of"),
        ({"name": "dragon"}, "The picture must be one of"),
        ({"do": "words", "words": " "}, "The prompt is empty"),
        ({"words": "a" * 501}, "The prompt has 501 characters"),
        ({"seed": -1}, "seed must be from 0"),
        ({"do": ["fill"]}, "What to do must be one of"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(change, sentence):
    with pytest.raises(InputError, match=sentence):
        next(compute_application(**{"do": "enlarge", "name": "potion", "words": "", "seed": 0, **change}))


def test_words_are_asked_for_where_they_are_read():
    assert applications.view_words("words") == gr.update(visible=True)
    assert applications.view_words("fill") == gr.update(visible=False)


def test_links_lead_to_pages_that_know_what_they_say(small_network):
    pages = _PAGES[create_app()]
    for do in DO.values():
        given, *_ = next(compute_application(do, "tree", "a blue tree", 0))
        link = parse_qs(unescape(re.search(r'href="\?([^"]*)"', given)[1]))
        kept = pages[f"{link.pop('tab')[0]}/{link.pop('at')[0]}"]
        _, refused = read_values(kept.controls, {name: value[0] for name, value in link.items()})
        assert not refused, (do, refused)
