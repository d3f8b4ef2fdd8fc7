"""The endpoints that change a picture or a run, called as Gradio would, with a small random network."""

import numpy as np
import pytest
import torch
from PIL import Image

from demos.diffusion import api_edits
from models import runtime, weights
from models.diffusion import trace
from models.diffusion.data import CLASSES
from models.diffusion.network import Config, SpriteUNet
from models.errors import InputError


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


@pytest.fixture
def pictures(tmp_path):
    """Paths of a green picture and of a mask of its left half, both twice the size of a sprite."""
    Image.new("RGBA", (64, 64), (0, 200, 0, 255)).save(tmp_path / "picture.png")
    mask = np.zeros((64, 64), np.uint8)
    mask[:, :32] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return str(tmp_path / "picture.png"), str(tmp_path / "mask.png")


def shown(path):
    return np.asarray(Image.open(path))


def paths_of(files):
    return [file if isinstance(file, str) else file.path for file in files]


def test_a_hole_is_filled_and_all_around_it_stays(pictures):
    *steps, (facts, files) = api_edits.diffusion_inpaint(*pictures, "potion", 2, 2, 3, 5, False)
    assert [answer["step"] for answer, _ in steps] == [1, 1, 2, 2, 3, 3]
    assert (facts["hole"], facts["rounds"], facts["model"], len(files)) == (32 * 16, 2, "sprites-unet", 2)
    first, second = map(shown, files)
    assert (first[:, 16:] == (0, 200, 0, 255)).all()
    assert not np.array_equal(first[:, :16], second[:, :16])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"mask": None}, "There is no mask"),
        ({"mask": "picture"}, "marks no hole"),
        ({"image": None}, "no picture yet"),
        ({"rounds": 5}, "rounds must be from 1 to 4"),
        ({"negative": "red"}, "needs a prompt"),
        ({"cut_out": "yes"}, "cut_out must be true or false"),
    ],
)
def test_fillings_that_are_refused(pictures, change, sentence):
    image, mask = pictures
    change = {name: image if value == "picture" else value for name, value in change.items()}
    with pytest.raises(InputError, match=sentence):
        next(api_edits.diffusion_inpaint(**{"image": image, "mask": mask, "cut_out": False, **change}))


def test_a_walk_has_its_ends_where_the_single_runs_are():
    *steps, (facts, files) = api_edits.diffusion_between("potion", "tree", 3, 4, 5, 4, "euler")
    assert len(steps) == 4
    assert facts["shares"] == [0, 0.25, 0.5, 0.75, 1]
    assert len(facts["distances"]) == len(files) - 1 == 4 and all(facts["distances"])
    *_, (alone, single) = api_edits.diffusion_between("potion", "potion", 3, 3, 2, 4, "euler")
    assert alone["distances"] == [0]
    assert np.array_equal(shown(paths_of(files)[0]), shown(paths_of(single)[0]))


@pytest.mark.parametrize("change", [{"count": 1}, {"last_class": "dragon"}, {"last_seed": -1}, {"sampler": None}])
def test_walks_that_are_refused(change):
    with pytest.raises(InputError):
        next(api_edits.diffusion_between(**change))


@pytest.mark.parametrize("sampler", ["ddim", "ddpm", "unipc"])
def test_a_fork_of_nothing_repeats_the_run(sampler):
    *steps, (facts, files) = api_edits.diffusion_fork("potion", 3, count=2, steps=5, sampler=sampler)
    assert [answer["step"] for answer, _ in steps] == [1, 2, 3, 4, 5, 3, 4, 5]
    assert (facts["changed"], facts["difference"], facts["t"]) == ("nothing changed", 0, 599)
    sprites = [shown(path) for path in paths_of(files)]
    assert np.array_equal(sprites[:2], sprites[2:])


def test_a_fork_goes_on_by_what_is_changed():
    *_, (facts, files) = api_edits.diffusion_fork("potion", 2, "tree", 3, "ddpm", 7, 1, 4)
    assert facts["changed"] == "class potion → tree, guidance 1.5 → 3, sampler DDIM → DDPM, seed 0 → 7"
    assert facts["difference"] > 0
    assert facts["images"] == ["potion-0-0.png", "tree-7-fork-0.png"] and len(files) == 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"step": 0}, "step must be from 1 to 25"),
        ({"step": 26}, "step must be from 1 to 25"),
        ({"to_class": "dragon"}, "sprite class must be one of"),
        ({"to_guidance": 9}, "Guidance must be from 1 to 8"),
        ({"to_sampler": "fast"}, "sampler must be one of"),
        ({"to_seed": -2}, "seed must be from 0"),
    ],
)
def test_forks_that_are_refused(change, sentence):
    with pytest.raises(InputError, match=sentence):
        next(api_edits.diffusion_fork(**change))


def test_nothing_is_computed_for_what_is_refused(monkeypatch):
    monkeypatch.setattr(trace, "denoise_once", None)
    with pytest.raises(InputError):
        next(api_edits.diffusion_fork(step="5"))
