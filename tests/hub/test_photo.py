"""Photos described by a tiny SmolVLM in its true format: fetched, asked, streamed, drawn, refused."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from demos.sequences import answering as page
from models import runtime, weights
from models.errors import InputError, WeightsError
from models.sequences.caption.photo import describe, load_captioner, prepare
from tests.hub.checkpoints import smolvlm

NAME = "smolvlm-256m-instruct"
PHOTO = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photo") / "smolvlm"
    smolvlm(folder)
    return folder


@pytest.fixture
def path(tmp_path):
    Image.fromarray(PHOTO).save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


def test_it_waits_for_the_hub_and_then_says_one_word_after_another(stand_in, fetched, monkeypatch, path):
    monkeypatch.setattr(runtime, "_loaded", type(runtime._loaded)())
    (waiting,) = page.compute_photo(path, NAME)
    assert "SmolVLM-256M-Instruct is not on this machine yet" in waiting[3]
    assert fetched(NAME)[-1].status == "ready"
    shown = list(page.compute_photo(path, NAME))
    names = {name for name, *_ in shown}
    assert len(names) == 1, "one run that grows"
    view = shown[-1][1]
    assert len(view.steps) == len(shown)
    assert view.steps[0].input == "the picture"
    assert "It says:" in shown[-1][2]
    assert "HuggingFaceTB/SmolVLM-256M-Instruct at 7e3e67e" in shown[-1][3]


def test_the_picture_matters(folder):
    model = load_captioner(folder).eval()
    first, second = (next(describe(model, picture)) for picture in (PHOTO, 255 - PHOTO))
    assert np.abs(first.hidden_states - second.hidden_states).max() > 1e-4
    assert (first.hidden_states[0] == second.hidden_states[0]).all(), "what stands before the picture does not see it"


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (33, 77), (512, 512)])
def test_any_shape_of_picture_becomes_the_square(shape):
    pixels = prepare(np.full((*shape, 3), 200, np.uint8), 64, 256)
    assert pixels.shape == (3, 64, 64)
    np.testing.assert_allclose(pixels, 200 / 127.5 - 1, atol=1e-6)


@pytest.mark.parametrize("model", ["caption-gru", "smollm2-135m-instruct", None, 7])
def test_other_models_are_refused(path, model):
    with pytest.raises(InputError, match="no such model"):
        next(page.compute_photo(path, model))


def test_without_the_hub_there_is_a_sentence(path, monkeypatch):
    monkeypatch.setenv("GLASSBOX_MODELS", "embedded")
    with pytest.raises(InputError, match="switched off"):
        next(page.compute_photo(path, NAME))


@pytest.mark.parametrize("damage", ["another kind", "a tensor less", "no sizes"])
def test_files_that_do_not_fit_together_are_a_sentence(folder, tmp_path, damage):
    from safetensors.torch import load_file, save_file

    copy = shutil.copytree(folder, tmp_path / "copy")
    if damage == "another kind":
        config = json.loads((copy / "config.json").read_text())
        (copy / "config.json").write_text(json.dumps(config | {"model_type": "llama"}))
    elif damage == "a tensor less":
        state = load_file(copy / "model.safetensors")
        state.pop("lm_head.weight")
        save_file(state, copy / "model.safetensors", {"format": "pt"})
    else:
        (copy / "preprocessor_config.json").write_text("{}")
    with pytest.raises(WeightsError):
        load_captioner(copy)


def test_the_catalogue_names_it():
    assert weights.offered(page.PHOTO) == [NAME]
