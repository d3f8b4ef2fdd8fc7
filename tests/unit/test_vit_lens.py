"""Probes: one for each layer, read from the same tokens as the head, and better than it on the early ones."""

import json

import numpy as np
import pytest
import torch

from demos.views.vit import view_of_answers
from demos.vit.shared import example_pictures
from models import weights
from models.images import read_image
from models.recipes.vit.lens import accuracies, fit
from models.vit.lens import NAME, OF, load, probed
from models.vit.trace import load_vit, trace_picture


@pytest.fixture(scope="module")
def elephant():
    return trace_picture(OF, read_image(str(example_pictures()["An elephant"])))


def test_each_layer_is_read_by_its_own_probe(elephant):
    trace, network, probes = elephant.trace, load_vit(OF).network, load(weights.folder(NAME))
    assert elephant.probed.shape == trace.lens.shape
    np.testing.assert_allclose(elephant.probed.sum(1), 1, atol=1e-5)
    for layer in (0, 5, 12):
        tokens = network.norm(torch.from_numpy(trace.tokens[layer : layer + 1]))
        read = torch.cat([tokens[0, 0], tokens[0, 1:].mean(0)])
        expected = (probes.weight[layer] @ read + probes.bias[layer]).softmax(0).numpy()
        np.testing.assert_allclose(elephant.probed[layer], expected, atol=1e-5)


def test_the_page_shows_the_probes_beside_the_last_head(elephant):
    view = view_of_answers(elephant.trace, None, "run", (0, 0), probed=elephant.probed)
    assert len(view.probed) == len(view.lens) == 13
    assert view.probed[-1].label == view.lens[-1].label == "elephant"


def test_a_model_without_probes_has_none(elephant):
    assert probed("another", load_vit(OF).network, elephant.trace.tokens).shape == (0, 101)


def test_probes_find_what_a_layer_knows_where_a_head_of_another_layer_does_not():
    rng = np.random.default_rng(0)
    labels = torch.tensor(rng.integers(0, 3, 240))
    centres = torch.tensor(rng.normal(0, 3, (2, 3, 8)), dtype=torch.float32)
    readings = centres[:, labels].transpose(0, 1) + torch.tensor(rng.normal(0, 0.5, (240, 2, 8)), dtype=torch.float32)
    weight, bias = fit(readings[:120], labels[:120])
    right = accuracies(weight, bias, readings[120:], labels[120:].numpy())
    last = accuracies(weight[1:].expand(2, -1, -1), bias[1:].expand(2, -1), readings[120:], labels[120:].numpy())
    assert min(right) > 95
    assert last[1] == right[1]
    assert last[0] < 80


def test_the_card_holds_what_was_measured():
    about = json.loads((weights.folder(NAME) / "config.json").read_text())
    card = (weights.folder(NAME) / "README.md").read_text()
    for layer, pair in enumerate(zip(about["probe"], about["last_head"], strict=True)):
        assert f"| {layer or 'input'} | {pair[0]} | {pair[1]} |" in card
