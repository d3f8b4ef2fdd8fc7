"""Look closer: the same network on the whole picture and on parts of it, and all its answers as one.

Every picture is squashed to the same small square, so that in a part of it things are larger, and what covers one or
two patches of the whole covers more of them (Akyon et al. 2022, "Slicing Aided Hyper Inference and Fine-tuning for
Small Object Detection", arXiv 2202.06934).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.compute import Run, compute, run_of
from models.detection.boxes import Boxes, Prediction, kept_by_suppression, postprocess
from models.detection.detect import load
from models.detection.network import Detector, predict_all

SHARE = 0.6
"""Sides of a part, as a share of the picture's: neighbouring parts have a fifth of the picture in common."""
WINDOWS = np.array(
    [
        [0, 0, 1, 1],
        [0, 0, SHARE, SHARE],
        [1 - SHARE, 0, 1, SHARE],
        [0, 1 - SHARE, SHARE, 1],
        [1 - SHARE, 1 - SHARE, 1, 1],
    ],
    np.float32,
)
"""The whole picture and its four parts `[5, 4]`: left, top, right, bottom as shares of the picture."""
CUT = 0.008
"""A box that ends so near to where its part was cut, as a share of the picture, is taken for one of a thing cut off."""
OVERLAP = 0.5
"""Boxes of a class that overlap by more than this are one thing, seen twice."""


@dataclass(frozen=True)
class Closer:
    """All answers as one. boxes: best first, as shares of the whole picture; windows `[N]` int: which of `WINDOWS` each
    comes from. whole: those of the picture as a whole, as ever. run: the time of the four parts alone.
    """

    boxes: Boxes
    windows: np.ndarray
    whole: Boxes
    run: Run


@compute
def look_closer(model: str, image: np.ndarray, whole: Prediction) -> Closer:
    """Ask a detector about the four parts of a picture `(H, W, 3)` uint8 too, after `whole`, what it says of all."""
    loaded, start = load(model), time.perf_counter()
    parts = predict_all(loaded.network, [cut_out(image, window) for window in WINDOWS[1:]])
    boxes, windows = together([whole, *parts])
    return Closer(boxes, windows, postprocess(whole, 0.0), run_of(loaded, time.perf_counter() - start))


def detect_closer(detector: Detector, image: np.ndarray) -> Boxes:
    """Boxes of a picture `(H, W, 3)` uint8 and of its parts, as one, with any score."""
    return together(predict_all(detector, [cut_out(image, window) for window in WINDOWS]))[0]


def cut_out(image: np.ndarray, window: np.ndarray) -> np.ndarray:
    """The part of a picture `(H, W, 3)` uint8 inside of a window; at least one pixel."""
    height, width = image.shape[:2]
    left, top, right, bottom = np.round(window * [width, height, width, height]).astype(int)
    top, left = min(top, height - 1), min(left, width - 1)
    return image[top : max(bottom, top + 1), left : max(right, left + 1)]


def together(predictions: Sequence[Prediction]) -> tuple[Boxes, np.ndarray]:
    """What is said of each of `WINDOWS` as one answer about the whole picture; which window each box comes from `[N]`.

    Boxes that end where their part was cut are left out: the thing goes on there. Of boxes of a class that overlap, the
    surest stays.
    """
    found = [_in_the_whole(postprocess(one, 0.0), window) for one, window in zip(predictions, WINDOWS, strict=True)]
    windows = np.repeat(np.arange(len(found)), [len(one) for one in found])
    corners, scores, classes, queries = (
        np.concatenate([getattr(one, part) for one in found]) for part in ("corners", "scores", "classes", "queries")
    )
    several = Boxes(corners, scores, classes, queries, predictions[0].labels)
    best = np.argsort(-several.scores, kind="stable")
    several, windows = several.take(best), windows[best]
    kept = kept_by_suppression(several, OVERLAP)
    return several.take(kept), windows[kept]


def _in_the_whole(found: Boxes, window: np.ndarray) -> Boxes:
    """Boxes of a part as shares of the whole picture, without those that the part cuts off."""
    origin, size = np.tile(window[:2], 2), np.tile(window[2:] - window[:2], 2)
    moved = replace(found, corners=(origin + found.corners * size).astype(np.float32))
    inner = np.concatenate([window[:2] > 0, window[2:] < 1])
    cut = (np.abs(moved.corners - window) < CUT) & inner
    return moved.take(np.flatnonzero(~cut.any(1)))
