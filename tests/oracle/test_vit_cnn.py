"""The CNN and what is looked up in it, against finite differences, published sizes and other ways to compute."""

import numpy as np
import pytest
import torch

from demos.views.explorer import attention_rollout
from models.vision import cnn
from models.vision.network import Architecture, VisionTransformer
from models.vision.preprocessing import Preprocessing
from models.vit import contenders, gradcam
from models.vit.trace import trace_image

PUBLISHED_PARAMETERS = 4_652_008
PIXELS = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def network():
    """An untrained CNN in double precision whose normalisations are not the identity."""
    torch.manual_seed(0)
    made = cnn.EfficientNetLite(["a", "b", "c"], Preprocessing()).eval().double().requires_grad_(False)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.02, 0.1)
    return made


@pytest.fixture(scope="module")
def images(network):
    return network.preprocessing.to_tensor(PIXELS)[None].double()


def test_as_many_parameters_as_published_and_the_stages_of_table_1():
    made = cnn.EfficientNetLite([str(n) for n in range(1000)], Preprocessing())
    assert sum(p.numel() for p in made.parameters()) == PUBLISHED_PARAMETERS
    with torch.inference_mode():
        shapes = [tuple(maps.shape[1:]) for maps in made.eval().maps(torch.zeros(1, 224, 224, 3))]
    assert shapes == [
        *((32, 112, 112), (16, 112, 112), (24, 56, 56), (40, 28, 28)),
        *((80, 14, 14), (112, 14, 14), (192, 7, 7), (320, 7, 7)),
    ]


def test_the_package_of_imagenet_weights_has_a_place_for_every_tensor(network):
    stored = cnn.stored_state(network)
    theirs = {}
    flat = [(s, b) for s, stage in enumerate(cnn.STAGES) for b in range(stage.blocks)]
    for name, tensor in stored.items():
        parts = name.split(".")
        if parts[0] == "stages":
            kind, layer, leaf = parts[3:]
            norm = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}[kind]
            block = flat.index((int(parts[1]), int(parts[2])))
            theirs[f"_blocks.{block}.{f'_{kind}_conv' if layer == 'conv' else norm}.{leaf}"] = tensor
        else:
            ours = {"stem.conv": "_conv_stem", "stem.norm": "_bn0", "top.conv": "_conv_head", "top.norm": "_bn1"}
            theirs[f"{ours.get('.'.join(parts[:2]), '_fc')}.{parts[-1]}"] = tensor
    again = cnn.stored_state(cnn.from_imagenet(theirs, network.labels, network.preprocessing))
    assert again.keys() == stored.keys()
    assert all(torch.equal(again[name], stored[name].float()) for name in stored)


@pytest.mark.parametrize(("side", "kernel", "stride"), [(7, 3, 2), (8, 3, 2), (8, 5, 2), (9, 5, 1)])
def test_padding_puts_the_odd_pixel_right_and_below(side, kernel, stride):
    layer = cnn.ConvNorm(1, 1, kernel, stride).eval().requires_grad_(False)
    maps = torch.randn(1, 1, side, side)
    out = -(-side // stride)
    padded = np.zeros((side + kernel, side + kernel))
    before = max(0, (out - 1) * stride + kernel - side) // 2
    padded[before : before + side, before : before + side] = maps[0, 0]
    weight = layer.conv.weight[0, 0].numpy()
    expected = [
        [(padded[y : y + kernel, x : x + kernel] * weight).sum() for x in range(0, out * stride, stride)]
        for y in range(0, out * stride, stride)
    ]
    np.testing.assert_allclose(layer(maps)[0, 0].numpy(), np.array(expected) / np.sqrt(1 + 1e-3), atol=1e-5)


@pytest.mark.parametrize("stage", [5, 7])
def test_grad_cam_is_what_finite_differences_give(network, images, stage):
    logits, cam = gradcam.grad_cam(network, images, 1, stage)
    with torch.inference_mode():
        np.testing.assert_allclose(logits, network(images)[0].numpy(), rtol=1e-5)
        maps = network.maps(images, stages=stage)[-1]
        moved = torch.eye(maps.shape[1], dtype=torch.double)[:, :, None, None] * 1e-5  # one whole map at a time
        rise = network.logits_from(maps + moved, stage)[:, 1] - network.logits_from(maps - moved, stage)[:, 1]
    importance = rise / 2e-5 / maps[0, 0].numel()
    expected = (importance[:, None, None] * maps[0]).sum(0).relu().numpy()
    assert expected.max() > 0
    np.testing.assert_allclose(cam, expected, rtol=1e-4, atol=1e-6 * expected.max())


def test_rollout_from_the_top_is_the_product_of_all_layers():
    torch.manual_seed(0)
    shape = Architecture(16, 4, 24, 3, 2, 48, 1e-6, layer_scale=False, pool="cls")
    vit = VisionTransformer(shape, ["a", "b"], Preprocessing(size=64, shorter_side=64)).eval().requires_grad_(False)
    trace = trace_image(vit, PIXELS)
    logits, found = contenders.answer_and_map(vit, PIXELS, 0)
    np.testing.assert_allclose(found.ravel(), attention_rollout(trace.attention)[-1, 0, 1:], atol=1e-6)
    np.testing.assert_allclose(contenders.softmax(logits), trace.probabilities, atol=1e-6)


def test_attention_by_gradient_is_what_finite_differences_give():
    torch.manual_seed(0)
    shape = Architecture(32, 2, 12, 1, 2, 24, 1e-6, layer_scale=False, pool="cls")
    vit = VisionTransformer(shape, ["a", "b"], Preprocessing(size=64, shorter_side=64)).eval().requires_grad_(False)
    torch.nn.init.normal_(vit.cls)
    _, found = contenders.answer_and_map(vit, PIXELS, 1, by_gradient=True)
    vit.double()
    block = vit.blocks[0]
    stream = vit.tokens(vit.preprocessing.to_tensor(PIXELS)[None].double())
    _, attention = block.attention.forward_with_weights(block.norm1(stream))
    value = block.attention.value(block.norm1(stream)).unflatten(-1, (2, -1)).transpose(1, 2)

    def logit(weights):
        """The answer if these were the attention weights."""
        after = stream + block.attention.output((weights @ value).transpose(1, 2).flatten(2))
        after = after + block.contract(torch.nn.functional.gelu(block.expand(block.norm2(after))))
        return float(vit.classify(vit.norm(after))[0, 1])

    slope = torch.zeros_like(attention)
    for place in np.ndindex(*attention.shape):
        moved = torch.zeros_like(attention)
        moved[place] = 1e-5
        slope[place] = (logit(attention + moved) - logit(attention - moved)) / 2e-5
    expected = (slope * attention)[0].relu().mean(0)[0, 1:].numpy()
    assert expected.max() > 0
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-4 * expected.max())


def test_receptive_field_of_a_stack_of_ones_is_the_binomial_one():
    images = torch.zeros(1, 15, 15, 3, requires_grad=True)
    kernel = torch.ones(1, 1, 3, 3)
    maps = images.sum(3)[:, None]
    for _ in range(2):
        maps = torch.nn.functional.conv2d(maps, kernel, padding=1)
    line = np.zeros(15)
    line[5:10] = [1, 2, 3, 2, 1]  # two boxes of three, one over the other
    np.testing.assert_allclose(gradcam.influence_of_middle(maps, images), np.outer(line, line) / 9, atol=1e-6)


def test_early_units_of_the_cnn_see_as_far_as_their_kernels_allow_and_no_further(network):
    rng = np.random.default_rng(1)
    images = network.preprocessing.to_tensor(rng.integers(0, 256, (1, 96, 96, 3), dtype=np.uint8)).double()
    for field in list(gradcam.receptive_fields(network, images))[:4]:
        rows = np.flatnonzero(field.influence.max(1) > 0)
        assert rows[-1] - rows[0] + 1 == field.possible, field.layer
