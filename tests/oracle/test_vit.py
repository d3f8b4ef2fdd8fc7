"""The Vision Transformer against the library's own and against the equations in float64."""

import numpy as np
import pytest
import torch

from demos.views.explorer import attention_rollout, pack_attention
from models import training, weights
from models.vision import library
from models.vit.cost import cost_of
from models.vit.trace import Edits, trace_image
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


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """(our network, the library's) of a tiny DINOv2 with a head, whose positions and weights are far from zero."""
    from transformers import Dinov2Config, Dinov2ForImageClassification

    torch.manual_seed(1)
    sizes = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "mlp_ratio": 2}
    config = Dinov2Config(**sizes, image_size=126, patch_size=14, num_labels=5, attn_implementation="eager")
    theirs = Dinov2ForImageClassification(config).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    folder = tmp_path_factory.mktemp("classifier")
    theirs.save_pretrained(folder)
    return library.load(folder).eval(), theirs


@pytest.mark.parametrize("side", [1, 5, 9, 16, 20])
def test_every_resolution_gives_what_the_library_gives(classifier, side):
    ours, theirs = classifier
    trace = trace_image(ours, IMAGE, size=14 * side)
    pixels = ours.preprocessing.to_tensor(trace.image)[None].permute(0, 3, 1, 2)
    with torch.inference_mode():
        outputs = theirs(pixels, output_attentions=True, output_hidden_states=True)
    assert trace.grid == (side, side)
    np.testing.assert_allclose(trace.tokens, torch.cat(outputs.hidden_states).numpy(), atol=2e-4)
    np.testing.assert_allclose(trace.attention, torch.cat(outputs.attentions).numpy(), atol=1e-5)
    np.testing.assert_allclose(trace.probabilities, outputs.logits[0].softmax(-1).numpy(), atol=1e-5)


def test_without_positions_the_patches_are_a_bag(classifier):
    """Cutting the picture up and putting it together in another order changes nothing, and with positions it does."""
    ours, _ = classifier
    first = trace_image(ours, IMAGE, size=70, edits=Edits("removed"))
    order = np.random.default_rng(2).permutation(25)
    mixed = first.patches.reshape(25, 14, 14, 3)[order].reshape(5, 5, 14, 14, 3)
    picture = mixed.transpose(0, 2, 1, 3, 4).reshape(70, 70, 3)
    again, kept = (trace_image(ours, picture, size=70, edits=Edits(how)) for how in ("removed", "kept"))
    assert np.array_equal(again.image, picture)
    np.testing.assert_allclose(again.probabilities, first.probabilities, atol=1e-5)
    np.testing.assert_allclose(again.tokens[:, 1:], first.tokens[:, 1 + order], atol=1e-4)
    assert np.abs(kept.probabilities - trace_image(ours, IMAGE, size=70).probabilities).max() > 1e-3


def test_edits_change_the_positions_of_patches_and_nothing_else(classifier):
    ours, _ = classifier
    plain, nothing, removed, shuffled = (
        trace_image(ours, IMAGE, size=70, **edits)
        for edits in ({}, *({"edits": Edits(how)} for how in ("kept", "removed", "shuffled")))
    )
    for name in ("tokens", "attention", "probabilities"):
        assert np.array_equal(getattr(plain, name), getattr(nothing, name))
    assert np.array_equal(removed.tokens[0, 1:], removed.embeddings)
    assert np.array_equal(removed.tokens[0, 0], plain.tokens[0, 0])
    assert not np.array_equal(shuffled.positions, plain.positions)
    assert {row.tobytes() for row in shuffled.positions} == {row.tobytes() for row in plain.positions}
    with pytest.raises(ValueError, match="swapped"):
        Edits("swapped")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("side", [4, 9])
def test_multiply_adds_are_those_that_the_profiler_counts(classifier, side):
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    ours, _ = classifier
    images = torch.zeros(1, side * 14, side * 14, 3)
    with sdpa_kernel(SDPBackend.MATH), torch.no_grad(), FlopCounterMode(display=False) as counter:
        ours(images)
    cost = cost_of(ours.shape, side, len(ours.labels))
    assert counter.get_total_flops() == 2 * cost.multiply_adds
    trace = trace_image(ours, np.zeros((9, 9, 3), np.uint8), size=side * 14)
    assert (cost.tokens, cost.attention) == (len(trace.positions), trace.attention.size)


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


def test_packed_attention_reads_back_within_one_percent_of_its_row(classifier):
    trace = trace_image(classifier[0], IMAGE, size=70)
    packed = pack_attention(trace.attention)
    back = (packed.steps / 255.0) ** 2 * packed.largest[..., None]
    expected = np.concatenate([trace.attention, attention_rollout(trace.attention)[:, None]], axis=1)
    assert (np.abs(back - expected) <= 0.01 * packed.largest[..., None]).all()


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
