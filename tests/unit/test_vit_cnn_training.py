"""Fine-tuning of the CNN: resumed runs, what stays frozen, what is exported and read back."""

import copy
import io

import numpy as np
import pytest
import torch
from PIL import Image

from models import training, weights
from models.errors import WeightsError
from models.recipes.vit import train_cnn
from models.recipes.vit.data import Photo
from models.recipes.vit.train import Batches
from models.vision import cnn
from models.vit import contenders

RECIPE = train_cnn.CnnRecipe(steps=3, cooldown=1, warmup=1, batch=4, size=32)
PICTURES = list(np.random.default_rng(0).integers(0, 256, (8, 40, 40, 3), dtype=np.uint8))
LABELS = np.array([0, 1] * 4)


@pytest.fixture(scope="module")
def untrained():
    torch.manual_seed(0)
    network = cnn.EfficientNetLite(["cat", "owl"], train_cnn.PREPARE)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_var.fill_(0.05)  # so that random kernels do not shrink everything to nothing
    return network


def start(network):
    return train_cnn.CnnFit(copy.deepcopy(network), Batches(PICTURES, LABELS, RECIPE, train_cnn.PREPARE), RECIPE)


def test_a_resumed_run_ends_where_an_unbroken_one_does_and_lower_stages_stay(untrained, tmp_path):
    whole, broken, again = start(untrained), start(untrained), start(untrained)
    losses = [report.loss for report in whole.fit()]
    first = next(broken.fit()).loss
    training.save_checkpoint(tmp_path / "checkpoint.pt", broken.state_dict())
    again.resume(tmp_path / "checkpoint.pt")
    assert [first, *(report.loss for report in again.fit())] == losses
    before, after = untrained.state_dict(), whole.network.state_dict()
    assert all(torch.equal(whole.ema.state[name], again.ema.state[name]) for name in before)
    frozen = [name for name in before if name.startswith(("stem", "stages.0", "stages.1", "stages.2"))]
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    assert all(torch.equal(before[name], after[name]) for name in before if "running" in name)
    assert not torch.equal(before["stages.3.0.expand.conv.weight"], after["stages.3.0.expand.conv.weight"])
    assert not torch.equal(before["head.weight"], after["head.weight"])


def test_the_head_starts_as_a_linear_layer_that_fits_the_photos(untrained, monkeypatch):
    monkeypatch.setattr(cnn, "from_imagenet", lambda stored, labels, prepare: copy.deepcopy(untrained))
    network = train_cnn.with_probed_head({}, PICTURES, LABELS, ["cat", "owl"])
    features = train_cnn.frozen_features(network, PICTURES)
    assert (network.head(features).argmax(1).numpy() == LABELS).all()
    assert torch.equal(network.stem.conv.weight, untrained.stem.conv.weight)


def test_what_is_exported_is_read_back_as_a_cnn(untrained, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
    monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
    fit = start(untrained)
    train_cnn.export(fit, [Photo("cat", "1.jpg", _jpeg())])
    again = contenders.load_network(tmp_path / train_cnn.NAME).eval()
    assert isinstance(again, cnn.EfficientNetLite)
    assert again.labels == ("cat", "owl")
    assert again.preprocessing == train_cnn.PREPARE
    stored, kept = cnn.stored_state(again), cnn.stored_state(untrained)
    assert all(torch.equal(tensor, kept[name].half().float()) for name, tensor in stored.items())


def test_weights_of_another_network_are_refused(untrained, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
    monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
    state = cnn.stored_state(untrained)
    state["head.bias"] = torch.zeros(3)
    folder = training.export("wrong", state, cnn.config(untrained))
    with pytest.raises(WeightsError, match="do not fit"):
        contenders.load_network(folder)


def _jpeg():
    buffer = io.BytesIO()
    Image.fromarray(PICTURES[0]).save(buffer, "JPEG")
    return buffer.getvalue()
