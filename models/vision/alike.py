"""Which pictures are copies of one another: sent twice, saved anew, made larger or brighter, mirrored."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

SIDE, COLOR_SIDE = 16, 4
FLAT = 1.0
COPY = 0.97
"""Correlation of two thumbnails from which on they show one picture: that of a picture saved anew or scaled is higher,
that of frames in which a thing has moved lower."""
SAME_COLOR = 12.0
"""Mean difference, of 255, up to which colours are those of one picture."""


def looks(images: Sequence[np.ndarray]) -> np.ndarray:
    """Grey thumbnails `(N, 256)` float32 of `(height, width, 3)` uint8 pictures, of mean 0 and length 1.

    Their products are correlations: brightness and contrast do not count. Of a picture of one grey, it is whether that
    is dark or bright.
    """
    grey = np.stack([_thumbnail(image, "L", SIDE).ravel() for image in images])
    centred = grey - grey.mean(1, keepdims=True)
    flat = centred.std(1) < FLAT
    centred[flat] = grey[flat] - 127.5
    return centred / np.linalg.norm(centred, axis=1, keepdims=True)


def mirrored(rows: np.ndarray) -> np.ndarray:
    """The same of the mirror images."""
    return rows.reshape(-1, SIDE, SIDE)[:, :, ::-1].reshape(rows.shape)


def kinds(images: Sequence[np.ndarray]) -> np.ndarray:
    """`(N,)` int: for each picture the place of the first one that it is a copy of, else its own place."""
    if not images:
        return np.zeros(0, int)
    rows = looks(images)
    colors = np.stack([_thumbnail(image, "YCbCr", COLOR_SIDE)[..., 1:] for image in images])
    as_stored = (rows @ rows.T > COPY) & _same_color(colors, colors)
    turned = (rows @ mirrored(rows).T > COPY) & _same_color(colors, colors[:, :, ::-1])
    alike = as_stored | turned
    found = np.arange(len(images))
    for place in range(1, len(images)):
        earlier = np.flatnonzero(alike[place, :place])
        if len(earlier):
            found[place] = found[earlier[0]]
    return found


def _same_color(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.abs(some[:, None] - others[None]).mean((2, 3, 4)) < SAME_COLOR


def _thumbnail(image: np.ndarray, mode: str, side: int) -> np.ndarray:
    small = Image.fromarray(image).convert(mode).resize((side, side), Image.Resampling.BOX)
    return np.asarray(small, np.float32)
