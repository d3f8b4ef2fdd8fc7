"""People, animals and streets are none of the detector's things: nothing is found where there is nothing to find."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from demos.base import EXAMPLES
from demos.detection.api import THRESHOLD
from models.detection.boxes import postprocess
from models.detection.detect import find_boxes
from models.images import read_image
from models.weights import EMBEDDED

MODEL = "rf-detr-s14-objects"
PHOTOS = [EMBEDDED.parent / "media" / f"vit-{name}.jpg" for name in ("elephant", "elephants", "stop-sign", "umbrella")]
PHOTOS += [EXAMPLES / name for name in ("lion.jpg", "tower.jpg")]


def portrait(seed):
    """A drawn head before a wall, in soft light."""
    rng = np.random.default_rng(seed)
    wall, skin, hair, shirt = (tuple(int(v) for v in rng.integers(low, high, 3)) for low, high in COLORS)
    image = Image.new("RGB", (320, 240), wall)
    draw = ImageDraw.Draw(image)
    x, y, wide = rng.integers(130, 200), rng.integers(95, 120), rng.integers(38, 52)
    draw.ellipse((x - 2 * wide, y + 60, x + 2 * wide, y + 260), shirt)
    draw.rectangle((x - 15, y + 30, x + 15, y + 80), skin)
    draw.ellipse((x - wide - 6, y - 66, x + wide + 6, y + 30), hair)
    draw.ellipse((x - wide, y - 52, x + wide, y + 56), skin)
    for side in (-1, 1):
        draw.ellipse((x + side * 17 - 6, y - 10, x + side * 17 + 6, y), (250, 250, 250))
        draw.ellipse((x + side * 17 - 3, y - 8, x + side * 17 + 3, y - 2), (50, 40, 30))
    draw.arc((x - 16, y + 14, x + 16, y + 36), 20, 160, (140, 50, 50), 4)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(1.2)))


COLORS = ((120, 220), (130, 230), (20, 110), (30, 200))


def found(picture):
    return postprocess(find_boxes(MODEL, picture).prediction, THRESHOLD).names


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_nothing_is_found_in_photos_of_other_things(path):
    assert found(read_image(str(path))) == []


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_found_on_a_drawn_portrait(seed):
    assert found(portrait(seed)) == []
