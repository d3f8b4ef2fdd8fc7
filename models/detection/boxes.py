"""The form of boxes, and how a network's raw answer becomes them.

A network speaks of centre and size, `boxes_cxcywh`, as shares of the picture, and its boxes may reach out of it: that
is kept where its arithmetic is shown (`Prediction`, `trace.py`). Everywhere else boxes have one form, that of `Boxes`:
corners as shares of the picture, inside of it. Pixels are made of them last, where a file or an answer needs them.
"""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Prediction:
    """What the network says about one picture before any threshold.

    `logits` (queries, classes) float32, before the sigmoid; `boxes_cxcywh` (queries, 4) float32, centre and size as
    shares of the picture; `size` (height, width) of the picture in pixels; `labels` by class index. `overlap`: a box
    that overlaps a surer one of its class by more than this is taken for a duplicate; None: there is no suppression,
    as the network has learnt to make none.
    """

    logits: np.ndarray
    boxes_cxcywh: np.ndarray
    size: tuple[int, int]
    labels: tuple[str, ...]
    overlap: float | None = None


@dataclass(frozen=True)
class Boxes:
    """Boxes in one picture, best first.

    corners: `[N, 4]` float32, left, top, right, bottom as shares of the picture, 0 to 1.
    scores: `[N]` float32, 0 to 1. classes: `[N]` int, indices into `labels`. queries: `[N]` int, where each came from.
    ids: `[N]` int, of a track, -1 where there is none yet; None where nothing is tracked.
    """

    corners: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    queries: np.ndarray
    labels: tuple[str, ...]
    ids: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def names(self) -> list[str]:
        """The class of each box in words."""
        return [self.labels[index] for index in self.classes]

    def take(self, which: np.ndarray) -> "Boxes":
        """Those of some indices, or where a mask is true."""
        ids = None if self.ids is None else self.ids[which]
        corners, scores, classes, queries = (
            array[which] for array in (self.corners, self.scores, self.classes, self.queries)
        )
        return replace(self, corners=corners, scores=scores, classes=classes, queries=queries, ids=ids)

    def pixels(self, size: tuple[int, int]) -> np.ndarray:
        """`[N, 4]` float32, left, top, right, bottom in pixels of a picture of `size` (height, width)."""
        height, width = size
        return self.corners * np.array([width, height, width, height], np.float32)


def postprocess(prediction: Prediction, threshold: float) -> Boxes:
    """The most probable (query, class) pairs with a score above `threshold`, best first.

    Score = sigmoid(logit). As many pairs as there are queries are looked at, so one query may answer with two classes.
    Boxes end where the picture ends; those that lie outside of it altogether are left out. Duplicates are suppressed
    only where the prediction says by which `overlap` they are told.
    """
    queries, classes = prediction.logits.shape
    scores = 1 / (1 + np.exp(-prediction.logits.astype(np.float64).reshape(-1)))
    best = np.argsort(-scores, kind="stable")[:queries]
    best = best[scores[best] > threshold]
    shares = corners(prediction.boxes_cxcywh[best // classes]).clip(0, 1).astype(np.float32)
    inside = (shares[:, 2:] > shares[:, :2]).all(1)
    best, shares = best[inside], shares[inside]
    found = Boxes(shares, scores[best].astype(np.float32), best % classes, best // classes, prediction.labels)
    return found if prediction.overlap is None else found.take(kept_by_suppression(found, prediction.overlap))


def kept_by_suppression(boxes: Boxes, overlap: float) -> np.ndarray:
    """What greedy non-maximum suppression leaves, class by class: indices, best first (OpenCV's `NMSBoxesBatched`)."""
    import cv2  # not needed to draw what was found

    left_top_size = np.concatenate([boxes.corners[:, :2], boxes.corners[:, 2:] - boxes.corners[:, :2]], -1)
    kept = cv2.dnn.NMSBoxesBatched(
        left_top_size.astype(float).tolist(), boxes.scores.tolist(), boxes.classes.tolist(), 0.0, overlap
    )
    return np.sort(np.asarray(kept, int).reshape(-1))


def corners(boxes_cxcywh: np.ndarray) -> np.ndarray:
    """(..., 4) centre, size to (..., 4) left, top, right, bottom."""
    centre, half = boxes_cxcywh[..., :2], boxes_cxcywh[..., 2:] / 2
    return np.concatenate([centre - half, centre + half], -1)


def overlaps(boxes: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Intersection over union of corners `(N, 4)` with one box `(4,)`."""
    low, high = np.maximum(boxes[:, :2], other[:2]), np.minimum(boxes[:, 2:], other[2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=-1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1)
    return shared / np.maximum(areas + np.prod(other[2:] - other[:2]) - shared, 1e-12)
