"""The exported graph against PyTorch: the same numbers in float32, the same objects in bfloat16 and in 8 bits."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from models import runtime
from models.detection import eight_bits
from models.detection.boxes import postprocess
from models.detection.export import Exported, _openvino, exported_folder
from models.detection.fastest import precisions
from models.detection.network import load_detector, predict
from models.errors import WeightsError
from models.images import read_image

NAME = "rf-detr-s14-objects"
PICTURES = ["detection-1", "detection-2", "detection-3"]


@pytest.fixture(scope="module")
def detector():
    return runtime.load(NAME, load_detector).network


@pytest.fixture(scope="module")
def exported(detector):
    folder = exported_folder(NAME)
    return {precision: Exported(folder, detector, precision) for precision in precisions(folder)}


def answers(picture, run):
    return postprocess(run(read_image(f"assets/media/{picture}.png")), 0.3)


@pytest.mark.parametrize("picture", PICTURES)
def test_in_float32_the_export_gives_pytorchs_numbers(detector, exported, picture):
    expected = answers(picture, lambda image: predict(detector, image))
    found = answers(picture, exported["float32"].predict)
    assert len(expected) >= 3
    assert found.classes.tolist() == expected.classes.tolist()
    np.testing.assert_allclose(found.scores, expected.scores, atol=2e-3)
    np.testing.assert_allclose(found.corners, expected.corners, atol=2e-4)


@pytest.mark.parametrize(("precision", "off_by"), [("bfloat16", 0.1), ("8 bits", 0.4)])
@pytest.mark.parametrize("picture", PICTURES)
def test_reduced_the_export_finds_the_same_objects(detector, exported, picture, precision, off_by):
    """Rounding may swap which proposals become queries, and with them the score of an object that few can answer."""
    if precision not in exported:
        pytest.skip("no bfloat16 in this processor")
    expected = answers(picture, lambda image: predict(detector, image))
    found = answers(picture, exported[precision].predict)
    for index in np.flatnonzero(expected.scores > 0.55):
        same = np.flatnonzero(found.classes == expected.classes[index])
        distance = np.abs(found.corners[same] - expected.corners[index]).max(1)
        assert distance.min() < 0.01
        assert abs(found.scores[same[distance.argmin()]] - expected.scores[index]) < off_by


@pytest.mark.parametrize("smooth", [False, True])
def test_eight_bits_are_what_their_scales_say(tmp_path, smooth):
    """A product of matrices by OpenVINO against whole numbers times their scales, by hand."""
    generator = np.random.default_rng(0)
    weights = generator.normal(size=(5, 8)).astype(np.float32)
    values = generator.normal(size=(1, 3, 8)).astype(np.float32)
    scale = generator.uniform(0.5, 2, 8).astype(np.float32) if smooth else np.ones(8, np.float32)
    kept = {"output/values": np.array([-2, 2], np.float32)} | ({"smooth/values": scale} if smooth else {})
    save_file(kept, tmp_path / eight_bits.FILE, {"weights": '["product"]'})
    found = run(product_of(weights), tmp_path / eight_bits.FILE, values)

    weights_, values_ = weights / scale, values * scale
    step, steps = 4 / 255, np.abs(weights_).max(1, keepdims=True) / 127
    rounded = np.round((values_.clip(-2, 2) + 2) / step) * step - 2
    expected = rounded @ (np.round(weights_ / steps) * steps).T
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(found - values @ weights.T).max() > 1e-3


def test_what_is_kept_of_another_graph_is_refused(tmp_path):
    save_file({"output/absent": np.zeros(2, np.float32)}, tmp_path / eight_bits.FILE, {"weights": "[]"})
    with pytest.raises(WeightsError, match="absent is not in this one"):
        eight_bits.insert_rounding(product_of(np.eye(2, dtype=np.float32)), tmp_path / eight_bits.FILE)


def product_of(weights):
    openvino = _openvino()
    opset = openvino.opset13
    values = opset.parameter([-1, -1, weights.shape[1]], np.float32, name="values")
    product = opset.matmul(values, opset.constant(weights), False, True, name="product")
    return openvino.Model([product], [values])


def run(model, file, values):
    eight_bits.insert_rounding(model, file)
    return _openvino().Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})({0: values})[0]
