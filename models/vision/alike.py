"""Which pictures are copies of one another: sent twice, saved anew, made larger or brighter, mirrored, or taken by a
webcam that hardly moved.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageFilter

SIDE, COLOR_SIDE, MOVED_SIDE, BLOCK = 16, 4, 24, 3
FLAT = 1.0
COPY = 0.97
"""Correlation of two thumbnails from which on they show one picture: that of a picture saved anew or scaled is higher,
that of frames in which a thing has moved lower."""
ROUGH, ROUGH_COPY = 0.25, 0.75
"""Below that correlation of neighbouring pixels a thumbnail is noise, and so correlates with that of no other picture:
there a copy is told by less, as scaling and compression spoil more of it."""
LEFT_OVER = 0.6
"""Most that a block of one frame may differ from what a little movement of the camera makes of the other, in standard
deviations: set on webcam frames by `python -m models.recipes.vit.copies` (docs/copies.md)."""
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
    """`(N,)` int: for each picture the place of the first one that it is a copy of, else its own place.

    Copies of copies count too, so that no two pictures of different kinds are alike.
    """
    if not images:
        return np.zeros(0, int)
    rows = looks(images)
    colors = np.stack([_thumbnail(image, "YCbCr", COLOR_SIDE)[..., 1:] for image in images])
    needed = np.where(_smoothness(rows) < ROUGH, ROUGH_COPY, COPY)
    needed = np.maximum(needed, needed[:, None])
    as_stored = (rows @ rows.T > needed) & _same_color(colors, colors)
    turned = (rows @ mirrored(rows).T > needed) & _same_color(colors, colors[:, :, ::-1])
    alike = as_stored | turned | (_one_camera(images) & _same_color(colors, colors))
    found, before = np.arange(len(images)), None
    while before is None or (found != before).any():
        before, found = found, np.where(alike, found, len(images)).min(1)
    return found


def _smoothness(rows: np.ndarray) -> np.ndarray:
    """`(N,)`: correlation of each pixel of a thumbnail with its neighbour on the right."""
    squares = rows.reshape(-1, SIDE, SIDE)
    return (squares[:, :, 1:] * squares[:, :, :-1]).sum((1, 2))


def _one_camera(images: Sequence[np.ndarray]) -> np.ndarray:
    """`(N, N)` bool: whether a camera that moved, turned or came nearer a little, or other light, explains a frame.

    To first order such a frame is a sum of the other one, a constant, its slopes and how it turns and grows
    (Lucas and Kanade 1981); what is left over is judged by its worst block, so that a thing that has changed counts.
    """
    frames = np.stack([_thumbnail(_soft(image), "L", MOVED_SIDE) for image in images])
    rows = frames.reshape(len(frames), -1).T
    blocks = MOVED_SIDE // BLOCK
    worst = np.empty((len(frames), len(frames)))
    for place, frame in enumerate(frames):
        parts = _little_movements(frame)
        left = rows - parts @ np.linalg.lstsq(parts, rows, rcond=None)[0]
        squares = np.square(left / (rows.std(0) + 1e-6)).T.reshape(-1, blocks, BLOCK, blocks, BLOCK)
        worst[place] = np.sqrt(squares.mean((2, 4)).max((1, 2)))
    steady = rows.std(0) > FLAT
    return (np.minimum(worst, worst.T) < LEFT_OVER) & steady & steady[:, None]


def _little_movements(frame: np.ndarray) -> np.ndarray:
    """`(pixels, 6)`: a frame, a constant, its slopes across and down, how it changes when it turns and grows."""
    down, across = np.gradient(frame)
    y, x = np.mgrid[: len(frame), : len(frame)] / len(frame) - 0.5
    parts = (frame, np.ones_like(frame), across, down, x * down - y * across, x * across + y * down)
    return np.stack(parts, -1).reshape(-1, len(parts))


def _soft(image: np.ndarray) -> np.ndarray:
    """Blurred by about one pixel of the thumbnail, so that slopes tell what a small shift does."""
    small = Image.fromarray(image).resize((4 * MOVED_SIDE, 4 * MOVED_SIDE), Image.Resampling.BOX)
    return np.asarray(small.filter(ImageFilter.GaussianBlur(4)))


def _same_color(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.abs(some[:, None] - others[None]).mean((2, 3, 4)) < SAME_COLOR


def _thumbnail(image: np.ndarray, mode: str, side: int) -> np.ndarray:
    small = Image.fromarray(image).convert(mode).resize((side, side), Image.Resampling.BOX)
    return np.asarray(small, np.float32)
