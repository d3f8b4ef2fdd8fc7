"""Features of patches against scikit-learn, the library's own hidden states, loops in float64 and sums by hand."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from models.vision import library
from models.vit import features
from models.vit.trace import trace_image
from tests.hub.checkpoints import dinov2, vit

IMAGE = np.random.default_rng(0).integers(0, 256, (100, 140, 3), dtype=np.uint8)


def random_attention(layers, heads, count, seed=0):
    attention = np.random.default_rng(seed).random((layers, heads, count, count)).astype(np.float32)
    return attention / attention.sum(-1, keepdims=True)


@pytest.mark.parametrize("kind", ["vit", "dinov2"])
def test_features_are_the_librarys_hidden_states_and_its_output(kind, tmp_path):
    from transformers import Dinov2Model, ViTModel

    (vit if kind == "vit" else dinov2)(tmp_path / kind)
    ours = library.load(tmp_path / kind).eval()
    theirs = (ViTModel if kind == "vit" else Dinov2Model).from_pretrained(tmp_path / kind).eval()
    trace = trace_image(ours, IMAGE)
    before = trace.tokens.copy()
    found = features.patch_features(trace, ours)
    pixels = ours.preprocessing.to_tensor(trace.image)[None].permute(0, 3, 1, 2)
    with torch.inference_mode():
        outputs = theirs(pixel_values=pixels, output_hidden_states=True)
    expected = torch.cat(outputs.hidden_states)[:-1, 1:].numpy()
    np.testing.assert_allclose(found[:-1], expected, atol=1e-4)
    np.testing.assert_allclose(found[-1], outputs.last_hidden_state[0, 1:].numpy(), atol=1e-4)
    assert np.array_equal(trace.tokens, before)


@pytest.mark.parametrize(("patches", "width"), [(200, 24), (24, 200), (50, 50)])
def test_principal_components_are_scikit_learns(patches, width):
    rng = np.random.default_rng(patches)
    spread = np.linspace(5, 0.1, width)
    data = (rng.normal(size=(patches, width)) * spread + rng.normal(size=width) * 9).astype(np.float32)
    ours, theirs = features.principal_components(data), PCA(3, svd_solver="full").fit(data.astype(np.float64))
    signs = np.sign((ours.directions * theirs.components_).sum(1, keepdims=True))
    np.testing.assert_allclose(ours.directions, signs * theirs.components_, atol=1e-5)
    np.testing.assert_allclose(ours.values, theirs.transform(data) * signs.T, atol=1e-3)
    np.testing.assert_allclose(ours.shares, theirs.explained_variance_ratio_, rtol=1e-5)
    largest = np.abs(ours.directions).argmax(1)
    assert (ours.directions[np.arange(3), largest] > 0).all()
    assert np.array_equal(features.principal_components(data.copy()).values, ours.values)


def test_patches_that_do_not_differ_have_no_directions():
    still = features.principal_components(np.full((9, 5), 3.0, np.float32))
    assert not still.values.any()
    assert not still.shares.any()
    line = np.outer(np.arange(9.0), [0, -3.0, 4.0]).astype(np.float32)
    found = features.principal_components(line)
    np.testing.assert_allclose(found.shares, [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(found.directions[0], [0, -0.6, 0.8], atol=1e-6)
    np.testing.assert_allclose(found.values[:, 0], 5 * (np.arange(9.0) - 4), atol=1e-5)
    assert features.principal_components(line[:2]).values.shape == (2, 2)


def test_cosines_by_loops_in_float64():
    rng = np.random.default_rng(3)
    here, there = rng.normal(size=(12, 7)).astype(np.float32), rng.normal(size=(5, 7)).astype(np.float32)
    there[2] = 0

    def cosine(a, b):
        dot, first, second = (
            sum(float(x) * float(y) for x, y in zip(*two, strict=True)) for two in ((a, b), (a, a), (b, b))
        )
        return dot / (first * second) ** 0.5 if first * second else 0.0

    np.testing.assert_allclose(features.cosines(here, 4), [cosine(here[4], row) for row in here], atol=1e-6)
    np.testing.assert_allclose(features.cosines(here, 4, there), [cosine(here[4], row) for row in there], atol=1e-6)
    assert features.cosines(here, 4)[4] == pytest.approx(1)


@pytest.mark.parametrize("grid", [(3, 4), (1, 5)])
def test_attention_distances_by_loops_in_float64(grid):
    rows, columns = grid
    count = rows * columns
    attention = random_attention(2, 3, 1 + count)
    found = features.attention_distances(attention, grid, 14)
    one = features.attention_distances(attention, grid, 14, patch=3)
    for layer, head in np.ndindex(2, 3):
        means = []
        for i in range(count):
            weights = [float(attention[layer, head, 1 + i, 1 + j]) for j in range(count)]
            far = [
                14 * ((i // columns - j // columns) ** 2 + (i % columns - j % columns) ** 2) ** 0.5
                for j in range(count)
            ]
            means.append(sum(w * d for w, d in zip(weights, far, strict=True)) / sum(weights))
        assert found[layer, head] == pytest.approx(sum(means) / count, rel=1e-5)
        assert one[layer, head] == pytest.approx(means[3], rel=1e-5)


def test_attention_distances_by_hand():
    """Four patches of 10 pixels: at itself 0, at its neighbour in the row 10, at all alike (20 + sqrt(200)) / 4."""
    attention = np.zeros((1, 4, 5, 5), np.float32)
    attention[..., 0, 0] = 1
    attention[0, 0, 1:, 1:] = np.eye(4)
    attention[0, 1, 1:, 1:] = np.eye(4)[[1, 0, 3, 2]]
    attention[0, 2, 1:, 1:] = 0.25
    attention[0, 3, 1:] = [0.9, 0, 0, 0, 0]
    attention[0, 3, 1:, 1:] += 0.1 * np.eye(4)[[3, 2, 1, 0]]
    found = features.attention_distances(attention, (2, 2), 10)
    np.testing.assert_allclose(found, [[0, 10, (20 + 200**0.5) / 4, 200**0.5]], rtol=1e-6)
    assert features.patch_distances((2, 2), 10).mean() == pytest.approx(found[0, 2])
