"""Several calls computed as one batch give what they give one by one, within 1e-4 of every number."""

import numpy as np
import pytest
from PIL import Image

from demos.base import EXAMPLES
from models.compute import BATCHES

pytestmark = pytest.mark.slow

TOLERANCE = 1e-4
PICTURES = [np.asarray(Image.open(EXAMPLES / name).convert("RGB")) for name in ("lion.jpg", "cheetah1.jpg", "bus.png")]


def test_pictures_are_classified_in_one_pass():
    from models.vit.trace import classify_picture, classify_pictures

    calls = [("vit-s14-caltech101", picture, count) for picture, count in zip(PICTURES, (3, 5, 101), strict=True)]
    for together, call in zip(classify_pictures(calls), calls, strict=True):
        alone = classify_picture(*call)
        assert [name for name, _ in together.top] == [name for name, _ in alone.top]
        assert [one for _, one in together.top] == pytest.approx([one for _, one in alone.top], abs=TOLERANCE)


def test_boxes_are_found_in_one_pass():
    from models.detection.detect import find_boxes, find_boxes_of_all

    calls = [("rf-detr-s14-objects", picture) for picture in PICTURES]
    for together, call in zip(find_boxes_of_all(calls), calls, strict=True):
        alone = find_boxes(*call)
        np.testing.assert_allclose(together.prediction.boxes_cxcywh, alone.prediction.boxes_cxcywh, atol=TOLERANCE)
        np.testing.assert_allclose(together.prediction.logits, alone.prediction.logits, atol=10 * TOLERANCE)
        assert together.prediction.size == alone.prediction.size


def test_these_are_all_there_are():
    assert set(BATCHES) >= {"models.vit.trace.classify_picture", "models.detection.detect.find_boxes"}
