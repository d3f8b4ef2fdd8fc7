"""Copies of a scene as pictures come to be on their way: resampled, compressed, with an edge cut off.

A screenshot is a bilinear enlargement, a picture sent along is a JPEG. What is seen stays, its pixels do not.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from models.sequences.caption.scenes import HEIGHT, WIDTH
from models.sequences.caption.trace import fit

NEAREST, BILINEAR, BICUBIC, LANCZOS = (
    Image.Resampling.NEAREST,
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)
FILTERS = (NEAREST, BILINEAR, BICUBIC, LANCZOS)
MAX_CUT = 3
LARGEST, SMALLEST = 4.0, 0.75
QUALITIES = (60, 95)


def resampled(picture: np.ndarray, scale: float, method: Image.Resampling) -> np.ndarray:
    """`picture` (height, width, 3) uint8, its sides `scale` times as long."""
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    return np.asarray(Image.fromarray(picture).resize((width, height), method))


def compressed(picture: np.ndarray, quality: int) -> np.ndarray:
    """`picture` (height, width, 3) uint8 written as JPEG of this quality (1 to 95) and read again."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def altered(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A scene (72, 96, 3) uint8 cut, resampled and compressed by chance, then fitted as the network reads pictures."""
    if rng.random() < 0.5:
        top, bottom, left, right = rng.integers(0, MAX_CUT + 1, 4)
        picture = np.ascontiguousarray(picture[top : HEIGHT - bottom, left : WIDTH - right])
    if rng.random() < 0.6:
        scale = float(rng.integers(2, 5)) if rng.random() < 0.5 else rng.uniform(SMALLEST, LARGEST)
        picture = resampled(picture, scale, FILTERS[rng.integers(len(FILTERS))])
    if rng.random() < 0.6:
        picture = compressed(picture, int(rng.integers(QUALITIES[0], QUALITIES[1] + 1)))
    return fit(picture)


def _resampling(scale: int, method: Image.Resampling) -> Callable[[np.ndarray], np.ndarray]:
    return lambda picture: fit(resampled(picture, scale, method))


MEASURED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "bilinear_x2": _resampling(2, BILINEAR),
    "bicubic_x2": _resampling(2, BICUBIC),
    "lanczos_x4": _resampling(4, LANCZOS),
    "jpeg_75": lambda picture: fit(compressed(picture, 75)),
}
