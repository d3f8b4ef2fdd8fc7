"""What visitors have trained, kept as files and dropped back in: the same numbers, and strict about everything else."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from demos.detection import own_boxes as detection_page
from demos.diffusion import training as diffusion_page
from demos.sequences import learning as sequences_page
from models import runtime, session
from models.detection import own_file as detection_file
from models.detection.detect import load as load_detector_of
from models.detection.network import predict
from models.detection.own import OWN as DETECTORS
from models.detection.own import Learned, keep
from models.detection.own_boxes import is_frozen, with_new_classes
from models.diffusion import own_file as diffusion_file
from models.diffusion.live import SMALL, sample_pictures
from models.diffusion.network import SpriteUNet, channels_last
from models.diffusion.trained import TRAINED, Settings, Trained
from models.errors import InputError
from models.sequences import own_file as sequences_file
from models.sequences.networks import OWN, OwnNetwork
from models.text.recurrent import CharacterNetwork, Config
from tests.detectors import tiny_detector

BASE = "rf-detr-s14-objects"


@pytest.fixture
def network():
    torch.manual_seed(3)
    return OwnNetwork(CharacterNetwork(Config("gru", 16)).eval(), "Yours: GRU, 16 units, 1,200 steps")


@pytest.fixture
def trained():
    torch.manual_seed(4)
    rgba = np.random.default_rng(0).integers(0, 255, (3, 16, 16, 4), np.uint8)
    return Trained(channels_last(SpriteUNet(SMALL)).eval(), Settings(16, "noise", 30, 5), rgba, 70)


@pytest.fixture
def detector(monkeypatch):
    """A detector of two new things on a tiny one that stands for the embedded one."""
    base = tiny_detector().eval().requires_grad_(False)
    loaded = runtime.Loaded(BASE, base, None, 1, 1, "cpu")
    monkeypatch.setattr(runtime, "load", lambda name, _: loaded)
    torch.manual_seed(5)
    state = with_new_classes(base.network, ("key", "ring")).state_dict()
    weights = {key: (one + torch.randn_like(one) * 0.05).numpy() for key, one in state.items() if not is_frozen(key)}
    return Learned(BASE, ("key", "ring"), weights)


def test_a_sequence_network_comes_back_with_the_same_numbers(network, tmp_path):
    again = OWN.find(sequences_file.load(str(sequences_file.save(network, tmp_path))))
    assert again.title == network.title
    symbols = torch.arange(12)[:, None] % 7
    one_hot = torch.nn.functional.one_hot(symbols, len(network.network.config.alphabet)).float()
    with torch.no_grad():
        before, after = (one.recurrent(one_hot)[0] for one in (network.network, again.network))
    assert torch.equal(before, after)


def test_a_sprite_network_comes_back_with_pictures_and_numbers(trained, tmp_path):
    again = TRAINED.find(diffusion_file.load(str(diffusion_file.save(trained, tmp_path))))
    assert (again.settings, again.steps, again.title) == (trained.settings, trained.steps, trained.title)
    np.testing.assert_array_equal(again.rgba, trained.rgba)
    drawn = [sample_pictures(one.network, 16, count=2, steps=2) for one in (trained, again)]
    np.testing.assert_array_equal(*drawn)


def test_a_detector_comes_back_and_finds_the_same(detector, tmp_path):
    name = detection_file.load(str(detection_file.save(detector, tmp_path)))
    again = DETECTORS.find(name)
    assert (again.base, again.labels) == (detector.base, detector.labels)
    image = np.random.default_rng(1).integers(0, 255, (60, 60, 3), np.uint8)
    before, after = (predict(load_detector_of(one).network, image) for one in (keep(detector), name))
    np.testing.assert_allclose(after.logits, before.logits, atol=0.02)
    np.testing.assert_allclose(after.boxes_cxcywh, before.boxes_cxcywh, atol=0.01)


def test_no_backbone_is_in_a_detectors_file(detector, tmp_path):
    assert not any(map(is_frozen, load_file(detection_file.save(detector, tmp_path))))


FILES = {
    "sequences": (sequences_file, "network"),
    "diffusion": (diffusion_file, "trained"),
    "detection": (detection_file, "detector"),
}


@pytest.fixture(params=FILES)
def saved(request, tmp_path):
    """The module of a kind of file, and one of its files."""
    module, made = FILES[request.param]
    return module, module.save(request.getfixturevalue(made), tmp_path)


def rewritten(path, *, told=None, about=None, tensors=None):
    """The file with changes to what it tells or holds."""
    with safe_open(path, "pt") as file:
        before = json.loads(file.metadata()[session.FORMAT])
    held = load_file(path)
    before["about"] |= about or {}
    before |= told or {}
    save_file((tensors or (lambda one: one))(held), path, metadata={session.FORMAT: json.dumps(before)})
    return str(path)


def first_float(held):
    return next(name for name in sorted(held) if held[name].is_floating_point() and held[name].dim())


def spoiled(held):
    name = first_float(held)
    changed = held[name].clone()
    changed.view(-1)[0] = float("nan")
    return {**held, name: changed}


def another_shape(held):
    name = first_float(held)
    return {**held, name: torch.cat([held[name], held[name]])}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"told": {"version": 2}}, "another version"),
        ({"told": {"kind": "a cake"}}, "does not hold"),
        ({"told": {"format": "other"}}, "damaged"),
        ({"told": {"about": 7}}, "damaged"),
        ({"tensors": spoiled}, "not finite"),
        ({"tensors": another_shape}, "another architecture"),
        ({"tensors": lambda held: {**held, "network.extra": torch.zeros(1)}}, "another architecture"),
        ({"tensors": lambda held: {name: one for name, one in held.items() if name != first_float(held)}}, "another"),
    ],
)
def test_what_was_not_saved_here_is_said(saved, change, sentence):
    module, path = saved
    with pytest.raises(InputError, match=sentence):
        module.load(rewritten(path, **change))


def test_damaged_and_foreign_files_are_said(saved, tmp_path):
    module, path = saved
    content = path.read_bytes()
    for data in (b"", b"x", content[:-5], content[: len(content) // 2], b"\xff" * 4000, b"PK\x03\x04" + content):
        (tmp_path / "other.safetensors").write_bytes(data)
        with pytest.raises(InputError, match="damaged"):
            module.load(str(tmp_path / "other.safetensors"))
    save_file({"a": torch.zeros(2)}, tmp_path / "plain.safetensors")
    with pytest.raises(InputError, match="damaged"):
        module.load(str(tmp_path / "plain.safetensors"))


def test_a_large_file_is_refused_unread(saved, monkeypatch):
    module, path = saved
    monkeypatch.setattr(session, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match="more than"):
        module.load(str(path))


@pytest.mark.parametrize("about", [{"cell": "x"}, {"units": 10**9}, {"units": True}, {"title": ""}, {"alphabet": "ab"}])
def test_impossible_sequence_networks_are_said(network, tmp_path, about):
    with pytest.raises(InputError):
        sequences_file.load(rewritten(sequences_file.save(network, tmp_path), about=about))


@pytest.mark.parametrize(
    "about",
    [
        {"steps": 0},
        {"settings": {"size": 17, "start": "noise", "seconds": 1, "seed": 0}},
        {"settings": {"size": 32, "start": "noise", "seconds": 1, "seed": 0}},
        {"settings": None},
        {"config": {"classes": [], "widths": [8000, 8000], "blocks": 1, "heads": 4, "embedding": 128}},
        {"config": {"classes": [], "widths": [48, 96], "blocks": 10**6, "heads": 4, "embedding": 128}},
        {"config": {"classes": [], "widths": [50, 96], "blocks": 1, "heads": 4, "embedding": 128}},
        {"config": "large"},
    ],
)
def test_impossible_sprite_networks_are_said(trained, tmp_path, about):
    with pytest.raises(InputError):
        diffusion_file.load(rewritten(diffusion_file.save(trained, tmp_path), about=about))


@pytest.mark.parametrize(
    "about",
    [
        {"base": "rf-detr-nano"},
        {"base": "nobody"},
        {"base_sha256": "0" * 64},
        {"labels": []},
        {"labels": ["a"] * 7},
        {"labels": ["key", "KEY"]},
        {"labels": ["key", 7]},
        {"labels": ["key", "x" * 41]},
        {"labels": ["one"]},
    ],
)
def test_impossible_detectors_are_said(detector, tmp_path, about):
    with pytest.raises(InputError):
        detection_file.load(rewritten(detection_file.save(detector, tmp_path), about=about))


def test_pages_keep_and_load(network, trained, detector):
    for page, save, load, name in (
        (sequences_page, sequences_page.save_own, sequences_page.load_own, OWN.put(network)),
        (diffusion_page, diffusion_page.save_trained, diffusion_page.load_trained, TRAINED.put(trained)),
        (detection_page, detection_page.save_own, detection_page.load_own, keep(detector)),
    ):
        again, strip = load([save(name)["value"]])
        assert again != name and "Loaded: " in strip, page
        with pytest.raises(InputError, match="Give one file"):
            load(["one", "two"])


@pytest.mark.parametrize(
    "save",
    [
        lambda: sequences_page.save_own(None),
        lambda: detection_page.save_own(BASE),
        lambda: sequences_page.save_own("x"),
    ],
)
def test_nothing_to_keep_is_said(save):
    with pytest.raises(InputError):
        save()
