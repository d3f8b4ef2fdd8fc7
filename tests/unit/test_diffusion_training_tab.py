"""The page that trains: what its handlers accept, stream, stop, keep and save, without a browser."""

import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from gradio.data_classes import FileData
from PIL import Image

from demos.diffusion import training
from demos.inputs import session_file
from demos.inputs.uploaded_files import ListFiles, UploadedFiles
from demos.views.diffusion import view_of_pixel
from demos.views.diffusion_training import ExampleView, FirstRecognised, SpriteTrainingView, view_of_learned
from models.compute import COMPUTING
from models.diffusion import live
from models.diffusion.network import Config
from models.diffusion.schedule import cosine_schedule
from models.diffusion.trace import Plan, denoise, first_noise
from models.diffusion.trained import TRAINED
from models.errors import InputError

TRAINING = "models.diffusion.live.train_live"
TINY = Config(classes=(), widths=(16, 16), blocks=1, heads=2, embedding=16)


@pytest.fixture(autouse=True)
def tiny(monkeypatch, tmp_path):
    monkeypatch.setattr(live, "SMALL", TINY)
    monkeypatch.setattr(TRAINED, "_kept", OrderedDict())
    monkeypatch.setattr(session_file, "get_upload_folder", lambda: str(tmp_path / "cache"))


@pytest.fixture
def archive(tmp_path):
    """A zip of three plain pictures."""
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for color in ("red", "green", "blue"):
            Image.new("RGB", (20, 20), color).save(tmp_path / f"{color}.png")
            packed.write(tmp_path / f"{color}.png", f"{color}.png")
    return str(path)


def begun(archive, **how):
    """A training of the zip, taken to its first figure: (generator, figure, name)."""
    values = {"size": 16, "start": "noise", "seconds": 60, "seed": 0, "target": "v", "steps": 5000, **how}
    stream = training.compute_training("files", "potion", [archive], *values.values())
    for view, strip, name in stream:
        if isinstance(view, SpriteTrainingView) and view.samples:
            assert "parameters" in strip
            return stream, view, name
    raise AssertionError("no figure")


@pytest.mark.parametrize("network", ["noise", "embedded"])
def test_one_step_in_numbers_fits_together(network):
    drawn = training.compute_example(network, "potion", 5, None)
    assert isinstance(drawn, ExampleView)
    assert drawn.size == {"noise": 16, "embedded": 32}[network]
    assert drawn.t == int(np.random.default_rng(5).integers(1000))
    assert drawn.x_t.shape == drawn.said.shape == (4, drawn.size, drawn.size)
    np.testing.assert_allclose(drawn.x_t, drawn.signal * drawn.x_0 + drawn.noise_share * drawn.epsilon, atol=1e-5)
    assert drawn.loss == pytest.approx(np.square(drawn.said - drawn.target).mean(), rel=1e-4)
    assert drawn.signal == pytest.approx(float(cosine_schedule().signal(drawn.t)))


def test_a_training_streams_stops_and_can_be_used_looked_at_and_saved(archive):
    stream, view, name = begun(archive)
    assert view.learned.about.startswith("(3, 16 x 16")
    assert [samples.step for samples in view.samples] == [0]
    next(stream)
    training.stop_training(name)
    *_, (last, _, _), (_, strip, _) = stream
    assert "Training is over" in strip
    assert last.samples[-1].step == TRAINED.find(name).steps >= 1
    assert last.losses[-1][0] == last.norms[-1][0] <= last.samples[-1].step
    assert len(last.losses) == len({step for step, _ in last.losses})

    assert training.kept_name(name, "before") == name
    drawn = training.compute_example("trained", "potion", 2, name)
    assert drawn.size == 16
    again, said = training.load_trained([training.save_trained(name)["value"]])
    assert again in TRAINED and "the one I trained, 16 x 16" in said


def step_of(trained):
    """The second step of a run of a trained network."""
    plan = Plan("any", 1, 4, 0, guidance=1, size=trained.settings.size)
    return list(denoise(trained.network, plan, first_noise(1, 0, plan.size)))[1]


def test_a_training_on_the_noise_ends_after_its_steps_and_is_kept_as_such(archive):
    stream, view, name = begun(archive, target="epsilon", steps=2)
    assert "of the way to the first sample nearer to a picture it was given" in view.samples[0].progress
    *_, (last, strip, _), (_, over, _) = stream
    assert "<b>says</b> the noise" in strip and "2 of at most 2" in strip and "Training is over" in over
    assert last.samples[-1].step == 2
    drawn = training.compute_example("trained", "potion", 2, name)
    assert drawn.predicts == "epsilon"
    np.testing.assert_allclose(drawn.x_t, drawn.signal * drawn.x_0 + drawn.noise_share * drawn.target, atol=1e-5)
    rows = view_of_pixel(step_of(TRAINED.find(name)), 0, 3, 4).rows
    said_by, sum_ = rows[1], rows[2]
    assert (rows[0].of, said_by.of, sum_.of) == ("x_t", "said", "x_0_of_v")
    products = rows[0].factor * np.array(rows[0].values) + said_by.factor * np.array(said_by.values)
    np.testing.assert_allclose(products, sum_.values, rtol=1e-6)
    again, said = training.load_trained([training.save_trained(name)["value"]])
    assert TRAINED.find(again).network.config.predicts == "epsilon" and "16 x 16, says the noise" in said


def test_how_far_the_first_sample_that_can_be_recognised_is():
    first = FirstRecognised(blur=20)
    assert first.sentence(np.array([120.0, 130]), 0).startswith("0 % of the way")
    assert first.sentence(np.array([70.0, 90]), 50).startswith("50 % of the way")
    assert first.sentence(np.array([19.0, 30]), 90).startswith("1 of 2 samples are nearer")
    assert first.sentence(np.array([25.0, 30]), 95).endswith("the first was seen after 90 steps.")
    assert "began 60" in (one := FirstRecognised(blur=0)).sentence(np.array([60.0]), 0)
    assert one.sentence(np.array([5.0]), 9) == "The nearest sample is 5 from the picture, where it began 60 from it."


def test_the_embedded_model_leaves_no_choice_of_size_and_of_what_is_said():
    assert [one["value"] for one in training.view_start("embedded", 16, "epsilon")] == [32, "v"]
    assert [one["value"] for one in training.view_start("noise", 16, "epsilon")] == [16, "epsilon"]


def test_leaving_ends_the_training_and_keeps_what_was_learned(archive):
    stream, _, name = begun(archive)
    assert COMPUTING[TRAINING] == 1
    for _ in range(2):
        next(stream)
    stream.close()
    assert COMPUTING[TRAINING] == 0
    assert TRAINED.find(name).steps >= 1


@pytest.mark.parametrize(
    "wrong",
    [
        ("class", "potion", None, 24, "noise", 60, 0),
        ("class", "potion", None, 16, "embedded", 60, 0),
        ("class", "potion", None, 16, "zero", 60, 0),
        ("class", "potion", None, 16, "noise", 0, 0),
        ("class", "potion", None, 16, "noise", 10_000, 0),
        ("class", "potion", None, 16, "noise", float("nan"), 0),
        ("class", "potion", None, 16, "noise", 60, -1),
        ("class", "dragon", None, 16, "noise", 60, 0),
        ("class", "potion", None, 16, "noise", 60, 0, "x_0", 100),
        ("class", "potion", None, 16, "noise", 60, 0, "v", 0),
        ("class", "potion", None, 16, "noise", 60, 0, "v", 10**9),
        ("class", "potion", None, 32, "embedded", 60, 0, "epsilon", 100),
        ("web", "potion", None, 16, "noise", 60, 0),
        ("files", "potion", None, 16, "noise", 60, 0),
        ("files", "potion", [], 16, "noise", 60, 0),
    ],
)
def test_trainings_that_are_refused(wrong):
    with pytest.raises(InputError):
        list(training.compute_training(*wrong))
    assert COMPUTING[TRAINING] == 0


def test_nothing_trained_yet_is_a_sentence():
    for ask in (
        lambda: training.save_trained(None),
        lambda: training.compute_example("trained", "potion", 0, "guess"),
    ):
        with pytest.raises(InputError, match="train one first"):
            ask()
    training.stop_training("guess")
    assert training.kept_name("guess", "before") == "before"


def test_another_seed_each_time():
    assert training.next_seed(1) == 2
    assert training.next_seed(2**31 - 2) == 0
    for wrong in (None, float("nan"), "1", -1):
        with pytest.raises(InputError, match="seed"):
            training.next_seed(wrong)


def test_files_outside_the_upload_cache_are_refused(tmp_path):
    files = UploadedFiles(file_count="multiple")
    assert files.preprocess(None) == []
    with pytest.raises(InputError, match="uploaded files"):
        files.preprocess(ListFiles([FileData(path="/etc/passwd")]))


def test_of_many_pictures_the_first_are_shown():
    assert view_of_learned(np.zeros((40, 16, 16, 4), np.uint8)).about == "(40, 32 shown, 16 x 16 pixels)"
