"""Our pre- and post-processing against the published definition, and the points of a trace against the formula."""

import ast
import functools
import types
from pathlib import Path

import numpy as np
import pytest
import supervision
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import grid_sample, interpolate
from transformers.image_transforms import center_to_corners_format

from models.detection.boxes import Prediction, postprocess
from models.detection.network import MEAN, STD, preprocess
from models.detection.trace import trace_detection
from tests.detectors import tiny_detector

sizes = st.integers(1, 90)


@functools.cache
def published_postprocessing():
    """The method of transformers' image processor, read from its source: importing that module needs torchvision."""
    source = Path(transformers.__file__).parent / "models" / "rf_detr" / "image_processing_rf_detr.py"
    name = "post_process_object_detection"
    functions = (node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.FunctionDef))
    code = "from __future__ import annotations\n" + ast.unparse(next(f for f in functions if f.name == name))
    scope = {"torch": torch, "center_to_corners_format": center_to_corners_format}
    exec(code, scope)
    return scope[name]


@settings(max_examples=60, deadline=None)
@given(height=sizes, width=sizes, target=sizes)
def test_resizing_is_torchs_bilinear_without_antialias(height, width, target):
    image = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
    torch.testing.assert_close(preprocess(image, target), published(image, target), atol=5e-4, rtol=1e-3)


def published(image, target):
    """The definition, in PyTorch's words. Five ten-thousandths are 0.03 steps of grey of 255."""
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    resized = interpolate(pixels, size=(target, target), mode="bilinear", align_corners=False, antialias=False)
    mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]
    return (resized - mean) / std


@pytest.mark.parametrize("size", [(480, 640), (333, 250), (252, 252), (1, 1)])
def test_preprocessing_is_scale_resize_normalise(size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    torch.testing.assert_close(preprocess(image, 252), published(image, 252), atol=5e-4, rtol=1e-3)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(5))
def test_postprocessing_is_the_published_one(threshold, seed):
    torch.manual_seed(seed)
    logits, boxes = torch.randn(1, 100, 25) * 2, torch.rand(1, 100, 4)
    outputs = types.SimpleNamespace(logits=logits, pred_boxes=boxes)
    expected = published_postprocessing()(None, outputs, threshold=threshold, target_sizes=[(480, 640)])[0]
    labels = tuple(f"class {i}" for i in range(25))
    ours = postprocess(Prediction(logits[0].numpy(), boxes[0].numpy(), (480, 640), labels), threshold)
    clamped = expected["boxes"].numpy().clip(0, [640, 480, 640, 480])  # the only difference: no box leaves the picture
    np.testing.assert_allclose(ours.scores, expected["scores"], atol=1e-6)
    np.testing.assert_array_equal(ours.classes, expected["labels"])
    np.testing.assert_allclose(ours.pixels((480, 640)), clamped, atol=1e-3)


@pytest.mark.parametrize("overlap", [0.1, 0.3, 0.5])
@pytest.mark.parametrize("seed", range(5))
def test_suppression_is_the_librarys(overlap, seed):
    random = np.random.default_rng(seed)
    logits, boxes = random.normal(0, 2, (60, 3)).astype(np.float32), random.random((60, 4)).astype(np.float32)
    plain = postprocess(Prediction(logits, boxes, (480, 640), ("a", "b", "c")), 0.1)
    ours = postprocess(Prediction(logits, boxes, (480, 640), ("a", "b", "c"), overlap), 0.1)
    rows = np.column_stack([plain.pixels((480, 640)), plain.scores, plain.classes])
    library = supervision.box_non_max_suppression(rows, overlap)
    assert 0 < len(ours) < len(plain)
    np.testing.assert_array_equal(ours.queries, plain.queries[library])
    np.testing.assert_array_equal(ours.classes, plain.classes[library])


def test_nothing_found_is_nothing_suppressed():
    nothing = Prediction(np.full((3, 1), -9, np.float32), np.full((3, 4), 0.5, np.float32), (9, 9), ("a",), 0.5)
    assert len(postprocess(nothing, 0.5)) == 0


def test_traced_points_reproduce_the_cross_attention():
    """Output of a layer = output projection of the weighted features at the traced points (Deformable DETR, eq. 2)."""
    detector = tiny_detector()
    layer = detector.network.model.decoder.layers[0].cross_attn
    seen = {}
    hook = layer.register_forward_hook(
        lambda _, __, keywords, output: seen.update(memory=keywords["encoder_hidden_states"], output=output[0]),
        with_kwargs=True,
    )
    image = np.random.default_rng(1).integers(0, 256, (56, 56, 3), np.uint8)
    trace = trace_detection(detector, image)
    hook.remove()
    with torch.no_grad():
        value = layer.value_proj(seen["memory"])[0].view(4, 4, 4, 8).permute(2, 3, 0, 1)  # head, channel, row, column
        points = torch.from_numpy(trace.points_xy[0]).permute(1, 0, 2, 3) * 2 - 1  # head, query, point, xy
        sampled = grid_sample(value, points, align_corners=False)  # head, channel, query, point
        weights = torch.from_numpy(trace.weights[0]).permute(1, 0, 2)[:, None]
        heads = (sampled * weights).sum(-1).permute(2, 0, 1).flatten(1)
        torch.testing.assert_close(layer.output_proj(heads), seen["output"][0], atol=1e-5, rtol=1e-4)


def test_live_video_in_bfloat16_answers_as_float32_does():
    """On the embedded model and one of our scenes: the same objects, scores and boxes within a few hundredths."""
    from models import runtime
    from models.detection.network import detect, load_detector
    from models.images import read_image

    image = read_image("assets/media/detection-1.png")
    detector = runtime.load("rf-detr-s14-objects", load_detector).network
    full, live = (detect(detector, image, 0.6, reduced=reduced) for reduced in (False, True))
    assert sorted(live.names) == sorted(full.names)
    for name in set(full.classes):
        one, other = (found.take(found.classes == name) for found in (full, live))
        np.testing.assert_allclose(other.pixels((480, 640))[0], one.pixels((480, 640))[0], atol=4)
        assert abs(float(other.scores[0] - one.scores[0])) < 0.05
