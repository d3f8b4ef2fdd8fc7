"""The exported graph against PyTorch: the same numbers in float32, the same objects in bfloat16."""

import numpy as np
import pytest

from models import runtime
from models.detection.boxes import postprocess
from models.detection.export import Exported, exported_folder
from models.detection.network import load_detector, predict
from models.images import read_image

NAME = "rf-detr-s14-objects"
PICTURES = ["detection-1", "detection-2", "detection-3"]


@pytest.fixture(scope="module")
def detector():
    return runtime.load(NAME, load_detector).network


@pytest.fixture(scope="module")
def exported(detector):
    folder = exported_folder(NAME)
    return {reduced: Exported(folder, detector, reduced=reduced) for reduced in (False, True)}


def answers(picture, run):
    return postprocess(run(read_image(f"assets/media/{picture}.png")), 0.3)


@pytest.mark.parametrize("picture", PICTURES)
def test_in_float32_the_export_gives_pytorchs_numbers(detector, exported, picture):
    expected = answers(picture, lambda image: predict(detector, image))
    found = answers(picture, exported[False].predict)
    assert len(expected) >= 3
    assert found.classes.tolist() == expected.classes.tolist()
    np.testing.assert_allclose(found.scores, expected.scores, atol=2e-3)
    np.testing.assert_allclose(found.corners, expected.corners, atol=2e-4)


@pytest.mark.skipif(not runtime.has_bfloat16(), reason="no bfloat16 in this processor")
@pytest.mark.parametrize("picture", PICTURES)
def test_in_bfloat16_the_export_finds_the_same_objects(detector, exported, picture):
    expected = answers(picture, lambda image: predict(detector, image))
    found = answers(picture, exported[True].predict)
    for index in np.flatnonzero(expected.scores > 0.55):
        same = np.flatnonzero(found.classes == expected.classes[index])
        distance = np.abs(found.corners[same] - expected.corners[index]).max(1)
        assert distance.min() < 0.01
        assert abs(found.scores[same[distance.argmin()]] - expected.scores[index]) < 0.1
