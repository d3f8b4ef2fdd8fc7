"""The Vision Transformer against the library's own and against the equations in float64."""

import numpy as np
import pytest
import torch

from demos.figures.vit import attention_rollout
from models import training, weights
from models.vit import library
from models.vit.trace import trace_image
from tests.hub.checkpoints import dinov2, vit

IMAGE = np.random.default_rng(0).integers(0, 256, (100, 140, 3), dtype=np.uint8)


@pytest.fixture(scope="module", params=["vit", "dinov2"])
def pair(request, tmp_path_factory):
    """(our network, the library's with eager attention) from the same folder of tiny weights."""
    from transformers import Dinov2Model, ViTForImageClassification

    folder = tmp_path_factory.mktemp(request.param)
    (vit if request.param == "vit" else dinov2)(folder)
    kind = ViTForImageClassification if request.param == "vit" else Dinov2Model
    return library.load(folder).eval(), kind.from_pretrained(folder, attn_implementation="eager").eval()


def test_attention_and_answer_are_the_librarys(pair):
    ours, theirs = pair
    trace = trace_image(ours, IMAGE)
    pixels = ours.preprocessing.to_tensor(trace.image)[None].permute(0, 3, 1, 2)
    with torch.inference_mode():
        outputs = theirs(pixel_values=pixels, output_attentions=True, output_hidden_states=True)
    expected = torch.stack([a[0] for a in outputs.attentions]).numpy()
    np.testing.assert_allclose(trace.attention, expected, atol=1e-5)
    np.testing.assert_allclose(trace.cls, torch.cat([h[:, 0] for h in outputs.hidden_states]).numpy(), atol=1e-4)
    if trace.labels:
        np.testing.assert_allclose(trace.probabilities, outputs.logits[0].softmax(-1).numpy(), atol=1e-5)


def test_first_layer_by_hand_in_float64(pair):
    ours, _ = pair
    trace = trace_image(ours, IMAGE)
    block = ours.blocks[0].double()
    try:
        tokens = np.concatenate([np.zeros((1, trace.embeddings.shape[1])), trace.embeddings]).astype(np.float64)
        tokens[0] = ours.cls[0, 0].detach().double().numpy()
        tokens += trace.positions
        mean, variance = tokens.mean(-1, keepdims=True), tokens.var(-1, keepdims=True)
        scale, shift = (p.detach().numpy() for p in (block.norm1.weight, block.norm1.bias))
        normed = (tokens - mean) / np.sqrt(variance + block.norm1.eps) * scale + shift
        width, heads = tokens.shape[1], block.attention.heads
        query, key = (
            normed @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
            for layer in (block.attention.query, block.attention.key)
        )
        for head in range(heads):
            part = slice(head * width // heads, (head + 1) * width // heads)
            scores = query[:, part] @ key[:, part].T / np.sqrt(width // heads)
            expected = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
            np.testing.assert_allclose(trace.attention[0, head], expected, atol=1e-5)
    finally:
        block.float()


def test_patches_put_back_together_are_the_picture(pair):
    trace = trace_image(pair[0], IMAGE)
    rows, columns, side, _, _ = trace.patches.shape
    again = trace.patches.transpose(0, 2, 1, 3, 4).reshape(rows * side, columns * side, 3)
    assert np.array_equal(again, trace.image)


def test_another_resolution_gives_another_grid_and_the_same_sums(pair):
    ours, _ = pair
    trace = trace_image(ours, IMAGE, size=ours.shape.patch_size * 5)
    assert trace.grid == (5, 5)
    np.testing.assert_allclose(trace.attention.sum(-1), 1, atol=1e-5)


def test_rollout_against_float64_by_definition():
    generator = np.random.default_rng(1)
    attention = generator.random((3, 2, 5, 5))
    attention /= attention.sum(-1, keepdims=True)
    expected = np.eye(5)
    for layer in attention:
        expected = (0.5 * layer.mean(0) + 0.5 * np.eye(5)) @ expected
    np.testing.assert_allclose(attention_rollout(attention)[-1], expected, atol=1e-12)
    np.testing.assert_allclose(attention_rollout(attention).sum(-1), 1, atol=1e-12)


def test_what_we_write_the_library_reads(tmp_path, monkeypatch):
    """An exported network gives the same answer in the library's `Dinov2ForImageClassification`."""
    from transformers import Dinov2ForImageClassification

    monkeypatch.setattr(weights, "EMBEDDED", tmp_path / "weights")
    monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
    dinov2(tmp_path / "tiny")
    backbone = library.load(tmp_path / "tiny")
    network = type(backbone)(backbone.shape, ["cat", "dog"], backbone.preprocessing).eval()
    network.load_state_dict(backbone.state_dict(), strict=False)
    name = "vit-s14-caltech101"
    folder = training.export(name, library.to_library_state(network), library.library_config(network))
    theirs = Dinov2ForImageClassification.from_pretrained(folder).eval()
    trace = trace_image(network, IMAGE)
    pixels = network.preprocessing.to_tensor(trace.image)[None].permute(0, 3, 1, 2)
    with torch.inference_mode():
        expected = theirs(pixels).logits[0].softmax(-1).numpy()
    np.testing.assert_allclose(trace.probabilities, expected, atol=1e-5)
