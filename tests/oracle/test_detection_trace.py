"""What a trace says of the inside of RF-DETR, against the library's own outputs, eager attention and float64."""

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from models import runtime
from models.detection.network import load_detector, predict, preprocess
from models.detection.trace import moved, trace_detection
from models.images import read_image
from tests.detectors import stirred, tiny_detector


def embedded():
    return runtime.load("rf-detr-s14-objects", load_detector).network


MAKERS = {"embedded": embedded, "windows": lambda: stirred(tiny_detector(windows=2))}


@pytest.fixture(scope="module", params=sorted(MAKERS))
def detector(request):
    return MAKERS[request.param]()


@pytest.fixture(scope="module")
def image():
    return read_image("assets/media/detection-1.png")


@pytest.fixture(scope="module")
def trace(detector, image):
    return trace_detection(detector, image)


@pytest.fixture(scope="module")
def library(detector, image):
    """The library's outputs, and what it gave to and got from its attention layers, with eager attention."""
    eager = copy.deepcopy(detector)
    eager.network.set_attn_implementation("eager")
    model, seen = eager.network.model, {"decoder": [], "backbone": [], "maps": []}

    def decoder(module, arguments, named, output):
        seen["decoder"].append((module, arguments[0], named["position_embeddings"], output[1]))

    def backbone(module, arguments, named, output):
        seen["backbone"].append((module, arguments[0]))
        seen["maps"].append(output[1])

    for layer in model.decoder.layers:
        layer.self_attn.register_forward_hook(decoder, with_kwargs=True)
    for layer in model.backbone.backbone.encoder.layer:
        layer.attention.register_forward_hook(backbone, with_kwargs=True)
    with torch.no_grad():
        seen["outputs"] = eager(preprocess(image, eager.resolution))
    seen["embeddings"] = model.backbone.backbone.embeddings
    return seen


def float64_attention(module, queries_from, keys_from, heads):
    def projected(linear, states):
        weight, bias = linear.weight.detach().double().numpy(), linear.bias.detach().double().numpy()
        states = states[0].detach().double().numpy() @ weight.T + bias
        return states.reshape(len(states), heads, -1).transpose(1, 0, 2)

    queries, keys = projected(module.q_proj, queries_from), projected(module.k_proj, keys_from)
    scores = np.einsum("hqd,hkd->hqk", queries, keys) / np.sqrt(queries.shape[-1])
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def test_the_trace_equals_the_untraced_run(detector, image, trace):
    plain = predict(detector, image)
    np.testing.assert_array_equal(trace.prediction.logits, plain.logits)
    np.testing.assert_array_equal(trace.prediction.boxes_cxcywh, plain.boxes_cxcywh)


def test_the_last_layer_is_the_output(trace):
    np.testing.assert_allclose(trace.logits[-1], trace.prediction.logits, atol=1e-5)
    np.testing.assert_allclose(trace.boxes_cxcywh[-1], trace.prediction.boxes_cxcywh, atol=1e-6)
    assert np.abs(trace.boxes_cxcywh[0] - trace.boxes_cxcywh[-1]).max() > 1e-3


def test_every_layer_moves_the_same_reference_box(trace):
    np.testing.assert_allclose(moved(trace.references_cxcywh, trace.deltas), trace.boxes_cxcywh, atol=1e-6, rtol=1e-5)


def test_a_query_starts_from_its_proposal_and_its_learned_shift(trace, library):
    outputs, proposals = library["outputs"], trace.proposals
    taken = proposals.boxes_cxcywh[proposals.chosen]
    np.testing.assert_allclose(taken, outputs.enc_outputs_coord_logits[0].detach(), atol=1e-5)
    np.testing.assert_allclose(proposals.logits[proposals.chosen], outputs.enc_outputs_class[0].detach(), atol=1e-3)
    np.testing.assert_allclose(moved(taken, trace.shifts), trace.references_cxcywh, atol=1e-6, rtol=1e-5)


def test_the_queries_took_the_best_proposals_in_order(trace):
    best = trace.proposals.logits.max(-1)
    taken = best[trace.proposals.chosen]
    assert (np.diff(taken) <= 0).all()
    left = np.delete(best, trace.proposals.chosen)
    assert not len(left) or left.max() <= taken.min()


def test_sampling_weights_sum_to_one(trace):
    np.testing.assert_allclose(trace.weights.sum(-1), 1, atol=1e-5)


def test_sampling_points_are_the_reference_and_the_layers_offsets(detector, trace, library):
    """Deformable DETR, eq. 2, for boxes: centre + offset / points x size / 2, in float64 from the layer's weights."""
    seen = []
    layers = detector.network.model.decoder.layers
    hooks = [
        layer.cross_attn.register_forward_hook(
            lambda module, _, named, __: seen.append((module, named["hidden_states"] + named["position_embeddings"])),
            with_kwargs=True,
        )
        for layer in layers
    ]
    with torch.no_grad():
        detector(preprocess(read_image("assets/media/detection-1.png"), detector.resolution))
    for hook in hooks:
        hook.remove()
    centre, size = np.split(trace.references_cxcywh.astype(np.float64)[:, None, None], 2, -1)
    for points, (module, states) in zip(trace.points_xy, seen, strict=True):
        linear = module.sampling_offsets
        offsets = states[0].double().numpy() @ linear.weight.detach().double().numpy().T + linear.bias.detach().numpy()
        offsets = offsets.reshape(points.shape)
        np.testing.assert_allclose(points, centre + offsets / module.n_points * size * 0.5, atol=1e-4)


def test_self_attention_sums_to_one_and_is_that_of_the_layers_weights(trace, library):
    np.testing.assert_allclose(trace.self_attention.sum(-1), 1, atol=1e-5)
    assert len(trace.self_attention) == len(library["decoder"])
    for ours, (module, states, positions, eager) in zip(trace.self_attention, library["decoder"], strict=True):
        np.testing.assert_allclose(ours, eager[0].detach(), atol=3e-5)  # float32, whose rounding is the processor's
        states = states + positions
        np.testing.assert_allclose(ours, float64_attention(module, states, states, len(ours)), atol=3e-5)


def test_patches_look_where_the_library_says(trace, library):
    """Rows of some patches against eager attention; the library itself says which token stands where in its windows."""
    patches = trace.backbone.grid[0] * trace.backbone.grid[1]
    names = torch.arange(1.0 + patches)[None, :, None]
    embeddings = library["embeddings"]
    windows = trace.backbone.side
    side = trace.backbone.grid[0] * embeddings.patch_size
    ids = embeddings.window_partition(names, side, side)[..., 0].long() if windows > 1 else names[..., 0].long()
    assert ids.shape == (windows**2, 1 + patches // windows**2)
    for token in (0, 1, patches // 2, patches):
        ours = trace.backbone.rows_of(token)
        np.testing.assert_allclose(ours.sum(-1), 1, atol=1e-5)
        window, place = (ids == token).nonzero()[0].tolist()
        for layer, attention in enumerate(library["maps"]):
            whole = attention.shape[0] == 1
            row = attention[0, :, window * ids.shape[1] + place] if whole else attention[window, :, place]
            seen = ids.flatten() if whole else ids[window]
            expected = torch.zeros(row.shape[0], 1 + patches).index_add_(1, seen, row.detach())
            np.testing.assert_allclose(ours[layer], expected, atol=1e-4)  # two ways of float32; float64 comes next


@pytest.mark.parametrize("detector", ["embedded"], indirect=True)
def test_patches_look_as_float64_says(trace, library):
    for layer in (0, 5, 11):
        module, states = library["backbone"][layer]
        expected = float64_attention(module, states, states, trace.backbone.queries.shape[1])
        for token in (0, 40, 300):
            np.testing.assert_allclose(trace.backbone.rows_of(token)[layer], expected[:, token], atol=1e-5)


def test_in_windows_a_patch_sees_its_own_window_only():
    trace = trace_detection(stirred(tiny_detector(windows=2)), np.zeros((56, 56, 3), np.uint8))
    assert trace.backbone.is_global.any()
    assert not trace.backbone.is_global.all()
    rows = trace.backbone.rows_of(trace.backbone.patch_at(0.9, 0.1))[..., 1:].reshape(4, 2, 4, 4)
    for layer, whole in zip(rows, trace.backbone.is_global, strict=True):
        assert (layer[:, :2, 2:] > 0).all()
        elsewhere = layer.sum((-1, -2)) - layer[:, :2, 2:].sum((-1, -2))
        assert (elsewhere > 0.01).all() if whole else (np.abs(elsewhere) < 1e-6).all()


def test_two_threads_at_once_see_their_own_run(detector, image):
    other = np.ascontiguousarray(image[::-1, ::-1])
    alone = [trace_detection(detector, picture) for picture in (image, other)]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda picture: trace_detection(detector, picture), (image, other)))
    for one, two in zip(alone, together, strict=True):
        assert one.points_xy.shape == two.points_xy.shape
        np.testing.assert_allclose(two.points_xy, one.points_xy, atol=1e-4)
        np.testing.assert_allclose(two.self_attention, one.self_attention, atol=1e-4)
        np.testing.assert_allclose(two.proposals.logits, one.proposals.logits, atol=1e-3)
        np.testing.assert_allclose(two.backbone.rows_of(5), one.backbone.rows_of(5), atol=1e-4)
    assert np.abs(alone[0].points_xy - alone[1].points_xy).max() > 1e-3
